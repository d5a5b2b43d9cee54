//! What time it is: by the clock of the machine, or a time that was given.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::Offset;

/// Tells the time whenever it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The machine's.
    #[default]
    System,
    /// Always the same, Unix seconds: for replays and tests.
    Fixed(i64),
    /// Runs with the runtime's own time, which a test can turn forward.
    #[cfg(test)]
    Virtual {
        /// What it showed at `since`, Unix seconds.
        start: i64,
        /// When it was started.
        since: tokio::time::Instant,
        /// After so many seconds it jumps by so many.
        jump: (u64, i64),
    },
}

impl Clock {
    /// The time by this clock, Unix seconds.
    pub(crate) fn now(self) -> i64 {
        match self {
            Clock::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs() as i64),
            Clock::Fixed(now) => now,
            #[cfg(test)]
            Clock::Virtual { start, since, jump } => {
                let elapsed = since.elapsed().as_secs();
                let by = if elapsed >= jump.0 { jump.1 } else { 0 };
                start + elapsed as i64 + by
            }
        }
    }

    /// The year it is in UTC.
    pub(crate) fn this_year(self) -> i16 {
        jiff::Timestamp::from_second(self.now())
            .map_or(i16::MAX, |now| Offset::UTC.to_datetime(now).year())
    }
}

/// A time as reports show it: `2026-11-21T16:00:00Z`; empty when no calendar has it.
pub(crate) fn utc(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|at| at.to_string())
        .unwrap_or_default()
}
