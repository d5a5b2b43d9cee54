//! How long to wait before a request is sent again, and when to stop trying.
//!
//! Input: why the last attempt failed and the time. Output: wait, give up, or say that waiting is no use. Waiting
//! grows exponentially with full jitter; a wait the server names goes before it. Does not sleep by itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::graph::verdict::Retry;

/// How often a request is sent again for a cause that waiting does not cure, such as a certificate.
const MAX_HOPELESS: u32 = 3;

/// The longest waits before the first and before any later repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
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
    fn wait(&self, repetition: u32, jitter: &mut fastrand::Rng) -> Duration {
        let limit = self
            .first
            .saturating_mul(1 << repetition.min(16))
            .min(self.max);
        limit.mul_f64(jitter.f64())
    }
}

/// What to do after an attempt that settled nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send again after this long.
    Wait(Duration),
    /// The time for this batch is used up, or the server asks for more than is left.
    GiveUp,
    /// It does not pass by waiting; this is what to do about it.
    Hopeless(&'static str),
}

/// How much longer one batch is tried.
#[derive(Debug)]
pub(crate) struct Patience {
    backoff: Backoff,
    give_up_after: Duration,
    deadline: Option<Instant>,
    repetitions: u32,
    hopeless: u32,
}

impl Patience {
    /// Begins to run with the first attempt that fails.
    pub(crate) fn new(backoff: Backoff, give_up_after: Duration) -> Self {
        Self {
            backoff,
            // A century is as good as never, and no clock overflows on it.
            give_up_after: give_up_after.min(Duration::from_secs(3_000_000_000)),
            deadline: None,
            repetitions: 0,
            hopeless: 0,
        }
    }

    /// Notes that an attempt begins at `now`.
    pub(crate) fn start(&mut self, now: Instant) {
        self.deadline.get_or_insert(now + self.give_up_after);
    }

    /// Something of the batch went through: what is left has all the time again.
    pub(crate) fn renew(&mut self) {
        *self = Self::new(self.backoff, self.give_up_after);
    }

    /// Whether the time is used up.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Decides after an attempt that ended at `now`.
    pub(crate) fn next(&mut self, retry: &Retry, now: Instant, jitter: &mut fastrand::Rng) -> Next {
        match retry.cause.help() {
            Some(help) if self.hopeless == MAX_HOPELESS => return Next::Hopeless(help),
            Some(_) => self.hopeless += 1,
            None => self.hopeless = 0,
        }
        self.start(now);
        let left = self
            .deadline
            .map_or(self.give_up_after, |end| end.saturating_duration_since(now));
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
    use crate::graph::answer::{Insecure, Silence};
    use crate::graph::fault::Fault;
    use crate::graph::verdict::{Cause, Fate, Why};

    const TEN: Duration = Duration::from_secs(10);

    fn retry(why: Why, wait: Option<u64>) -> Retry {
        Retry {
            why,
            fate: Fate::Unknown,
            wait: wait.map(Duration::from_secs),
            cause: Cause::Fault(Fault {
                status: 500,
                code: 2,
                subcode: None,
                title: None,
                fbtrace_id: None,
            }),
        }
    }

    fn jitter() -> fastrand::Rng {
        fastrand::Rng::with_seed(7)
    }

    #[test]
    fn waits_are_jittered_over_the_whole_of_a_limit_that_doubles_up_to_the_longest() {
        let mut jitter = jitter();
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
        let mut patience = Patience::new(Backoff::default(), TEN);
        patience.start(start);
        let (mut jitter, mut now, mut attempts) = (jitter(), start, 0);
        while let Next::Wait(wait) = patience.next(&retry(Why::Transient, None), now, &mut jitter) {
            now += wait;
            attempts += 1;
            assert!(now <= start + TEN && attempts < 100);
        }
        assert_eq!(now, start + TEN);
        patience.renew();
        assert!(matches!(
            patience.next(&retry(Why::Transient, None), now, &mut jitter),
            Next::Wait(_)
        ));
    }

    #[test]
    fn a_wait_the_server_names_is_kept_unless_it_is_longer_than_what_is_left() {
        let start = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::from_secs(600));
        patience.start(start);
        let throttled = retry(Why::Throttled, Some(300));
        let wait = patience.next(&throttled, start, &mut jitter());
        assert_eq!(wait, Next::Wait(Duration::from_secs(300)));
        let later = start + Duration::from_secs(301);
        assert_eq!(
            patience.next(&throttled, later, &mut jitter()),
            Next::GiveUp
        );
    }

    #[test]
    fn what_does_not_pass_by_waiting_is_tried_three_times_more_and_says_what_to_do() {
        let now = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::from_secs(600));
        let untrusted = Retry {
            why: Why::NoAnswer,
            cause: Cause::Silence(Silence::NotSecure(Insecure::UnknownIssuer)),
            ..retry(Why::NoAnswer, None)
        };
        for _ in 0..3 {
            assert!(matches!(
                patience.next(&untrusted, now, &mut jitter()),
                Next::Wait(_)
            ));
        }
        let Next::Hopeless(help) = patience.next(&untrusted, now, &mut jitter()) else {
            panic!()
        };
        assert!(help.contains("SSL_CERT_FILE"));
    }

    #[test]
    fn no_time_at_all_means_no_second_attempt() {
        let start = Instant::now();
        let mut patience = Patience::new(Backoff::default(), Duration::ZERO);
        assert_eq!(
            patience.next(&retry(Why::NoAnswer, None), start, &mut jitter()),
            Next::GiveUp
        );
        Patience::new(Backoff::default(), Duration::MAX).start(start);
    }
}
