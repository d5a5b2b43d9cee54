//! Asks Meta for something until it is there, or until asking is no use.
//!
//! Input: what lies under a path, with a token. Output: the answer, or why there is none. Waits, throttles, the headers
//! that tell how much of the allowance is left, and Ctrl-C are heeded as in the delivery.

use std::collections::HashSet;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::deliver::Interrupt;
use crate::deliver::interrupt::reaches;
use crate::deliver::retry::{Backoff, Next, Patience};
use crate::graph::client::Reader;
use crate::graph::served::Served;
use crate::graph::usage::Usage;
use crate::graph::verdict::{Cause, Reading, Retry, Why, is_rehearsal, judge_reading};
use crate::graph::{Fault, Stop};

/// So many pages without a record, one after the other, have no end. One alone is no end: Meta filters after it pages.
const MAX_EMPTY_PAGES: u32 = 1_000;

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
        /// What to do about it, where waiting is no use.
        help: Option<&'static str>,
    },
    /// What came is no list.
    NoList,
    /// The pages of a list lead back to one that was read.
    Circle,
    /// Somebody asked to leave.
    Interrupted,
}

/// Asks one thing after the other.
pub(crate) struct Asker {
    reader: Reader,
    give_up_after: Duration,
    interrupt: watch::Receiver<Interrupt>,
    jitter: fastrand::Rng,
    /// How long the next request is held back, so that the allowance is not used up.
    hold: Option<Duration>,
    served: Served,
    is_sandbox: bool,
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
            hold: None,
            served: Served::default(),
            is_sandbox: false,
        }
    }

    /// The host that is asked, with its port where it is not the usual one.
    pub(crate) fn host(&self) -> String {
        self.reader.host()
    }

    /// Which version answered, and whether a sandbox did.
    pub(crate) fn served(&self) -> (&Served, bool) {
        (&self.served, self.is_sandbox)
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
            if let Some(hold) = self.hold.take() {
                let seconds = hold.as_secs_f64();
                tracing::info!("the allowance of calls is nearly used up; waiting {seconds:.1} s");
                self.wait(hold).await?;
            }
            patience.start(Instant::now());
            let answer = tokio::select! {
                answer = self.reader.get(path, query, token) => answer,
                () = reaches(self.interrupt.clone(), Interrupt::Finish) => return Err(Failure::Interrupted),
            };
            if let Ok(answer) = &answer {
                self.served.read(&answer.headers);
                self.is_sandbox |= is_rehearsal(&answer.headers);
            }
            match judge_reading(&answer) {
                Reading::Found(found) => {
                    self.hold = answer
                        .ok()
                        .and_then(|answer| Usage::read(&answer.headers).slow_down());
                    return Ok(found);
                }
                Reading::Refused(fault) => return Err(Failure::Refused(fault)),
                Reading::Stop(stop) => return Err(Failure::Stopped(stop)),
                Reading::Retry(retry) => self.wait_for(&mut patience, retry).await?,
            }
        }
    }

    /// Waits until it is time to ask again.
    async fn wait_for(&mut self, patience: &mut Patience, retry: Retry) -> Result<(), Failure> {
        let help = match patience.next(&retry, Instant::now(), &mut self.jitter) {
            Next::Wait(wait) => {
                let what = match retry.why {
                    Why::Throttled => "throttled",
                    _ => "no answer",
                };
                let seconds = wait.as_secs_f64();
                tracing::info!("{what} ({}); trying again in {seconds:.1} s", retry.cause);
                return self.wait(wait).await;
            }
            Next::GiveUp => None,
            Next::Hopeless(help) => Some(help),
        };
        Err(Failure::Unreachable {
            cause: retry.cause,
            help,
        })
    }

    /// Hands the records of each page of a list to `take`, each once by its id.
    ///
    /// Meta forgets cursors. A place that is refused is given up, and the list is read from its beginning: what was handed
    /// over is passed over then.
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
        let (mut after, mut seen, mut empty) = (None::<String>, HashSet::new(), 0);
        let (mut taken, mut has_news) = (HashSet::new(), false);
        loop {
            let mut query = query.to_vec();
            query.extend(after.as_deref().map(|after| ("after", after)));
            let mut page = match self.get(path, &query, token).await {
                // A list that brought nothing since its beginning would be read for ever.
                Err(Failure::Refused(fault)) if after.is_some() && has_news => {
                    let codes = fault.codes();
                    tracing::info!(
                        "Meta no longer knows the place in a list ({codes}); reading it again"
                    );
                    (after, has_news, empty) = (None, false, 0);
                    seen.clear();
                    continue;
                }
                page => page?,
            };
            let mut records = match page.remove("data") {
                Some(Value::Array(records)) => records,
                _ => return Err(Failure::NoList.into()),
            };
            empty = if records.is_empty() { empty + 1 } else { 0 };
            records.retain(|record| id(record).is_none_or(|id| taken.insert(id)));
            has_news |= !records.is_empty();
            take(records)?;
            after = next_page(&page).map(str::to_owned);
            let Some(after) = &after else {
                return Ok(());
            };
            if !seen.insert(after.clone()) || empty == MAX_EMPTY_PAGES {
                return Err(Failure::Circle.into());
            }
        }
    }

    async fn wait(&self, wait: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = sleep(wait) => Ok(()),
            () = reaches(self.interrupt.clone(), Interrupt::Finish) => Err(Failure::Interrupted),
        }
    }
}

/// The id of a record, where it is one of Meta's.
fn id(record: &Value) -> Option<u64> {
    let id = record.get("id")?;
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

/// Where the next page begins. Whether there is one is in `next`; where, in the cursor: the URL in `next` holds a token and
/// may lead to another host, so it is not followed.
fn next_page(page: &Map<String, Value>) -> Option<&str> {
    let paging = page.get("paging")?;
    paging.get("next")?;
    paging["cursors"]["after"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn there_is_a_next_page_only_where_meta_says_so_and_names_its_cursor() {
        for (paging, expected) in [
            (
                json!({"cursors": {"after": "x"}, "next": "https://elsewhere.example"}),
                Some("x"),
            ),
            (json!({"cursors": {"after": "x"}}), None),
            (json!({"next": "https://elsewhere.example"}), None),
        ] {
            let page = json!({"paging": paging});
            assert_eq!(next_page(page.as_object().unwrap()), expected);
        }
        assert_eq!(next_page(&Map::new()), None);
    }
}
