//! What receivers of notifications were told, and what of past runs decides what they are told next.
//!
//! Each call is a transaction of its own beside those of a run that may go on meanwhile: it needs no run's lock, and
//! changes no row of an event or a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::error::LedgerError;
use super::schema::{self, Shape};
use super::sql::{FileTables, Sql};
use super::sqlite::{SqliteLedger, distrust};

/// How long another transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The part of a ledger that remembers notifications.
#[derive(Debug)]
pub(crate) struct Notices {
    connection: Connection,
    path: PathBuf,
}

/// What past runs to a dataset say of the next notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// What the last runs that sent anything delivered, the latest first.
    pub accepted: Vec<u64>,
    /// When the last run ended that left no event open, Unix seconds.
    pub last_success: Option<i64>,
    /// When the last run ended that delivered an event, Unix seconds.
    pub last_delivery: Option<i64>,
    /// When the first run that is remembered started, Unix seconds.
    pub first_run: Option<i64>,
}

impl Notices {
    /// Opens the ledger at `path`, and makes it or brings it up to date where that is needed.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
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

    /// The state a channel was last told; empty when it was never told anything.
    pub(crate) fn told(&self, subject: &str, channel: &str) -> Result<String, LedgerError> {
        let told = self
            .connection
            .query_row(
                "SELECT state FROM notice WHERE subject = ?1 AND channel = ?2",
                (subject, channel),
                |row| row.get(0),
            )
            .optional();
        told.map(Option::unwrap_or_default)
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    /// Remembers the state a channel was told.
    pub(crate) fn remember(
        &self,
        subject: &str,
        channel: &str,
        state: &str,
        now: i64,
    ) -> Result<(), LedgerError> {
        let written = self.connection.execute(
            "INSERT INTO notice (subject, channel, state, changed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (subject, channel) DO UPDATE SET state = excluded.state, changed = excluded.changed",
            (subject, channel, state, now),
        );
        written
            .map(|_| ())
            .map_err(|source| LedgerError::sqlite(&self.path, source))
    }

    /// What past runs to `dataset` say: of those that sent anything the last `runs`.
    pub(crate) fn past(&self, dataset: &str, runs: usize) -> Result<Past, LedgerError> {
        let sqlite = |source| LedgerError::sqlite(&self.path, source);
        let reading = self.connection.unchecked_transaction().map_err(sqlite)?;
        let tables = FileTables {
            connection: &reading,
            path: &self.path,
        };
        past(&tables, dataset, runs)
    }
}

/// What past runs to `dataset` say: of those that sent anything the last `runs`.
pub(super) fn past(store: &impl Sql, dataset: &str, runs: usize) -> Result<Past, LedgerError> {
    let accepted = store.rows(
        "SELECT accepted FROM run
         WHERE dataset = $1 AND rehearsal = 0 AND accepted + rejected + uncertain > 0 AND requests > 0
         ORDER BY id DESC LIMIT $2",
        &[dataset.into(), (runs as i64).into()],
        |mut row| row.count(0),
    )?;
    let past = store.row(
        "SELECT max(CASE WHEN exit_status IN (0, 1) AND undelivered = 0 AND uncertain = 0 THEN ended END),
                max(CASE WHEN accepted > 0 THEN ended END), min(started)
         FROM run WHERE rehearsal = 0 AND dataset = $1",
        &[dataset.into()],
        |mut row| {
            Ok(Past {
                accepted: Vec::new(),
                last_success: row.take(0)?,
                last_delivery: row.take(1)?,
                first_run: row.take(2)?,
            })
        },
    )?;
    Ok(Past {
        accepted,
        ..past.unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Ledger, RunCounts, RunEnd, RunStart};

    fn run(path: &Path, now: i64, exit_status: u8, accepted: u64) {
        let mut ledger = SqliteLedger::open(path, Duration::ZERO).unwrap();
        ledger.start_run(&RunStart { dataset: "1", now }).unwrap();
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
        let notices = Notices::open(&path).unwrap();
        assert_eq!(notices.told("1", "url").unwrap(), "");
        let _running = SqliteLedger::open(&path, Duration::ZERO).unwrap();
        notices.remember("1", "url", "failed-4", 7).unwrap();
        notices.remember("1", "url", "refused", 8).unwrap();
        let again = Notices::open(&path).unwrap();
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
        let notices = Notices::open(&path).unwrap();
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
