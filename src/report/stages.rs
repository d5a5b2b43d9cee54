//! Counts what became of every event, stage by stage.
//!
//! The pipeline gives each event exactly one [`Fate`], so the totals of a report add up by construction. The number of
//! stages is bounded; a run that is only planned folds every fate that would need Meta into "would send".

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::days::Days;
pub(crate) use super::fates::Fate;
use super::fates::Fates;
use super::names::{MANY, MAX_NAMES, Names, OTHERS, looks_personal};
use super::values::{StageValue, Values};
use crate::custom_data::Worth;

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
    /// Left to another run that has them in hand at the same time; absent where there are none.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    pub in_flight_elsewhere: u64,
    /// What became of the rest.
    #[serde(flatten)]
    pub sending: Sending,
}

/// Serde asks by reference.
fn is_zero(count: &u64) -> bool {
    *count == 0
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
        Counts::of(&Fates::default(), Plan::Send)
    }
}

impl Counts {
    fn of(fates: &Fates, plan: Plan) -> Self {
        let (accepted, rejected) = (fates.of(Fate::Accepted), fates.of(Fate::Rejected));
        let (undelivered, uncertain) = (fates.of(Fate::Undelivered), fates.of(Fate::Uncertain));
        Self {
            events: fates.total(),
            skipped_old: fates.of(Fate::Old),
            skipped_delivered: fates.of(Fate::Delivered),
            in_flight_elsewhere: fates.of(Fate::Elsewhere),
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

/// What became of the events of one stage that happened on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DayCounts {
    /// The UTC day the stage was reached; absent for all days before the others together.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_date")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub day: Option<Date>,
    /// The event's name.
    pub event_name: String,
    /// What became of them.
    #[serde(flatten)]
    pub counts: Counts,
}

fn as_date<S: Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    day.map(|day| day.to_string()).serialize(serializer)
}

/// The events of a run by event name and day. Memory is bounded whatever the number of events, names and days.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    names: Names<Days, MANY>,
    values: Values,
}

/// [`Stages`] as reports show them.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageCounts {
    /// All events.
    pub total: Counts,
    /// By event name, the most frequent first; last [`OTHERS`], where there are any.
    pub stages: Vec<(String, Counts)>,
    /// How many event names the last row stands for, at least.
    pub others: u64,
    /// By event name and day, in the order of the stages, then of the days.
    pub days: Vec<DayCounts>,
    /// What the leads are worth whose events were accepted, or would be sent, in the order of the stages.
    pub values: Vec<StageValue>,
}

impl Stages {
    /// Counts an event that happened at `time`, in Unix seconds.
    pub(crate) fn add(&mut self, event_name: &str, time: i64, fate: Fate) {
        self.names.counter(event_name).add(time, fate);
    }

    /// Adds what a lead is worth whose event was accepted, or would be sent.
    pub(crate) fn add_worth(&mut self, event_name: &str, worth: Option<Worth>) {
        if let Some(worth) = worth.filter(|(amount, _)| !amount.is_zero()) {
            self.values.add(event_name, worth);
        }
    }

    /// Counts events of one name.
    pub(crate) fn add_days(&mut self, event_name: &str, days: Days) {
        if days != Days::default() {
            *self.names.counter(event_name) += days;
        }
    }

    /// Adds the events of another part of the input.
    pub(crate) fn merge(&mut self, later: Self) {
        self.names.merge(later.names, |sum, days| *sum += days);
        self.values.merge(later.values);
    }

    /// How many event names are not `listed`, and how many events they have.
    pub(crate) fn unlisted(&self, listed: &HashSet<Arc<str>>) -> (u64, u64) {
        let unlisted = self
            .names
            .named()
            .filter(|(name, _)| !listed.contains(*name));
        let rest = self.names.rest().total().total();
        // Of the names past the bound no more is known than that there is one.
        let start = (u64::from(rest > 0), rest);
        unlisted.fold(start, |(names, events), (_, days)| {
            (names + 1, events + days.total().total())
        })
    }

    /// The totals alone.
    pub(crate) fn total(&self, plan: Plan) -> Counts {
        let mut total = Fates::default();
        self.names.iter().for_each(|days| total += days.total());
        Counts::of(&total, plan)
    }

    /// The totals, and the counts by stage and day. Stages past the bound, and event names that look like a person's
    /// value, are counted as [`OTHERS`], so that the rows add up.
    pub(crate) fn finish(self, plan: Plan) -> StageCounts {
        let total = self.total(plan);
        let mut values = self.values.finish();
        let (named, mut rest) = self.names.into_parts();
        let mut others = u64::from(rest != Days::default());
        let (mut stages, unfit): (Vec<_>, Vec<_>) = named
            .into_iter()
            .map(|(name, days)| (String::from(name), Counts::of(&days.total(), plan), days))
            .partition(|(name, counts, _)| name != OTHERS && !looks_personal(name, counts.events));
        stages.sort_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(&b.0)));
        let rare = stages.split_off(stages.len().min(MAX_NAMES));
        for (_, _, days) in rare.into_iter().chain(unfit) {
            rest += days;
            others += 1;
        }
        if others > 0 {
            stages.push((OTHERS.to_owned(), Counts::of(&rest.total(), plan), rest));
        }
        let mut counts = StageCounts {
            total,
            others,
            ..StageCounts::default()
        };
        for (name, of_all_days, days) in stages {
            let of_days = days.into_parts().map(|(day, fates)| DayCounts {
                day: day.map(date),
                event_name: name.clone(),
                counts: Counts::of(&fates, plan),
            });
            counts
                .days
                .extend(of_days.filter(|it| it.counts.events > 0));
            counts.stages.push((name, of_all_days));
        }
        let place = |value: &StageValue| {
            let mut names = counts.stages.iter();
            names.position(|(name, _)| *name == value.event_name)
        };
        values.retain(|value| place(value).is_some());
        values.sort_by_key(place);
        counts.values = values;
        counts
    }
}

/// A day by its number since 1970-01-01; the first or last date there is where it lies outside.
fn date(day: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    let span = jiff::Span::new().try_days(day);
    let limit = if day < 0 { Date::MIN } else { Date::MAX };
    span.and_then(|span| epoch.checked_add(span))
        .unwrap_or(limit)
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
            stages.add("Lead", 0, fate);
        }
        let mut later = Stages::default();
        later.add("Customer", 86_400, Fate::Rejected);
        later.add("Lead", 86_400, Fate::Undelivered);
        stages.merge(later);
        stages
    }

    #[test]
    fn the_totals_are_the_sums_of_the_stages_and_of_the_fates() {
        let StageCounts {
            total,
            stages,
            days,
            ..
        } = some_events().finish(Plan::Send);
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
                in_flight_elsewhere: 0,
                sending
            }
        );
        let names: Vec<_> = stages
            .iter()
            .map(|(name, counts)| (name.as_str(), counts.events))
            .collect();
        assert_eq!(names, [("Lead", 6), ("Customer", 1)]);
        let days: Vec<_> = days
            .iter()
            .map(|it| {
                let day = it.day.unwrap().to_string();
                (day, it.event_name.as_str(), it.counts.events)
            })
            .collect();
        let expected = [
            ("1970-01-01".to_owned(), "Lead", 5),
            ("1970-01-02".to_owned(), "Lead", 1),
            ("1970-01-02".to_owned(), "Customer", 1),
        ];
        assert_eq!(days, expected);
        assert_eq!(total.unsettled(), 2);
    }

    #[test]
    fn a_run_that_sends_nothing_says_what_it_would_send() {
        let total = some_events().total(Plan::Pretend);
        let json = serde_json::to_string(&total).unwrap();
        assert_eq!(
            json,
            r#"{"events":7,"skipped_old":1,"skipped_delivered":1,"would_send":5}"#
        );
    }

    #[test]
    fn event_names_that_look_like_people_are_counted_without_their_name() {
        let mut stages = Stages::default();
        stages.add("ava@example.com", 0, Fate::Accepted);
        stages.add("Lead", 0, Fate::Accepted);
        let counts = stages.finish(Plan::Send);
        let names: Vec<_> = counts
            .stages
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["Lead", OTHERS]);
        assert_eq!(
            (counts.total.events, counts.others, counts.days.len()),
            (2, 1, 2)
        );
    }

    #[test]
    fn rows_add_up_however_many_stages_there_are_and_the_most_frequent_keep_their_names() {
        for names in [50, 51, 120, 3_000] {
            let mut stages = Stages::default();
            for name in 0..names {
                // The last to come are the most frequent.
                for event in 0..=name / 100 {
                    stages.add(&format!("stage {name:04}"), event * 86_400, Fate::Delivered);
                }
            }
            let counts = stages.finish(Plan::Send);
            let sum = |rows: &mut dyn Iterator<Item = u64>| rows.sum::<u64>();
            let total = counts.total.events;
            assert_eq!(
                sum(&mut counts.stages.iter().map(|(_, it)| it.events)),
                total
            );
            assert_eq!(
                sum(&mut counts.days.iter().map(|it| it.counts.events)),
                total
            );
            assert_eq!(counts.stages.len(), 50 + usize::from(names > 50));
            assert_eq!(counts.stages.last().unwrap().0 == OTHERS, names > 50);
            if names == 120 {
                assert_eq!(counts.stages[0].0, "stage 0100");
                assert_eq!(counts.others, 70);
            }
        }
    }
}
