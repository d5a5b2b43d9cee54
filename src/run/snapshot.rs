//! Asks what earlier exports showed of each lead, where an export shows only the stage a lead is in.
//!
//! Takes out of a chunk the stages that are only recorded, and gives the others the id and time they were first shown
//! with. What remains is an event like any other, and so is what earlier runs found and could not deliver.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::waiting;
use super::{Feed, Prepared};
use crate::event::{Event, EventKey, Origin, set_id, set_time};
use crate::ledger::{
    Ledger, LedgerError, LedgerReader, LedgerTarget, Pending, Shown, Sight, Sighting, Sights,
    SnapshotSource, Snapshots, Told, TrialSnapshots,
};
use crate::problem::Code;
use crate::report::snapshot::Snapshot;
use crate::report::stages::Fate;
use crate::time::Clock;

/// Tells changes from what was there, for the inputs of one run.
pub(super) struct SnapshotStep {
    dataset: String,
    /// The CRM of each input.
    crms: Vec<String>,
    /// Remembers in the ledger's place, for a run that is not to be remembered.
    trial: Option<TrialSnapshots>,
    clock: Clock,
    /// Whether what Meta refused is tried again.
    retries_refused: bool,
}

impl SnapshotStep {
    /// For a run that is remembered in its ledger, where the inputs are snapshots.
    pub(super) fn in_ledger(feeds: &[Feed], dataset: &str, clock: Clock) -> Option<Self> {
        is_wanted(feeds).then(|| Self::new(feeds, dataset, clock, None))
    }

    /// For a run that is not remembered, on top of what a ledger that is only read knows.
    ///
    /// # Errors
    /// The ledger cannot be read, or there is no place for temporary files.
    pub(super) fn on_trial(
        feeds: &[Feed],
        dataset: &str,
        clock: Clock,
        below: impl FnOnce() -> Result<Option<LedgerReader>, LedgerError>,
    ) -> Result<Option<Self>> {
        if !is_wanted(feeds) {
            return Ok(None);
        }
        let trial = TrialSnapshots::over(below()?)?;
        Ok(Some(Self::new(feeds, dataset, clock, Some(trial))))
    }

    fn new(feeds: &[Feed], dataset: &str, clock: Clock, trial: Option<TrialSnapshots>) -> Self {
        let crms = feeds.iter().map(|feed| feed.lead_event_source.clone());
        Self {
            dataset: dataset.to_owned(),
            crms: crms.collect(),
            trial,
            clock,
            retries_refused: false,
        }
    }

    /// The same, which also takes up what Meta refused if `retries` says so.
    pub(super) fn retrying(self, retries: bool) -> Self {
        Self {
            retries_refused: retries,
            ..self
        }
    }

    /// Says in the account whether this is a first run.
    ///
    /// # Errors
    /// The ledger cannot be read, or keeps no snapshots.
    pub(super) fn open(&mut self, ledger: &mut dyn Ledger, account: &mut Account) -> Result<()> {
        let mut is_first_run = false;
        for crm in self.crms.clone() {
            let source = SnapshotSource {
                dataset: &self.dataset.clone(),
                crm: &crm,
            };
            is_first_run |= self.memory(ledger)?.is_first_run(source)?;
        }
        account.snapshot = Some(Snapshot {
            is_first_run,
            ..Snapshot::default()
        });
        Ok(())
    }

    /// Leaves in the chunk only what is an event, and adds what earlier runs left of its leads.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(super) fn sift(
        &mut self,
        prepared: &mut Prepared,
        ledger: &mut dyn Ledger,
        account: &mut Account,
    ) -> Result<()> {
        let placed = in_order(prepared);
        if placed.is_empty() {
            return Ok(());
        }
        let (dataset, crm) = (
            self.dataset.clone(),
            self.crms[prepared.input as usize].clone(),
        );
        let source = SnapshotSource {
            dataset: &dataset,
            crm: &crm,
        };
        let is_noted = self.trial.is_none();
        let shown: Vec<Shown<'_>> = placed
            .iter()
            .map(|placed| placed.shown(prepared, is_noted))
            .collect();
        let Sights { told, overdue } = self.memory(ledger)?.sight(source, &shown)?;
        let mut stays = vec![true; prepared.events.len()];
        let mut rows_in_hand = HashMap::new();
        for (placed, told) in placed.iter().zip(told) {
            let Some(index) = placed.event else { continue };
            stays[index] = apply(told, index, prepared, account);
            if let Sight::InHand { id } = told.sight {
                rows_in_hand.insert(EventKey::in_dataset(&dataset, id), placed.row);
            }
        }
        let mut stays = stays.into_iter();
        prepared.events.retain(|_| stays.next().unwrap_or_default());
        prepared.overdue = self.take_up(overdue, ledger, account)?;
        // Where a row still shows what an earlier run left, it is the one to be corrected when that is refused.
        for event in &mut prepared.overdue {
            if let Some(&row) = rows_in_hand.get(&event.key) {
                event.origin = Origin {
                    input: prepared.input,
                    row,
                };
            }
        }
        Ok(())
    }

    /// What earlier runs left of leads that no export of this run showed; nothing when there is no more.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(super) fn overdue(
        &mut self,
        ledger: &mut dyn Ledger,
        account: &mut Account,
    ) -> Result<Vec<Event>> {
        loop {
            let dataset = self.dataset.clone();
            let found = self.memory(ledger)?.overdue(&dataset)?;
            let is_last = found.is_empty();
            let events = self.take_up(found, ledger, account)?;
            if is_last || !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Counts what earlier runs left, for a run that sends nothing.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn count_overdue(
        &mut self,
        ledger: &mut dyn Ledger,
        account: &mut Account,
    ) -> Result<()> {
        loop {
            let events = self.overdue(ledger, account)?;
            account.settle_all(&events, Fate::Undelivered);
            if events.is_empty() {
                return Ok(());
            }
        }
    }

    /// Takes what earlier runs left into the account, and gives up what is too old by now.
    fn take_up(
        &mut self,
        found: Vec<Pending>,
        ledger: &mut dyn Ledger,
        account: &mut Account,
    ) -> Result<Vec<Event>> {
        let how = (self.clock, self.retries_refused);
        let (events, old) = waiting::take_up(found, how, account);
        if !old.is_empty() {
            self.memory(ledger)?.give_up(&old)?;
        }
        account.snapshot.get_or_insert_default().overdue += events.len() as u64;
        Ok(events)
    }

    /// Notes that the inputs were read to their end.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(super) fn complete(&mut self, ledger: &mut dyn Ledger) -> Result<()> {
        for crm in self.crms.clone() {
            let source = SnapshotSource {
                dataset: &self.dataset.clone(),
                crm: &crm,
            };
            self.memory(ledger)?.complete(source)?;
        }
        Ok(())
    }

    fn memory<'a>(&'a mut self, ledger: &'a mut dyn Ledger) -> Result<&'a mut dyn Snapshots> {
        match &mut self.trial {
            Some(trial) => Ok(trial),
            None => ledger
                .snapshots()
                .context("--stage-time first-seen needs a ledger in a file"),
        }
    }
}

/// Refuses to upload snapshots without a memory: each run would be a first one, which sends no stage.
pub(super) fn refuse_without_ledger(
    feeds: &[Feed],
    target: &LedgerTarget,
    is_rehearsal: bool,
) -> Result<()> {
    if is_wanted(feeds) && *target == LedgerTarget::None && !is_rehearsal {
        bail!(
            "--stage-time first-seen compares each export with the ones before, which the ledger remembers; name one \
             with --ledger FILE instead of none"
        );
    }
    Ok(())
}

/// Whether any of the inputs shows only where leads are. Where there is none, the run is about what earlier ones left.
pub(super) fn is_wanted(feeds: &[Feed]) -> bool {
    feeds.is_empty() || feeds.iter().any(|feed| feed.plan().is_snapshot())
}

/// A sighting in its chunk.
struct Placed {
    row: u64,
    sighting: Sighting,
    identities: Range<u32>,
    /// The event it is of.
    event: Option<usize>,
}

impl Placed {
    /// As the ledger takes it; with its event, where that is to be noted.
    fn shown<'a>(&self, prepared: &'a Prepared, is_noted: bool) -> Shown<'a> {
        let index = self.event.filter(|_| is_noted && !self.sighting.is_old);
        Shown {
            sighting: self.sighting,
            identities: &prepared.identities
                [self.identities.start as usize..self.identities.end as usize],
            event: index.map(|index| {
                let name = prepared.name_of(&prepared.events[index]);
                (&**name, prepared.json_of(index))
            }),
        }
    }
}

/// The sightings of a chunk in the order of its rows.
fn in_order(prepared: &Prepared) -> Vec<Placed> {
    let events = prepared.events.iter().enumerate();
    let of_events = events.filter_map(|(index, event)| {
        Some(Placed {
            row: event.row,
            sighting: event.sighting?,
            identities: event.identities.clone(),
            event: Some(index),
        })
    });
    let elsewhere = prepared.elsewhere.iter().map(|found| Placed {
        row: found.row,
        sighting: found.sighting,
        identities: found.identities.clone(),
        event: None,
    });
    let mut all: Vec<Placed> = of_events.chain(elsewhere).collect();
    all.sort_by_key(|placed| placed.row);
    all
}

/// Applies what was told of an event's sighting; says whether it remains an event.
fn apply(told: Told, index: usize, prepared: &mut Prepared, account: &mut Account) -> bool {
    let event = &mut prepared.events[index];
    if told.has_grown {
        let origin = Origin {
            input: prepared.input,
            row: event.row,
        };
        account.remember(Code::IdentityGrew, origin);
    }
    event.lead = told.lead.hash();
    let counts = account.snapshot.get_or_insert_default();
    match told.sight {
        Sight::Recorded => counts.recorded += 1,
        Sight::Unchanged => counts.unchanged += 1,
        // It is counted with another row, or with what earlier runs left.
        Sight::InHand { .. } => {}
        Sight::Event { id, time } => {
            let json = &mut prepared.json[event.json.start as usize..event.json.end as usize];
            if event.of_given_id.is_none() && event.fingerprint != id {
                set_id(json, id);
                event.fingerprint = id;
            }
            if event.time != time {
                set_time(json, time);
                event.time = time;
            }
        }
    }
    matches!(told.sight, Sight::Event { .. })
}
