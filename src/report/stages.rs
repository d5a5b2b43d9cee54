//! Counts what became of every event, stage by stage.
//!
//! The pipeline gives each event exactly one [`Fate`], so the totals of a report add up by construction. The number of
//! stages is bounded; a run that is only planned folds every fate that would need Meta into "would send".

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::Serialize;

use super::names::{Names, looks_personal};

/// What became of an event built from a valid row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Older than Meta takes.
    Old,
    /// Accepted in an earlier run.
    Delivered,
    /// Accepted in this run.
    Accepted,
    /// Refused by Meta for good.
    Rejected,
    /// Not sent, or known not to have arrived.
    Undelivered,
    /// Sent, but there is no receipt.
    Uncertain,
}

/// How many events met each [`Fate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fates([u64; 6]);

impl Fates {
    fn of(&self, fate: Fate) -> u64 {
        self.0[fate as usize]
    }

    fn counts(&self, plan: Plan) -> Counts {
        let (accepted, rejected) = (self.of(Fate::Accepted), self.of(Fate::Rejected));
        let (undelivered, uncertain) = (self.of(Fate::Undelivered), self.of(Fate::Uncertain));
        Counts {
            events: self.0.iter().sum(),
            skipped_old: self.of(Fate::Old),
            skipped_delivered: self.of(Fate::Delivered),
            sending: match plan {
                Plan::Send => Sending::Done {
                    accepted,
                    rejected,
                    undelivered,
                    uncertain,
                },
                Plan::Pretend => Sending::Planned {
                    would_send: accepted + rejected + undelivered + uncertain,
                },
            },
        }
    }
}

impl AddAssign for Fates {
    fn add_assign(&mut self, other: Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}

/// Whether a run sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// `upload`.
    Send,
    /// `validate`, `build` and `--dry-run`.
    Pretend,
}

/// What became of events: `events` is the sum of all other numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Events built from valid rows.
    pub events: u64,
    /// Older than Meta takes.
    pub skipped_old: u64,
    /// Accepted in an earlier run.
    pub skipped_delivered: u64,
    /// What became of the rest.
    #[serde(flatten)]
    pub sending: Sending,
}

/// What became of the events that were worth sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Sending {
    /// Nothing is sent: `validate`, `build` and `--dry-run`.
    Planned {
        /// Events an upload would send.
        would_send: u64,
    },
    /// They were sent, or should have been.
    Done {
        /// Accepted by Meta in this run.
        accepted: u64,
        /// Refused by Meta for good.
        rejected: u64,
        /// Not sent, or known not to have arrived.
        undelivered: u64,
        /// Sent, but there is no receipt.
        uncertain: u64,
    },
}

impl Default for Counts {
    fn default() -> Self {
        Fates::default().counts(Plan::Send)
    }
}

impl Counts {
    /// Events accepted in this run.
    pub fn accepted(&self) -> u64 {
        match self.sending {
            Sending::Done { accepted, .. } => accepted,
            Sending::Planned { .. } => 0,
        }
    }

    /// Accepted, rejected, undelivered and uncertain events; of a run that sends nothing all are zero.
    pub fn done(&self) -> (u64, u64, u64, u64) {
        match self.sending {
            Sending::Done {
                accepted,
                rejected,
                undelivered,
                uncertain,
            } => (accepted, rejected, undelivered, uncertain),
            Sending::Planned { .. } => (0, 0, 0, 0),
        }
    }

    /// Events Meta refused in this run.
    pub fn rejected(&self) -> u64 {
        match self.sending {
            Sending::Done { rejected, .. } => rejected,
            Sending::Planned { .. } => 0,
        }
    }

    /// Events that should have gone and of which it is not known that they did.
    pub fn unsettled(&self) -> u64 {
        match self.sending {
            Sending::Done {
                undelivered,
                uncertain,
                ..
            } => undelivered + uncertain,
            Sending::Planned { .. } => 0,
        }
    }
}

/// The events of a run by event name. Memory is bounded whatever the number of events and names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    names: Names<Fates>,
}

impl Stages {
    /// Counts events.
    pub(crate) fn add(&mut self, event_name: &str, fate: Fate, count: u64) {
        if count > 0 {
            self.names.counter(event_name).0[fate as usize] += count;
        }
    }

    /// Adds the events of another part of the input.
    pub(crate) fn merge(&mut self, later: Self) {
        self.names.merge(later.names, |sum, fates| *sum += fates);
    }

    /// The totals, and the counts a stage, the most frequent first. Stages past the bound, and event names that look
    /// like a person's value, are only in the totals.
    pub(crate) fn finish(self, plan: Plan) -> (Counts, Vec<(String, Counts)>) {
        let (named, mut total) = self.names.into_parts();
        let mut stages = Vec::with_capacity(named.len());
        for (name, fates) in named {
            total += fates;
            let counts = fates.counts(plan);
            if !looks_personal(&name, counts.events) {
                stages.push((String::from(name), counts));
            }
        }
        stages.sort_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(&b.0)));
        (total.counts(plan), stages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_events() -> Stages {
        let mut stages = Stages::default();
        for fate in [
            Fate::Accepted,
            Fate::Accepted,
            Fate::Old,
            Fate::Delivered,
            Fate::Uncertain,
        ] {
            stages.add("Lead", fate, 1);
        }
        let mut later = Stages::default();
        later.add("Customer", Fate::Rejected, 1);
        later.add("Lead", Fate::Undelivered, 1);
        stages.merge(later);
        stages
    }

    #[test]
    fn the_totals_are_the_sums_of_the_stages_and_of_the_fates() {
        let (total, stages) = some_events().finish(Plan::Send);
        let sending = Sending::Done {
            accepted: 2,
            rejected: 1,
            undelivered: 1,
            uncertain: 1,
        };
        assert_eq!(
            total,
            Counts {
                events: 7,
                skipped_old: 1,
                skipped_delivered: 1,
                sending
            }
        );
        let names: Vec<_> = stages
            .iter()
            .map(|(name, counts)| (name.as_str(), counts.events))
            .collect();
        assert_eq!(names, [("Lead", 6), ("Customer", 1)]);
        assert_eq!(total.unsettled(), 2);
    }

    #[test]
    fn a_run_that_sends_nothing_says_what_it_would_send() {
        let (total, _) = some_events().finish(Plan::Pretend);
        let json = serde_json::to_string(&total).unwrap();
        assert_eq!(
            json,
            r#"{"events":7,"skipped_old":1,"skipped_delivered":1,"would_send":5}"#
        );
    }

    #[test]
    fn event_names_that_look_like_people_are_only_in_the_totals() {
        let mut stages = Stages::default();
        stages.add("ava@example.com", Fate::Accepted, 1);
        stages.add("Lead", Fate::Accepted, 1);
        let (total, stages) = stages.finish(Plan::Send);
        assert_eq!((total.events, stages.len()), (2, 1));
    }
}
