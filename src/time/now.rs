//! What time it is: by the clock of the machine, or a time that was given.

use std::time::{SystemTime, UNIX_EPOCH};

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
}
