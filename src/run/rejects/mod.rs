//! The rejects file: refused rows as they came, with `crm2capi_problem`, `crm2capi_help` and `crm2capi_row` added.
//!
//! A row that is only refused by Meta is refused long after it was read, so rows with events under way are kept in
//! memory until their events are settled; no more are under way at a time than the delivery holds. The file appears
//! whole when the run ends, readable by its owner only, and can be corrected and uploaded as it is: the added columns
//! are no fields. What an older rejects file holds stays in it until its events are accepted.

mod form;
mod older;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Feed, Prepared, ReadSettings};
use crate::event::Origin;
use crate::files::folder_of;
use crate::problem::{Code, Severity};
use crate::source::Row;
use form::{Form, KeptRow, Refused};
use older::Older;

/// Refused rows on their way to a file.
pub(crate) struct Rejects {
    path: PathBuf,
    form: Form,
    /// Has no name, so that it is gone whenever the process is.
    spool: BufWriter<File>,
    older: Older,
    pending: HashMap<Origin, Pending>,
    /// The first thing that went wrong; said when the file should be complete.
    failed: Option<anyhow::Error>,
}

/// What is known of a chunk's rows, by row, when it is taken.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// How many events are about to be sent.
    pub(crate) sent: HashMap<u64, u32>,
    /// How many events an earlier run delivered.
    pub(crate) delivered: HashMap<u64, u32>,
    /// Rows with events whose fate is open.
    pub(crate) open: HashSet<u64>,
    /// Why Meta refused events in an earlier run.
    pub(crate) refused: HashMap<u64, Vec<Reason>>,
}

/// Why a row is among the rejects, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// A problem's code, with what Meta said.
    pub(crate) problem: String,
    /// What to do about it.
    pub(crate) help: &'static str,
}

impl Reason {
    /// What the catalogue says of a problem.
    pub(crate) fn of(code: Code) -> Self {
        Self {
            problem: code.name().to_owned(),
            help: code.help(),
        }
    }
}

/// What became of one event of a row.
pub(crate) enum Settled {
    /// Meta has it.
    Accepted,
    /// Meta refused it.
    Refused(Reason),
    /// It was not sent, or nobody knows.
    Open,
}

/// How the file is called until it is in its place.
const SPOOL: &str = ".crm2capi-rejects";

/// A row whose events are under way.
struct Pending {
    row: KeptRow,
    reasons: Vec<Reason>,
    unsettled: u32,
    has_open_event: bool,
}

impl Rejects {
    /// Prepares the file that the settings ask for, if they do.
    ///
    /// # Errors
    /// As [`Rejects::create`].
    pub(crate) fn asked_for(settings: &ReadSettings, feeds: &[Feed]) -> Result<Option<Self>> {
        settings
            .rejects
            .as_deref()
            .map(|path| Self::create(path, feeds))
            .transpose()
    }

    /// Prepares the file; it appears in its place only at the end.
    ///
    /// # Errors
    /// It cannot be written, it is there and is not a rejects file of these columns, or the inputs have different
    /// columns, so that one file cannot hold their rows.
    fn create(path: &Path, feeds: &[Feed]) -> Result<Self> {
        let place = || format!("cannot write the rejects file {}", path.display());
        if path.is_dir() {
            bail!("{}: it is a folder", place());
        }
        if is_pipe(path) {
            bail!(
                "{}: it is a named pipe, which would wait for a reader; name a file",
                place()
            );
        }
        // Where the name is a link, the file it leads to is written and the link stays.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let form = Form::of(feeds)?;
        let older = Older::read(&path, &form)?;
        sweep(folder_of(&path));
        let spool = tempfile::tempfile_in(folder_of(&path)).with_context(place)?;
        Ok(Self {
            path,
            form,
            spool: BufWriter::new(spool),
            older,
            pending: HashMap::new(),
            failed: None,
        })
    }

    /// As [`Rejects::take`]; what goes wrong comes out at the end.
    pub(crate) fn try_to_take(&mut self, prepared: &Prepared, known: &Known) {
        let taken = self.take(prepared, known);
        self.failed = self.failed.take().or(taken.err());
    }

    /// Takes a chunk's refused rows, those of earlier runs included, and keeps those with events that are about to be
    /// sent.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn take(&mut self, prepared: &Prepared, known: &Known) -> Result<()> {
        let mut findings = prepared.findings.iter().peekable();
        let old = prepared.events.iter().filter(|event| event.is_old);
        let open: HashSet<u64> = match self.older.is_empty() {
            true => HashSet::new(),
            false => known
                .open
                .iter()
                .copied()
                .chain(old.map(|event| event.row))
                .collect(),
        };
        for row in prepared.chunk.rows() {
            let number = row.number();
            while findings.next_if(|found| found.row < number).is_some() {}
            let mut reasons: Vec<Reason> = Vec::new();
            while let Some(found) = findings.next_if(|found| found.row == number) {
                let reason = Reason::of(found.code);
                if found.severity == Severity::Error && !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
            reasons.extend(known.refused.get(&number).into_iter().flatten().cloned());
            let origin = Origin {
                input: prepared.input,
                row: number,
            };
            self.take_row(row, origin, reasons, known, open.contains(&number))?;
        }
        Ok(())
    }

    fn take_row(
        &mut self,
        row: Row<'_>,
        origin: Origin,
        reasons: Vec<Reason>,
        known: &Known,
        has_open_event: bool,
    ) -> Result<()> {
        let number = row.number();
        let unsettled = known.sent.get(&number).copied().unwrap_or(0);
        if unsettled > 0 {
            let pending = Pending {
                row: self.form.row(row),
                reasons,
                unsettled,
                has_open_event,
            };
            self.pending.insert(origin, pending);
        } else if !reasons.is_empty() {
            let row = self.form.row(row);
            self.write(&row, &reasons, number)?;
        } else if !self.older.is_empty() && !has_open_event && known.delivered.contains_key(&number)
        {
            self.older.leave(&self.form, &self.form.row(row));
        }
        Ok(())
    }

    /// One event of a row is settled. What goes wrong comes out at the end.
    pub(crate) fn settle(&mut self, origin: Origin, settled: Settled) {
        let Some(pending) = self.pending.get_mut(&origin) else {
            return;
        };
        match settled {
            Settled::Accepted => {}
            Settled::Refused(reason) => pending.reasons.push(reason),
            Settled::Open => pending.has_open_event = true,
        }
        pending.unsettled -= 1;
        if pending.unsettled > 0 {
            return;
        }
        let Some(pending) = self.pending.remove(&origin) else {
            return;
        };
        if !pending.reasons.is_empty() {
            let written = self.write(&pending.row, &pending.reasons, origin.row);
            self.failed = self.failed.take().or(written.err());
        } else if !pending.has_open_event && !self.older.is_empty() {
            self.older.leave(&self.form, &pending.row);
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(mut self) -> Result<()> {
        // Where the run ended early, a row that was refused here still waits for events that nobody will send.
        let mut left: Vec<_> = self.pending.drain().collect();
        left.retain(|(_, pending)| !pending.reasons.is_empty());
        left.sort_unstable_by_key(|(origin, _)| *origin);
        for (origin, pending) in left {
            self.write(&pending.row, &pending.reasons, origin.row)?;
        }
        let path = self.path.clone();
        let failed = self.failed.take().map_or(Ok(()), Err);
        failed
            .and_then(|()| self.place())
            .with_context(|| format!("cannot write the rejects file {}", path.display()))
    }

    fn place(self) -> Result<()> {
        let mut spool = self
            .spool
            .into_inner()
            .map_err(|error| error.into_error())?;
        // Nothing was refused, and there is no older file that has to say so.
        let has_rows = spool.stream_position()? > 0 || !self.older.is_empty();
        if !has_rows && !std::fs::exists(&self.path)? {
            return Ok(());
        }
        spool.rewind()?;
        let mut copy = |out: &mut File| -> Result<()> {
            out.write_all(&self.form.head()?)?;
            self.older.copy_to(out)?;
            std::io::copy(&mut spool, out)?;
            Ok(())
        };
        // A device or a pipe is written to as it is.
        if std::fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            let mut out = std::fs::OpenOptions::new().write(true).open(&self.path)?;
            return copy(&mut out);
        }
        let mut file = tempfile::Builder::new()
            .prefix(SPOOL)
            .tempfile_in(folder_of(&self.path))?;
        copy(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn write(&mut self, row: &KeptRow, reasons: &[Reason], number: u64) -> Result<()> {
        let problems: Vec<&str> = reasons
            .iter()
            .map(|reason| reason.problem.as_str())
            .collect();
        let mut help: Vec<&str> = reasons.iter().map(|reason| reason.help).collect();
        help.dedup();
        let refused = Refused {
            cells: &row.cells,
            problem: problems.join("; "),
            help: help.join("; "),
            number,
        };
        self.spool.write_all(&self.form.line(&refused)?)?;
        if !self.older.is_empty() {
            // The row as it is refused now takes the place of the older one.
            self.older.leave(&self.form, row);
        }
        Ok(())
    }
}

/// Removes what runs have left in a folder that were killed while they put their file in its place: it holds people's data.
/// One that another run is just writing is younger.
fn sweep(folder: &Path) {
    const OLD: Duration = Duration::from_secs(600);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(SPOOL.as_bytes());
        let is_old = || {
            let found = entry.metadata().ok().filter(|found| found.is_file())?;
            Some(found.modified().ok()?.elapsed().ok()? > OLD)
        };
        if is_ours && is_old() == Some(true) {
            // Where it cannot be removed, nothing is lost but tidiness, and the next run tries again.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}
