//! Where sightings are remembered: in the ledger, or for the length of a run that changes nothing.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;
use super::leads::Tables;
use super::pending::{self, Pending};
use super::schema;
use super::snapshot::{self, Memory, Shown, Sight, Sights, SnapshotSource, Snapshots};
use super::sqlite::SqliteLedger;
use super::target::LedgerReader;
use super::{Begun, Entry, Known, Ledger, NoLedger, RunEnd, RunStart};
use crate::event::{Event, EventKey, LeadKey};
use crate::time::Clock;

/// What errors call a file that has no name.
const SCRATCH: &str = "a temporary ledger";

impl Snapshots for SqliteLedger {
    fn is_first_run(&mut self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        let (connection, path) = self.parts();
        snapshot::is_first_run(connection, source).map_err(|error| LedgerError::sqlite(path, error))
    }

    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> Result<Sights, LedgerError> {
        self.transact(|connection, writer| {
            let memory = Memory {
                tables: Tables {
                    written: connection,
                    below: None,
                },
                run: writer.run,
                now: writer.now,
            };
            memory.sight_all(source, shown)
        })
    }

    fn overdue(&mut self, dataset: &str) -> Result<Vec<Pending>, LedgerError> {
        self.transact(|connection, writer| pending::take_more(connection, dataset, writer.run))
    }

    fn give_up(&mut self, events: &[EventKey]) -> Result<(), LedgerError> {
        self.transact(|connection, _| {
            let mut events = events.iter();
            events.try_for_each(|event| pending::give_up(connection, *event))
        })
    }

    fn complete(&mut self, source: SnapshotSource<'_>) -> Result<(), LedgerError> {
        self.transact(|connection, writer| snapshot::complete(connection, source, writer.now))
    }
}

/// Knows what a ledger knows, and notes nothing: for test events, which are to be those that would go.
pub(crate) struct TrialLedger {
    below: Box<dyn Ledger>,
}

impl TrialLedger {
    /// On top of a ledger that is only read.
    pub(crate) fn over(below: LedgerReader) -> Self {
        Self {
            below: below.into_ledger(),
        }
    }
}

impl Ledger for TrialLedger {
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        self.below.look_up(dataset, events)
    }

    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError> {
        NoLedger.start_run(run)
    }

    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        NoLedger.write(entries)
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError> {
        NoLedger.finish_run(end)
    }
}

/// Remembers for the length of a run that changes nothing, in a file of its own that is gone with it.
pub(crate) struct TrialSnapshots {
    scratch: Connection,
    below: Option<LedgerReader>,
    /// Leads of which nothing may be sent.
    withheld: HashSet<LeadKey>,
    /// Events that rows show, which go in the place of what earlier runs left.
    shown: HashSet<EventKey>,
    /// The last of what earlier runs left that was told.
    last_told: i64,
}

impl TrialSnapshots {
    /// On top of what a ledger that is only read knows, if there is one.
    ///
    /// # Errors
    /// No temporary file can be made.
    pub(crate) fn over(below: Option<LedgerReader>) -> Result<Self, LedgerError> {
        // Without a name the file is SQLite's own, kept in memory as long as it is small.
        let place = Path::new(SCRATCH);
        let mut scratch =
            Connection::open("").map_err(|source| LedgerError::sqlite(place, source))?;
        schema::migrate(&mut scratch, place)?;
        Ok(Self {
            scratch,
            below,
            withheld: HashSet::new(),
            shown: HashSet::new(),
            last_told: 0,
        })
    }
}

impl Snapshots for TrialSnapshots {
    fn is_first_run(&mut self, source: SnapshotSource<'_>) -> Result<bool, LedgerError> {
        self.below
            .as_mut()
            .map_or(Ok(true), |below| below.is_first_run(source))
    }

    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> Result<Sights, LedgerError> {
        let scratch = &mut self.scratch;
        let mut sight = |below: Option<&Connection>| {
            let writing = scratch.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let memory = Memory {
                tables: Tables {
                    written: &writing,
                    below,
                },
                run: None,
                now: Clock::System.now(),
            };
            let sights = memory.sight_all(source, shown)?;
            writing.commit()?;
            Ok(sights)
        };
        let Some(below) = &mut self.below else {
            return sight(None).map_err(|error| LedgerError::sqlite(Path::new(SCRATCH), error));
        };
        let sights = below.look_at(source, shown, &mut |below| sight(Some(below)))?;
        if below.is_any_overdue()? {
            let withheld = shown.iter().zip(&sights.told);
            let withheld = withheld.filter(|(shown, _)| shown.sighting.is_withheld);
            self.withheld.extend(withheld.map(|(_, told)| told.lead));
            let ids = sights.told.iter().filter_map(|told| match told.sight {
                Sight::Event { id, .. } => Some(EventKey::in_dataset(source.dataset, id)),
                _ => None,
            });
            self.shown.extend(ids);
        }
        Ok(sights)
    }

    fn overdue(&mut self, dataset: &str) -> Result<Vec<Pending>, LedgerError> {
        let Some(below) = &mut self.below else {
            return Ok(Vec::new());
        };
        loop {
            let (mut found, last) = below.page(dataset, self.last_told)?;
            self.last_told = last.unwrap_or(self.last_told);
            found.retain(|event| {
                !self.withheld.contains(&event.lead) && !self.shown.contains(&event.key)
            });
            if last.is_none() || !found.is_empty() {
                return Ok(found);
            }
        }
    }

    fn give_up(&mut self, _: &[EventKey]) -> Result<(), LedgerError> {
        Ok(())
    }

    fn complete(&mut self, _: SnapshotSource<'_>) -> Result<(), LedgerError> {
        Ok(())
    }
}
