//! Which of two numbers is the day, when the year stands last: what a person says, and what a file shows.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};

use super::general;
use super::text::Folded;
use super::written::{Day, SHORT_YEARS, Written};

/// The order of the parts of a numeric date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateOrder {
    /// 11/20/2026
    Mdy,
    /// 20/11/2026
    Dmy,
    /// 2026/11/20; says nothing of dates whose year stands last.
    Ymd,
}

impl DateOrder {
    /// The name options and settings use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            DateOrder::Mdy => "mdy",
            DateOrder::Dmy => "dmy",
            DateOrder::Ymd => "ymd",
        }
    }

    /// The only order two numbers in front of a year can have; None where both are possible.
    pub(super) fn only_reading(first: i8, second: i8) -> Option<Self> {
        match (first > 12, second > 12) {
            (true, _) => Some(DateOrder::Dmy),
            (_, true) => Some(DateOrder::Mdy),
            _ => None,
        }
    }
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no order of dates.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown date order {0:?}, use mdy, dmy or ymd")]
pub(crate) struct UnknownDateOrder(pub String);

impl FromStr for DateOrder {
    type Err = UnknownDateOrder;

    fn from_str(text: &str) -> Result<Self, UnknownDateOrder> {
        [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd]
            .into_iter()
            .find(|order| order.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownDateOrder(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for DateOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// What the dates of a file say about the order they are written in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrderEvidence {
    /// The first row that reads only month first.
    pub month_first: Option<u64>,
    /// The first row that reads only day first.
    pub day_first: Option<u64>,
    /// The first date that reads both ways.
    pub ambiguous: Option<AmbiguousDate>,
}

/// What a file's dates settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// No date can be read two ways, and none says how such a date would have to be read.
    NotNeeded,
    /// Some rows read only this way, and none only the other way.
    Order(DateOrder),
    /// Some rows read only one way, others only the other way.
    Contradicted,
    /// There are dates that read both ways and none that reads only one way.
    Ambiguous,
}

/// A date that reads both ways. `Display` shows the readings: `03/04/2026 could be 3 April or 4 March`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AmbiguousDate {
    /// Where it stands.
    pub row: u64,
    first: i8,
    second: i8,
    year: i16,
}

impl OrderEvidence {
    /// Takes note of a cell with a time in it. Anything but a date in numbers with the year at the end says nothing.
    pub(crate) fn observe(&mut self, row: u64, text: &str) {
        let bytes = text.as_bytes();
        if bytes.len() < 8 || bytes[..4].iter().all(u8::is_ascii_digit) {
            return;
        }
        let Some(folded) = Folded::of(text) else {
            return;
        };
        let Ok(Written::Civil {
            day:
                Day::Numbers {
                    first,
                    second,
                    year,
                },
            ..
        }) = general::read(folded.as_str())
        else {
            return;
        };
        // In `26/11/20` the first number may be the year, which no lead's is in `11/20/26` and `15/11/26`.
        let is_last = first <= 12 && second > 12 || (13..20).contains(&first);
        if year < SHORT_YEARS && !is_last {
            return;
        }
        match DateOrder::only_reading(first, second) {
            Some(DateOrder::Mdy) => earliest(&mut self.month_first, Some(row)),
            Some(_) => earliest(&mut self.day_first, Some(row)),
            None if first == second => {}
            None => self.note_ambiguous(AmbiguousDate {
                row,
                first,
                second,
                year,
            }),
        }
    }

    /// What it all comes to.
    pub(crate) fn settles(&self) -> Settled {
        match (self.month_first, self.day_first, self.ambiguous) {
            (Some(_), None, _) => Settled::Order(DateOrder::Mdy),
            (None, Some(_), _) => Settled::Order(DateOrder::Dmy),
            (_, _, None) => Settled::NotNeeded,
            (Some(_), Some(_), Some(_)) => Settled::Contradicted,
            (None, None, Some(_)) => Settled::Ambiguous,
        }
    }

    fn note_ambiguous(&mut self, date: AmbiguousDate) {
        if self.ambiguous.is_none_or(|known| date.row < known.row) {
            self.ambiguous = Some(date);
        }
    }
}

fn earliest(known: &mut Option<u64>, row: Option<u64>) {
    *known = match (*known, row) {
        (Some(known), Some(row)) => Some(known.min(row)),
        (known, row) => known.or(row),
    };
}

impl fmt::Display for AmbiguousDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            second,
            year,
            ..
        } = *self;
        write!(f, "{first:02}/{second:02}/{year} could be ")?;
        for (day, month, end) in [(first, second, " or "), (second, first, "")] {
            let name = Date::new(year, month, day)
                .map(|date| date.strftime("%B").to_string())
                .unwrap_or_default();
            write!(f, "{day} {name}{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(cells: &[&str]) -> OrderEvidence {
        let mut evidence = OrderEvidence::default();
        for (row, cell) in (2..).zip(cells) {
            evidence.observe(row, cell);
        }
        evidence
    }

    #[test]
    fn one_row_settles_the_order_unless_another_contradicts() {
        let settles = |cells: &[&str]| evidence(cells).settles();
        assert_eq!(
            settles(&["2026-03-04", "Nov 20, 2026", "", "05/05/2026"]),
            Settled::NotNeeded
        );
        assert_eq!(settles(&["11/20/2026", "20/11/2026"]), Settled::NotNeeded);
        assert_eq!(
            settles(&["11/20/2026", "2026-03-04 10:00"]),
            Settled::Order(DateOrder::Mdy)
        );
        assert_eq!(
            settles(&["03/04/2026", "11/20/2026 2:03 PM"]),
            Settled::Order(DateOrder::Mdy)
        );
        assert_eq!(
            settles(&["20.11.2026 14:03", "03.04.2026"]),
            Settled::Order(DateOrder::Dmy)
        );
        assert_eq!(
            settles(&["20/11/2026", "03/04/2026", "11/20/2026"]),
            Settled::Contradicted
        );
        assert_eq!(
            settles(&["03/04/2026 10:00", "05/05/2026"]),
            Settled::Ambiguous
        );
    }

    #[test]
    fn both_readings_are_shown() {
        let date = evidence(&["3-4-2026 10:00"]).ambiguous.unwrap();
        assert_eq!(
            (date.row, date.to_string()),
            (2, "03/04/2026 could be 3 April or 4 March".to_owned())
        );
    }

    #[test]
    fn orders_read_back() {
        for order in [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        assert_eq!("MDY".parse(), Ok(DateOrder::Mdy));
        assert_eq!(
            "us".parse::<DateOrder>().unwrap_err().to_string(),
            "unknown date order \"us\", use mdy, dmy or ymd"
        );
    }
}
