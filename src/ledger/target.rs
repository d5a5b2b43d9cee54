//! Where a ledger is, and a ledger that is only looked at, wherever that is.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::LedgerError;
use super::events::{Accepted, PastEvent, Window};
use super::open_tables::OpenTables;
use super::pending::Pending;
use super::people::Person;
use super::snapshot::{Shown, Sights, SnapshotSource, Snapshots};
use super::status::Status;
use super::{Address, Ledger, PostgresLedger, SqliteLedger};

/// Where what was accepted is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum LedgerTarget {
    /// Nowhere.
    #[default]
    None,
    /// In an SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database.
    Server(Address),
}

impl LedgerTarget {
    /// The file, where it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::None | Self::Server(_) => None,
        }
    }

    /// Whether there may be a ledger: what only a server could tell is not known.
    pub(crate) fn may_exist(&self) -> bool {
        match self {
            Self::None => false,
            Self::File(path) => path.exists(),
            Self::Server(_) => true,
        }
    }
}

/// As errors call it; without a password.
impl fmt::Display for LedgerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::File(path) => path.display().fmt(f),
            Self::Server(address) => address.fmt(f),
        }
    }
}

/// A ledger that is only looked at. It makes no ledger, changes none, and keeps no run from starting.
pub(crate) enum LedgerReader {
    /// In a file.
    File(Box<SqliteLedger>),
    /// In a database.
    Server(Box<PostgresLedger>),
}

impl LedgerReader {
    /// Opens a ledger; nothing when there is none yet.
    pub(crate) fn open(target: &LedgerTarget) -> Result<Option<Self>, LedgerError> {
        Ok(match target {
            LedgerTarget::None => None,
            LedgerTarget::File(path) => {
                SqliteLedger::open_read_only(path)?.map(|ledger| Self::File(Box::new(ledger)))
            }
            LedgerTarget::Server(address) => PostgresLedger::open_read_only(address)?
                .map(|ledger| Self::Server(Box::new(ledger))),
        })
    }

    /// Whether there is a ledger, be it one of an earlier shape.
    pub(super) fn exists(target: &LedgerTarget) -> Result<bool, LedgerError> {
        match Self::open(target) {
            Ok(found) => Ok(found.is_some()),
            Err(LedgerError::Older(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// What was delivered lately to `dataset`, or to any: the last `runs` runs, and the 14 days up to `now`.
    pub(crate) fn status(
        &mut self,
        dataset: Option<&str>,
        now: i64,
        runs: usize,
    ) -> Result<Status, LedgerError> {
        match self {
            Self::File(ledger) => ledger.status(dataset, now, runs),
            Self::Server(ledger) => ledger.status(dataset, now, runs),
        }
    }

    /// Counts the accepted events of a dataset by name and hour.
    pub(crate) fn accepted(
        &mut self,
        dataset: &str,
        window: Window,
    ) -> Result<Vec<Accepted>, LedgerError> {
        match self {
            Self::File(ledger) => ledger.accepted(dataset, window),
            Self::Server(ledger) => ledger.accepted(dataset, window),
        }
    }

    /// The events that are about any of `people`, of a dataset or of all, in the order of their times.
    pub(crate) fn about(
        &mut self,
        people: &HashSet<Person>,
        dataset: Option<&str>,
        now: i64,
    ) -> Result<Vec<PastEvent>, LedgerError> {
        match self {
            Self::File(ledger) => ledger.about(people, dataset, now),
            Self::Server(ledger) => ledger.about(people, dataset, now),
        }
    }

    /// Works on all of the tables, in a transaction that only reads.
    pub(super) fn look<T>(
        &mut self,
        work: &dyn Fn(&dyn OpenTables) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        match self {
            Self::File(ledger) => ledger.look(work),
            Self::Server(ledger) => ledger.look(work),
        }
    }

    /// The ledger itself, to look up events.
    pub(crate) fn into_ledger(self) -> Box<dyn Ledger> {
        match self {
            Self::File(ledger) => ledger,
            Self::Server(ledger) => ledger,
        }
    }

    pub(super) fn is_first_run(&mut self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        match self {
            Self::File(ledger) => ledger.is_first_run(source),
            Self::Server(ledger) => ledger.is_first_run(source),
        }
    }

    /// What rows of snapshots come to for `decide`, which gets the tables that they concern.
    pub(super) fn look_at(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
        decide: &mut dyn FnMut(&Connection) -> rusqlite::Result<Sights>,
    ) -> Result<Sights, LedgerError> {
        match self {
            Self::File(ledger) => {
                let (connection, path) = ledger.parts();
                decide(connection).map_err(|error| LedgerError::sqlite(path, error))
            }
            Self::Server(ledger) => ledger.look_at(source, shown, decide),
        }
    }

    /// Whether earlier runs left any event of snapshots.
    pub(super) fn is_any_overdue(&mut self) -> Result<bool, LedgerError> {
        match self {
            Self::File(ledger) => ledger.is_any_overdue(),
            Self::Server(ledger) => ledger.is_any_overdue(),
        }
    }

    /// A page of all that is pending of a dataset behind one of them.
    pub(super) fn page(
        &mut self,
        dataset: &str,
        behind: i64,
    ) -> Result<(Vec<Pending>, Option<i64>), LedgerError> {
        match self {
            Self::File(ledger) => ledger.page(dataset, behind),
            Self::Server(ledger) => ledger.page(dataset, behind),
        }
    }
}
