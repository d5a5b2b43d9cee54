//! Where leads go: into a file, which keeps what it has, or down a stream, which keeps nothing.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::answers::Record;
use super::file::{FileError, FileFormat, LeadsFile, as_lines};
use crate::files::Output;
use crate::text::harmless;

/// Where leads go.
pub(crate) enum LeadsOutput {
    /// Into a file.
    File(LeadsFile),
    /// To whoever reads it.
    Stream(LeadsStream),
}

/// A stream of leads, one JSON object a line.
pub(crate) struct LeadsStream {
    name: String,
    out: Box<dyn Write>,
    /// What it got: a lead of an ad may be one of a form too.
    sent: HashSet<u64>,
}

impl LeadsOutput {
    /// Opens what `output` leads to.
    ///
    /// # Errors
    /// It cannot be opened; a file is something else, holds leads in the other form, or another run writes to it; or a
    /// stream is asked for a CSV.
    pub(crate) fn open(
        output: &Output,
        format: FileFormat,
        is_hashed: bool,
    ) -> Result<Self, FileError> {
        let (name, out): (String, Box<dyn Write>) = match output {
            Output::File(path) => return LeadsFile::open(path, format, is_hashed).map(Self::File),
            Output::Stdout => ("standard output".to_owned(), Box::new(io::stdout())),
            Output::Stream(path) => {
                let name = shown(path);
                // A device may lead to a file that is to be appended to, as /dev/fd/3 does.
                let out = OpenOptions::new().append(true).open(path);
                let out = out.map_err(|error| FileError::Io(name.clone(), error))?;
                (name, Box::new(out))
            }
        };
        if format == FileFormat::Csv {
            return Err(FileError::CsvStream(name));
        }
        Ok(Self::Stream(LeadsStream {
            name,
            out,
            sent: HashSet::new(),
        }))
    }

    /// What it is called, fit to be shown.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(file) => shown(file.path()),
            Self::Stream(stream) => stream.name.clone(),
        }
    }

    /// How many leads it has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::File(file) => file.len(),
            Self::Stream(stream) => stream.sent.len(),
        }
    }

    /// Whether it goes to whoever reads it, who alone knows what became of it.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// When the last complete reading of a form began, Unix seconds.
    pub(super) fn watermark(&self, form: &str) -> Option<i64> {
        match self {
            Self::File(file) => file.watermark(form),
            Self::Stream(_) => None,
        }
    }

    /// Notes that a form was read to its end by a run that began at `started`.
    pub(super) fn set_watermark(&mut self, form: &str, started: i64) -> Result<(), FileError> {
        match self {
            Self::File(file) => file.set_watermark(form, started),
            Self::Stream(_) => Ok(()),
        }
    }

    /// Adds those of the records that it does not have; gives how many they were.
    pub(super) fn append(&mut self, records: Vec<Record>) -> Result<usize, FileError> {
        match self {
            Self::File(file) => file.append(records),
            Self::Stream(stream) => stream.append(records),
        }
    }
}

impl LeadsStream {
    fn append(&mut self, mut records: Vec<Record>) -> Result<usize, FileError> {
        records.retain(|record| self.sent.insert(record.id));
        let written = (self.out.write_all(&as_lines(&records))).and_then(|()| self.out.flush());
        if let Err(error) = written {
            for record in &records {
                self.sent.remove(&record.id);
            }
            return Err(FileError::Io(self.name.clone(), error));
        }
        Ok(records.len())
    }
}

fn shown(path: &Path) -> String {
    harmless(&path.to_string_lossy()).into_owned()
}
