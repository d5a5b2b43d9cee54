//! Remembers which events were accepted, so that running an upload again sends only what is new.
//!
//! An event is marked `sending` before its request and settled after the answer. One that a run left `sending` when
//! it died is uncertain: Meta may have taken it. Keys are hashes; of events only those of snapshots that are not settled
//! are kept, hashed as they are sent. A ledger sends nothing and decides nothing but which rows mean the same lead: it
//! answers what it knows and records what it is told.

mod alias;
mod check;
mod copy;
mod entries;
mod error;
mod events;
mod forget;
mod leadgen;
mod leads;
mod lock;
mod notices;
mod open_tables;
mod past;
mod pending;
mod people;
mod place;
mod postgres;
mod reserve;
mod schema;
mod shared;
mod snapshot;
mod sql;
mod sqlite;
mod state;
mod status;
mod tables;
mod target;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::HashSet;
use std::sync::Arc;

pub(crate) use check::{Checked, check};
pub(crate) use copy::{Copied, CopyError, Pair, copy};
pub(crate) use error::LedgerError;
pub(crate) use events::{Accepted, PastEvent, State, Window};
pub(crate) use leadgen::{DueLead, ToldLead};
pub(crate) use notices::Notices;
pub(crate) use past::Past;
pub(crate) use pending::Pending;
pub(crate) use people::Person;
pub(crate) use postgres::{Address, PostgresLedger};
pub(crate) use shared::SharedLedger;
pub(crate) use snapshot::{
    Shown, Sight, Sighting, Sights, SnapshotSource, Snapshots, Timing, Told,
};
pub(crate) use sqlite::SqliteLedger;
pub(crate) use status::{Delivered, PastRun, Status};
pub(crate) use target::{LedgerReader, LedgerTarget};
pub(crate) use trial::{TrialLedger, TrialSnapshots};

use crate::event::{Event, EventKey, Fingerprint};

/// What a ledger must be able to do. Calls block; every one is a single transaction.
pub(crate) trait Ledger: Send {
    /// What is known of each event of a dataset, in the order given, by its own id or by another that it would have if
    /// something else of its lead were known. What is new about a lead is learnt.
    fn look_up(&mut self, dataset: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError>;

    /// How each event stands, for tests.
    #[cfg(test)]
    fn standing(&mut self, events: &[Event]) -> Result<Vec<Standing>, LedgerError> {
        let known = self.look_up("123", events)?;
        Ok(known.into_iter().map(|known| known.standing).collect())
    }

    /// The events of a dataset that nobody knows of whether they were taken and that have become too old to be sent at
    /// `now` since the last run which came to its end: that one could still send them, or has told of them.
    fn expired(&mut self, dataset: &str, now: i64) -> Result<HashSet<EventKey>, LedgerError> {
        let _ = (dataset, now);
        Ok(HashSet::new())
    }

    /// Notes that a run starts. Fails when the ledger cannot be written, so that nothing is sent then.
    fn start_run(&mut self, run: &RunStart<'_>) -> Result<(), LedgerError>;

    /// Makes entries, all of them or none. Says of each entry's events, in the order given, whether they may be sent, or,
    /// of events that are to be kept, whether they are new; an entry that settles has nothing to say.
    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError>;

    /// Notes how the run ended.
    fn finish_run(&mut self, end: &RunEnd) -> Result<(), LedgerError>;

    /// What waits of a dataset's events that stand in no export.
    fn queue(&mut self, dataset: &str) -> Result<Queue, LedgerError> {
        let _ = dataset;
        Ok(Queue::default())
    }

    /// Notes leads that Meta's webhook told of, and gives how many were not noted yet.
    fn note_leads(&mut self, dataset: &str, leads: &[ToldLead]) -> Result<u64, LedgerError> {
        let _ = (dataset, leads);
        Ok(0)
    }

    /// Takes leads that are to be read now. Nobody else gets them for a while, nor this one: it puts them off or forgets them.
    fn take_leads(&mut self, dataset: &str) -> Result<Vec<DueLead>, LedgerError> {
        let _ = dataset;
        Ok(Vec::new())
    }

    /// Puts off a lead until a time by the real clock, Unix seconds.
    fn put_lead_off(&mut self, lead: (&str, &str), until: i64) -> Result<(), LedgerError> {
        let _ = (lead, until);
        Ok(())
    }

    /// Forgets a lead of a dataset, by its id: it was read, or will never be.
    fn forget_lead(&mut self, lead: (&str, &str)) -> Result<(), LedgerError> {
        let _ = lead;
        Ok(())
    }

    /// What remembers the stages that exports showed; none where nothing of them is kept.
    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        None
    }
}

/// What a ledger knows of an event, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// How it stands.
    pub standing: Standing,
    /// The id it is known under, where that is not its own.
    pub under: Option<Fingerprint>,
}

impl Known {
    /// By its own id.
    pub(crate) fn own(standing: Standing) -> Self {
        Self {
            standing,
            under: None,
        }
    }

    /// As another event.
    fn other(same: alias::Same) -> Self {
        Self {
            standing: same.standing,
            under: Some(same.id),
        }
    }
}

/// Something to be recorded.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// These events are about to be sent.
    Begin(Vec<Event>),
    /// This became of events that were begun, and the trace id of the answer that decided it.
    Settle(Vec<(Event, Settled)>, Option<String>),
    /// These events stand in no export and are to be kept, as they are sent, until they are settled.
    Keep {
        /// The dataset's id.
        dataset: Arc<str>,
        /// They may be new or known.
        events: Vec<Event>,
    },
}

/// Events that are kept until they are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// How many.
    pub events: u64,
    /// When the one came that has waited longest, Unix seconds by the real clock.
    pub since: Option<i64>,
    /// Leads that Meta's webhook told of and that are not read yet.
    pub leads: u64,
}

/// What a ledger knows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing: it is to be sent.
    New,
    /// An earlier run delivered it.
    Accepted,
    /// Meta refused it in an earlier run, and its content is still the same.
    Refused {
        /// Meta's code.
        code: i64,
        /// Meta's subcode.
        subcode: Option<i64>,
    },
    /// An earlier run ended without knowing whether it was taken: it is to be sent again.
    Uncertain,
    /// So many runs sent it without knowing whether it was taken that it rests, lest it is counted again and again.
    Resting,
    /// This run has begun it already: the input holds it twice.
    ThisRun,
    /// Another run has it in hand at this moment.
    Elsewhere,
}

/// Whether an event may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It may, and has never been taken.
    Fresh,
    /// It may, but an earlier run may have delivered it already.
    Again,
    /// It must not: it was accepted before, or this run has begun it already, or it is a repeat.
    Known,
    /// It must not: another run has it in hand at this moment.
    Elsewhere,
}

/// What became of an event that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Meta took it.
    Accepted,
    /// Meta refused it for good.
    Rejected {
        /// Meta's code.
        code: i64,
        /// Meta's subcode.
        subcode: Option<i64>,
    },
    /// This run has certainly not delivered it: as if it had never been begun.
    Unsent,
    /// Nobody knows.
    Uncertain,
    /// Nobody knows, as somebody did not wait for the answer: it counts as if the run had been killed.
    Abandoned,
    /// Nobody knows, and it says nothing of the event, as nothing at all was accepted: it does not count among the runs
    /// after which an event rests.
    InOutage,
}

/// A run, as it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunStart<'a> {
    /// The dataset's id.
    pub dataset: &'a str,
    /// Unix seconds.
    pub now: i64,
    /// How many events may be in flight at once.
    pub in_flight: u64,
}

/// A run, as it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunEnd {
    /// Unix seconds.
    pub now: i64,
    /// The exit status.
    pub exit_status: u8,
    /// Whether a sandbox stood in Meta's place: then the run delivered nothing that counts.
    pub is_rehearsal: bool,
    /// What was counted.
    pub counts: RunCounts,
}

/// The counts of a run, as the report has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunCounts {
    pub events: u64,
    pub skipped_old: u64,
    pub skipped_delivered: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub undelivered: u64,
    pub uncertain: u64,
    pub requests: u64,
}

/// Remembers nothing: for `--ledger none`, test events and the sandbox.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoLedger;

impl Ledger for NoLedger {
    fn look_up(&mut self, _: &str, events: &[Event]) -> Result<Vec<Known>, LedgerError> {
        Ok(vec![Known::own(Standing::New); events.len()])
    }

    fn start_run(&mut self, _: &RunStart<'_>) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Even without a memory an event goes only once into a batch.
    fn write(&mut self, entries: &[Entry]) -> Result<Vec<Vec<Begun>>, LedgerError> {
        let begin = |entry: &Entry| match entry {
            Entry::Begin(events) => {
                let mut seen = HashSet::with_capacity(events.len());
                events
                    .iter()
                    .map(|event| {
                        if !event.known_by.is_repeat && seen.insert(event.key) {
                            Begun::Fresh
                        } else {
                            Begun::Known
                        }
                    })
                    .collect()
            }
            Entry::Settle(..) => Vec::new(),
            Entry::Keep { events, .. } => vec![Begun::Known; events.len()],
        };
        Ok(entries.iter().map(begin).collect())
    }

    fn finish_run(&mut self, _: &RunEnd) -> Result<(), LedgerError> {
        Ok(())
    }
}
