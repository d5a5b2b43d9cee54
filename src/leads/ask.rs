//! Asks Meta for something until it is there, or until asking is no use.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::deliver::Interrupt;
use crate::deliver::interrupt::reaches;
use crate::deliver::retry::{Backoff, Next, Patience};
use crate::graph::client::Reader;
use crate::graph::usage::Usage;
use crate::graph::verdict::{Cause, Reading, Why, judge_reading};
use crate::graph::{Fault, Stop};

/// More pages than this have no end.
const MAX_PAGES: u32 = 1_000_000;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// This thing cannot be read; others may be.
    Refused(Fault),
    /// The token stands in the way of everything.
    Stopped(Stop),
    /// Nobody answers, or Meta throttles for too long.
    Unreachable {
        /// What came last.
        cause: Cause,
        /// What to do about it.
        help: &'static str,
    },
    /// Somebody asked to leave.
    Interrupted,
}

/// Asks one thing after the other.
pub(crate) struct Asker {
    reader: Reader,
    give_up_after: Duration,
    interrupt: watch::Receiver<Interrupt>,
    jitter: fastrand::Rng,
}

impl Asker {
    /// Prepares to ask; what cannot be had is asked for again for so long.
    pub(crate) fn new(
        reader: Reader,
        give_up_after: Duration,
        interrupt: watch::Receiver<Interrupt>,
    ) -> Self {
        Self {
            reader,
            give_up_after,
            interrupt,
            jitter: fastrand::Rng::new(),
        }
    }

    /// The host that is asked.
    pub(crate) fn host(&self) -> &str {
        self.reader.host()
    }

    /// The answer to a GET, as long as it takes.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn get(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<Map<String, Value>, Failure> {
        let mut patience = Patience::new(Backoff::default(), self.give_up_after);
        loop {
            patience.start(Instant::now());
            let answer = tokio::select! {
                answer = self.reader.get(path, query, token) => answer,
                () = reaches(self.interrupt.clone(), Interrupt::Finish) => return Err(Failure::Interrupted),
            };
            let usage = answer
                .as_ref()
                .ok()
                .map(|answer| Usage::read(&answer.headers));
            let retry = match judge_reading(&answer) {
                Reading::Found(found) => {
                    if let Some(wait) = usage.and_then(|usage| usage.slow_down()) {
                        tracing::info!(
                            "the allowance of calls is nearly used up; waiting {:.1} s",
                            wait.as_secs_f64()
                        );
                        self.wait(wait).await?;
                    }
                    return Ok(found);
                }
                Reading::Refused(fault) => return Err(Failure::Refused(fault)),
                Reading::Stop(stop) => return Err(Failure::Stopped(stop)),
                Reading::Retry(retry) => retry,
            };
            match patience.next(&retry, Instant::now(), &mut self.jitter) {
                Next::Wait(wait) => {
                    let what = match retry.why {
                        Why::Throttled => "throttled",
                        _ => "no answer",
                    };
                    tracing::info!(
                        "{what} ({}); trying again in {:.1} s",
                        retry.cause,
                        wait.as_secs_f64()
                    );
                    self.wait(wait).await?;
                }
                Next::GiveUp => {
                    return Err(Failure::Unreachable {
                        cause: retry.cause,
                        help: "run it again later: what was downloaded is kept, and the next run goes on from there",
                    });
                }
                Next::Hopeless(help) => {
                    return Err(Failure::Unreachable {
                        cause: retry.cause,
                        help,
                    });
                }
            }
        }
    }

    /// Hands the records of each page of a list to `take`.
    ///
    /// # Errors
    /// A page cannot be had, or `take` fails.
    pub(crate) async fn each_page<E: From<Failure>>(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
        token: &SecretString,
        take: &mut dyn FnMut(Vec<Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = String::new();
        for _ in 0..MAX_PAGES {
            let mut query = query.to_vec();
            if !after.is_empty() {
                query.push(("after", &after));
            }
            let mut page = self.get(path, &query, token).await?;
            let data = match page.remove("data") {
                Some(Value::Array(data)) => data,
                _ => Vec::new(),
            };
            let is_empty = data.is_empty();
            take(data)?;
            // Whether there is more is in `next`; where, in the cursor. The URL in `next` holds a token and is not followed.
            let next = page.get("paging").and_then(|paging| {
                paging.get("next")?;
                paging
                    .get("cursors")?
                    .get("after")?
                    .as_str()
                    .map(str::to_owned)
            });
            match next {
                Some(next) if !is_empty && next != after => after = next,
                _ => break,
            }
        }
        Ok(())
    }

    async fn wait(&self, wait: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = sleep(wait) => Ok(()),
            () = reaches(self.interrupt.clone(), Interrupt::Finish) => Err(Failure::Interrupted),
        }
    }
}
