//! What the lanes of one delivery share: the way out, the pause when Meta throttles, and what is known of the endpoint.
//!
//! A lane asks before every request whether it may go, and tells what came back. Sends nothing by itself.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::interrupt::{Interrupt, reaches};
use super::{Delivery, Ended, Settings};
use crate::event::Event;
use crate::graph::client::Client;
use crate::graph::fault::Fault;
use crate::graph::verdict::{Receipt, Retry, Why};
use crate::ledger::SharedLedger;
use crate::rules::{self, AGE_MARGIN_SECONDS};
use crate::text::counted;
use crate::time::Clock;

/// A fault is systematic when it took out more events than this …
const SYSTEMATIC_EVENTS: u64 = 20;
/// … and more than one in this many of those tried.
const SYSTEMATIC_SHARE: u64 = 10;
/// So many events in a row that Meta finds too old are believed, which is all of the first batch …
const OLD_IN_A_ROW: u32 = 10;
/// … and so many when it takes others …
const OLD_IN_A_ROW_AMONG_OTHERS: u32 = 50;
/// … or in all, and one in so many of those tried.
const OLD_SHARE: u64 = 3;
/// Trace ids and warnings kept of one run.
const MAX_KEPT: usize = 50;
/// Clocks are not expected to differ by more than this.
const MAX_MARGIN_SECONDS: i64 = 86_400;

/// The state all lanes share.
pub(super) struct Run {
    pub client: Client,
    pub ledger: SharedLedger,
    pub settings: Settings,
    interrupt: watch::Receiver<Interrupt>,
    is_over: watch::Sender<bool>,
    ended: Mutex<Option<Ended>>,
    paused_until: Mutex<Instant>,
    state: Mutex<State>,
}

/// What the lanes counted and found out.
#[derive(Debug, Default)]
struct State {
    batches: u64,
    requests: u64,
    retries: u64,
    traces: Traces,
    messages: Vec<String>,
    tried: u64,
    refused: HashMap<(i64, Option<i64>), u64>,
    /// The number of the latest request that was accepted; 0 when none was.
    accepted: u64,
    /// Events refused one after the other since the endpoint last proved sound.
    refused_in_a_row: u32,
    /// Leads of which an event could not be delivered.
    waiting_leads: HashSet<u64>,
    /// The requests made up to the first event that Meta found too old and the clocks did not.
    too_old_since: Option<u64>,
    /// What the clocks are taken to differ by, beyond the usual margin.
    more_margin: i64,
    is_rehearsal: bool,
    has_warned_of_clock: bool,
    gave_up: Option<String>,
}

impl State {
    fn has_accepted_beside_old(&self) -> bool {
        self.too_old_since
            .is_some_and(|since| self.accepted > since)
    }
}

impl Run {
    pub(super) fn new(
        client: Client,
        ledger: SharedLedger,
        settings: Settings,
        interrupt: watch::Receiver<Interrupt>,
    ) -> Self {
        Self {
            client,
            ledger,
            settings,
            interrupt,
            is_over: watch::Sender::new(false),
            ended: Mutex::default(),
            paused_until: Mutex::new(Instant::now()),
            state: Mutex::default(),
        }
    }

    /// Ends the run: what is in flight is finished, nothing more is sent. The first reason is the one that counts.
    pub(super) fn end(&self, reason: Ended) {
        lock(&self.ended).get_or_insert(reason);
        self.is_over.send_replace(true);
    }

    /// Whether the run was ended, or somebody asks to end it.
    pub(super) fn is_over(&self) -> bool {
        if *self.interrupt.borrow() >= Interrupt::Finish {
            self.end(Ended::Interrupted);
        }
        *self.is_over.borrow()
    }

    /// Waits until the run is ended.
    pub(super) async fn over(&self) {
        // The sender lives as long as this.
        let _ = self.is_over.subscribe().wait_for(|is_over| *is_over).await;
    }

    /// Waits until somebody asks to leave without waiting for answers.
    pub(super) async fn abandoned(&self) {
        reaches(self.interrupt.clone(), Interrupt::Now).await;
    }

    /// Whether somebody asks to leave without waiting for answers.
    pub(super) fn is_abandoned(&self) -> bool {
        *self.interrupt.borrow() >= Interrupt::Now
    }

    /// Ends the run when somebody asks to finish; never returns.
    pub(super) async fn heed_interrupt(&self) -> Infallible {
        reaches(self.interrupt.clone(), Interrupt::Finish).await;
        self.end(Ended::Interrupted);
        std::future::pending().await
    }

    /// Waits until no pause is on; false when the run is over and nothing may be sent.
    pub(super) async fn clear_to_send(&self) -> bool {
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
    pub(super) async fn wait_until(&self, until: Instant) {
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.over() => {}
        }
    }

    /// Lets no lane send for a while.
    pub(super) fn pause(&self, wait: Duration) {
        let mut until = lock(&self.paused_until);
        *until = (*until).max(Instant::now() + wait);
    }

    /// Counts a batch that is about to be sent for the first time.
    pub(super) fn count_batch(&self, events: usize) {
        let mut state = self.state();
        state.batches += 1;
        state.tried += events as u64;
    }

    /// Counts a request that is about to be made, which may repeat an earlier one, and returns its number.
    pub(super) fn count_request(&self, is_repeated: bool) -> u64 {
        let mut state = self.state();
        state.requests += 1;
        state.retries += u64::from(is_repeated);
        state.requests
    }

    /// Notes the receipt of the request with this number, which settled its events.
    pub(super) fn count_accepted(&self, request: u64, receipt: Receipt) {
        let mut state = self.state();
        state.accepted = state.accepted.max(request);
        state.refused_in_a_row = 0;
        drop(state);
        self.keep_messages(receipt);
    }

    /// How many requests were made so far.
    pub(super) fn requests(&self) -> u64 {
        self.state().requests
    }

    /// Whether a request was accepted that was made after so many others. One that was under way already proves nothing.
    pub(super) fn has_accepted_since(&self, requests: u64) -> bool {
        self.state().accepted > requests
    }

    /// Whether any request was accepted.
    pub(super) fn has_accepted(&self) -> bool {
        self.has_accepted_since(0)
    }

    /// Keeps the warnings of a receipt, up to a limit.
    pub(super) fn keep_messages(&self, receipt: Receipt) {
        let mut state = self.state();
        for message in receipt.messages {
            if state.messages.len() < MAX_KEPT && !state.messages.contains(&message) {
                tracing::warn!("with its receipt Meta says: {message}");
                state.messages.push(message);
            }
        }
    }

    /// Keeps the trace id of an answer, up to a limit.
    pub(super) fn keep_trace(&self, trace: Option<&str>, is_fatal: bool) {
        if let Some(trace) = trace {
            self.state().traces.keep(trace, is_fatal);
        }
    }

    /// Notes that a sandbox answers in Meta's place.
    pub(super) fn note_rehearsal(&self) {
        self.state().is_rehearsal = true;
    }

    /// Whether a sandbox answers in Meta's place.
    pub(super) fn is_rehearsal(&self) -> bool {
        self.state().is_rehearsal
    }

    /// Counts a refusal of a single event. Ends the run when so many in a row are said to be too old, which by the clocks
    /// they are not, that it must be the clocks: it takes fewer as long as no event was accepted since the first.
    pub(super) fn count_refusal_in_a_row(&self, fault: &Fault) {
        let mut state = self.state();
        state.refused_in_a_row += 1;
        let limit = match state.has_accepted_beside_old() {
            true => OLD_IN_A_ROW_AMONG_OTHERS,
            false => OLD_IN_A_ROW,
        };
        let is_systematic = fault.is_by_age() && state.refused_in_a_row > limit;
        drop(state);
        if is_systematic {
            self.end(Ended::SystematicFault(fault.clone()));
        }
    }

    /// Whether an event was accepted since the first that Meta found too old and the clocks did not.
    pub(super) fn has_accepted_beside_old(&self) -> bool {
        self.state().has_accepted_beside_old()
    }

    /// How many events were refused one after the other since the endpoint last proved sound.
    pub(super) fn refused_in_a_row(&self) -> u32 {
        self.state().refused_in_a_row
    }

    /// Notes that a probe was answered as it should be.
    pub(super) fn note_sound(&self) {
        self.state().refused_in_a_row = 0;
    }

    /// Counts an event that is refused for good, and ends the run when the same fault takes out too many.
    pub(super) fn count_refused(&self, fault: &Fault) {
        let mut state = self.state();
        let count = state
            .refused
            .entry((fault.code, fault.subcode))
            .or_default();
        *count += 1;
        let count = *count;
        // In an export by date all that is too old comes first.
        let (events, share) = match fault.is_by_age() {
            true => (OLD_IN_A_ROW_AMONG_OTHERS.into(), OLD_SHARE),
            false => (SYSTEMATIC_EVENTS, SYSTEMATIC_SHARE),
        };
        let is_systematic = count > events && count * share > state.tried;
        drop(state);
        if is_systematic {
            self.end(Ended::SystematicFault(fault.clone()));
        }
    }

    /// Notes that a batch was given up whose trouble began after so many requests. Unless others were accepted since, it is not the batch but
    /// the way to Meta that fails, and the run ends.
    pub(super) fn give_up(&self, requests: u64, retry: &Retry) {
        let asked = retry
            .wait
            .map(|wait| format!("; the server asks to wait {} s", wait.as_secs()))
            .unwrap_or_default();
        let reason = format!("{}: {}{asked}", self.client.host(), retry.cause);
        if self.has_accepted_since(requests) && retry.why != Why::Throttled {
            self.state().gave_up.get_or_insert(reason);
        } else {
            self.end(Ended::Unreachable(reason));
        }
    }

    /// Notes that an event of this lead could not be delivered: its later ones wait for the next run.
    pub(super) fn let_lead_wait(&self, lead: u64) {
        self.state().waiting_leads.insert(lead);
    }

    /// Tells which leads wait for the next run.
    pub(super) fn waits(&self) -> impl Fn(&Event) -> bool + use<> {
        let leads = self.state().waiting_leads.clone();
        move |event| leads.contains(&event.lead)
    }

    /// Events before this time are too old to be sent now.
    pub(super) fn oldest(&self) -> i64 {
        rules::oldest(self.settings.clock.now()) + self.state().more_margin
    }

    /// Notes by how much this machine's clock is behind that of a server which finds an event too old. False when that is
    /// more than can be: then the run ends.
    pub(super) fn note_clock(&self, server_time: Option<i64>, fault: &Fault) -> bool {
        let mut state = self.state();
        let requests = state.requests;
        state.too_old_since.get_or_insert(requests);
        let (Clock::System, Some(server)) = (self.settings.clock, server_time) else {
            return true;
        };
        let behind = server - self.settings.clock.now();
        if behind > MAX_MARGIN_SECONDS {
            drop(state);
            self.end_by_clock(behind, fault);
            return false;
        }
        state.more_margin = state.more_margin.max(behind);
        true
    }

    fn end_by_clock(&self, behind: i64, fault: &Fault) {
        self.end(Ended::Blocked {
            reason: format!(
                "{}: {fault}; this machine's clock is {} behind the server's",
                self.client.host(),
                counted(behind as u64 / 86_400, "day")
            ),
            help: "set this machine's clock by NTP, then run again: nothing was refused",
        });
    }

    /// Warns once when the server's clock and this machine's differ: then events pass for too old, or for future ones.
    pub(super) fn compare_clocks(&self, server_time: Option<i64>) {
        let (Clock::System, Some(server)) = (self.settings.clock, server_time) else {
            return;
        };
        let here = self.settings.clock.now();
        if server.abs_diff(here) > AGE_MARGIN_SECONDS as u64
            && !std::mem::replace(&mut self.state().has_warned_of_clock, true)
        {
            let which = if server > here { "behind" } else { "ahead of" };
            tracing::warn!(
                "this machine's clock is {} s {which} the server's, by which events are taken for too old; set it by NTP",
                server.abs_diff(here)
            );
        }
    }

    /// How the run ended, and what was counted.
    pub(super) fn result(&self) -> Delivery {
        let mut state = std::mem::take(&mut *self.state());
        let ended = lock(&self.ended)
            .take()
            .or(state.gave_up.take().map(Ended::Unreachable));
        Delivery {
            batches: state.batches,
            requests: state.requests,
            retries: state.retries,
            fbtrace_ids: state.traces.into_ids(),
            messages: state.messages,
            is_rehearsal: state.is_rehearsal,
            ended: ended.unwrap_or(Ended::Done),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// The trace ids of a run: the first ones, the last one, and that of the answer that ended it.
#[derive(Debug, Default)]
struct Traces {
    ids: Vec<String>,
    fatal: Option<String>,
}

impl Traces {
    fn keep(&mut self, trace: &str, is_fatal: bool) {
        if is_fatal {
            self.fatal.get_or_insert_with(|| trace.to_owned());
            return;
        }
        // One place is left for the fatal one.
        self.ids.truncate(MAX_KEPT - 2);
        self.ids.push(trace.to_owned());
    }

    fn into_ids(mut self) -> Vec<String> {
        self.ids.extend(self.fatal);
        self.ids
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_last_and_the_fatal_trace_id_are_kept() {
        let mut traces = Traces::default();
        for number in 0..200 {
            traces.keep(&number.to_string(), number == 150);
        }
        let ids = traces.into_ids();
        assert_eq!((ids.len(), ids[0].as_str()), (MAX_KEPT, "0"));
        assert_eq!(ids[MAX_KEPT - 2..], ["199", "150"]);
    }
}
