//! How to deliver.

use std::time::Duration;

use super::retry::Backoff;
use crate::batch::{Beside, Limits};
use crate::time::Clock;

/// Requests in flight at most: more would not be answered any sooner.
pub(crate) const MAX_CONCURRENCY: u16 = 64;

/// The encoded bytes of events that a lane adds to what may be in the lanes: twice a thousand usual events.
const BYTES_OF_A_LANE: usize = 2_000_000;
/// The encoded bytes of events that may be in all of them: beyond, lanes get their next batches later, and no less.
const BYTES_OF_ALL_LANES: usize = 64_000_000;

/// What may be in the lanes: while one batch of each is sent, the next gathers.
pub(super) fn room_of_lanes(settings: &Settings) -> Limits {
    let lanes = settings.concurrency.max(1);
    Limits {
        events: lanes * settings.limits.events * 2,
        bytes: (lanes * BYTES_OF_A_LANE).min(BYTES_OF_ALL_LANES),
    }
}

impl Settings {
    /// How many events may be in flight at once.
    pub(crate) fn in_flight(&self) -> u64 {
        (self.concurrency.max(1) * self.limits.events) as u64
    }
}

/// How to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How large a batch may be.
    pub limits: Limits,
    /// Requests in flight, at least 1.
    pub concurrency: usize,
    /// How long a batch is tried.
    pub give_up_after: Duration,
    /// How long to wait in between.
    pub backoff: Backoff,
    /// How long events may be held back while more come in: until a batch is full, and until those of one lead can be
    /// put in the order of their times.
    pub linger: Duration,
    /// How many events are held back for that at most, besides those in the lanes.
    pub hold: usize,
    /// What tells which events are too old by now.
    pub clock: Clock,
    /// What stands beside the events in every request.
    pub beside: Beside,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::of(500),
            concurrency: 4,
            give_up_after: Duration::from_secs(600),
            backoff: Backoff::default(),
            linger: Duration::from_secs(1),
            hold: 8_192,
            clock: Clock::System,
            beside: Beside::default(),
        }
    }
}
