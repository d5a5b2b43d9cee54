//! Holds events back for a moment before they go to the lanes, so that those of one lead can be put in order.
//!
//! Input: the channel of a delivery. Output: events, leads first in, first out, each lead's in the order of their times.
//! What it holds is bounded by count, bytes and time. Sends nothing.

use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};

use super::Settings;
use super::run::Run;
use crate::batch::{Limits, Waiting};
use crate::event::Event;

/// The encoded bytes that are held back at most; of events with few keys these are some seven thousand.
const MAX_BYTES: usize = 3_000_000;

/// Events on their way to the lanes.
pub(super) struct Intake {
    events: mpsc::Receiver<Vec<Event>>,
    held: Waiting,
    linger: Duration,
    more_to_come: bool,
    /// When the longest held event is to go, full or not.
    due: Instant,
}

impl Intake {
    pub(super) fn new(events: mpsc::Receiver<Vec<Event>>, settings: &Settings) -> Self {
        let limits = Limits {
            events: settings.hold.max(1),
            bytes: MAX_BYTES,
        };
        Self {
            events,
            held: Waiting::new(limits),
            linger: settings.linger,
            more_to_come: true,
            due: Instant::now(),
        }
    }

    /// Waits until it is time to take events; false when there are none any more, or when the run is over.
    pub(super) async fn fill(&mut self, run: &Run) -> bool {
        while !run.is_over() && !self.is_ready() && self.wants_more() {
            self.more(run).await;
        }
        !run.is_over() && !self.held.is_empty()
    }

    /// Whether it is time to take events.
    pub(super) fn is_ready(&self) -> bool {
        let is_due = !self.more_to_come || self.due <= Instant::now();
        !self.held.is_empty() && (is_due || self.held.has_full_batch())
    }

    /// Whether nothing is held and nothing comes any more.
    pub(super) fn is_done(&self) -> bool {
        !self.more_to_come && self.held.is_empty()
    }

    /// Whether there is room for what comes, or something to wait for.
    pub(super) fn wants_more(&self) -> bool {
        self.more_to_come && !self.held.has_full_batch()
    }

    /// Takes events.
    pub(super) fn take(&mut self, limits: Limits) -> Vec<Event> {
        self.held.take_within(limits)
    }

    /// Takes in what comes next, or waits until what is held is due. When the run is over, takes in all that is left,
    /// so that whoever fills the channel does not wait for room in it any longer.
    pub(super) async fn more(&mut self, run: &Run) {
        let is_waiting = !self.held.is_empty() && self.due > Instant::now();
        tokio::select! {
            biased;
            () = run.over() => self.close().await,
            chunk = self.events.recv() => match chunk {
                Some(chunk) => self.add(chunk),
                None => self.more_to_come = false,
            },
            () = sleep_until(self.due), if is_waiting => {}
        }
    }

    fn add(&mut self, chunk: Vec<Event>) {
        if self.held.is_empty() {
            self.due = Instant::now() + self.linger;
        }
        self.held.extend(chunk);
    }

    async fn close(&mut self) {
        self.events.close();
        while let Some(chunk) = self.events.recv().await {
            self.held.extend(chunk);
        }
        self.more_to_come = false;
    }
}
