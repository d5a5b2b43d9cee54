//! Accepted here against counted there, as a pure function of both.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Count, Hours};
use crate::ledger::Accepted;

/// A stage, and what both sides say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The event name.
    pub name: String,
    /// Accepted here.
    pub here: u64,
    /// Counted there.
    pub there: u64,
    /// The same by UTC day, in days since 1970: day, here, there.
    pub days: Vec<(i64, u64, u64)>,
}

/// Stages and hours in which something was accepted so recently that Meta may or may not have counted it yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fresh {
    cells: HashSet<(String, i64)>,
    /// How many events were accepted so recently.
    pub events: u64,
}

impl Fresh {
    /// What was accepted at all, and what of it is settled.
    pub(crate) fn of(all: &[Accepted], settled: &[Accepted]) -> Self {
        let known: HashMap<_, _> = settled
            .iter()
            .map(|it| ((&it.name, it.hour), it.count))
            .collect();
        let mut fresh = Self::default();
        for it in all {
            let settled = known.get(&(&it.name, it.hour)).copied();
            let more = it.count.saturating_sub(settled.unwrap_or_default());
            if let (Some(name), 1..) = (&it.name, more) {
                fresh.cells.insert((name.clone(), it.hour));
                fresh.events += more;
            }
        }
        fresh
    }

    fn holds(&self, name: &str, hour: i64) -> bool {
        self.cells.contains(&(name.to_owned(), hour))
    }
}

/// Lays both sides beside each other, by stage and day of the event. What lies in other hours is left out, and so is, on
/// both sides, each hour of a stage that is too fresh.
pub(crate) fn compare(
    hours: Hours,
    here: &[Accepted],
    there: &[Count],
    fresh: &Fresh,
) -> Vec<Stage> {
    let mut stages: BTreeMap<&str, BTreeMap<i64, (u64, u64)>> = BTreeMap::new();
    let mut cell = |name, hour: i64, here: u64, there: u64| {
        if hours.contains(hour) && !fresh.holds(name, hour) {
            let cell = stages
                .entry(name)
                .or_default()
                .entry(hour.div_euclid(24))
                .or_default();
            *cell = (cell.0.saturating_add(here), cell.1.saturating_add(there));
        }
    };
    for Accepted { name, hour, count } in here {
        if let Some(name) = name {
            cell(name.as_str(), *hour, *count, 0);
        }
    }
    for Count { hour, name, count } in there {
        cell(name.as_str(), *hour, 0, *count);
    }
    let stage = |(name, days): (&str, BTreeMap<i64, (u64, u64)>)| Stage {
        name: name.to_owned(),
        here: sum(days.values().map(|(here, _)| *here)),
        there: sum(days.values().map(|(_, there)| *there)),
        days: days
            .into_iter()
            .map(|(day, (here, there))| (day, here, there))
            .collect(),
    };
    stages.into_iter().map(stage).collect()
}

/// A sum that stays the greatest number there is.
pub(crate) fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// Whether Meta counts so few that it is no matter of minutes or of a dropped duplicate: two and more, and over a
/// twentieth.
pub(crate) fn is_clearly_fewer(here: u64, there: u64) -> bool {
    let missing = here.saturating_sub(there);
    missing >= 2 && u128::from(missing) * 20 > u128::from(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(name: &str, hour: i64, count: u64) -> Accepted {
        Accepted {
            name: Some(name.to_owned()),
            hour,
            count,
        }
    }

    fn counted(name: &str, hour: i64, count: u64) -> Count {
        Count {
            hour,
            name: name.to_owned(),
            count,
        }
    }

    #[test]
    fn both_sides_stand_beside_each_other_by_stage_and_day() {
        let hours = Hours {
            from: 20,
            until: 60,
        };
        let here = [
            accepted("Lead", 23, 3),
            accepted("Lead", 24, 2),
            accepted("MQL", 30, 1),
            accepted("MQL", 60, 9),
            Accepted {
                name: None,
                hour: 30,
                count: 5,
            },
        ];
        let there = [
            counted("Lead", 20, 1),
            counted("Lead", 23, 2),
            counted("Other", 25, 1),
            counted("Lead", 19, 9),
        ];
        let stages = compare(hours, &here, &there, &Fresh::default());
        let lines: Vec<_> = stages
            .iter()
            .map(|stage| (stage.name.as_str(), stage.here, stage.there))
            .collect();
        assert_eq!(lines, [("Lead", 5, 3), ("MQL", 1, 0), ("Other", 0, 1)]);
        assert_eq!(stages[0].days, [(0, 3, 3), (1, 2, 0)]);
    }

    #[test]
    fn hours_too_fresh_are_left_out_on_both_sides() {
        let hours = Hours { from: 0, until: 48 };
        let settled = [accepted("Lead", 3, 5), accepted("Lead", 4, 5)];
        let all = [
            accepted("Lead", 3, 5),
            accepted("Lead", 4, 7),
            accepted("MQL", 5, 60),
        ];
        let fresh = Fresh::of(&all, &settled);
        assert_eq!(fresh.events, 62);
        let there = [
            counted("Lead", 3, 5),
            counted("Lead", 4, 6),
            counted("MQL", 5, 60),
        ];
        let stages = compare(hours, &settled, &there, &fresh);
        assert_eq!(stages.len(), 1, "{stages:?}");
        assert_eq!((stages[0].here, stages[0].there), (5, 5));
    }

    #[test]
    fn counts_that_cannot_be_true_break_nothing() {
        let hours = Hours { from: 0, until: 48 };
        let there = [counted("Lead", 3, u64::MAX), counted("Lead", 4, u64::MAX)];
        let stages = compare(
            hours,
            &[accepted("Lead", 3, u64::MAX)],
            &there,
            &Fresh::default(),
        );
        assert_eq!(stages[0].there, u64::MAX);
        assert!(is_clearly_fewer(u64::MAX, 0));
    }

    #[test]
    fn a_few_missing_events_are_not_clearly_fewer() {
        for (here, there, expected) in [
            (0, 0, false),
            (1, 0, false),
            (2, 0, true),
            (100, 95, false),
            (100, 94, true),
            (40, 38, false),
            (20, 40, false),
        ] {
            assert_eq!(is_clearly_fewer(here, there), expected, "{here} {there}");
        }
    }
}
