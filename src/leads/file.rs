//! The file of leads: one record a line, appended to, each lead once.
//!
//! A record is on disk when its line feed is; what a kill left behind the last one is cut off by the next run, which
//! downloads it again, since the watermark of a form moves only when the form was read to its end. It holds people's data
//! in the clear, so only its owner may read it.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answers::{HASHES_BETWEEN, MEMBERS, Record, seconds};
use super::places::is_answer;
use crate::files::{folder_of, open_private};

/// So much of a line without an end tells whose it is.
const TORN: u64 = 256;

/// How a file of leads is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// One JSON object a line.
    Ndjson,
    /// Delimited text with a header.
    Csv,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It is something else.
    #[error(
        "{0} is not a file of leads that this command wrote (see line {1}), so it is left as it is; name another file with --output"
    )]
    NotLeads(String, usize),
    /// It has what `--hashed` leaves out.
    #[error(
        "{0} holds leads in the clear (see line {1}), which --hashed does not change; name another file with --output"
    )]
    Clear(String, usize),
    /// It was written with `--hashed`.
    #[error(
        "{0} holds hashed leads (see line {1}); name another file with --output, or give --hashed"
    )]
    Hashed(String, usize),
    /// Two runs at once.
    #[error("another run is writing to {0}; wait for it to end")]
    Held(String),
    /// A stream of a shape that only a file can have.
    #[error(
        "{0}: a CSV begins with the names of all questions, which are known when the last lead is; write it to a file, or \
         leave out --format csv"
    )]
    CsvStream(String),
    /// The disk.
    #[error("{0}: {1}")]
    Io(String, io::Error),
}

/// An open file of leads.
#[derive(Debug)]
pub(crate) struct LeadsFile {
    path: PathBuf,
    file: File,
    format: FileFormat,
    known: HashSet<u64>,
    /// Of a CSV: its columns.
    columns: Vec<String>,
    watermarks: Watermarks,
}

/// Up to when each form was read, beside the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Watermarks {
    forms: BTreeMap<String, i64>,
}

impl LeadsFile {
    /// Opens the file, makes it if there is none, and reads which leads are in it.
    ///
    /// # Errors
    /// It cannot be opened, is something else, holds leads in the other of the two forms (hashed or in the clear), or
    /// another run writes to it.
    pub(super) fn open(
        path: &Path,
        format: FileFormat,
        is_hashed: bool,
    ) -> Result<Self, FileError> {
        let file = open_private(path).map_err(|error| io_error(path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FileError::Held(shown(path))),
            Err(TryLockError::Error(error)) => return Err(io_error(path, error)),
        }
        let watermarks = std::fs::read(watermark_path(path)).ok();
        let watermarks = watermarks.and_then(|text| serde_json::from_slice(&text).ok());
        let mut leads = Self {
            path: path.to_owned(),
            file,
            format,
            known: HashSet::new(),
            columns: Vec::new(),
            watermarks: watermarks.unwrap_or_default(),
        };
        let whole = whole_lines(&mut leads.file).map_err(|error| io_error(path, error))?;
        leads.read_known(whole, is_hashed)?;
        // Only now is it known to be a file of this command's own, and nobody else's to change.
        restrict(&leads.file)
            .and_then(|()| leads.file.set_len(whole))
            .map_err(|error| io_error(path, error))?;
        Ok(leads)
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many leads it holds.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// When the last complete reading of a form began, Unix seconds.
    pub(super) fn watermark(&self, form: &str) -> Option<i64> {
        // Whoever deleted the leads wants them again.
        self.watermarks
            .forms
            .get(form)
            .copied()
            .filter(|_| !self.known.is_empty())
    }

    /// Notes that a form was read to its end by a run that began at `started`.
    pub(super) fn set_watermark(&mut self, form: &str, started: i64) -> Result<(), FileError> {
        self.file
            .sync_data()
            .map_err(|error| io_error(&self.path, error))?;
        self.watermarks.forms.insert(form.to_owned(), started);
        let path = watermark_path(&self.path);
        replace(&path, |file| {
            Ok(serde_json::to_writer(file, &self.watermarks)?)
        })
        .map(|_| ())
        .map_err(|error| io_error(&path, error))
    }

    /// Appends those of the records that are not in it; gives how many they were.
    pub(super) fn append(&mut self, mut records: Vec<Record>) -> Result<usize, FileError> {
        records.retain(|record| self.known.insert(record.id));
        if records.is_empty() {
            return Ok(0);
        }
        let mut lines = Vec::new();
        match self.format {
            FileFormat::Ndjson => lines = as_lines(&records),
            FileFormat::Csv => {
                self.widen(&records)?;
                let mut writer = csv::Writer::from_writer(&mut lines);
                for record in &records {
                    writer
                        .write_record(self.columns.iter().map(|column| value_of(record, column)))
                        .map_err(|error| csv_error(&self.path, error))?;
                }
                writer
                    .flush()
                    .map_err(|error| io_error(&self.path, error))?;
                drop(writer);
            }
        }
        let written = self
            .file
            .seek(SeekFrom::End(0))
            .and_then(|_| self.file.write_all(&lines));
        if let Err(error) = written {
            // Some of them may be there; the next run sees which.
            for record in &records {
                self.known.remove(&record.id);
            }
            return Err(io_error(&self.path, error));
        }
        Ok(records.len())
    }

    /// Reads the leads of the first `whole` bytes. What is not exactly as this command writes it is somebody else's file,
    /// such as a CRM's export that has an `id` too.
    fn read_known(&mut self, whole: u64, is_hashed: bool) -> Result<(), FileError> {
        let io = |error| io_error(&self.path, error);
        let not_leads = |line: usize| FileError::NotLeads(shown(&self.path), line);
        self.file.seek(SeekFrom::Start(whole)).map_err(io)?;
        let mut torn = Vec::new();
        (&self.file).take(TORN).read_to_end(&mut torn).map_err(io)?;
        if whole == 0 && !begins_a_file(&torn, self.format) {
            return Err(not_leads(1));
        }
        self.file.seek(SeekFrom::Start(0)).map_err(io)?;
        let reader = BufReader::new(&self.file).take(whole);
        match self.format {
            FileFormat::Ndjson => {
                for (number, line) in reader.lines().enumerate() {
                    let found = line.ok().and_then(|line| known_of_line(&line));
                    let (id, privacy) = found.ok_or_else(|| not_leads(number + 1))?;
                    self.refuse_other(privacy, is_hashed, number + 1)?;
                    self.known.insert(id);
                }
            }
            FileFormat::Csv => {
                let mut reader = csv::Reader::from_reader(reader);
                let header = reader.headers().map_err(|_| not_leads(1))?;
                let columns: Vec<String> = header.iter().map(str::to_owned).collect();
                if !columns.is_empty() && !are_ours(&columns) {
                    return Err(not_leads(1));
                }
                for (number, record) in reader.records().enumerate() {
                    let found = record.ok().and_then(|record| {
                        seconds(record.get(1)?)?;
                        let cells = columns.iter().map(String::as_str).zip(&record);
                        Some((record.get(0)?.parse().ok()?, privacy(cells)))
                    });
                    let (id, privacy) = found.ok_or_else(|| not_leads(number + 2))?;
                    self.refuse_other(privacy, is_hashed, number + 2)?;
                    self.known.insert(id);
                }
                self.columns = columns;
            }
        }
        Ok(())
    }

    /// Refuses to mix what is hashed with what is not: nobody could tell any more what the file holds.
    fn refuse_other(
        &self,
        found: Option<Privacy>,
        is_hashed: bool,
        line: usize,
    ) -> Result<(), FileError> {
        match (found, is_hashed) {
            (Some(Privacy::Clear), true) => Err(FileError::Clear(shown(&self.path), line)),
            (Some(Privacy::Hashed), false) => Err(FileError::Hashed(shown(&self.path), line)),
            _ => Ok(()),
        }
    }

    /// Gives a CSV the columns that its next records need, which may mean to write it anew.
    fn widen(&mut self, records: &[Record]) -> Result<(), FileError> {
        let mut columns = match self.columns.is_empty() {
            true => MEMBERS.map(str::to_owned).to_vec(),
            false => self.columns.clone(),
        };
        for (key, _) in records.iter().flat_map(|record| &record.members) {
            if !columns.contains(key) {
                columns.push(key.clone());
            }
        }
        if columns == self.columns {
            return Ok(());
        }
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| io_error(&self.path, error))?;
        let old = BufReader::new(&self.file);
        let wider = replace(&self.path, |new| {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(old);
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(new);
            writer.write_record(&columns)?;
            let missing = columns.len() - self.columns.len();
            for record in reader.records() {
                let mut record = record?;
                (0..missing).for_each(|_| record.push_field(""));
                writer.write_record(&record)?;
            }
            Ok(writer.flush()?)
        });
        self.file = wider.map_err(|error| io_error(&self.path, error))?;
        // The lock went with the old file; whoever waits for it finds another.
        self.file
            .try_lock()
            .map_err(|_| FileError::Held(shown(&self.path)))?;
        self.columns = columns;
        Ok(())
    }
}

/// One JSON object a line, with the members in their own order; a map would sort them.
pub(super) fn as_lines(records: &[Record]) -> Vec<u8> {
    let mut lines = Vec::new();
    for record in records {
        for (index, (key, value)) in record.members.iter().enumerate() {
            let value = match key.as_str() {
                "is_organic" => Value::Bool(value == "true"),
                _ => Value::String(value.clone()),
            };
            let before = if index == 0 { '{' } else { ',' };
            let member = format!("{before}{}:{value}", Value::String(key.clone()));
            lines.extend_from_slice(member.as_bytes());
        }
        lines.extend_from_slice(b"}\n");
    }
    lines
}

fn value_of<'a>(record: &'a Record, column: &str) -> &'a str {
    let member = record.members.iter().find(|(key, _)| key == column);
    member.map_or("", |(_, value)| value)
}

/// A file that takes the place of another at once, and is its owner's only.
fn replace(path: &Path, write: impl FnOnce(&mut File) -> anyhow::Result<()>) -> io::Result<File> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    write(file.as_file_mut()).map_err(io::Error::other)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)
}

/// Up to where the last line feed stands; what a kill left behind it is no record.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 64 << 10];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let length = (end - start) as usize;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut block[..length])?;
        if let Some(at) = block[..length].iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Whether a file whose first line never got its end was begun by this command.
fn begins_a_file(torn: &[u8], format: FileFormat) -> bool {
    let begin = match format {
        FileFormat::Ndjson => "{\"id\":\"".to_owned(),
        FileFormat::Csv => MEMBERS.join(","),
    };
    let shorter = torn.len().min(begin.len());
    torn[..shorter] == begin.as_bytes()[..shorter]
}

/// Whether these are the columns of a CSV of this command's: its own members, then answers.
fn are_ours(columns: &[String]) -> bool {
    let (members, answers) = columns.split_at(columns.len().min(MEMBERS.len()));
    members == MEMBERS && answers.iter().all(|column| is_answer(column))
}

/// How a record tells of its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Privacy {
    Hashed,
    Clear,
}

/// Nothing where a record has no answers.
fn privacy<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Privacy> {
    let mut answers = members.filter(|(key, value)| !MEMBERS.contains(key) && !value.is_empty());
    let first = answers.next()?;
    let is_hashed = |(key, value): (&str, &str)| {
        let mut hashes = value.split(HASHES_BETWEEN);
        ["email", "phone"].contains(&key)
            && hashes.all(|hash| hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit()))
    };
    match is_hashed(first) && answers.all(is_hashed) {
        true => Some(Privacy::Hashed),
        false => Some(Privacy::Clear),
    }
}

/// The id of a record as this command writes it, and how it tells of its person; none for any other line.
fn known_of_line(line: &str) -> Option<(u64, Option<Privacy>)> {
    let record: Map<String, Value> = serde_json::from_str(line).ok()?;
    let is_ours = record
        .iter()
        .all(|(key, value)| match (key.as_str(), value) {
            ("is_organic", Value::Bool(_)) => true,
            (key, Value::String(_)) => MEMBERS.contains(&key) || is_answer(key),
            _ => false,
        });
    seconds(record.get("created_time")?.as_str()?)?;
    let id = record.get("id")?.as_str()?.parse().ok()?;
    let members = record
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
    (is_ours && line.starts_with("{\"id\":\"")).then(|| (id, privacy(members)))
}

#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

/// `leads.ndjson.watermark` for `leads.ndjson`.
fn watermark_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".watermark");
    name.into()
}

fn shown(path: &Path) -> String {
    crate::text::harmless(&path.to_string_lossy()).into_owned()
}

fn io_error(path: &Path, error: io::Error) -> FileError {
    FileError::Io(shown(path), error)
}

fn csv_error(path: &Path, error: csv::Error) -> FileError {
    io_error(path, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u64, more: &[(&str, &str)]) -> Record {
        let mut members = vec![
            ("id".to_owned(), id.to_string()),
            (
                "created_time".to_owned(),
                "2026-11-20T09:30:12+0000".to_owned(),
            ),
        ];
        members.extend(
            more.iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        Record {
            id,
            created: 0,
            members,
        }
    }

    #[test]
    fn a_file_is_appended_to_and_holds_each_lead_once_however_it_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        for (format, name) in [(FileFormat::Ndjson, "a.ndjson"), (FileFormat::Csv, "a.csv")] {
            let path = folder.path().join(name);
            let mut file = LeadsFile::open(&path, format, false).unwrap();
            assert!(matches!(
                LeadsFile::open(&path, format, false),
                Err(FileError::Held(_))
            ));
            assert_eq!(
                file.append(vec![record(1, &[]), record(2, &[("email", "a@b.c")])])
                    .unwrap(),
                2
            );
            drop(file);
            let whole = std::fs::read(&path).unwrap();
            for cut in 0..whole.len() {
                std::fs::write(&path, &whole[..cut]).unwrap();
                let mut file = LeadsFile::open(&path, format, false).unwrap();
                file.append(vec![record(2, &[("email", "a@b.c")]), record(1, &[])])
                    .unwrap();
                assert_eq!(file.append(vec![record(2, &[])]).unwrap(), 0);
                drop(file);
                assert_eq!(
                    LeadsFile::open(&path, format, false).unwrap().len(),
                    2,
                    "{cut}"
                );
            }
        }
    }

    #[test]
    fn a_csv_gets_the_columns_of_questions_that_come_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut file = LeadsFile::open(&path, FileFormat::Csv, false).unwrap();
        file.append(vec![record(1, &[("custom.a", "x, y")])])
            .unwrap();
        file.append(vec![record(2, &[("custom.b", "=\"z\"")])])
            .unwrap();
        drop(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with(",custom.a,custom.b"), "{text}");
        assert!(lines[1].ends_with(",\"x, y\","), "{text}");
        assert_eq!(
            LeadsFile::open(&path, FileFormat::Csv, false)
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.md");
        for format in [FileFormat::Ndjson, FileFormat::Csv] {
            std::fs::write(&path, "# Notes\nMore\n").unwrap();
            assert!(matches!(
                LeadsFile::open(&path, format, false),
                Err(FileError::NotLeads(_, 1))
            ));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "# Notes\nMore\n");
        }
    }
}
