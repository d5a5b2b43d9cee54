//! What the lanes of one delivery share: the way out, the pause when Meta throttles, and what was counted.
//!
//! A lane asks before every request whether it may go, and tells what came back. Sends nothing by itself.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::interrupt::{Interrupt, reaches};
use super::{Ended, Settings};
use crate::graph::client::Client;
use crate::graph::fault::Fault;
use crate::graph::verdict::{Cause, Receipt, Retry, Verdict};
use crate::ledger::SharedLedger;

/// A fault is systematic when it took out more events than this …
const SYSTEMATIC_EVENTS: u64 = 20;
/// … and more than one in this many of those tried.
const SYSTEMATIC_SHARE: u64 = 10;
/// Trace ids and warnings kept of one run.
const MAX_KEPT: usize = 50;

/// The state all lanes share.
pub(super) struct Run {
    pub client: Client,
    pub ledger: SharedLedger,
    pub settings: Settings,
    interrupt: watch::Receiver<Interrupt>,
    is_over: watch::Sender<bool>,
    ended: Mutex<Option<Ended>>,
    paused_until: Mutex<Instant>,
    tally: Mutex<Tally>,
}

/// What the lanes counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub batches: u64,
    pub requests: u64,
    pub retries: u64,
    pub resent: u64,
    pub fbtrace_ids: Vec<String>,
    pub messages: Vec<String>,
    tried: u64,
    refused: HashMap<(i64, Option<i64>), u64>,
    last_accepted: Option<Instant>,
    gave_up: Option<String>,
}

impl Run {
    pub fn new(
        client: Client,
        ledger: SharedLedger,
        settings: Settings,
        interrupt: watch::Receiver<Interrupt>,
    ) -> Run {
        Run {
            client,
            ledger,
            settings,
            interrupt,
            is_over: watch::Sender::new(false),
            ended: Mutex::default(),
            paused_until: Mutex::new(Instant::now()),
            tally: Mutex::default(),
        }
    }

    /// Ends the run: what is in flight is finished, nothing more is sent. The first reason is the one that counts.
    pub fn end(&self, reason: Ended) {
        lock(&self.ended).get_or_insert(reason);
        self.is_over.send_replace(true);
    }

    /// Whether the run was ended, or somebody asks to end it.
    pub fn is_over(&self) -> bool {
        if *self.interrupt.borrow() >= Interrupt::Finish {
            self.end(Ended::Interrupted);
        }
        *self.is_over.borrow()
    }

    /// Waits until the run is ended.
    pub async fn over(&self) {
        // The sender lives as long as this.
        let _ = self.is_over.subscribe().wait_for(|is_over| *is_over).await;
    }

    /// Waits until somebody asks to leave without waiting for answers.
    pub async fn abandoned(&self) {
        reaches(self.interrupt.clone(), Interrupt::Now).await;
    }

    /// Ends the run when somebody asks to finish; never returns.
    pub async fn heed_interrupt(&self) -> Infallible {
        reaches(self.interrupt.clone(), Interrupt::Finish).await;
        self.end(Ended::Interrupted);
        std::future::pending().await
    }

    /// Waits until no pause is on; false when the run is over and nothing may be sent.
    pub async fn clear_to_send(&self) -> bool {
        loop {
            let until = *lock(&self.paused_until);
            if self.is_over() {
                return false;
            }
            if until <= Instant::now() {
                return true;
            }
            self.wait_until(until).await;
        }
    }

    /// Waits, but not longer than the run goes on.
    pub async fn wait_until(&self, until: Instant) {
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.over() => {}
        }
    }

    /// Lets no lane send for a while.
    pub fn pause(&self, wait: Duration) {
        let mut until = lock(&self.paused_until);
        *until = (*until).max(Instant::now() + wait);
    }

    /// Counts a batch that is about to be sent for the first time, of which `again` events may have been delivered
    /// by an earlier run.
    pub fn count_batch(&self, events: usize, again: usize) {
        let mut tally = self.tally();
        tally.batches += 1;
        tally.tried += events as u64;
        tally.resent += again as u64;
    }

    /// Counts a request, which may repeat an earlier one.
    pub fn count_request(&self, is_repeated: bool) {
        let mut tally = self.tally();
        tally.requests += 1;
        tally.retries += u64::from(is_repeated);
    }

    /// Notes a receipt that settled its events.
    pub fn count_accepted(&self, receipt: Receipt) {
        self.tally().last_accepted = Some(Instant::now());
        self.keep_messages(receipt);
    }

    /// Keeps the warnings of a receipt, up to a limit.
    pub fn keep_messages(&self, receipt: Receipt) {
        let mut tally = self.tally();
        for message in receipt.messages {
            if tally.messages.len() < MAX_KEPT && !tally.messages.contains(&message) {
                tally.messages.push(message);
            }
        }
    }

    /// Keeps the trace id of an answer, up to a limit.
    pub fn keep_trace(&self, verdict: &Verdict) {
        let trace = match verdict {
            Verdict::Accepted(receipt) | Verdict::Miscounted(receipt) => &receipt.fbtrace_id,
            Verdict::Split(fault) | Verdict::Refuse { fault, .. } => &fault.fbtrace_id,
            Verdict::Stop(stop) => &stop.fault.fbtrace_id,
            Verdict::Retry(Retry {
                cause: Cause::Fault(fault),
                ..
            }) => &fault.fbtrace_id,
            Verdict::Retry(_) => &None,
        };
        let mut tally = self.tally();
        if let Some(trace) = trace
            .as_ref()
            .filter(|_| tally.fbtrace_ids.len() < MAX_KEPT)
        {
            tally.fbtrace_ids.push(trace.clone());
        }
    }

    /// Counts an event that was refused, and ends the run when the same fault takes out too many.
    pub fn count_refused(&self, fault: &Fault) {
        let mut tally = self.tally();
        let count = tally
            .refused
            .entry((fault.code, fault.subcode))
            .or_default();
        *count += 1;
        let count = *count;
        let is_systematic = count > SYSTEMATIC_EVENTS && count * SYSTEMATIC_SHARE > tally.tried;
        drop(tally);
        if is_systematic {
            self.end(Ended::SystematicFault(fault.clone()));
        }
    }

    /// Notes that a batch first sent at `since` was given up. Unless others were accepted meanwhile, it is not the
    /// batch but the way to Meta that fails, and the run ends.
    pub fn give_up(&self, since: Instant, is_throttled: bool, reason: String) {
        let mut tally = self.tally();
        let is_alone =
            tally.last_accepted.is_some_and(|accepted| accepted > since) && !is_throttled;
        if is_alone {
            tally.gave_up.get_or_insert(reason);
            return;
        }
        drop(tally);
        self.end(Ended::Unreachable(reason));
    }

    /// Whether any request was accepted.
    pub fn has_accepted(&self) -> bool {
        self.tally().last_accepted.is_some()
    }

    /// How the run ended, and what was counted.
    pub fn result(&self) -> (Ended, Tally) {
        let mut tally = std::mem::take(&mut *self.tally());
        let ended = lock(&self.ended)
            .take()
            .or(tally.gave_up.take().map(Ended::Unreachable));
        (ended.unwrap_or(Ended::Done), tally)
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
