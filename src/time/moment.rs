//! An instant together with how exactly its cell gave it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::problem::Code;

/// How exactly a cell gives its time, from fine to coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precision {
    /// To the second or finer.
    Second,
    /// To the minute.
    Minute,
    /// A calendar day alone.
    Day,
}

/// An instant and how exact it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Unix seconds.
    pub seconds: i64,
    /// How exact they are.
    pub precision: Precision,
}

impl Moment {
    /// Whether this lies before the other, as far as the coarser of the two can tell. Days are those of `zone`.
    pub(crate) fn is_before(self, other: Moment, zone: &TimeZone) -> bool {
        if self.seconds >= other.seconds {
            return false;
        }
        match self.precision.max(other.precision) {
            Precision::Second => true,
            Precision::Minute => self.seconds.div_euclid(60) < other.seconds.div_euclid(60),
            Precision::Day => {
                let day = |moment: Moment| {
                    Timestamp::from_second(moment.seconds)
                        .map(|instant| zone.to_datetime(instant).date())
                        .ok()
                };
                day(self) < day(other)
            }
        }
    }
}

/// What a cell says about a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The instant to send.
    pub moment: Moment,
    /// The same with the milliseconds the cell gave.
    pub millis: i64,
    /// The instant in Unix seconds that the cell alone decides: noon for a day, even where [`moment`](Self::moment)
    /// was capped at the present. Ids are made from this one, so that they are the same at every hour of the day.
    pub uncapped: i64,
    /// What was assumed.
    pub notes: Notes,
}

/// What was assumed in reading a time: a small set of warnings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes(u8);

impl Notes {
    const CODES: [Code; 4] = [
        Code::TimeZoneAssumed,
        Code::TimeRepeatedHour,
        Code::TimeDateOnly,
        Code::TimeCapped,
    ];

    #[cfg(test)]
    /// Whether nothing was assumed.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The warnings, each at most once.
    pub(crate) fn codes(self) -> impl Iterator<Item = Code> {
        let set = self.0;
        Self::CODES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| set & (1 << bit) != 0)
            .map(|(_, code)| code)
    }

    pub(super) fn add(&mut self, code: Code) {
        if let Some(bit) = Self::CODES.iter().position(|known| *known == code) {
            self.0 |= 1 << bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Precision::*;

    fn before(first: (i64, Precision), second: (i64, Precision)) -> bool {
        let zone = TimeZone::get("America/New_York").unwrap();
        let moment = |(seconds, precision)| Moment { seconds, precision };
        moment(first).is_before(moment(second), &zone)
    }

    #[test]
    fn moments_compare_at_the_coarser_precision() {
        // 1794423780 is 2026-11-11 14:03:00 -05:00.
        assert!(before((1794423780, Second), (1794423781, Second)));
        assert!(!before((1794423781, Second), (1794423780, Second)));
        assert!(!before((1794423780, Minute), (1794423839, Second)));
        assert!(before((1794423780, Minute), (1794423840, Second)));
        assert!(
            !before((1794416400, Day), (1794423780, Second)),
            "noon of the day on which 14:03 lies"
        );
        assert!(
            before((1794416400, Day), (1794416400 + 12 * 3600, Second)),
            "midnight begins the next local day"
        );
    }

    #[test]
    fn notes_come_back_as_codes() {
        let mut notes = Notes::default();
        assert!(notes.is_empty());
        notes.add(Code::TimeDateOnly);
        notes.add(Code::TimeZoneAssumed);
        notes.add(Code::TimeDateOnly);
        assert_eq!(
            notes.codes().collect::<Vec<_>>(),
            [Code::TimeZoneAssumed, Code::TimeDateOnly]
        );
    }
}
