//! Reads and delivers side by side; every event built ends in exactly one count.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::account::{self, Account, Picked};
use super::feed::broken_off;
use super::rejects::{Known, Rejects, Settled};
use super::snapshot::SnapshotStep;
use super::{Feed, Observer, Pass, Prepared, UploadSettings, workers};
use crate::batch;
use crate::deliver::{self, Delivery, Interrupt, Outcome};
use crate::event::{Event, EventKey, Fingerprint, KnownBy, Origin, set_id};
use crate::graph::Client;
use crate::ledger::{self, Ledger, LedgerError, SharedLedger, Standing};
use crate::problem::Code;
use crate::report::stages::{Fate, Stages};
use crate::report::{End, Problems};
use crate::source::ReadError;

/// Chunks of events that wait for the delivery, which holds more of them itself.
const QUEUE: usize = 1;

/// The sending pass of an upload.
pub(super) struct Sending<'a> {
    pub settings: &'a UploadSettings,
    pub ledger: &'a SharedLedger,
    pub account: &'a mut Account,
    pub observer: &'a mut dyn Observer,
    pub runtime: &'a Runtime,
    /// Signals, as far as the run heeds them.
    pub interrupt: watch::Receiver<Interrupt>,
    /// Where the inputs are snapshots.
    pub snapshot: Option<SnapshotStep>,
}

impl Sending<'_> {
    /// Reads the inputs to their end and delivers what is new in them.
    pub(super) fn run(
        self,
        feeds: &mut [Feed],
        client: Client,
        rejects: Option<Rejects>,
    ) -> Delivery {
        let rejects = rejects.map(Mutex::new);
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut producer = Producer {
            settings: self.settings,
            ledger: self.ledger,
            account: self.account,
            rejects: rejects.as_ref(),
            snapshot: self.snapshot,
            sender,
        };
        let mut outcomes = Outcomes {
            observer: self.observer,
            rejects: rejects.as_ref(),
            stages: Stages::default(),
            refusals: Problems::default(),
        };
        let (delivery, (produced, snapshot)) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let produced = producer.read(feeds);
                // The delivery ends when nobody can send to it any more.
                drop(producer.sender);
                (produced, producer.snapshot)
            });
            let mut on_outcome = |event: &Event, outcome: &Outcome| outcomes.add(event, outcome);
            let delivery = self.runtime.block_on(deliver::deliver(
                receiver,
                client,
                self.ledger.clone(),
                self.settings.send.delivery.clone(),
                self.interrupt,
                &mut on_outcome,
            ));
            // Files are read on, to be counted; nobody knows when a stream would end.
            self.settings.read.source.stop.stop();
            let produced = reader
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (delivery, produced)
        });
        let produced = produced.and_then(|()| match snapshot {
            Some(mut snapshot) if !delivery.is_rehearsal => {
                snapshot.complete(self.ledger.lock().as_mut())
            }
            _ => Ok(()),
        });
        outcomes.observer.finished();
        self.account.stages.merge(outcomes.stages);
        self.account.problems.merge(outcomes.refusals);
        // Why the delivery ended weighs more than what was lost beside it.
        self.account.add_delivery(&delivery);
        note_what_was_lost(self.account, &delivery, produced, rejects);
        delivery
    }
}

fn note_what_was_lost(
    account: &mut Account,
    delivery: &Delivery,
    produced: Result<()>,
    rejects: Option<Mutex<Rejects>>,
) {
    if let Err(error) = produced {
        note_end_of_reading(account, &error, delivery.requests > 0);
    }
    let rejects = rejects.map(|rejects| {
        rejects
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .finish()
    });
    if let Some(Err(error)) = rejects {
        account.end_early(End::RejectsLost(format!("{error:#}")));
    }
    account.note_resting();
    account.note_expired();
}

/// Says that the input was not read to its end, and why.
pub(super) fn note_end_of_reading(
    account: &mut Account,
    error: &anyhow::Error,
    after_sending: bool,
) {
    let text = format!("{error:#}");
    let is_ledgers = error.is::<LedgerError>();
    account.end_early(match broken_off(error) {
        // The delivery says why the run ended.
        Some(ReadError::Stopped { .. }) => return tracing::warn!("{text}"),
        Some(ReadError::Changed { .. }) => End::InputChanged(text),
        _ if is_ledgers => End::LedgerLost {
            error: text,
            after_sending,
        },
        _ => End::InputLost {
            error: text,
            after_sending,
        },
    });
}

/// The side that reads: what is new goes to the delivery, the rest to the account.
struct Producer<'a> {
    settings: &'a UploadSettings,
    ledger: &'a SharedLedger,
    account: &'a mut Account,
    rejects: Option<&'a Mutex<Rejects>>,
    snapshot: Option<SnapshotStep>,
    sender: mpsc::Sender<Vec<Event>>,
}

impl Producer<'_> {
    fn read(&mut self, feeds: &mut [Feed]) -> Result<()> {
        let threads = self.settings.read.threads;
        workers::run(feeds, Pass::Last, threads, |prepared| self.take(prepared))?;
        self.send_overdue()
    }

    fn take(&mut self, prepared: &mut Prepared) -> Result<ControlFlow<()>> {
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.sift(prepared, self.ledger.lock().as_mut(), self.account)?;
        }
        self.forward(prepared)?;
        Ok(ControlFlow::Continue(()))
    }

    /// Sends what earlier runs left of leads that no row was of.
    fn send_overdue(&mut self) -> Result<()> {
        let Some(mut snapshot) = self.snapshot.take() else {
            return Ok(());
        };
        loop {
            let mut prepared = Prepared {
                overdue: snapshot.overdue(self.ledger.lock().as_mut(), self.account)?,
                ..Prepared::default()
            };
            if prepared.overdue.is_empty() {
                break;
            }
            self.forward(&mut prepared)?;
        }
        self.snapshot = Some(snapshot);
        Ok(())
    }

    /// Sends what is new in a chunk to the delivery, and counts the rest.
    fn forward(&mut self, prepared: &mut Prepared) -> Result<()> {
        let picked = self.account.take(prepared);
        let Sifted { new, mut known } = sift(
            self.settings,
            prepared,
            &picked,
            self.ledger.lock().as_mut(),
            self.account,
        )?;
        if let Some(rejects) = self.rejects {
            for event in new.iter().filter(|event| !event.known_by.is_repeat) {
                *known.sent.entry(event.origin.row).or_default() += 1;
            }
            let mut rejects = rejects.lock().unwrap_or_else(PoisonError::into_inner);
            // What cannot be written is told at the end; the events go all the same.
            rejects.try_to_take(prepared, &known);
        }
        if !new.is_empty()
            && let Err(unsent) = self.sender.blocking_send(new)
        {
            // The delivery is over; what is left is counted all the same.
            self.account.settle_all(&unsent.0, Fate::Undelivered);
        }
        Ok(())
    }
}

/// The side that hears what became of events.
pub(super) struct Outcomes<'a> {
    pub observer: &'a mut dyn Observer,
    pub rejects: Option<&'a Mutex<Rejects>>,
    pub stages: Stages,
    pub refusals: Problems,
}

impl Outcomes<'_> {
    pub(super) fn add(&mut self, event: &Event, outcome: &Outcome) {
        if event.known_by.is_repeat {
            return;
        }
        let fate = account::fate_of(outcome);
        // What did not go is not done.
        if fate != Fate::Undelivered {
            self.observer.settled();
        }
        self.stages.add(&event.name, event.time, fate);
        if fate == Fate::Accepted {
            self.stages.add_worth(&event.name, event.worth);
        }
        let fault = match outcome {
            Outcome::Rejected(fault) => Some((Code::MetaRefused, fault)),
            Outcome::Suspect(fault) => Some((Code::MetaUnexplained, fault)),
            _ => None,
        };
        if let Some((code, fault)) = fault {
            let place = account::place(event.origin);
            self.refusals
                .add_refusal(code, &account::refusal_of(fault), place);
        }
        if *outcome == Outcome::Unrecorded {
            account::remember(&mut self.refusals, Code::AcceptedUnrecorded, event.origin);
        }
        let Some(rejects) = self.rejects else { return };
        let settled = match outcome {
            Outcome::Accepted | Outcome::Duplicate => Settled::Accepted,
            Outcome::Rejected(fault) => Settled::Refused(account::reason(Code::MetaRefused, fault)),
            Outcome::Undelivered
            | Outcome::Uncertain
            | Outcome::Suspect(_)
            | Outcome::Unrecorded
            | Outcome::Old
            | Outcome::Elsewhere => Settled::Open,
        };
        let mut rejects = rejects.lock().unwrap_or_else(PoisonError::into_inner);
        rejects.settle(event.origin, settled);
    }
}

/// What a chunk has to send, and what is known of its other rows.
pub(super) struct Sifted {
    pub new: Vec<Event>,
    pub known: Known,
}

/// Sorts out the events that are to be sent.
///
/// # Errors
/// The ledger cannot be read.
pub(super) fn sift(
    settings: &UploadSettings,
    prepared: &mut Prepared,
    picked: &Picked,
    ledger: &mut dyn Ledger,
    account: &mut Account,
) -> Result<Sifted> {
    let dataset = &settings.endpoint.dataset_id;
    account.meet_expired(prepared, dataset);
    let mut events = std::mem::take(&mut prepared.overdue);
    let made = Made::take(prepared);
    events.extend(self::events(prepared, &made, picked, dataset));
    let looked_up = ledger.look_up(dataset, &events)?;
    let (mut new, mut known) = (Vec::with_capacity(events.len()), Known::default());
    for (event, found) in events.into_iter().zip(looked_up) {
        if event.known_by.is_repeat {
            // Where the event is new, the ledger learns of it as it is begun.
            new.extend((found.standing == Standing::New).then_some(event));
            continue;
        }
        new.extend(still_to_send((event, found), settings, account, &mut known));
    }
    batch::compact(&mut new);
    made.give_back(prepared);
    Ok(Sifted { new, known })
}

/// Says by what the ledger knows of an event whether it is to be sent, and as which; counts it where it is not.
pub(super) fn still_to_send(
    (mut event, found): (Event, ledger::Known),
    UploadSettings { send, endpoint, .. }: &UploadSettings,
    account: &mut Account,
    known: &mut Known,
) -> Option<Event> {
    let Origin { row, .. } = event.origin;
    if let Some(id) = found.under {
        account.remember(Code::IdentityGrew, event.origin);
        // What nobody is sure of goes again under the id it went under.
        event.json = under_id(&event.json, id);
        event.key = EventKey::in_dataset(&endpoint.dataset_id, id);
    }
    match found.standing {
        Standing::New => return Some(event),
        Standing::Uncertain => {
            account.remember(Code::UncertainEarlier, event.origin);
            return Some(event);
        }
        Standing::Resting if send.retry_uncertain => return Some(event),
        Standing::Resting => {
            known.open.insert(row);
            account.stages.add(&event.name, event.time, Fate::Uncertain);
            account.remember(Code::UncertainResting, event.origin);
        }
        Standing::Elsewhere => {
            known.open.insert(row);
            account.stages.add(&event.name, event.time, Fate::Elsewhere);
        }
        Standing::Accepted | Standing::ThisRun => {
            account.stages.add(&event.name, event.time, Fate::Delivered);
            *known.delivered.entry(row).or_default() += 1;
        }
        Standing::Refused { .. } if send.retry_rejected => return Some(event),
        Standing::Refused { code, subcode } => {
            account.stages.add(&event.name, event.time, Fate::Rejected);
            account.remember(Code::RefusedEarlier, event.origin);
            let reasons = known.refused.entry(row).or_default();
            reasons.push(account::refused_earlier(code, subcode));
        }
    }
    None
}

/// What was written for a chunk, while its events share it.
struct Made {
    json: Bytes,
    identities: Bytes,
}

impl Made {
    fn take(prepared: &mut Prepared) -> Made {
        Made {
            json: std::mem::take(&mut prepared.json).into(),
            identities: std::mem::take(&mut prepared.identities).into(),
        }
    }

    /// Gives the buffers back where no event keeps them, so that the next chunk need not grow its own.
    fn give_back(self, prepared: &mut Prepared) {
        let buffer = |bytes: Bytes| bytes.try_into_mut().map(Vec::from).unwrap_or_default();
        prepared.json = buffer(self.json);
        prepared.identities = buffer(self.identities);
    }
}

/// The events picked of a chunk, as the ledger and the delivery know them.
fn events<'a>(
    prepared: &'a Prepared,
    Made { json, identities }: &'a Made,
    picked: &Picked,
    dataset: &'a str,
) -> impl Iterator<Item = Event> + use<'a> {
    let repeats = picked.repeats.iter().map(|index| (*index, true));
    let mut picked: Vec<(usize, bool)> = picked.new.iter().map(|index| (*index, false)).collect();
    if repeats.len() > 0 {
        picked.extend(repeats);
        picked.sort_unstable();
    }
    picked.into_iter().map(move |(index, is_repeat)| {
        let event = &prepared.events[index];
        let identities = match event.sighting {
            None => {
                identities.slice(event.identities.start as usize..event.identities.end as usize)
            }
            // Where snapshots are remembered, leads are known already.
            Some(_) => Bytes::new(),
        };
        Event {
            key: EventKey::in_dataset(dataset, event.fingerprint),
            name: prepared.name_of(event).clone(),
            time: event.time,
            lead: event.lead,
            worth: event.worth,
            origin: Origin {
                input: prepared.input,
                row: event.row,
            },
            // The line feed stays behind.
            json: json.slice(event.json.start as usize..event.json.end as usize - 1),
            known_by: KnownBy {
                identities,
                time: event.id_time,
                is_repeat,
            },
        }
    })
}

/// The events of these indexes, for who has nothing else to ask of a chunk.
pub(super) fn take_events(prepared: &mut Prepared, new: Vec<usize>, dataset: &str) -> Vec<Event> {
    let made = Made::take(prepared);
    let picked = Picked {
        new,
        repeats: Vec::new(),
    };
    let events = events(prepared, &made, &picked, dataset).collect();
    made.give_back(prepared);
    events
}

/// The same event with another id.
fn under_id(json: &Bytes, id: Fingerprint) -> Bytes {
    let mut json = json.to_vec();
    set_id(&mut json, id);
    json.into()
}
