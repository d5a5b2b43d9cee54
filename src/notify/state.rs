//! What is wrong with the uploads, as a pure function of how a run ended and what is remembered of those before.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::ledger::Past;
use crate::report::{ExitStatus, Summary};

/// So many earlier runs make the usual number of events.
pub(super) const USUAL_RUNS: usize = 14;
/// The run from whose number on a drop is told, counting only those that sent anything.
const DROP_FROM_RUN: usize = 10;
/// A run drops when it delivered fewer than a part of the usual number: a third.
const DROP_PART: u64 = 3;

/// The command that has no end.
const SERVER: &str = "serve";

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// A run ended with this status, and is not done.
    Failed(u8),
    /// A run was done, but rows or events were refused.
    Refused,
    /// A run delivered far fewer events than those before.
    Dropped,
    /// Runs go well, and nothing was delivered for too long.
    Silent,
    /// No run has gone well for too long, by the watchdog's judgement.
    Overdue,
}

/// All that is wrong; nothing when all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State(BTreeSet<Condition>);

/// Why there may be something to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Occasion<'a> {
    /// An upload that has a report.
    Upload {
        /// The report.
        summary: &'a Summary,
        /// The status the process ends with.
        status: ExitStatus,
    },
    /// An upload that could not begin.
    NotBegun {
        /// The status the process ends with.
        status: ExitStatus,
        /// Why, as it is said on standard error.
        error: &'a str,
    },
    /// The watchdog has looked.
    Watched {
        /// Whether the last success is too long ago.
        is_late: bool,
        /// How long ago it may be.
        max_age: Duration,
    },
}

impl Occasion<'_> {
    /// Whether it is the success that a ping stands for.
    pub(super) fn is_success(&self) -> bool {
        matches!(
            self,
            Occasion::Upload {
                status: ExitStatus::Done,
                ..
            }
        )
    }
}

/// What else decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances<'a> {
    /// What the ledger remembers, this run included.
    pub past: &'a Past,
    /// How long no event may have been delivered.
    pub max_age: Option<Duration>,
    /// Unix seconds.
    pub now: i64,
}

impl State {
    /// The state after an occasion.
    pub(super) fn after(&self, occasion: &Occasion<'_>, around: &Circumstances<'_>) -> State {
        let mut next = self.0.clone();
        let mut set = |condition, is_on: bool| match is_on {
            true => next.insert(condition),
            false => next.remove(&condition),
        };
        let status = match *occasion {
            Occasion::Watched { is_late, .. } => {
                set(Condition::Overdue, is_late);
                return State(next);
            }
            Occasion::NotBegun { status, .. } | Occasion::Upload { status, .. } => status,
        };
        // Somebody ended it, who knows.
        if status == ExitStatus::Interrupted {
            return self.clone();
        }
        next.retain(|condition| !matches!(condition, Condition::Failed(_)));
        if !matches!(status, ExitStatus::Done | ExitStatus::Problems) {
            next.insert(Condition::Failed(status.code()));
            return State(next);
        }
        let mut set = |condition, is_on: bool| match is_on {
            true => next.insert(condition),
            false => next.remove(&condition),
        };
        set(Condition::Refused, status == ExitStatus::Problems);
        set(Condition::Overdue, false);
        set(Condition::Silent, is_silent(around));
        if let Occasion::Upload { summary, .. } = occasion
            && let Some(has_dropped) = has_dropped(summary, around.past)
        {
            set(Condition::Dropped, has_dropped);
        }
        State(next)
    }

    pub(super) fn is_well(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn conditions(&self) -> impl Iterator<Item = Condition> + '_ {
        self.0.iter().copied()
    }

    /// Reads what [`fmt::Display`] wrote. What a newer version wrote and this one does not know is left out.
    pub(super) fn read(text: &str) -> State {
        State(text.split(',').filter_map(condition).collect())
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str(",")?;
            }
            match condition {
                Condition::Failed(status) => write!(out, "failed-{status}")?,
                Condition::Refused => out.write_str("refused")?,
                Condition::Dropped => out.write_str("dropped")?,
                Condition::Silent => out.write_str("silent")?,
                Condition::Overdue => out.write_str("overdue")?,
            }
        }
        Ok(())
    }
}

fn condition(text: &str) -> Option<Condition> {
    Some(match text {
        "refused" => Condition::Refused,
        "dropped" => Condition::Dropped,
        "silent" => Condition::Silent,
        "overdue" => Condition::Overdue,
        _ => Condition::Failed(text.strip_prefix("failed-")?.parse().ok()?),
    })
}

/// Whether no event was delivered for too long; without any delivery since the first run.
fn is_silent(around: &Circumstances<'_>) -> bool {
    let last = around.past.last_delivery.or(around.past.first_run);
    let max_age = around.max_age.map(|age| age.as_secs());
    max_age.zip(last).is_some_and(|(max_age, last)| {
        around.now.saturating_sub(last) > i64::try_from(max_age).unwrap_or(i64::MAX)
    })
}

/// Whether this run delivered far fewer events than those before; nothing when it sent nothing, or too few ran before.
fn has_dropped(summary: &Summary, past: &Past) -> Option<bool> {
    let (accepted, rejected, _, uncertain) = summary.counts.done();
    // How much a server delivers between two reports says nothing: they come as trouble comes.
    if summary.command == SERVER || summary.requests == 0 || accepted + rejected + uncertain == 0 {
        return None;
    }
    let (_, before) = past.accepted.split_first()?;
    Some(before.len() + 1 >= DROP_FROM_RUN && accepted * DROP_PART < usual(before))
}

/// The median of what the runs before delivered, rounded down; 0 without any.
pub(super) fn usual(before: &[u64]) -> u64 {
    let mut sorted = before[..before.len().min(USUAL_RUNS)].to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0,
        odd if odd % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::stages::{Counts, Sending};

    fn ran(status: ExitStatus, accepted: u64) -> Summary {
        Summary {
            exit_status: status,
            requests: 1,
            counts: Counts {
                events: accepted,
                sending: Sending::Done {
                    accepted,
                    rejected: 0,
                    undelivered: 0,
                    uncertain: 0,
                },
                ..Counts::default()
            },
            ..Summary::default()
        }
    }

    fn after(state: &str, occasion: &Occasion<'_>, past: &Past) -> String {
        let around = Circumstances {
            past,
            max_age: Some(Duration::from_secs(100)),
            now: 1_000,
        };
        State::read(state).after(occasion, &around).to_string()
    }

    fn after_run(state: &str, status: ExitStatus, past: &Past) -> String {
        let summary = ran(status, past.accepted.first().copied().unwrap_or(1));
        let occasion = Occasion::Upload {
            summary: &summary,
            status,
        };
        after(state, &occasion, past)
    }

    #[test]
    fn a_run_settles_what_it_can_judge_and_leaves_the_rest() {
        let past = Past::default();
        for (state, status, expected) in [
            ("", ExitStatus::Done, ""),
            ("", ExitStatus::NotDone, "failed-4"),
            ("failed-4", ExitStatus::Refused, "failed-3"),
            ("failed-4,refused,overdue", ExitStatus::Done, ""),
            (
                "refused,dropped",
                ExitStatus::NotDone,
                "failed-4,refused,dropped",
            ),
            ("overdue", ExitStatus::Usage, "failed-2,overdue"),
            ("failed-3", ExitStatus::Problems, "refused"),
            ("failed-3", ExitStatus::Interrupted, "failed-3"),
        ] {
            assert_eq!(
                after_run(state, status, &past),
                expected,
                "{state} {status:?}"
            );
        }
    }

    #[test]
    fn the_watchdog_judges_only_what_it_looks_at() {
        let past = Past::default();
        let max_age = Duration::from_secs(100);
        let watched = |state, is_late| after(state, &Occasion::Watched { is_late, max_age }, &past);
        assert_eq!(watched("refused", true), "refused,overdue");
        assert_eq!(watched("refused,overdue", false), "refused");
    }

    #[test]
    fn runs_that_go_well_and_deliver_nothing_are_silent() {
        let past = |last_delivery, first_run| Past {
            last_delivery,
            first_run,
            ..Past::default()
        };
        for (past, expected) in [
            (past(Some(900), Some(1)), ""),
            (past(Some(899), Some(1)), "silent"),
            (past(None, Some(950)), ""),
            (past(None, Some(1)), "silent"),
            (past(None, None), ""),
        ] {
            assert_eq!(after_run("", ExitStatus::Done, &past), expected, "{past:?}");
        }
    }

    #[test]
    fn fewer_than_a_third_of_the_usual_number_is_a_drop_from_the_tenth_run_on() {
        let past = |now: u64, before: &[u64]| Past {
            accepted: [&[now], before].concat(),
            last_delivery: Some(1_000),
            ..Past::default()
        };
        let even = [30; 9];
        for (past, expected) in [
            (past(10, &even), ""),
            (past(9, &even), "dropped"),
            (past(1, &even), "dropped"),
            // The ninth run is too early.
            (past(1, &even[1..]), ""),
            // One large import does not make the usual number.
            (past(10, &[9_000, 30, 30, 30, 30, 30, 30, 30, 30, 30]), ""),
            // Only the last fourteen count.
            (past(2, &[vec![3; 14], vec![900; 20]].concat()), ""),
        ] {
            assert_eq!(after_run("", ExitStatus::Done, &past), expected, "{past:?}");
        }
        assert_eq!(after_run("dropped", ExitStatus::Done, &past(10, &even)), "");
    }

    #[test]
    fn a_run_that_sent_nothing_says_nothing_of_a_drop() {
        let summary = Summary::default();
        let occasion = Occasion::Upload {
            summary: &summary,
            status: ExitStatus::Done,
        };
        let past = Past {
            accepted: vec![30; 14],
            ..Past::default()
        };
        assert_eq!(after("dropped", &occasion, &past), "dropped");
        assert_eq!(after("", &occasion, &past), "");
    }

    #[test]
    fn the_usual_number_is_the_median() {
        assert_eq!(usual(&[]), 0);
        assert_eq!(usual(&[5, 1, 9]), 5);
        assert_eq!(usual(&[5, 1, 9, 8]), 6);
    }
}
