//! A time as its cell spells it, before day and month are told apart and a zone is applied.

use jiff::civil::Date;

use super::{DateOrder, Precision};

/// What a cell spells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written<'a> {
    /// A date, perhaps with a time of day and a zone.
    Civil {
        day: Day,
        /// None for a date alone.
        clock: Option<Clock>,
        /// None where the cell names none.
        zone: Option<WrittenZone<'a>>,
    },
    /// An instant: Unix milliseconds.
    Instant { millis: i64 },
}

/// A year below this was written with two digits.
pub(super) const SHORT_YEARS: i16 = 100;

/// A calendar day, or a pair of numbers of which one is the day and one the month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Day {
    Known(Date),
    Numbers { first: i8, second: i8, year: i16 },
}

impl Day {
    /// Whether the year was written with two digits.
    pub(crate) fn has_short_year(self) -> bool {
        let year = match self {
            Day::Known(date) => date.year(),
            Day::Numbers { year, .. } => year,
        };
        year < SHORT_YEARS
    }

    /// The order of its numbers, where they can be read in one way only.
    pub(crate) fn only_order(self) -> Option<DateOrder> {
        match self {
            Day::Known(_) => Some(DateOrder::Ymd),
            Day::Numbers { first, second, .. } => DateOrder::only_reading(first, second)
                .or((first == second).then_some(DateOrder::Mdy)),
        }
    }

    /// The date by this order; None where the calendar has no such day.
    pub(crate) fn in_order(self, order: DateOrder) -> Option<Date> {
        match self {
            Day::Known(date) => Some(date),
            Day::Numbers {
                first,
                second,
                year,
            } => match order {
                DateOrder::Mdy => Date::new(year, first, second).ok(),
                DateOrder::Dmy => Date::new(year, second, first).ok(),
                DateOrder::Ymd => None,
            },
        }
    }
}

/// A time of day; hour 24 is the midnight that ends the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock {
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
    pub millis: i16,
    pub precision: Precision,
}

/// The zone a cell names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WrittenZone<'a> {
    /// Seconds east of UTC.
    Offset(i32),
    /// An abbreviation such as `est`.
    Abbreviation(&'a str),
    /// An IANA name such as `america/new_york`.
    Name(&'a str),
}
