//! One lane: sends its batches one after the other and sees each event through to an outcome.
//!
//! Input: the events of the leads that fall to this lane. Output: one outcome for each event. A lane has one request in
//! flight, and the next goes only when the last is settled, so the events of a lead keep their order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep, timeout_at};

use super::bisect::{Part, Parts};
use super::retry::{Next, Patience};
use super::run::Run;
use super::{Ended, Outcome};
use crate::batch::{self, Waiting};
use crate::event::Event;
use crate::graph::answer::{Answer, Silence};
use crate::graph::fault::Fault;
use crate::graph::probe;
use crate::graph::usage::{Usage, server_time};
use crate::graph::verdict::{Fate, Retry, Verdict, Why, is_rehearsal, judge};
use crate::ledger::{Begun, Entry, Settled};
use crate::text::{counted, thousands};

/// How often a part is sent again after an error that explains nothing, before its halves are tried.
const MAX_UNEXPLAINED: u32 = 3;
/// So many events refused one after the other are no coincidence: the endpoint is asked whether it is sound.
const SUSPICIOUS_ROW: u32 = 5;
/// How long to wait before the ledger is written once more.
const LEDGER_PAUSE: Duration = Duration::from_millis(200);

/// What the lanes tell the delivery.
pub(super) type Outcomes = UnboundedSender<Vec<(Event, Outcome)>>;

/// An event on its way.
struct Item {
    event: Event,
    /// Whether an earlier run may have delivered it.
    is_again: bool,
    /// What this run knows of it as long as nothing settles it. Once unknown, it stays so: a later attempt that was
    /// turned away says nothing about an earlier one.
    fate: Fate,
}

/// What became of a part.
enum Sent {
    /// All of it was taken.
    Accepted,
    /// Something in it was refused.
    Refused(Fault),
    /// Meta finds something in it too old that is not, by the clocks.
    TooOld(Fault),
    /// The event at this position was refused.
    RefusedAt { index: usize, fault: Fault },
    /// It met errors that explain nothing: its halves will tell whether it is the events.
    Halve,
    /// The same, of a single event or when the time is up: what becomes of the others will tell.
    Postpone,
    /// The same, of a single event, and others went through meanwhile.
    Blamed(Fault),
    /// The receipt counts another number of events, so nobody knows which were taken.
    Miscounted,
    /// It is open, and will not be sent again in this run.
    Open,
    /// Nothing of it was left to send.
    Nothing,
}

/// An event that was refused, while it is not known yet whether it is the event's own fault.
struct Doubt {
    item: Item,
    fault: Fault,
    /// Whether the error can only mean the event, provided that the endpoint is sound.
    is_of_event: bool,
    /// The requests made up to then.
    requests: u64,
}

/// The state of one batch.
struct Attempt {
    parts: Parts<Item>,
    patience: Patience,
    /// The requests made before its first trouble.
    trouble_since: Option<u64>,
    /// The codes of a refusal since which a probe has shown the request to be sound.
    sound_but_for: Option<(i64, Option<i64>)>,
}

/// A lane.
pub(super) struct Lane {
    run: Arc<Run>,
    outcomes: Outcomes,
    jitter: fastrand::Rng,
    /// Of the last receipt: what it settles is settled before the next request.
    trace: Option<String>,
    /// Events that were refused, until it is known whether it was their own fault.
    doubts: Vec<Doubt>,
}

impl Lane {
    pub(super) fn new(run: Arc<Run>, outcomes: Outcomes) -> Self {
        Self {
            run,
            outcomes,
            jitter: fastrand::Rng::new(),
            trace: None,
            doubts: Vec::new(),
        }
    }

    /// Delivers what comes in, in full batches as long as there is more to come, until there is nothing more.
    pub(super) async fn drive(mut self, mut events: UnboundedReceiver<Vec<Event>>) {
        let mut waiting = Waiting::new(self.run.settings.limits);
        let (mut more_to_come, mut due) = (true, Instant::now());
        while more_to_come || !waiting.is_empty() {
            while more_to_come && !waiting.has_full_batch() {
                // From the first that waits: what trickles in must not hold up what is there.
                let has_nothing = waiting.is_empty();
                let next = match has_nothing {
                    true => Ok(events.recv().await),
                    false => timeout_at(due, events.recv()).await,
                };
                match next {
                    Ok(Some(events)) => waiting.extend(events),
                    Ok(None) => more_to_come = false,
                    Err(_) => break,
                }
                if has_nothing {
                    due = Instant::now() + self.run.settings.linger;
                }
            }
            self.deliver(waiting.take()).await;
        }
        self.finish().await;
    }

    /// Settles what is still in doubt when there is nothing more to send.
    pub(super) async fn finish(&mut self) {
        self.refuse_cleared().await;
        let doubts = std::mem::take(&mut self.doubts);
        let Some(Doubt { fault, .. }) = doubts.last() else {
            return;
        };
        if self.run.has_accepted_beside_old() && !self.run.is_over() {
            return self.refuse(doubts).await;
        }
        self.run.end(Ended::SystematicFault(fault.clone()));
        let items = doubts.into_iter().map(|doubt| doubt.item).collect();
        self.settle(items, open).await;
    }

    /// Sees the events of one batch through to their outcomes. Once the run is over they stay undelivered.
    pub(super) async fn deliver(&mut self, batch: Vec<Event>) {
        let batch = self.leave_out(batch);
        if batch.is_empty() {
            return;
        }
        let settings = &self.run.settings;
        let mut attempt = Attempt {
            patience: Patience::new(settings.backoff, settings.give_up_after),
            parts: Parts::of(self.begin(batch).await),
            trouble_since: None,
            sound_but_for: None,
        };
        while let Some(mut part) = attempt.parts.next_to_send() {
            let sent = self.send(&mut part, &mut attempt).await;
            self.conclude(sent, part, &mut attempt).await;
            self.clear_doubts(&mut attempt).await;
        }
    }

    /// Tells what becomes of events that need not even be begun, and gives the rest.
    fn leave_out(&self, batch: Vec<Event>) -> Vec<Event> {
        let (is_over, oldest, waits) = (self.run.is_over(), self.run.oldest(), self.run.waits());
        let (mut rest, mut left) = (Vec::with_capacity(batch.len()), Vec::new());
        for event in batch {
            if is_over || waits(&event) {
                left.push((event, Outcome::Undelivered));
            } else if event.time < oldest {
                left.push((event, Outcome::Old));
            } else {
                rest.push(event);
            }
        }
        self.tell(left);
        rest
    }

    /// Marks a batch in the ledger and leaves out what must not be sent. Nothing is left when the ledger fails.
    async fn begin(&self, batch: Vec<Event>) -> Vec<Item> {
        let begun = match self.run.ledger.write(Entry::Begin(batch.clone())).await {
            Ok(begun) => begun,
            Err(error) => {
                self.run.end(Ended::Ledger(error));
                let undelivered = |event| (event, Outcome::Undelivered);
                self.tell(batch.into_iter().map(undelivered).collect());
                return Vec::new();
            }
        };
        let (mut items, mut known) = (Vec::with_capacity(batch.len()), Vec::new());
        for (event, begun) in batch.into_iter().zip(begun) {
            let left_out = match begun {
                Begun::Known => Some(Outcome::Duplicate),
                Begun::Elsewhere => Some(Outcome::Elsewhere),
                Begun::Fresh | Begun::Again => None,
            };
            if let Some(outcome) = left_out {
                known.push((event, outcome));
                continue;
            }
            items.push(Item {
                event,
                is_again: begun == Begun::Again,
                fate: Fate::NotProcessed,
            });
        }
        self.tell(known);
        if !items.is_empty() {
            self.run.count_batch(items.len());
        }
        items
    }

    /// Sends a part, again and again if need be, until something is decided.
    async fn send(&mut self, part: &mut Part<Item>, attempt: &mut Attempt) -> Sent {
        let (mut body, mut is_repeated, mut is_unclear) = (None, false, false);
        loop {
            if !self.run.clear_to_send().await {
                return Sent::Open;
            }
            if self.take_out(part).await {
                body = None;
            }
            if part.items.is_empty() {
                return Sent::Nothing;
            }
            let body = body.get_or_insert_with(|| self.body(part)).clone();
            attempt.patience.start(Instant::now());
            let request = self.run.count_request(is_repeated);
            is_repeated = true;
            let Some((verdict, server_time)) = self.exchange(body, part.items.len()).await else {
                mark(part, Fate::Unknown);
                return Sent::Open;
            };
            match verdict {
                Verdict::Accepted(receipt) => {
                    self.trace.clone_from(&receipt.fbtrace_id);
                    self.run.count_accepted(request, receipt);
                    return Sent::Accepted;
                }
                Verdict::Miscounted(receipt) => {
                    tracing::warn!("Meta's receipt counts another number of events than were sent");
                    self.run.keep_messages(receipt);
                    mark(part, Fate::Unknown);
                    return Sent::Miscounted;
                }
                Verdict::Split(fault) => {
                    match part.items.len() {
                        1 => tracing::debug!("one event was refused ({fault})"),
                        many => tracing::debug!(
                            "of {} at least one was refused ({fault}); halves will tell which",
                            counted(many as u64, "event")
                        ),
                    }
                    return Sent::Refused(fault);
                }
                Verdict::Refuse { index, fault } => {
                    tracing::debug!("one event was refused ({fault}); the others go without it");
                    return Sent::RefusedAt { index, fault };
                }
                Verdict::TooOld(fault) => {
                    if !self.run.note_clock(server_time, &fault) {
                        return Sent::Open;
                    }
                    // What is too old by now is taken out before the rest goes again.
                    let oldest = self.run.oldest();
                    if !part.items.iter().any(|item| item.event.time < oldest) {
                        return Sent::TooOld(fault);
                    }
                }
                Verdict::Unclear(fault) => {
                    // The trouble may have passed between the two: only what is said again is meant. Of several
                    // events it is asked once, since a half is as good as a repetition.
                    let codes = Some((fault.code, fault.subcode));
                    let is_known = part.items.len() > 1 && attempt.sound_but_for == codes;
                    if is_unclear || is_known {
                        return Sent::Refused(fault);
                    }
                    if !self.is_sound(attempt, &fault).await {
                        return Sent::Open;
                    }
                    attempt.sound_but_for = codes;
                    is_unclear = true;
                }
                Verdict::Stop(stop) => {
                    self.run.end(Ended::Stopped(stop));
                    return Sent::Open;
                }
                Verdict::Retry(retry) => {
                    if let Some(sent) = self.retry(retry, part, attempt).await {
                        return sent;
                    }
                }
            }
        }
    }

    fn body(&self, part: &mut Part<Item>) -> Bytes {
        let events = part.items.iter_mut().map(|item| &mut item.event);
        batch::body(events, &self.run.settings.beside)
    }

    /// Makes one request, and gives the verdict on the answer and the time by the server's clock. Nothing when somebody
    /// asks to leave without the answer.
    async fn exchange(&self, body: Bytes, sent: usize) -> Option<(Verdict, Option<i64>)> {
        let run = &self.run;
        let (began, bytes) = (Instant::now(), body.len());
        let answer = tokio::select! {
            answer = run.client.send(body) => answer,
            () = run.abandoned() => return None,
        };
        let verdict = judge(&answer, sent);
        tell_request(sent, bytes, began.elapsed(), &answer, verdict.fbtrace_id());
        run.keep_trace(verdict.fbtrace_id(), matches!(verdict, Verdict::Stop(_)));
        let Ok(answer) = answer else {
            return Some((verdict, None));
        };
        if is_rehearsal(&answer.headers) {
            run.note_rehearsal();
        }
        if !verdict.is_throttle()
            && let Some(wait) = Usage::read(&answer.headers).slow_down()
        {
            tracing::info!(
                "the allowance of calls is nearly used up; all requests wait {:.1} s",
                wait.as_secs_f64()
            );
            run.pause(wait);
        }
        let server_time = server_time(&answer.headers);
        run.compare_clocks(server_time);
        Some((verdict, server_time))
    }

    /// Decides what follows from an attempt that settled nothing, and waits if the part is to be sent again.
    async fn retry(
        &mut self,
        retry: Retry,
        part: &mut Part<Item>,
        attempt: &mut Attempt,
    ) -> Option<Sent> {
        mark(part, retry.fate);
        let since = *attempt
            .trouble_since
            .get_or_insert_with(|| self.run.requests());
        let mut next = None;
        if let (Why::Unexplained, Some(fault)) = (retry.why, retry.cause.fault()) {
            part.unexplained += 1;
            let others_go_through = self.run.has_accepted_since(since);
            next = what_now(part, fault, others_go_through, attempt.parts.is_empty());
            if next.is_some() && others_go_through {
                return next;
            }
            if retry.wait.is_none() && attempt.patience.is_over(Instant::now()) {
                let last = last_try(part, attempt.parts.is_empty());
                if last.is_some() {
                    return last;
                }
            }
        }
        if self.wait(&retry, attempt).await {
            next
        } else {
            Some(Sent::Open)
        }
    }

    /// Waits until it is time to try again; false when the batch is given up.
    async fn wait(&mut self, retry: &Retry, attempt: &mut Attempt) -> bool {
        let run = &self.run;
        let since = *attempt.trouble_since.get_or_insert_with(|| run.requests());
        match attempt
            .patience
            .next(retry, Instant::now(), &mut self.jitter)
        {
            Next::Wait(wait) if retry.why == Why::Throttled => {
                tracing::warn!(
                    "throttled ({}); all requests wait {:.1} s",
                    retry.cause,
                    wait.as_secs_f64()
                );
                run.pause(wait);
                true
            }
            Next::Wait(wait) => {
                tracing::info!(
                    "{}; trying again in {:.1} s",
                    retry.cause,
                    wait.as_secs_f64()
                );
                run.wait_until(Instant::now() + wait).await;
                true
            }
            Next::GiveUp => {
                run.give_up(since, retry);
                false
            }
            Next::Hopeless(help) => {
                let reason = format!("{}: {}", run.client.host(), retry.cause);
                run.end(Ended::Blocked { reason, help });
                false
            }
        }
    }

    /// Asks by a probe whether the request as such is sound. If not, the run ends: because of what the probe was
    /// answered, or of `fault`.
    async fn is_sound(&mut self, attempt: &mut Attempt, fault: &Fault) -> bool {
        loop {
            if !self.run.clear_to_send().await {
                return false;
            }
            self.run.count_request(false);
            let Some((verdict, _)) = self.exchange(Bytes::from_static(probe::BODY), 1).await else {
                return false;
            };
            if probe::is_sound(&verdict) {
                return true;
            }
            match verdict {
                Verdict::Retry(retry) => {
                    if !self.wait(&retry, attempt).await {
                        return false;
                    }
                }
                Verdict::Stop(stop) => {
                    self.run.end(Ended::Stopped(stop));
                    return false;
                }
                _ => {
                    self.run.end(Ended::SystematicFault(fault.clone()));
                    return false;
                }
            }
        }
    }

    /// Draws the consequences of what became of a part.
    async fn conclude(&mut self, sent: Sent, part: Part<Item>, attempt: &mut Attempt) {
        let parts = &mut attempt.parts;
        match sent {
            Sent::Accepted => {
                let items = parts.accepted(part);
                attempt.patience.renew();
                self.settle(items, |_| (Settled::Accepted, Outcome::Accepted))
                    .await;
            }
            Sent::Refused(fault) => {
                if let Some(item) = parts.refused(part) {
                    let is_of_event = fault.is_of_event();
                    self.doubt(item, fault, attempt);
                    if !is_of_event && self.run.refused_in_a_row() == SUSPICIOUS_ROW {
                        attempt.parts.bring_largest_forward(|item| item.event.lead);
                    }
                }
            }
            Sent::TooOld(fault) => {
                let young = younger_leads(&part.items);
                if let Some(item) =
                    parts.refused_first(part, |item| young.contains(&item.event.lead))
                {
                    self.doubt(item, fault, attempt);
                    // Somewhere else may be some that it takes.
                    if self.run.refused_in_a_row().is_multiple_of(SUSPICIOUS_ROW) {
                        attempt.parts.bring_largest_forward(|item| item.event.lead);
                    }
                }
            }
            Sent::RefusedAt { index, fault } => {
                if let Some(item) = parts.refused_at(part, index) {
                    self.doubt(item, fault, attempt);
                }
            }
            Sent::Halve => {
                let young = younger_leads(&part.items);
                parts.try_halves(part, |item| young.contains(&item.event.lead));
            }
            Sent::Postpone => parts.postpone(part, |item| item.event.lead),
            Sent::Blamed(fault) => {
                self.run.count_refused(&fault);
                // Nobody knows whether it is really the event, nor whether it was taken, so the next run tries it again.
                let outcome = Outcome::Suspect(Arc::new(fault));
                self.settle(part.items, |_| (Settled::Uncertain, outcome.clone()))
                    .await;
            }
            Sent::Miscounted => self.settle(part.items, open).await,
            Sent::Open => {
                for item in &part.items {
                    self.run.let_lead_wait(item.event.lead);
                }
                let weighs = match (self.run.is_abandoned(), self.run.has_accepted()) {
                    (true, _) => Settled::Abandoned,
                    (false, false) => Settled::InOutage,
                    (false, true) => Settled::Uncertain,
                };
                let weighed = |item: &Item| match open(item) {
                    (Settled::Uncertain, outcome) => (weighs, outcome),
                    known => known,
                };
                self.settle(part.items, weighed).await;
            }
            Sent::Nothing => {}
        }
    }

    /// Notes an event that was refused alone.
    fn doubt(&mut self, item: Item, fault: Fault, attempt: &mut Attempt) {
        attempt.patience.renew();
        self.run.count_refusal_in_a_row(&fault);
        self.doubts.push(Doubt {
            item,
            is_of_event: fault.is_of_event(),
            fault,
            requests: self.run.requests(),
        });
    }

    /// Settles refused events as soon as it is known whether it was their own fault: the endpoint is sound when it
    /// accepted something since, or says so when it is asked. It is asked at the end of the batch, and when too many
    /// events in a row are refused. To be asked whether it is sound proves nothing of its clock, so many events in a
    /// row that it finds too old stay in doubt until it accepts another.
    async fn clear_doubts(&mut self, attempt: &mut Attempt) {
        self.refuse_cleared().await;
        let Some(Doubt { fault, .. }) = self.doubts.last() else {
            return;
        };
        let are_of_events = self.doubts.iter().all(|doubt| doubt.is_of_event);
        // What is not known to be the events' has been tried elsewhere then.
        let row = SUSPICIOUS_ROW + u32::from(!are_of_events);
        let is_suspicious = self.run.refused_in_a_row() >= row;
        let are_by_age = self.doubts.iter().all(|doubt| doubt.fault.is_by_age());
        if !(is_suspicious || attempt.parts.is_empty())
            || is_suspicious && are_by_age && !self.run.is_over()
        {
            return;
        }
        let fault = fault.clone();
        let mut doubts = std::mem::take(&mut self.doubts);
        if self.is_sound(attempt, &fault).await {
            if are_of_events {
                self.run.note_sound();
            }
            if !is_suspicious || are_of_events {
                self.refuse(std::mem::take(&mut doubts)).await;
            } else {
                self.run.end(Ended::SystematicFault(fault));
            }
        }
        let items = doubts.into_iter().map(|doubt| doubt.item).collect();
        self.settle(items, open).await;
    }

    /// Settles the refused events since which another was accepted.
    async fn refuse_cleared(&mut self) {
        let (clear, doubts) = std::mem::take(&mut self.doubts)
            .into_iter()
            .partition(|doubt| self.run.has_accepted_since(doubt.requests));
        self.doubts = doubts;
        self.refuse(clear).await;
    }

    /// Settles events that Meta refused for good.
    async fn refuse(&self, doubts: Vec<Doubt>) {
        for Doubt { item, fault, .. } in doubts {
            self.run.count_refused(&fault);
            let settled = Settled::Rejected {
                code: fault.code,
                subcode: fault.subcode,
            };
            let outcome = Outcome::Rejected(Arc::new(fault));
            self.settle(vec![item], |_| (settled, outcome.clone()))
                .await;
        }
    }

    /// Takes events out of a part that grew too old, or whose lead has to wait. Says whether there were any.
    async fn take_out(&self, part: &mut Part<Item>) -> bool {
        let (oldest, waits) = (self.run.oldest(), self.run.waits());
        let waiting = part.take_out(|item| waits(&item.event));
        let old = part.take_out(|item| item.event.time < oldest);
        let any = !(waiting.is_empty() && old.is_empty());
        self.settle(waiting, open).await;
        self.settle(old, |item| match item.fate {
            Fate::NotProcessed => (Settled::Unsent, Outcome::Old),
            Fate::Unknown => open(item),
        })
        .await;
        any
    }

    /// Records outcomes and then tells them. When the ledger cannot be written, the next run will know nothing of them,
    /// and send them again: so they are not settled, and the run ends.
    async fn settle(&self, items: Vec<Item>, decide: impl Fn(&Item) -> (Settled, Outcome)) {
        if items.is_empty() {
            return;
        }
        let is_rehearsal = self.run.is_rehearsal();
        let mut records = Vec::with_capacity(items.len());
        let mut outcomes = Vec::with_capacity(items.len());
        for item in items {
            let (mut settled, outcome) = decide(&item);
            if is_rehearsal {
                settled = Settled::Unsent;
            }
            records.push((item.event.clone(), settled));
            outcomes.push((item.event, outcome));
        }
        let trace = match outcomes.first() {
            Some((_, Outcome::Accepted)) => self.trace.clone(),
            Some((_, Outcome::Rejected(fault))) => fault.fbtrace_id.clone(),
            _ => None,
        };
        let entry = Entry::Settle(records, trace);
        let mut written = self.run.ledger.write(entry.clone()).await;
        if written.is_err() {
            sleep(LEDGER_PAUSE).await;
            written = self.run.ledger.write(entry).await;
        }
        if let Err(error) = written {
            self.run.end(Ended::Ledger(error));
            for (_, outcome) in &mut outcomes {
                *outcome = match outcome {
                    Outcome::Accepted => Outcome::Unrecorded,
                    _ => Outcome::Uncertain,
                };
            }
        }
        self.tell(outcomes);
    }

    fn tell(&self, outcomes: Vec<(Event, Outcome)>) {
        if !outcomes.is_empty() {
            // Nobody listens any more only when the delivery itself was dropped.
            let _ = self.outcomes.send(outcomes);
        }
    }
}

/// Says what a request was like.
fn tell_request(
    events: usize,
    bytes: usize,
    took: Duration,
    answer: &Result<Answer, Silence>,
    trace: Option<&str>,
) {
    let (events, bytes) = (counted(events as u64, "event"), thousands(bytes as u64));
    let seconds = took.as_secs_f64();
    let trace = trace.unwrap_or("none");
    match answer {
        Ok(Answer { status, .. }) => tracing::trace!(
            "request with {events}, {bytes} bytes: status {status} in {seconds:.2} s, trace id {trace}"
        ),
        Err(silence) => {
            tracing::trace!("request with {events}, {bytes} bytes: {silence} after {seconds:.2} s");
        }
    }
}

/// What follows when a part met an error that explains nothing, once its repetitions are used up. A half of such a part
/// has none, but an event is only blamed after its own.
fn what_now(
    part: &Part<Item>,
    fault: &Fault,
    others_go_through: bool,
    is_last: bool,
) -> Option<Sent> {
    let is_used_up = part.unexplained > MAX_UNEXPLAINED;
    match part.items.len() {
        2.. => (is_used_up || part.is_suspect).then_some(Sent::Halve),
        _ if others_go_through => is_used_up.then(|| Sent::Blamed(fault.clone())),
        _ => (part.is_suspect && !part.was_postponed && !is_last).then_some(Sent::Postpone),
    }
}

/// What is left to try when the time is up: each half of a batch once. Where one event is to blame, the half without it
/// goes through, and then there is time for the rest; else every run would wear out its companions.
fn last_try(part: &Part<Item>, is_last: bool) -> Option<Sent> {
    match part.items.len() {
        2.. if !part.is_suspect => Some(Sent::Halve),
        _ => (part.is_suspect && !part.was_postponed && !is_last).then_some(Sent::Postpone),
    }
}

/// The leads whose events are the younger half. All events of a lead are in one half, so they keep their order; none is,
/// where there is but one lead.
fn younger_leads(items: &[Item]) -> HashSet<u64> {
    let mut leads: HashMap<u64, (i64, usize)> = HashMap::new();
    for Item { event, .. } in items {
        let (oldest, count) = leads.entry(event.lead).or_insert((event.time, 0));
        *oldest = event.time.min(*oldest);
        *count += 1;
    }
    let mut leads: Vec<(i64, u64, usize)> = leads
        .into_iter()
        .map(|(lead, (oldest, count))| (oldest, lead, count))
        .collect();
    leads.sort_unstable();
    let (mut young, mut events) = (HashSet::new(), 0);
    while leads.len() > 1
        && events * 2 < items.len()
        && let Some((_, lead, count)) = leads.pop()
    {
        young.insert(lead);
        events += count;
    }
    young
}

/// Notes what an attempt that settled nothing says of the events in it.
fn mark(part: &mut Part<Item>, fate: Fate) {
    if fate == Fate::Unknown {
        for item in &mut part.items {
            item.fate = Fate::Unknown;
        }
    }
}

/// What becomes of an event that stays open. For the ledger, what this run did not change stays what it was.
fn open(item: &Item) -> (Settled, Outcome) {
    match item.fate {
        Fate::Unknown => (Settled::Uncertain, Outcome::Uncertain),
        Fate::NotProcessed if item.is_again => (Settled::Unsent, Outcome::Uncertain),
        Fate::NotProcessed => (Settled::Unsent, Outcome::Undelivered),
    }
}
