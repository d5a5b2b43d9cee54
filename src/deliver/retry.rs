//! How long to wait before a request is sent again, and when to stop trying.
//!
//! Input: why the last attempt failed and the time. Output: wait, give up, or take the answer for a refusal. Waiting
//! grows exponentially with full jitter; a wait the server names goes before it. Does not sleep by itself.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use tokio::time::Instant;

use crate::graph::fault::Fault;
use crate::graph::verdict::{Cause, Retry, Why};

/// How often a request is sent again after an error that explains nothing, before its payload is blamed.
const MAX_UNEXPLAINED: u32 = 3;

/// The longest waits before the first and before any later repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the first repetition; it doubles with each.
    pub first: Duration,
    /// The longest wait before any.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff {
            first: Duration::from_secs(1),
            max: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// A random wait up to the limit for this repetition, counted from 0.
    fn wait(&self, repetition: u32, jitter: &mut Jitter) -> Duration {
        let limit = self
            .first
            .saturating_mul(1 << repetition.min(16))
            .min(self.max);
        limit.mul_f64(jitter.fraction())
    }
}

/// A small generator of random fractions (SplitMix64), so that lanes do not wait in step.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// Always the same sequence for the same seed.
    pub fn seeded(seed: u64) -> Jitter {
        Jitter(seed)
    }

    /// Another sequence each time.
    pub fn random() -> Jitter {
        Jitter(RandomState::new().build_hasher().finish())
    }

    /// The next fraction, at least 0 and less than 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What to do after an attempt that settled nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the same bytes again after this long.
    Wait(Duration),
    /// The time for this batch is used up, or the server asks for more than is left.
    GiveUp,
    /// The error did not go away: take it for a refusal of the payload.
    Blame(Fault),
}

/// How much longer one batch is tried.
#[derive(Debug)]
pub struct Patience {
    backoff: Backoff,
    deadline: Instant,
    repetitions: u32,
    unexplained: u32,
}

impl Patience {
    /// Starts with the first attempt, at `now`.
    pub fn new(backoff: Backoff, give_up_after: Duration, now: Instant) -> Patience {
        // A century is as good as never, and no clock overflows on it.
        let give_up_after = give_up_after.min(Duration::from_secs(3_000_000_000));
        Patience {
            backoff,
            deadline: now + give_up_after,
            repetitions: 0,
            unexplained: 0,
        }
    }

    /// Decides after an attempt that ended at `now`. With `suspect`, the same error has outlasted its repetitions on
    /// a larger batch this one is a part of, so it is blamed at once.
    pub fn next(
        &mut self,
        retry: &Retry,
        suspect: bool,
        now: Instant,
        jitter: &mut Jitter,
    ) -> Next {
        if let (Why::Unexplained, Cause::Fault(fault)) = (retry.why, &retry.cause) {
            if suspect || self.unexplained == MAX_UNEXPLAINED {
                return Next::Blame(fault.clone());
            }
            self.unexplained += 1;
        }
        let left = self.deadline.saturating_duration_since(now);
        if left.is_zero() || retry.wait.is_some_and(|wait| wait > left) {
            return Next::GiveUp;
        }
        let backoff = self.backoff.wait(self.repetitions, jitter).min(left);
        self.repetitions += 1;
        Next::Wait(retry.wait.unwrap_or(backoff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::verdict::Fate;

    fn fault() -> Fault {
        Fault {
            status: 500,
            code: 1,
            subcode: None,
            title: None,
            fbtrace_id: None,
        }
    }

    fn retry(why: Why, wait: Option<u64>) -> Retry {
        Retry {
            why,
            fate: Fate::Unknown,
            wait: wait.map(Duration::from_secs),
            cause: Cause::Fault(fault()),
        }
    }

    #[test]
    fn waits_are_jittered_over_the_whole_of_a_limit_that_doubles_up_to_the_longest() {
        let mut jitter = Jitter::seeded(7);
        for (repetition, limit) in [(0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0), (40, 60.0)] {
            let waits: Vec<f64> = (0..500)
                .map(|_| {
                    Backoff::default()
                        .wait(repetition, &mut jitter)
                        .as_secs_f64()
                })
                .collect();
            assert!(waits.iter().all(|wait| *wait < limit));
            assert!(
                waits.iter().any(|wait| *wait < limit * 0.05)
                    && waits.iter().any(|wait| *wait > limit * 0.95)
            );
        }
    }

    #[test]
    fn a_batch_is_tried_until_its_time_is_up_and_once_more_at_the_very_end() {
        let start = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::from_secs(10), start);
        let mut jitter = Jitter::seeded(1);
        let (mut now, mut attempts) = (start, 0);
        while let Next::Wait(wait) =
            patience.next(&retry(Why::Transient, None), false, now, &mut jitter)
        {
            now += wait;
            attempts += 1;
            assert!(now <= start + Duration::from_secs(10) && attempts < 100);
        }
        assert_eq!(now, start + Duration::from_secs(10));
    }

    #[test]
    fn a_wait_the_server_names_is_kept_unless_it_is_longer_than_what_is_left() {
        let start = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::from_secs(600), start);
        let mut jitter = Jitter::seeded(1);
        let wait = patience.next(&retry(Why::Throttled, Some(300)), false, start, &mut jitter);
        assert_eq!(wait, Next::Wait(Duration::from_secs(300)));
        let later = start + Duration::from_secs(301);
        assert_eq!(
            patience.next(&retry(Why::Throttled, Some(300)), false, later, &mut jitter),
            Next::GiveUp
        );
    }

    #[test]
    fn an_unexplained_error_is_repeated_three_times_and_then_blamed_on_the_payload() {
        let start = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::from_secs(600), start);
        let mut jitter = Jitter::seeded(1);
        let unexplained = retry(Why::Unexplained, None);
        for _ in 0..3 {
            assert!(matches!(
                patience.next(&unexplained, false, start, &mut jitter),
                Next::Wait(_)
            ));
            assert!(matches!(
                patience.next(&retry(Why::Transient, None), false, start, &mut jitter),
                Next::Wait(_)
            ));
        }
        assert_eq!(
            patience.next(&unexplained, false, start, &mut jitter),
            Next::Blame(fault())
        );
        let mut patience = Patience::new(Backoff::default(), Duration::from_secs(600), start);
        assert_eq!(
            patience.next(&unexplained, true, start, &mut jitter),
            Next::Blame(fault())
        );
    }

    #[test]
    fn no_time_at_all_means_no_second_attempt() {
        let start = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::ZERO, start);
        assert_eq!(
            patience.next(
                &retry(Why::NoAnswer, None),
                false,
                start,
                &mut Jitter::random()
            ),
            Next::GiveUp
        );
        Patience::new(Backoff::default(), Duration::MAX, start);
    }
}
