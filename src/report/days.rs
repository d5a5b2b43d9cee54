//! What became of the events of one stage, day by day, in bounded memory.

use std::ops::AddAssign;

use super::fates::{Fate, Fates};

/// So many days are told apart, the newest: the 28 days of Meta's funnel and the 7 in which an event can be sent.
pub(super) const MAX_DAYS: usize = 35;

const SECONDS_A_DAY: i64 = 86_400;

/// Counts by UTC day of the event. The order in which events come changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Days {
    /// Days since 1970-01-01, sorted.
    newest: Vec<(i64, Fates)>,
    /// All days before those.
    earlier: Fates,
}

impl Days {
    /// Counts an event that happened at `time`, in Unix seconds.
    pub(crate) fn add(&mut self, time: i64, fate: Fate) {
        self.counter(time.div_euclid(SECONDS_A_DAY)).add(fate);
    }

    /// The counts of all days together.
    pub(super) fn total(&self) -> Fates {
        let mut total = self.earlier;
        self.newest.iter().for_each(|(_, fates)| total += *fates);
        total
    }

    /// The counts by day, the earliest first; none stands for all days before the others.
    pub(super) fn into_parts(self) -> impl Iterator<Item = (Option<i64>, Fates)> {
        let newest = self.newest.into_iter();
        std::iter::once((None, self.earlier)).chain(newest.map(|(day, fates)| (Some(day), fates)))
    }

    fn counter(&mut self, day: i64) -> &mut Fates {
        let index = match self.newest.binary_search_by_key(&day, |(known, _)| *known) {
            Ok(index) => index,
            Err(0) if self.newest.len() == MAX_DAYS => return &mut self.earlier,
            Err(index) if self.newest.len() == MAX_DAYS => {
                self.earlier += self.newest.remove(0).1;
                self.newest.insert(index - 1, (day, Fates::default()));
                index - 1
            }
            Err(index) => {
                self.newest.insert(index, (day, Fates::default()));
                index
            }
        };
        &mut self.newest[index].1
    }
}

impl AddAssign for Days {
    fn add_assign(&mut self, other: Self) {
        for (day, fates) in other.newest {
            *self.counter(day) += fates;
        }
        self.earlier += other.earlier;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(times: impl IntoIterator<Item = i64>) -> Days {
        let mut days = Days::default();
        times
            .into_iter()
            .for_each(|day| days.add(day * SECONDS_A_DAY + 7, Fate::Old));
        days
    }

    #[test]
    fn ten_years_are_the_newest_days_and_one_count_of_the_rest_in_any_order() {
        let forwards = days(0..3_650);
        assert_eq!(forwards, days((0..3_650).rev()));
        assert_eq!(forwards.newest.len(), MAX_DAYS);
        assert_eq!(forwards.newest[0].0, 3_650 - MAX_DAYS as i64);
        assert_eq!(forwards.earlier.of(Fate::Old), 3_650 - MAX_DAYS as u64);
        let mut parts = days((0..3_650).step_by(2));
        parts += days((1..3_650).step_by(2));
        assert_eq!(parts, forwards);
        assert_eq!(parts.total().of(Fate::Old), 3_650);
    }

    #[test]
    fn a_day_begins_at_midnight_utc_also_before_1970() {
        let mut days = Days::default();
        for time in [-1, 0, SECONDS_A_DAY - 1, SECONDS_A_DAY] {
            days.add(time, Fate::Accepted);
        }
        let counted: Vec<_> = days
            .into_parts()
            .map(|(day, fates)| (day, fates.of(Fate::Accepted)))
            .collect();
        assert_eq!(
            counted,
            [(None, 0), (Some(-1), 1), (Some(0), 2), (Some(1), 1)]
        );
    }
}
