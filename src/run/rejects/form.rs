//! How rejected rows are written: as delimited text under the input's heading, or as one JSON record per line.

use std::ops::Range;

use anyhow::{Result, bail};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::run::Feed;
use crate::source::{EncodingEvidence, Format, Row};

/// The columns that are added. They are no fields, so the file can be read again as it is.
const ADDED: [&str; 3] = ["crm2capi_problem", "crm2capi_help", "crm2capi_row"];

/// Whether a file has the columns that are added, whatever the others are.
pub(super) fn is_of_rejects(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    ADDED.iter().all(|column| first.contains(column))
}

/// Excel takes a text for UTF-8 only when it begins with this.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The form of a file.
pub(super) enum Form {
    /// Delimited text.
    Delimited {
        delimiter: u8,
        /// The input's columns that are kept, and their headings.
        columns: Vec<(u32, String)>,
        /// The columns of an earlier problem and row, where the input is an older rejects file, corrected.
        earlier: Option<[u32; 2]>,
        /// Whether the file begins with the mark of UTF-8.
        is_marked: bool,
    },
    /// One JSON record per line.
    Ndjson,
}

/// What the file is to hold of a row, and what it was known as in an older file.
pub(super) struct KeptRow {
    /// Its cells, or the text of its JSON record.
    pub cells: Vec<String>,
    /// The problem and the number it had there.
    pub earlier: Option<String>,
}

/// A row of a file that was read back.
#[derive(Debug)]
pub(super) struct WrittenRow {
    /// Where its bytes are.
    pub bytes: Range<usize>,
    /// What it holds, without what was added.
    pub content: Vec<u8>,
    /// The problem and the number that were added.
    pub known_as: String,
}

/// A row and why it was refused.
pub(super) struct Refused<'a> {
    pub cells: &'a [String],
    pub problem: String,
    pub help: String,
    pub number: u64,
}

impl Form {
    /// The form that fits the inputs.
    ///
    /// # Errors
    /// They have different columns.
    pub(super) fn of(feeds: &[Feed]) -> Result<Self> {
        let Some(first) = feeds.first() else {
            bail!("there is nothing to read")
        };
        let is_json = |feed: &Feed| matches!(feed.about.format, Format::Json | Format::Ndjson);
        let fits = |feed: &Feed| {
            is_json(feed) == is_json(first) && (is_json(feed) || feed.header == first.header)
        };
        if let Some(other) = feeds.iter().find(|feed| !fits(feed)) {
            bail!(
                "--rejects needs inputs with the same columns; upload {} on its own",
                other.input
            );
        }
        if is_json(first) {
            return Ok(Self::Ndjson);
        }
        let position = |name: &str| {
            let mut columns = first.header.columns.iter();
            columns
                .position(|column| column == name)
                .map(|index| index as u32)
        };
        let earlier = position(ADDED[0]).zip(position(ADDED[2]));
        let columns = first.header.columns.iter().enumerate();
        // Who wrote UTF-8 without the mark reads it so; everybody else gets the mark, for a spreadsheet.
        let is_plain = |(name, evidence): (&str, EncodingEvidence)| {
            name.eq_ignore_ascii_case("utf-8") && evidence != EncodingEvidence::ByteOrderMark
        };
        Ok(Self::Delimited {
            delimiter: first.about.delimiter.unwrap_or(b','),
            columns: columns
                .filter(|(_, name)| !ADDED.contains(&name.as_str()))
                .map(|(index, name)| (index as u32, name.clone()))
                .collect(),
            earlier: earlier.map(<[u32; 2]>::from),
            is_marked: !first.about.encoding.is_some_and(is_plain),
        })
    }

    /// What the file is to hold of a row.
    pub(super) fn row(&self, row: Row<'_>) -> KeptRow {
        match self {
            Self::Delimited {
                columns, earlier, ..
            } => KeptRow {
                cells: columns
                    .iter()
                    .map(|(column, _)| row.cell(*column).to_owned())
                    .collect(),
                earlier: earlier
                    .map(|[problem, number]| known_as(row.cell(problem), row.cell(number))),
            },
            Self::Ndjson => {
                let text = row.record().unwrap_or_default();
                let record: Map<String, Value> = match text.contains(ADDED[0]) {
                    true => serde_json::from_str(text).unwrap_or_default(),
                    false => Map::new(),
                };
                KeptRow {
                    cells: vec![text.to_owned()],
                    earlier: record_known_as(&record),
                }
            }
        }
    }

    /// What the file begins with.
    pub(super) fn head(&self) -> Result<Vec<u8>> {
        match self {
            Self::Delimited {
                columns, is_marked, ..
            } => {
                let names = columns.iter().map(|(_, name)| name.as_str()).chain(ADDED);
                let mark = if *is_marked { MARK } else { b"" };
                Ok([mark, &self.delimited(names)?].concat())
            }
            Self::Ndjson => Ok(Vec::new()),
        }
    }

    /// A row with its reasons, as it is written.
    pub(super) fn line(&self, refused: &Refused<'_>) -> Result<Vec<u8>> {
        let number = refused.number.to_string();
        let added = [&refused.problem, &refused.help, &number];
        match self {
            Self::Delimited { .. } => {
                self.delimited(refused.cells.iter().chain(added).map(String::as_str))
            }
            Self::Ndjson => record_with(refused),
        }
    }

    fn delimited<'a>(&self, cells: impl Iterator<Item = &'a str>) -> Result<Vec<u8>> {
        let delimiter = match self {
            Self::Delimited { delimiter, .. } => *delimiter,
            Self::Ndjson => b',',
        };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .from_writer(Vec::new());
        writer.write_record(cells)?;
        Ok(writer.into_inner().map_err(|error| error.into_error())?)
    }

    /// Rows are the same row when this is the same.
    pub(super) fn content(&self, cells: &[String]) -> Vec<u8> {
        match self {
            Self::Delimited { .. } => cells.join("\u{1f}").into_bytes(),
            Self::Ndjson => {
                let text = cells.first().map_or("", String::as_str);
                record_content(serde_json::from_str(text).unwrap_or_default())
            }
        }
    }

    /// The rows in the text of such a file; nothing when it is not one.
    pub(super) fn rows_of(&self, text: &str) -> Option<Vec<WrittenRow>> {
        match self {
            Self::Delimited { delimiter, .. } => self.delimited_rows_of(text, *delimiter),
            Self::Ndjson => {
                let (mut rows, mut start) = (Vec::new(), 0);
                for line in text.split_inclusive('\n') {
                    let record: Map<String, Value> = serde_json::from_str(line).ok()?;
                    rows.push(WrittenRow {
                        bytes: start..start + line.len(),
                        known_as: record_known_as(&record)?,
                        content: record_content(record),
                    });
                    start += line.len();
                }
                Some(rows)
            }
        }
    }

    fn delimited_rows_of(&self, text: &str, delimiter: u8) -> Option<Vec<WrittenRow>> {
        let head = self.head().ok()?;
        let mark_of = |bytes: &[u8]| match bytes.starts_with(MARK) {
            true => MARK.len(),
            false => 0,
        };
        let names = &head[mark_of(&head)..];
        let marked = mark_of(text.as_bytes());
        if !text.as_bytes()[marked..].starts_with(names) {
            return None;
        }
        let begin = marked + names.len();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(&text.as_bytes()[begin..]);
        let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
        let mut start = begin;
        while reader.read_record(&mut record).ok()? {
            let end = begin + usize::try_from(reader.position().byte()).ok()?;
            let cells: Vec<String> = record.iter().map(str::to_owned).collect();
            let (own, added) = cells.split_at_checked(cells.len().checked_sub(ADDED.len())?)?;
            rows.push(WrittenRow {
                bytes: start..end,
                content: self.content(own),
                known_as: known_as(&added[0], &added[2]),
            });
            start = end;
        }
        Some(rows)
    }
}

fn known_as(problem: &str, number: &str) -> String {
    format!("{problem}\u{1f}{number}")
}

/// A record as it came, every number as it is written, with the reasons behind it.
fn record_with(refused: &Refused<'_>) -> Result<Vec<u8>> {
    let text = refused.cells.first().map_or("", String::as_str);
    let mut line = b"{".to_vec();
    if let Some(inside) = inside_of_object(text).filter(|inside| !inside.is_empty()) {
        line.extend_from_slice(inside.as_bytes());
        line.push(b',');
    }
    let added: [Value; 3] = [
        refused.problem.as_str().into(),
        refused.help.as_str().into(),
        refused.number.into(),
    ];
    for (index, (name, value)) in ADDED.iter().zip(added).enumerate() {
        let comma = if index > 0 { "," } else { "" };
        line.extend_from_slice(format!("{comma}\"{name}\":{value}").as_bytes());
    }
    line.extend_from_slice(b"}\n");
    Ok(line)
}

fn record_known_as(record: &Map<String, Value>) -> Option<String> {
    let problem = record.get(ADDED[0])?.as_str()?;
    Some(known_as(problem, &record.get(ADDED[2])?.to_string()))
}

fn record_content(mut record: Map<String, Value>) -> Vec<u8> {
    for name in ADDED {
        record.remove(name);
    }
    serde_json::to_vec(&record).unwrap_or_default()
}

/// What stands between the braces of a JSON object, on one line.
fn inside_of_object(text: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    let inside = raw
        .get()
        .trim()
        .strip_prefix('{')?
        .strip_suffix('}')?
        .trim();
    // Outside of strings a line break is white space, and inside of them it cannot stand.
    Some(inside.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_its_digits_on_one_line() {
        let text = "{\n \"id\": 1234567890123456789,\r\n \"a\": 1.50\n}";
        assert_eq!(
            inside_of_object(text).unwrap(),
            "\"id\": 1234567890123456789,   \"a\": 1.50"
        );
        assert!(inside_of_object("[1]").is_none());
    }

    #[test]
    fn a_file_written_so_is_read_back_row_by_row() {
        let form = Form::Delimited {
            delimiter: b';',
            columns: vec![(0, "a".into()), (2, "b;c".into())],
            earlier: None,
            is_marked: true,
        };
        let cells = ["x\"y".to_owned(), "line\nbreak".to_owned()];
        let refused = Refused {
            cells: &cells,
            problem: "p".into(),
            help: "h".into(),
            number: 7,
        };
        let line = form.line(&refused).unwrap();
        let text = String::from_utf8([form.head().unwrap(), line.clone()].concat()).unwrap();
        let rows = form.rows_of(&text).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].content, form.content(&cells));
        assert_eq!(rows[0].known_as, known_as("p", "7"));
        assert_eq!(text[rows[0].bytes.clone()].as_bytes(), line);
        assert!(form.rows_of("a;b\n1;2\n").is_none());
        let json = format!(
            "{{\"id\":1,\"{}\":\"p\",\"{}\":\"h\",\"{}\":2}}\n",
            ADDED[0], ADDED[1], ADDED[2]
        );
        let rows = Form::Ndjson.rows_of(&json).unwrap();
        let content = Form::Ndjson.content(&["{\"id\": 1}".into()]);
        assert_eq!(
            (&rows[0].content, &*rows[0].known_as),
            (&content, "p\u{1f}2")
        );
        assert!(Form::Ndjson.rows_of("{\"id\":1}\n").is_none());
    }
}
