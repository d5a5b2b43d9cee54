//! A time as its cell spells it, before day and month are told apart and a zone is applied.

use jiff::civil::Date;

use super::Precision;

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
pub(super) enum Day {
    Known(Date),
    Numbers { first: i8, second: i8, year: i16 },
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
