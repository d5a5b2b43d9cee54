//! Opens an export by what it is and yields its rows in chunks.
//!
//! In goes a file or standard input, whatever its name, compression, encoding and format; out come a header, what was
//! found out about the file, and chunks of rows. Text of any size is streamed: only a workbook is read whole. A file that
//! is no export is an [`OpenError`]; what is wrong with a row is a finding in its chunk, and the rows after it are read.

mod about;
mod archive;
mod bytes;
mod chunk;
mod content;
mod delimited;
mod delimiter;
mod encoding;
mod error;
mod expand;
mod footer;
mod halt;
mod held;
mod input;
mod json;
mod record;
mod stream;
mod text;
mod xlsx;

use std::collections::VecDeque;
use std::sync::Arc;

use encoding_rs::Encoding;

pub(crate) use about::{About, Format};
pub(crate) use chunk::{Chunk, Header, Row};
pub(crate) use encoding::EncodingEvidence;
pub(crate) use error::{OpenError, ReadError};
pub(crate) use expand::{Expanded, expand};
pub(crate) use input::{Given, Input};
pub(crate) use json::looks_like_json;
pub(crate) use stream::StopReading;

use bytes::Opened;
use content::Content;
use delimited::Delimited;
use held::HeldFile;
use json::Json;
use text::Text;

/// What the settings say about reading; nothing said is detected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The format; content that contradicts it is an error.
    pub format: Option<Format>,
    /// The delimiter of CSV.
    pub delimiter: Option<u8>,
    /// The columns of CSV that comes without a header; empty where the header is in the file.
    pub header: Vec<String>,
    /// The encoding of text.
    pub encoding: Option<&'static Encoding>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether rows keep the text of their JSON record, for the rejects file.
    pub keep_records: bool,
    /// Ends the reading of what may keep its reader waiting for ever.
    pub stop: StopReading,
}

/// An opened export.
pub(crate) struct Source {
    /// The columns known so far. JSON may bring more; each chunk has the header that fits it.
    pub header: Arc<Header>,
    /// What was found out about the file.
    pub about: About,
    input: Input,
    rows: Rows,
    /// The first rows, read when the export was opened.
    first: Option<Chunk>,
    held: Option<Arc<HeldFile>>,
}

/// A file that can be read once more from its beginning, through the descriptor it was opened with.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    input: Input,
    settings: Settings,
    held: Arc<HeldFile>,
}

impl Again {
    /// Reads the file from its beginning. Earlier readings of it must be over.
    ///
    /// # Errors
    ///
    /// As [`Source::open`], and when it changed since the first opening.
    pub(crate) fn open(&self) -> Result<Source, OpenError> {
        let opened = bytes::again(&self.input, &self.held)?;
        Source::from_opened(&self.input, &self.settings, opened)
    }
}

/// So much of a number of bytes.
fn part(bytes: u64, share: f64) -> u64 {
    (bytes as f64 * share) as u64
}

enum Rows {
    Delimited(Box<Delimited>),
    Json(Box<Json>),
    Sheet {
        header: Arc<Header>,
        chunks: VecDeque<Chunk>,
        /// How many there were.
        all: usize,
    },
}

impl Source {
    /// Opens an input, finds out what it is and reads its first rows.
    ///
    /// # Errors
    ///
    /// When it cannot be read, holds no table, or no row.
    pub(crate) fn open(input: &Input, settings: &Settings) -> Result<Source, OpenError> {
        Source::from_opened(input, settings, bytes::open(input, &settings.stop)?)
    }

    fn from_opened(
        input: &Input,
        settings: &Settings,
        opened: Opened,
    ) -> Result<Source, OpenError> {
        let mut about = About::new(&opened);
        let held = opened.held.clone();
        let rows = match content::of(&opened.sample) {
            Content::Workbook => open_workbook(input, settings, opened, &mut about)?,
            Content::Other { found, help } => {
                return Err(OpenError::NotAnExport {
                    input: input.clone(),
                    found,
                    help,
                });
            }
            Content::Archive => {
                return Err(OpenError::NotAnExport {
                    input: input.clone(),
                    found: "a zip archive",
                    help: content::UNPACK,
                });
            }
            Content::Text => open_text(input, settings, opened, &mut about)?,
        };
        let mut source = Source {
            header: Arc::default(),
            about,
            input: input.clone(),
            rows,
            first: None,
            held,
        };
        let mut first = Chunk::default();
        source.read(&mut first)?;
        if first.header.columns.is_empty() && !first.is_empty() {
            let (found, help) = (
                "text in which no row can be read",
                "check the file, or export again as CSV, XLSX or JSON",
            );
            return Err(OpenError::NotAnExport {
                input: input.clone(),
                found,
                help,
            });
        }
        if first.is_empty() && first.findings.is_empty() {
            return Err(OpenError::NoRows {
                input: input.clone(),
            });
        }
        source.header = Arc::clone(&first.header);
        if let Rows::Json(json) = &source.rows {
            source.about.records_at = json.records_at().map(str::to_owned);
        }
        source.first = Some(first);
        Ok(source)
    }

    /// Fills `chunk`, whose buffers are reused, with the next rows; false when there are none left.
    ///
    /// # Errors
    ///
    /// When bytes stop coming in the middle of the file, or the compressed file is damaged.
    pub(crate) fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, ReadError> {
        match self.first.take() {
            Some(first) => {
                *chunk = first;
                Ok(true)
            }
            None => self.read(chunk),
        }
    }

    /// How many bytes of the file, as they lie on disk, have come out as rows; 0 for what is no regular file.
    pub(crate) fn position(&self) -> u64 {
        let Some(held) = &self.held else { return 0 };
        match &self.rows {
            // A workbook is read whole when it is opened.
            Rows::Sheet { chunks, all, .. } => {
                let out = (all - chunks.len()) as u128;
                (u128::from(held.size()) * out / (*all).max(1) as u128) as u64
            }
            // What is read ahead of the rows is not done yet.
            Rows::Delimited(table) => part(held.reached(), table.used_share()),
            Rows::Json(records) => part(held.reached(), records.used_share()),
        }
    }

    /// What it takes to read the file again; none for what can be read only once, such as standard input and pipes.
    pub(crate) fn again(&self, settings: &Settings) -> Option<Again> {
        Some(Again {
            input: self.input.clone(),
            settings: settings.clone(),
            held: self.held.clone()?,
        })
    }

    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, ReadError> {
        chunk.clear();
        let (read, row) = match &mut self.rows {
            Rows::Delimited(table) => {
                let read = table.fill(chunk);
                chunk.header = Arc::clone(table.header());
                (read, table.row())
            }
            Rows::Json(json) => {
                let read = json.fill(chunk);
                chunk.header = Arc::clone(json.header());
                (read, json.row())
            }
            Rows::Sheet { header, chunks, .. } => {
                chunk.header = Arc::clone(header);
                if let Some(next) = chunks.pop_front() {
                    *chunk = next;
                }
                return Ok(chunk.has_news());
            }
        };
        read.map_err(|error| {
            ReadError::new(&self.input, self.about.compression.is_some(), row, error)
        })?;
        chunk.clean();
        Ok(chunk.has_news())
    }
}

fn open_workbook(
    input: &Input,
    settings: &Settings,
    opened: Opened,
    about: &mut About,
) -> Result<Rows, OpenError> {
    about.format = Format::Xlsx;
    if !settings.header.is_empty() {
        return Err(OpenError::Header {
            input: input.clone(),
            found: "a workbook",
        });
    }
    if let Some(asked) = settings.format.filter(|asked| *asked != Format::Xlsx) {
        return Err(OpenError::OtherFormat {
            input: input.clone(),
            asked: asked.name(),
            found: "an XLSX workbook",
        });
    }
    let sheet = xlsx::open(input, opened.bytes, settings.sheet.as_deref())?;
    about.sheet = Some(sheet.name);
    about.rows_above_header = sheet.rows_above_header;
    about.other_sheets = sheet.others;
    about.hidden_sheets = sheet.hidden;
    Ok(Rows::Sheet {
        header: sheet.header,
        all: sheet.chunks.len(),
        chunks: sheet.chunks,
    })
}

fn open_text(
    input: &Input,
    settings: &Settings,
    opened: Opened,
    about: &mut About,
) -> Result<Rows, OpenError> {
    let is_compressed = opened.compression.is_some();
    let broken = |error| ReadError::new(input, is_compressed, 0, error);
    let detected = encoding::detect(&opened.sample, settings.encoding);
    about.encoding = Some((detected.encoding.name(), detected.evidence));
    let mut text = Text::new(opened.bytes, detected).map_err(broken)?;
    text.more().map_err(broken)?;
    if text.rest().trim().is_empty() && text.has_ended() {
        return Err(OpenError::Empty {
            input: input.clone(),
        });
    }
    if let Content::Other { found, help } = content::of_text(text.rest()) {
        return Err(OpenError::NotAnExport {
            input: input.clone(),
            found,
            help,
        });
    }
    let is_json = json::looks_like_json(text.rest());
    let found = if is_json { "JSON" } else { "delimited text" };
    let other_format = |asked: Format| OpenError::OtherFormat {
        input: input.clone(),
        asked: asked.name(),
        found,
    };
    about.format = match settings.format {
        Some(asked @ Format::Xlsx) => return Err(other_format(asked)),
        Some(asked @ Format::Json) if !is_json => return Err(other_format(asked)),
        Some(asked) => asked,
        None if !is_json => Format::Csv,
        None => match json::layout_of(text.rest(), text.has_ended()) {
            json::Layout::Lines => Format::Ndjson,
            json::Layout::Values => Format::Json,
        },
    };
    let is_json = matches!(about.format, Format::Json | Format::Ndjson);
    if is_json && !settings.header.is_empty() {
        return Err(OpenError::Header {
            input: input.clone(),
            found: "JSON",
        });
    }
    let keep_records = settings.keep_records;
    let json = |text, layout| Rows::Json(Box::new(Json::new(text, layout, keep_records)));
    Ok(match about.format {
        Format::Json => json(text, json::Layout::Values),
        Format::Ndjson => json(text, json::Layout::Lines),
        Format::Csv | Format::Tsv | Format::Xlsx => open_delimited(input, settings, text, about)?,
    })
}

fn open_delimited(
    input: &Input,
    settings: &Settings,
    text: Text,
    about: &mut About,
) -> Result<Rows, OpenError> {
    let given = settings
        .delimiter
        .or((about.format == Format::Tsv).then_some(b'\t'));
    if given.is_some_and(|delimiter| !delimiter::is_possible(delimiter)) {
        return Err(OpenError::Delimiter);
    }
    let is_compressed = about.compression.is_some();
    let (table, layout) = Delimited::open(text, given, &settings.header)
        .map_err(|error| ReadError::new(input, is_compressed, 0, error))?;
    about.delimiter = Some(layout.delimiter);
    about.declares_delimiter = layout.is_declared;
    about.rows_above_header = layout.rows_above_header;
    if layout.delimiter == b'\t' {
        about.format = Format::Tsv;
    }
    Ok(Rows::Delimited(Box::new(table)))
}

#[cfg(test)]
mod tests;
