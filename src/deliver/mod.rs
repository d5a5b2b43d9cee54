//! Brings events to Meta: batches in lanes, repeated, split and stopped as the answers demand.
//!
//! Input: events in the order of the input. Output: one outcome for each event that was taken in, and what was
//! counted. Leads are spread over lanes, so the events of one lead arrive in order at any concurrency. What a request
//! means is decided in [`crate::graph::verdict`], how long to wait in [`retry`], which half to try next in [`bisect`]. Does not
//! read input, and does not decide what the exit status is.

pub(crate) mod bisect;
mod intake;
pub(crate) mod interrupt;
mod lane;
mod outcome;
pub(crate) mod retry;
mod run;
mod settings;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub(crate) use interrupt::Interrupt;
pub(crate) use outcome::{Delivery, Ended, Outcome};
pub(crate) use settings::{MAX_CONCURRENCY, Settings};

use crate::batch::{self, Limits};
use crate::event::Event;
use crate::graph::Client;
use crate::ledger::SharedLedger;
use intake::Intake;
use lane::{Lane, Outcomes};
use run::Run;

/// Events in the first request of a run: it goes alone, and shows whether the rest has any chance.
const FIRST_BATCH: usize = 10;

/// Delivers `events` until there are no more, or until the run ends for another reason; then the channel is closed and
/// what it still held comes out as undelivered.
///
/// Every event taken from the channel is told to `on_outcome` exactly once. What the ledger knew of it is decided
/// beforehand, by whoever fills the channel. Must be called within a Tokio runtime.
pub(crate) async fn deliver(
    events: mpsc::Receiver<Vec<Event>>,
    client: Client,
    ledger: SharedLedger,
    settings: Settings,
    interrupt: watch::Receiver<Interrupt>,
    on_outcome: &mut dyn FnMut(&Event, &Outcome),
) -> Delivery {
    let run = Arc::new(Run::new(client, ledger, settings, interrupt));
    tokio::select! {
        () = send_all(&run, events, on_outcome) => {}
        never = run.heed_interrupt() => match never {},
    }
    run.result()
}

/// Sends one request at a time until one is accepted, then through all lanes.
async fn send_all(
    run: &Arc<Run>,
    events: mpsc::Receiver<Vec<Event>>,
    on_outcome: &mut dyn FnMut(&Event, &Outcome),
) {
    let (sender, mut outcomes) = mpsc::unbounded_channel();
    let mut intake = Intake::new(events, &run.settings);
    let mut scout = Lane::new(Arc::clone(run), sender.clone());
    let mut size = FIRST_BATCH.min(run.settings.limits.events);
    while !run.has_accepted() && intake.fill(run).await {
        let limits = Limits {
            events: size,
            ..run.settings.limits
        };
        scout.deliver(intake.take(limits)).await;
        while let Ok(told) = outcomes.try_recv() {
            tell(told, on_outcome);
        }
        size = run.settings.limits.events;
    }
    scout.finish().await;
    while let Ok(told) = outcomes.try_recv() {
        tell(told, on_outcome);
    }

    let mut lanes = Lanes::start(run, sender);
    drop(scout);
    let room = settings::room_of_lanes(&run.settings);
    let mut in_lanes = Load::default();
    // The lanes end when everything is delivered, and the outcomes end with the lanes.
    loop {
        if intake.is_ready() && in_lanes.events < room.events && in_lanes.bytes < room.bytes {
            let events = intake.take(Limits {
                events: room.events - in_lanes.events,
                bytes: room.bytes - in_lanes.bytes,
            });
            in_lanes.add(&events);
            lanes.spread(events);
        }
        if intake.is_done() {
            lanes.close();
        }
        tokio::select! {
            told = outcomes.recv() => match told {
                Some(told) => {
                    in_lanes.remove(&told);
                    tell(told, on_outcome);
                }
                None => break,
            },
            () = intake.more(run), if intake.wants_more() => {}
        }
    }
    lanes.join().await;
}

/// Passes outcomes on.
fn tell(told: Vec<(Event, Outcome)>, on_outcome: &mut dyn FnMut(&Event, &Outcome)) {
    for (event, outcome) in &told {
        on_outcome(event, outcome);
    }
}

/// How much is in the lanes.
#[derive(Default)]
struct Load {
    events: usize,
    bytes: usize,
}

impl Load {
    fn add(&mut self, events: &[Event]) {
        self.events += events.len();
        self.bytes += events.iter().map(batch::encoded).sum::<usize>();
    }

    fn remove(&mut self, told: &[(Event, Outcome)]) {
        self.events -= told.len();
        let bytes = told.iter().map(|(event, _)| batch::encoded(event));
        self.bytes -= bytes.sum::<usize>();
    }
}

/// The ways events go side by side.
struct Lanes {
    inlets: Vec<mpsc::UnboundedSender<Vec<Event>>>,
    tasks: JoinSet<()>,
}

impl Lanes {
    fn start(run: &Arc<Run>, outcomes: Outcomes) -> Self {
        let mut tasks = JoinSet::new();
        let inlets = (0..run.settings.concurrency.max(1))
            .map(|_| {
                // What stands in them is bounded by what is let in.
                let (inlet, events) = mpsc::unbounded_channel();
                tasks.spawn(Lane::new(Arc::clone(run), outcomes.clone()).drive(events));
                inlet
            })
            .collect();
        Self { inlets, tasks }
    }

    /// Hands each event to the lane of its lead.
    fn spread(&self, events: Vec<Event>) {
        let mut shares = vec![Vec::new(); self.inlets.len()];
        for event in events {
            shares[lane_of(event.lead, self.inlets.len())].push(event);
        }
        for (inlet, share) in self.inlets.iter().zip(shares) {
            // A lane only goes away before its inlet when it panics, which `join` brings to light.
            let _ = inlet.send(share);
        }
    }

    /// Lets the lanes end when they have delivered what they hold.
    fn close(&mut self) {
        self.inlets.clear();
    }

    async fn join(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

fn lane_of(lead: u64, lanes: usize) -> usize {
    // Mixed once more, so that it does not matter which bits of the lead's hash are any good.
    let mixed = lead.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    mixed as usize % lanes
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
