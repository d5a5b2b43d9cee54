//! Brings events to Meta: batches in lanes, repeated, split and stopped as the answers demand.
//!
//! Input: events in the order of the input. Output: one outcome for each event that was taken in, and what was
//! counted. Leads are spread over lanes, so the events of one lead arrive in order at any concurrency. What a request
//! means is decided in [`crate::graph::verdict`], how long to wait in [`retry`], which half to try next in [`bisect`]. Does not
//! read input, and does not decide what the exit status is.

pub mod bisect;
mod counts;
pub mod interrupt;
mod lane;
pub mod retry;
mod run;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use interrupt::Interrupt;
pub use retry::Backoff;

use crate::batch::{Beside, Limits, Waiting};
use crate::event::{Event, Origin};
use crate::graph::{Client, Fault, Stop};
use crate::ledger::{LedgerError, SharedLedger};
use counts::Counts;
use lane::{Lane, Outcomes};
use run::Run;

/// Events in the first request of a run: it goes alone, and shows whether the rest has any chance.
const FIRST_BATCH: usize = 10;

/// Requests in flight at most: more would not be answered any sooner.
pub const MAX_CONCURRENCY: u16 = 64;

/// How to deliver.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How large a batch may be.
    pub limits: Limits,
    /// Requests in flight, at least 1.
    pub concurrency: usize,
    /// How long a batch is tried.
    pub give_up_after: Duration,
    /// How long to wait in between.
    pub backoff: Backoff,
    /// How long a lane waits for its batch to fill while nothing comes in.
    pub linger: Duration,
    /// What stands beside the events in every request.
    pub beside: Beside,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::of(500),
            concurrency: 4,
            give_up_after: Duration::from_secs(600),
            backoff: Backoff::default(),
            linger: Duration::from_secs(1),
            beside: Beside::default(),
        }
    }
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Meta took it.
    Accepted,
    /// Meta refused it.
    Rejected(Arc<Fault>),
    /// It was certainly not taken; the next run sends it.
    Undelivered,
    /// It may have been taken or not; the next run sends it again under the same `event_id`.
    Uncertain,
    /// This run had it before, or another run delivered it: it was not sent.
    Duplicate,
}

/// How a delivery ended.
#[derive(Debug)]
pub enum Ended {
    /// Every event was sent, and nothing was given up.
    Done,
    /// Somebody asked to end it.
    Interrupted,
    /// Nothing more can be sent before somebody does something.
    Stopped(Stop),
    /// Meta was unreachable or throttling for too long, for this reason.
    Unreachable(String),
    /// The same fault took out so many events that the rest was not sent.
    SystematicFault(Fault),
    /// The ledger could not be written. When no request had been made by then, nothing was sent.
    Ledger(LedgerError),
}

/// What a delivery did. The counts of outcomes add up to the events that were taken in.
#[derive(Debug)]
pub struct Delivery {
    /// Events Meta took.
    pub accepted: u64,
    /// Events Meta refused.
    pub rejected: u64,
    /// Events that were certainly not taken.
    pub undelivered: u64,
    /// Events of which nobody knows.
    pub uncertain: u64,
    /// Events that were not sent because this run had them before.
    pub duplicates: u64,
    /// Events that an earlier run may have delivered, and that were sent again.
    pub resent: u64,
    /// Batches that were sent.
    pub batches: u64,
    /// Requests that were made.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Trace ids of answers, for Meta's support; the first 50.
    pub fbtrace_ids: Vec<String>,
    /// Warnings on receipts, each once; the first 50.
    pub messages: Vec<String>,
    /// What Meta refused events for, the most frequent first.
    pub refusals: Vec<Refusal>,
    /// How it ended.
    pub ended: Ended,
}

/// Events that Meta refused for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The first of the faults, which share their codes.
    pub fault: Arc<Fault>,
    /// How many.
    pub count: u64,
    /// Where the first few came from.
    pub origins: Vec<Origin>,
}

/// Delivers `events` until there are no more, or until the run ends for another reason; then the channel is closed and
/// what it still held comes out as undelivered.
///
/// Every event taken from the channel is told to `on_outcome` exactly once. What the ledger knew of it is decided
/// beforehand, by whoever fills the channel. Must be called within a Tokio runtime.
pub async fn deliver(
    events: mpsc::Receiver<Vec<Event>>,
    client: Client,
    ledger: SharedLedger,
    settings: Settings,
    interrupt: watch::Receiver<Interrupt>,
    on_outcome: &mut dyn FnMut(&Event, &Outcome),
) -> Delivery {
    let run = Arc::new(Run::new(client, ledger, settings, interrupt));
    let mut counts = Counts::new(on_outcome);
    tokio::select! {
        () = send_all(&run, events, &mut counts) => {}
        never = run.heed_interrupt() => match never {},
    }
    counts.into_delivery(&run)
}

/// Sends one request at a time until one is accepted, then through all lanes.
async fn send_all(run: &Arc<Run>, mut events: mpsc::Receiver<Vec<Event>>, counts: &mut Counts<'_>) {
    let (sender, mut outcomes) = mpsc::unbounded_channel();
    let mut backlog = Waiting::new(run.settings.limits);
    let mut scout = Lane::new(Arc::clone(run), sender.clone());
    let mut size = FIRST_BATCH;
    while !run.has_accepted() && !run.is_over() {
        if backlog.is_empty() {
            match next(run, &mut events, true).await {
                Some(chunk) => backlog.extend(chunk),
                None => break,
            }
        }
        scout.deliver(backlog.take_at_most(size)).await;
        while let Ok(told) = outcomes.try_recv() {
            counts.add(told);
        }
        size = run.settings.limits.events;
    }

    let mut lanes = Lanes::start(run, sender);
    drop(scout);
    let mut held = lanes.spread(backlog.into_events());
    let room = run.settings.concurrency.max(1) * run.settings.limits.events * 2;
    let mut more_to_come = true;
    // The lanes end when everything is delivered, and the outcomes end with the lanes.
    loop {
        tokio::select! {
            told = outcomes.recv() => match told {
                Some(told) => {
                    held -= told.len();
                    counts.add(told);
                }
                None => break,
            },
            chunk = next(run, &mut events, held < room), if more_to_come => match chunk {
                Some(chunk) => held += lanes.spread(chunk),
                None => {
                    more_to_come = false;
                    held += lanes.finish(&mut events).await;
                }
            },
        }
    }
    lanes.join().await;
}

/// The next events, if there is room for them; nothing when there are no more, or when the run is over. Then whoever
/// fills the channel must not wait for room in it any longer.
async fn next(
    run: &Run,
    events: &mut mpsc::Receiver<Vec<Event>>,
    has_room: bool,
) -> Option<Vec<Event>> {
    tokio::select! {
        biased;
        () = run.over() => None,
        chunk = events.recv(), if has_room => chunk,
    }
}

/// The ways events go side by side.
struct Lanes {
    inlets: Vec<mpsc::UnboundedSender<Vec<Event>>>,
    tasks: JoinSet<()>,
}

impl Lanes {
    fn start(run: &Arc<Run>, outcomes: Outcomes) -> Lanes {
        let mut tasks = JoinSet::new();
        let inlets = (0..run.settings.concurrency.max(1))
            .map(|_| {
                // What stands in them is bounded by what is let in.
                let (inlet, events) = mpsc::unbounded_channel();
                tasks.spawn(Lane::new(Arc::clone(run), outcomes.clone()).drive(events));
                inlet
            })
            .collect();
        Lanes { inlets, tasks }
    }

    /// Hands each event to the lane of its lead, and returns how many there were.
    fn spread(&self, events: impl IntoIterator<Item = Event>) -> usize {
        let mut shares = vec![Vec::new(); self.inlets.len()];
        let mut count = 0;
        for event in events {
            shares[lane_of(event.lead, self.inlets.len())].push(event);
            count += 1;
        }
        for (inlet, share) in self.inlets.iter().zip(shares) {
            // A lane only goes away before its inlet when it panics, which `join` brings to light.
            let _ = inlet.send(share);
        }
        count
    }

    /// Closes the channel, hands over what it still holds, and lets the lanes end.
    async fn finish(&mut self, events: &mut mpsc::Receiver<Vec<Event>>) -> usize {
        events.close();
        let mut count = 0;
        while let Some(chunk) = events.recv().await {
            count += self.spread(chunk);
        }
        self.inlets.clear();
        count
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
