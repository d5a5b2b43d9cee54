//! Asks what earlier exports showed of each lead, where an export shows only the stage a lead is in.
//!
//! Takes out of a chunk the stages that are only recorded, and gives an id of its own to the event of a lead that came
//! back to a stage. What remains is an event like any other.

use anyhow::{Context, Result, bail};

use super::account::Account;
use super::{Feed, LedgerTarget, Prepared};
use crate::customer::lowercase_hex;
use crate::event::Fingerprint;
use crate::ledger::{
    Ledger, LedgerError, Sight, Sighting, SnapshotSource, Snapshots, SqliteLedger, TrialSnapshots,
};
use crate::report::snapshot::Snapshot;

/// What stands before the id in an event's JSON.
const EVENT_ID: &[u8] = b"\"event_id\":\"";

/// Tells changes from what was there, for the inputs of one run.
pub(super) struct SnapshotStep {
    dataset: String,
    /// The CRM of each input.
    crms: Vec<String>,
    /// Remembers in the ledger's place, for a run that is not to be remembered.
    trial: Option<TrialSnapshots>,
}

impl SnapshotStep {
    /// For a run that is remembered in its ledger, where the inputs are snapshots.
    pub(super) fn in_ledger(feeds: &[Feed], dataset: &str) -> Option<Self> {
        is_wanted(feeds).then(|| Self::new(feeds, dataset, None))
    }

    /// For a run that is not remembered, on top of what a ledger that is only read knows.
    ///
    /// # Errors
    /// The ledger cannot be read, or there is no place for temporary files.
    pub(super) fn on_trial(
        feeds: &[Feed],
        dataset: &str,
        below: impl FnOnce() -> Result<Option<SqliteLedger>, LedgerError>,
    ) -> Result<Option<Self>> {
        if !is_wanted(feeds) {
            return Ok(None);
        }
        let trial = TrialSnapshots::over(below()?)?;
        Ok(Some(Self::new(feeds, dataset, Some(trial))))
    }

    fn new(feeds: &[Feed], dataset: &str, trial: Option<TrialSnapshots>) -> Self {
        let crms = feeds.iter().map(|feed| feed.lead_event_source.clone());
        Self {
            dataset: dataset.to_owned(),
            crms: crms.collect(),
            trial,
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

    /// Leaves in the chunk only what is an event.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub(super) fn sift(
        &mut self,
        prepared: &mut Prepared,
        ledger: &mut dyn Ledger,
        account: &mut Account,
    ) -> Result<()> {
        let (order, sightings) = in_order(prepared);
        if sightings.is_empty() {
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
        let sights = self.memory(ledger)?.sight(source, &sightings)?;
        let told = order.into_iter().zip(sights);
        let mut sights = told.filter_map(|(is_event, sight)| is_event.then_some(sight));
        let counts = account.snapshot.get_or_insert_default();
        let json = &mut prepared.json;
        prepared.events.retain_mut(|event| {
            let sight = event.sighting.and_then(|_| sights.next());
            match sight {
                None | Some(Sight::Event { visit: 0 }) => return true,
                Some(Sight::Event { visit }) => {
                    let range = event.json.start as usize..event.json.end as usize;
                    let later = event.fingerprint.of_visit(visit);
                    if event.of_given_id.is_none() {
                        rename(&mut json[range], event.fingerprint, later);
                        event.fingerprint = later;
                    }
                    return true;
                }
                Some(Sight::Recorded) => counts.recorded += 1,
                Some(Sight::Unchanged) => counts.unchanged += 1,
            }
            false
        });
        Ok(())
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

fn is_wanted(feeds: &[Feed]) -> bool {
    feeds.iter().any(|feed| feed.plan.is_snapshot())
}

/// The sightings of a chunk in the order of its rows, and whether each is an event's.
fn in_order(prepared: &Prepared) -> (Vec<bool>, Vec<Sighting>) {
    let of_events = prepared.events.iter();
    let mut all: Vec<(u64, bool, Sighting)> = of_events
        .filter_map(|event| Some((event.row, true, event.sighting?)))
        .collect();
    let elsewhere = prepared.elsewhere.iter();
    all.extend(elsewhere.map(|(row, sighting)| (*row, false, *sighting)));
    all.sort_by_key(|(row, ..)| *row);
    all.into_iter()
        .map(|(_, is_event, sighting)| (is_event, sighting))
        .unzip()
}

/// Gives an event another id of the same length.
fn rename(json: &mut [u8], from: Fingerprint, to: Fingerprint) {
    let hex = |print: Fingerprint| lowercase_hex(&print.0).as_flattened().to_vec();
    let old = [EVENT_ID, &hex(from)].concat();
    if let Some(start) = json.windows(old.len()).position(|text| text == old) {
        json[start + EVENT_ID.len()..start + old.len()].copy_from_slice(&hex(to));
    }
}
