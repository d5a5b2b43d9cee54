//! The rejects file: refused rows as they came, with `crm2capi_problem` and `crm2capi_row` added.
//!
//! A row that is only refused by Meta is refused long after it was read, so rows with events under way are kept in
//! memory until their events are settled; no more are under way at a time than the delivery holds. The file appears
//! whole when the run ends, readable by its owner only, and can be corrected and uploaded as it is: the added columns
//! are no fields.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::value::RawValue;
use tempfile::NamedTempFile;

use crate::config::Reading;
use crate::event::Origin;
use crate::problem::Severity;
use crate::run::{Feed, Prepared};
use crate::source::{Format, Header, Row};

const PROBLEM: &str = "crm2capi_problem";
const ROW: &str = "crm2capi_row";

/// Refused rows on their way to a file.
pub(crate) struct Rejects {
    path: PathBuf,
    out: Out,
    pending: HashMap<Origin, Pending>,
}

enum Out {
    Csv {
        writer: Box<csv::Writer<NamedTempFile>>,
        columns: Vec<u32>,
    },
    Ndjson(BufWriter<NamedTempFile>),
}

/// What is known of a chunk's rows, by row, when it is taken.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// How many events are about to be sent.
    pub(crate) sent: HashMap<u64, u32>,
    /// Why Meta refused events in an earlier run.
    pub(crate) refused: HashMap<u64, Vec<String>>,
}

/// A row whose events are under way.
struct Pending {
    cells: Vec<String>,
    reasons: Vec<String>,
    unsettled: u32,
}

impl Rejects {
    /// Prepares the file that the settings ask for, if they do.
    ///
    /// # Errors
    /// As [`Rejects::create`].
    pub(crate) fn asked_for(reading: &Reading, feeds: &[Feed]) -> Result<Option<Self>> {
        reading
            .rejects
            .as_deref()
            .map(|path| Self::create(path, feeds))
            .transpose()
    }

    /// Prepares the file; it appears in its place only at the end.
    ///
    /// # Errors
    /// It is a folder, its folder cannot be written, or the inputs have different columns, so that one file cannot hold their rows.
    fn create(path: &Path, feeds: &[Feed]) -> Result<Self> {
        if path.is_dir() {
            bail!(
                "cannot write the rejects file {}: it is a folder",
                path.display()
            );
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".crm2capi-rejects")
            .tempfile_in(folder)
            .with_context(|| format!("cannot write the rejects file {}", path.display()))?;
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
        let out = if is_json(first) {
            Out::Ndjson(BufWriter::new(file))
        } else {
            Self::csv(file, &first.header, first.about.delimiter)?
        };
        Ok(Self {
            path: path.to_owned(),
            out,
            pending: HashMap::new(),
        })
    }

    fn csv(file: NamedTempFile, header: &Header, delimiter: Option<u8>) -> Result<Out> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .from_writer(file);
        let is_ours = |name: &String| name == PROBLEM || name == ROW;
        let kept = header
            .columns
            .iter()
            .enumerate()
            .filter(|(_, name)| !is_ours(name));
        let columns: Vec<u32> = kept.map(|(index, _)| index as u32).collect();
        let names = columns
            .iter()
            .map(|&column| header.columns[column as usize].as_str());
        writer.write_record(names.chain([PROBLEM, ROW]))?;
        Ok(Out::Csv {
            writer: Box::new(writer),
            columns,
        })
    }

    /// Takes a chunk's refused rows, those of earlier runs included, and keeps those with events that are about to be
    /// sent.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn take(&mut self, prepared: &Prepared, known: &Known) -> Result<()> {
        let mut findings = prepared.findings.iter().peekable();
        for row in prepared.chunk.rows() {
            while findings.next_if(|found| found.row < row.number()).is_some() {}
            let mut reasons: Vec<String> = Vec::new();
            while let Some(found) = findings.next_if(|found| found.row == row.number()) {
                let name = found.code.name();
                if found.severity == Severity::Error && !reasons.iter().any(|known| known == name) {
                    reasons.push(name.to_owned());
                }
            }
            reasons.extend(
                known
                    .refused
                    .get(&row.number())
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            let unsettled = known.sent.get(&row.number()).copied().unwrap_or(0);
            if unsettled > 0 {
                let origin = Origin {
                    input: prepared.input,
                    row: row.number(),
                };
                self.pending.insert(
                    origin,
                    Pending {
                        cells: self.cells_of(row),
                        reasons,
                        unsettled,
                    },
                );
            } else if !reasons.is_empty() {
                let cells = self.cells_of(row);
                self.write(&cells, &reasons, row.number())?;
            }
        }
        Ok(())
    }

    /// One event of a row is settled, with the reason if it was refused.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn settle(&mut self, origin: Origin, refused: Option<String>) -> Result<()> {
        let Some(pending) = self.pending.get_mut(&origin) else {
            return Ok(());
        };
        pending.reasons.extend(refused);
        pending.unsettled -= 1;
        if pending.unsettled == 0
            && let Some(pending) = self.pending.remove(&origin)
            && !pending.reasons.is_empty()
        {
            self.write(&pending.cells, &pending.reasons, origin.row)?;
        }
        Ok(())
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(mut self) -> Result<()> {
        // Where the run ended early, a row that was refused here still waits for events that nobody will send.
        let mut left: Vec<_> = self
            .pending
            .drain()
            .filter(|(_, pending)| !pending.reasons.is_empty())
            .collect();
        left.sort_unstable_by_key(|(origin, _)| *origin);
        for (origin, pending) in left {
            self.write(&pending.cells, &pending.reasons, origin.row)?;
        }
        let place = || format!("cannot write the rejects file {}", self.path.display());
        let file = match self.out {
            Out::Csv { writer, .. } => writer
                .into_inner()
                .map_err(|error| error.into_error())
                .with_context(place)?,
            Out::Ndjson(writer) => writer
                .into_inner()
                .map_err(|error| error.into_error())
                .with_context(place)?,
        };
        file.as_file().sync_all().with_context(place)?;
        file.persist(&self.path)
            .map(|_: File| ())
            .with_context(place)
    }

    /// What the file is to hold of a row: its cells, or the text of its JSON record.
    fn cells_of(&self, row: Row<'_>) -> Vec<String> {
        match &self.out {
            Out::Csv { columns, .. } => columns
                .iter()
                .map(|&column| row.cell(column).to_owned())
                .collect(),
            Out::Ndjson(_) => vec![row.record().unwrap_or_default().to_owned()],
        }
    }

    fn write(&mut self, cells: &[String], reasons: &[String], row: u64) -> Result<()> {
        let (reasons, row) = (reasons.join("; "), row.to_string());
        match &mut self.out {
            Out::Csv { writer, .. } => {
                writer.write_record(
                    cells
                        .iter()
                        .map(String::as_str)
                        .chain([reasons.as_str(), row.as_str()]),
                )?;
            }
            Out::Ndjson(writer) => {
                let text = cells.first().map_or("", String::as_str);
                let record: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(text).unwrap_or_default();
                writer.write_all(b"{")?;
                if let Some(inside) = inside_of_object(text).filter(|_| !record.is_empty()) {
                    writer.write_all(inside.as_bytes())?;
                    writer.write_all(b",")?;
                }
                writeln!(
                    writer,
                    "\"{PROBLEM}\":{},\"{ROW}\":{row}}}",
                    serde_json::to_string(&reasons)?
                )?;
            }
        }
        Ok(())
    }
}

/// What stands between the braces of a JSON object, on one line, every number as it is written.
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
}
