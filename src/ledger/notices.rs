//! What receivers of notifications were told, and what there is to ask for what they are told next.
//!
//! Each call is a transaction of its own beside those of a run that may go on meanwhile: it needs no run's lock, and
//! changes no row of an event or a run.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::LedgerError;
use super::past::{self, Past, REMEMBER};
use super::postgres::PostgresLedger;
use super::schema::{self, Shape};
use super::sql::FileTables;
use super::sqlite::{SqliteLedger, distrust};
use super::target::LedgerTarget;

/// How long another transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The part of a ledger that remembers notifications.
pub(crate) enum Notices {
    /// In a file.
    File(NoticeFile),
    /// In a database.
    Server(RefCell<Box<PostgresLedger>>),
}

impl Notices {
    /// Opens a ledger, and makes it or brings it up to date where that is needed; nothing where there is to be none.
    pub(crate) fn open(target: &LedgerTarget) -> Result<Option<Self>, LedgerError> {
        Ok(match target {
            LedgerTarget::None => None,
            LedgerTarget::File(path) => Some(Self::File(NoticeFile::open(path)?)),
            LedgerTarget::Server(address) => {
                let ledger = PostgresLedger::open(address, Duration::ZERO)?;
                Some(Self::Server(RefCell::new(Box::new(ledger))))
            }
        })
    }

    /// The state a channel was last told; empty when it was never told anything.
    pub(crate) fn told(&self, subject: &str, channel: &str) -> Result<String, LedgerError> {
        match self {
            Self::File(file) => file.told(subject, channel),
            Self::Server(ledger) => ledger.borrow_mut().told(subject, channel),
        }
    }

    /// Remembers the state a channel was told.
    pub(crate) fn remember(
        &self,
        subject: &str,
        channel: &str,
        state: &str,
        now: i64,
    ) -> Result<(), LedgerError> {
        match self {
            Self::File(file) => file.remember(subject, channel, state, now),
            Self::Server(ledger) => ledger.borrow_mut().remember(subject, channel, state, now),
        }
    }

    /// What past runs to `dataset` say: of those that sent anything the last `runs`.
    pub(crate) fn past(&self, dataset: &str, runs: usize) -> Result<Past, LedgerError> {
        match self {
            Self::File(file) => file.past(dataset, runs),
            Self::Server(ledger) => ledger.borrow_mut().past(dataset, runs),
        }
    }
}

/// The same in a file.
#[derive(Debug)]
pub(crate) struct NoticeFile {
    connection: Connection,
    path: PathBuf,
}

impl NoticeFile {
    /// Opens the ledger at `path`, and makes it or brings it up to date where that is needed.
    fn open(path: &Path) -> Result<Self, LedgerError> {
        if let Some(notices) = Self::open_present(path)? {
            return Ok(notices);
        }
        drop(SqliteLedger::open(path, Duration::ZERO)?);
        Self::open_present(path)?.ok_or_else(|| LedgerError::NotALedger(path.to_owned()))
    }

    /// Nothing when there is no ledger of the present shape.
    fn open_present(path: &Path) -> Result<Option<Self>, LedgerError> {
        if !path.is_file() {
            return Ok(None);
        }
        let sqlite = |source| LedgerError::sqlite(path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
        distrust(&connection).map_err(sqlite)?;
        connection.busy_timeout(PATIENCE).map_err(sqlite)?;
        let is_present = schema::recognise(&connection, path)? == Shape::Present;
        Ok(is_present.then(|| Self {
            connection,
            path: path.to_owned(),
        }))
    }

    fn told(&self, subject: &str, channel: &str) -> Result<String, LedgerError> {
        let tables = FileTables {
            connection: &self.connection,
            path: &self.path,
        };
        past::told(&tables, subject, channel)
    }

    fn remember(
        &self,
        subject: &str,
        channel: &str,
        state: &str,
        now: i64,
    ) -> Result<(), LedgerError> {
        let written = self
            .connection
            .execute(REMEMBER, (subject, channel, state, now));
        written
            .map(|_| ())
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    fn past(&self, dataset: &str, runs: usize) -> Result<Past, LedgerError> {
        let sqlite = |source| LedgerError::sqlite(&self.path, source);
        let reading = self.connection.unchecked_transaction().map_err(sqlite)?;
        let tables = FileTables {
            connection: &reading,
            path: &self.path,
        };
        past::past(&tables, dataset, runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Ledger, RunCounts, RunEnd, RunStart};

    fn run(path: &Path, now: i64, exit_status: u8, accepted: u64) {
        let mut ledger = SqliteLedger::open(path, Duration::ZERO).unwrap();
        ledger
            .start_run(&RunStart {
                dataset: "1",
                now,
                in_flight: 0,
            })
            .unwrap();
        let counts = RunCounts {
            events: accepted,
            accepted,
            requests: accepted,
            ..RunCounts::default()
        };
        ledger
            .finish_run(&RunEnd {
                now,
                exit_status,
                counts,
                ..RunEnd::default()
            })
            .unwrap();
    }

    #[test]
    fn what_a_channel_was_told_is_remembered_while_a_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.sqlite3");
        let notices = NoticeFile::open(&path).unwrap();
        assert_eq!(notices.told("1", "url").unwrap(), "");
        let _running = SqliteLedger::open(&path, Duration::ZERO).unwrap();
        notices.remember("1", "url", "failed-4", 7).unwrap();
        notices.remember("1", "url", "refused", 8).unwrap();
        let again = NoticeFile::open(&path).unwrap();
        assert_eq!(again.told("1", "url").unwrap(), "refused");
        assert_eq!(again.told("2", "url").unwrap(), "");
    }

    #[test]
    fn only_runs_that_sent_anything_count_for_the_usual_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l.sqlite3");
        for (now, exit, accepted) in [(10, 0, 5), (20, 0, 0), (30, 1, 7), (40, 4, 0)] {
            run(&path, now, exit, accepted);
        }
        let notices = NoticeFile::open(&path).unwrap();
        let past = notices.past("1", 9).unwrap();
        assert_eq!(past.accepted, [7, 5]);
        assert_eq!(
            (past.last_success, past.last_delivery),
            (Some(30), Some(30))
        );
        assert_eq!(past.first_run, Some(10));
        assert_eq!(notices.past("1", 1).unwrap().accepted, [7]);
        assert_eq!(notices.past("2", 9).unwrap(), Past::default());
    }
}
