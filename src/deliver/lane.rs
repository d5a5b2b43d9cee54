//! One lane: sends its batches one after the other and sees each event through to an outcome.
//!
//! Input: the events of the leads that fall to this lane, in order. Output: one outcome an event. A lane has one
//! request in flight, and the next goes only when the last is settled, so the events of a lead keep their order.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout};

use super::bisect::{Part, Parts};
use super::retry::{Jitter, Next, Patience};
use super::run::Run;
use super::{Ended, Outcome};
use crate::batch::{self, Waiting};
use crate::event::Event;
use crate::graph::fault::Fault;
use crate::graph::usage::Usage;
use crate::graph::verdict::{Fate, Verdict, Why, judge};
use crate::ledger::{Begun, Entry, Settled};

/// What the lanes tell the delivery.
pub(super) type Outcomes = UnboundedSender<Vec<(Event, Outcome)>>;

/// An event on its way.
struct Item {
    event: Event,
    /// What is known of its fate as long as nothing settles it. Once unknown, it stays so: a later attempt that was
    /// turned away says nothing about an earlier one.
    fate: Fate,
}

/// What became of a part.
enum Sent {
    /// All of it was taken.
    Accepted,
    /// Something in it was refused; for good unless the error explains nothing.
    Refused { fault: Fault, is_for_good: bool },
    /// The event at this position was refused.
    RefusedAt { index: usize, fault: Fault },
    /// It is open, and will not be sent again in this run.
    Open,
}

/// A lane.
pub(super) struct Lane {
    run: Arc<Run>,
    outcomes: Outcomes,
    jitter: Jitter,
}

impl Lane {
    pub fn new(run: Arc<Run>, outcomes: Outcomes) -> Lane {
        Lane {
            run,
            outcomes,
            jitter: Jitter::random(),
        }
    }

    /// Delivers what comes in, in full batches as long as there is more to come, until there is nothing more.
    pub async fn drive(mut self, mut events: UnboundedReceiver<Vec<Event>>) {
        let mut waiting = Waiting::new(self.run.settings.limits);
        let mut more_to_come = true;
        while more_to_come || !waiting.is_empty() {
            while more_to_come && !waiting.has_full_batch() {
                match timeout(self.run.settings.linger, events.recv()).await {
                    Ok(Some(events)) => waiting.extend(events),
                    Ok(None) => more_to_come = false,
                    Err(_) if waiting.is_empty() => {}
                    // Nothing came for a while: what is there goes as it is.
                    Err(_) => break,
                }
            }
            self.deliver(waiting.take()).await;
        }
    }

    /// Sees the events of one batch through to their outcomes. Once the run is over they stay undelivered.
    pub async fn deliver(&mut self, batch: Vec<Event>) {
        if batch.is_empty() {
            return;
        }
        if self.run.is_over() {
            return self.tell(
                batch
                    .into_iter()
                    .map(|event| (event, Outcome::Undelivered))
                    .collect(),
            );
        }
        let mut parts = Parts::of(self.begin(batch).await);
        while let Some(mut part) = parts.next_to_send() {
            match self.send(&mut part).await {
                Sent::Accepted => {
                    let items = parts.accepted(part);
                    self.settle(items, |_| (Settled::Accepted, Outcome::Accepted))
                        .await;
                }
                Sent::Refused { fault, is_for_good } => {
                    if let Some(item) = parts.refused(part) {
                        self.refuse(item, fault, is_for_good).await;
                    }
                }
                Sent::RefusedAt { index, fault } => {
                    if let Some(item) = parts.refused_at(part, index) {
                        self.refuse(item, fault, true).await;
                    }
                }
                Sent::Open => self.settle(part.items, |item| open(item.fate)).await,
            }
        }
    }

    /// Marks a batch in the ledger and leaves out what must not be sent. Nothing is left when the ledger fails.
    async fn begin(&self, batch: Vec<Event>) -> Vec<Item> {
        let begun = match self.run.ledger.write(Entry::Begin(batch.clone())).await {
            Ok(begun) => begun,
            Err(error) => {
                self.run.end(Ended::Ledger(error));
                self.tell(
                    batch
                        .into_iter()
                        .map(|event| (event, Outcome::Undelivered))
                        .collect(),
                );
                return Vec::new();
            }
        };
        let (mut items, mut known) = (Vec::with_capacity(batch.len()), Vec::new());
        for (event, begun) in batch.into_iter().zip(begun) {
            match begun {
                Begun::Fresh => items.push(Item {
                    event,
                    fate: Fate::NotProcessed,
                }),
                Begun::Again => items.push(Item {
                    event,
                    fate: Fate::Unknown,
                }),
                Begun::Known => known.push((event, Outcome::Duplicate)),
            }
        }
        self.tell(known);
        if !items.is_empty() {
            self.run.count_batch(
                items.len(),
                items
                    .iter()
                    .filter(|item| item.fate == Fate::Unknown)
                    .count(),
            );
        }
        items
    }

    /// Sends a part, again and again if need be, until something is decided.
    async fn send(&mut self, part: &mut Part<Item>) -> Sent {
        let run = Arc::clone(&self.run);
        let body = Bytes::from(batch::body(
            part.items.iter().map(|item| &item.event.json[..]),
            &run.settings.beside,
        ));
        let mut first_sent = None;
        loop {
            if !run.clear_to_send().await {
                return Sent::Open;
            }
            run.count_request(first_sent.is_some());
            let now = Instant::now();
            let (since, patience) = first_sent.get_or_insert_with(|| {
                (
                    now,
                    Patience::new(run.settings.backoff, run.settings.give_up_after, now),
                )
            });
            let answer = tokio::select! {
                answer = run.client.send(body.clone()) => answer,
                () = run.abandoned() => {
                    mark(part, Fate::Unknown);
                    return Sent::Open;
                }
            };
            let verdict = judge(&answer, part.items.len());
            run.keep_trace(&verdict);
            if let (Ok(answer), false) = (&answer, verdict.is_throttle())
                && let Some(wait) = Usage::read(&answer.headers).slow_down()
            {
                tracing::info!(
                    "the allowance of calls is nearly used up; all requests wait {:.1} s",
                    wait.as_secs_f64()
                );
                run.pause(wait);
            }
            let retry = match verdict {
                Verdict::Accepted(receipt) => {
                    run.count_accepted(receipt);
                    return Sent::Accepted;
                }
                Verdict::Miscounted(receipt) => {
                    tracing::warn!("Meta's receipt counts another number of events than were sent");
                    run.keep_messages(receipt);
                    mark(part, Fate::Unknown);
                    return Sent::Open;
                }
                Verdict::Split(fault) => {
                    return Sent::Refused {
                        fault,
                        is_for_good: true,
                    };
                }
                Verdict::Refuse { index, fault } => return Sent::RefusedAt { index, fault },
                Verdict::Stop(stop) => {
                    run.end(Ended::Stopped(stop));
                    return Sent::Open;
                }
                Verdict::Retry(retry) => retry,
            };
            mark(part, retry.fate);
            match patience.next(&retry, part.is_suspect, Instant::now(), &mut self.jitter) {
                Next::Wait(wait) if retry.why == Why::Throttled => {
                    tracing::warn!(
                        "throttled ({}); all requests wait {:.1} s",
                        retry.cause,
                        wait.as_secs_f64()
                    );
                    run.pause(wait);
                }
                Next::Wait(wait) => {
                    tracing::info!(
                        "{}; trying again in {:.1} s",
                        retry.cause,
                        wait.as_secs_f64()
                    );
                    run.wait_until(Instant::now() + wait).await;
                }
                Next::GiveUp => {
                    let asked = retry
                        .wait
                        .map(|wait| format!("; the server asks to wait {} s", wait.as_secs()));
                    let reason = format!("{}{}", retry.cause, asked.unwrap_or_default());
                    run.give_up(*since, retry.why == Why::Throttled, reason);
                    return Sent::Open;
                }
                Next::Blame(fault) => {
                    part.is_suspect = true;
                    return Sent::Refused {
                        fault,
                        is_for_good: false,
                    };
                }
            }
        }
    }

    /// Settles one event that Meta refused.
    async fn refuse(&self, item: Item, fault: Fault, is_for_good: bool) {
        self.run.count_refused(&fault);
        let settled = match item.fate {
            _ if is_for_good => Settled::Rejected {
                code: fault.code,
                subcode: fault.subcode,
            },
            Fate::NotProcessed => Settled::Unsent,
            Fate::Unknown => Settled::Uncertain,
        };
        let outcome = Outcome::Rejected(Arc::new(fault));
        self.settle(vec![item], |_| (settled, outcome.clone()))
            .await;
    }

    /// Records outcomes and then tells them. If the ledger fails they are still what they are, but the run ends.
    async fn settle(&self, items: Vec<Item>, decide: impl Fn(&Item) -> (Settled, Outcome)) {
        let (mut records, mut outcomes) = (
            Vec::with_capacity(items.len()),
            Vec::with_capacity(items.len()),
        );
        for item in items {
            let (settled, outcome) = decide(&item);
            records.push((item.event.clone(), settled));
            outcomes.push((item.event, outcome));
        }
        if let Err(error) = self.run.ledger.write(Entry::Settle(records)).await {
            self.run.end(Ended::Ledger(error));
        }
        self.tell(outcomes);
    }

    fn tell(&self, outcomes: Vec<(Event, Outcome)>) {
        // Nobody listens any more only when the delivery itself was dropped.
        let _ = self.outcomes.send(outcomes);
    }
}

/// Notes what an attempt that settled nothing says of the events in it.
fn mark(part: &mut Part<Item>, fate: Fate) {
    if fate == Fate::Unknown {
        part.items
            .iter_mut()
            .for_each(|item| item.fate = Fate::Unknown);
    }
}

/// The outcome of an event that stays open.
fn open(fate: Fate) -> (Settled, Outcome) {
    match fate {
        Fate::NotProcessed => (Settled::Unsent, Outcome::Undelivered),
        Fate::Unknown => (Settled::Uncertain, Outcome::Uncertain),
    }
}
