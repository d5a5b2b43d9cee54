//! Where sightings are remembered: in the ledger, or for the length of a run that changes nothing.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;
use super::schema;
use super::snapshot::{self, Memory, Sight, Sighting, SnapshotSource, Snapshots};
use super::sqlite::SqliteLedger;
use crate::time::Clock;

/// What errors call a file that has no name.
const SCRATCH: &str = "a temporary ledger";

impl Snapshots for SqliteLedger {
    fn is_first_run(&self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        let (connection, path) = self.parts();
        snapshot::is_first_run(connection, source).map_err(|error| LedgerError::sqlite(path, error))
    }

    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        sightings: &[Sighting],
    ) -> Result<Vec<Sight>, LedgerError> {
        self.transact(|connection, writer| {
            let memory = Memory {
                written: connection,
                below: None,
                now: writer.now,
            };
            memory.sight_all(source, sightings)
        })
    }

    fn complete(&mut self, source: SnapshotSource<'_>) -> Result<(), LedgerError> {
        self.transact(|connection, writer| snapshot::complete(connection, source, writer.now))
    }
}

/// Remembers for the length of a run that changes nothing, in a file of its own that is gone with it.
pub(crate) struct TrialSnapshots {
    scratch: Connection,
    below: Option<SqliteLedger>,
}

impl TrialSnapshots {
    /// On top of what a ledger that is only read knows, if there is one.
    ///
    /// # Errors
    /// No temporary file can be made.
    pub(crate) fn over(below: Option<SqliteLedger>) -> Result<Self, LedgerError> {
        // Without a name the file is SQLite's own, kept in memory as long as it is small.
        let place = Path::new(SCRATCH);
        let mut scratch =
            Connection::open("").map_err(|source| LedgerError::sqlite(place, source))?;
        schema::migrate(&mut scratch, place)?;
        Ok(Self { scratch, below })
    }
}

impl Snapshots for TrialSnapshots {
    fn is_first_run(&self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        self.below
            .as_ref()
            .map_or(Ok(true), |below| below.is_first_run(source))
    }

    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        sightings: &[Sighting],
    ) -> Result<Vec<Sight>, LedgerError> {
        let below = self.below.as_ref().map(SqliteLedger::parts);
        let path = below.map_or(Path::new(SCRATCH), |(_, path)| path);
        let mut sight = || {
            let writing = self
                .scratch
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let memory = Memory {
                written: &writing,
                below: below.map(|(connection, _)| connection),
                now: Clock::System.now(),
            };
            let sights = memory.sight_all(source, sightings)?;
            writing.commit()?;
            Ok(sights)
        };
        sight().map_err(|error| LedgerError::sqlite(path, error))
    }

    fn complete(&mut self, _: SnapshotSource<'_>) -> Result<(), LedgerError> {
        Ok(())
    }
}
