//! Reads every form of a time but the plainest: slashes and dots, names of months, epoch numbers, ISO 8601's compact,
//! week and ordinal forms; [`clock`](super::clock) and [`offset`](super::offset) read what follows the date.
//!
//! Takes folded text and gives what it spells; it settles neither the order of day and month nor the zone.

use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::clock::{clock_of, clock_with_colon};
use super::iso::millis;
use super::offset::zone_of;
use super::text::Cursor;
use super::words;
use super::written::{Clock, Day, SHORT_YEARS, Written, WrittenZone};
use crate::problem::Code;

const MALFORMED: Code = Code::TimeMalformed;

/// Reads folded text.
pub(super) fn read(text: &str) -> Result<Written<'_>, Code> {
    if text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b',' | b'e' | b'+'))
        && let Some(number) = number(text)
    {
        return number;
    }
    // `mar` is a month and, in French, Spanish and Italian, a day of the week: the month is tried first.
    date_and_clock(Cursor { rest: text }).or_else(|code| match after_weekday(text) {
        Some(rest) => date_and_clock(rest),
        None => Err(code),
    })
}

/// Numbers that are a whole time by themselves; None when it may still be a date in compact form or with dots.
fn number(text: &str) -> Option<Result<Written<'_>, Code>> {
    if text.contains('e') {
        return Some(Err(if text.bytes().any(|byte| byte == b'+') {
            Code::TimePrecisionLost
        } else {
            MALFORMED
        }));
    }
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match (whole.len(), fraction) {
        (10, _) => Some(Ok(Written::Instant {
            millis: number * 1000 + i64::from(millis(fraction.as_bytes())),
        })),
        (13, _) => Some(Ok(Written::Instant { millis: number })),
        (16, _) => Some(Ok(Written::Instant {
            millis: number / 1000,
        })),
        _ => None,
    }
}

fn after_weekday(text: &str) -> Option<Cursor<'_>> {
    let mut cursor = Cursor { rest: text };
    if !words::is_weekday(cursor.word()) {
        return None;
    }
    cursor.eat_text("-feira");
    cursor.eat(b'.');
    cursor.eat(b',');
    cursor.skip_spaces();
    Some(cursor)
}

fn date_and_clock(mut cursor: Cursor<'_>) -> Result<Written<'_>, Code> {
    let mut clock = clock_in_front(&mut cursor);
    let (day, mut zone) = match date(&mut cursor)? {
        Dated::Day(day) => (day, None),
        // Nov 20 14:03:00 EST 2026
        Dated::Unix(day, time, zone) if clock.is_none() => {
            clock = Some(time);
            (day, zone)
        }
        Dated::Unix(..) => return Err(MALFORMED),
    };
    if clock.is_none() {
        let mut ahead = cursor;
        let joined_by_t = joint(&mut ahead);
        if let Some(time) = clock_of(&mut ahead, joined_by_t) {
            clock = Some(time);
            cursor = ahead;
        }
    }
    if zone.is_none() {
        zone = zone_of(&mut cursor);
    }
    cursor.skip_spaces();
    if zone.is_some() && cursor.next() == Some(b'(') && cursor.rest.ends_with(')') {
        cursor.rest = "";
    }
    if cursor.rest.is_empty() {
        Ok(Written::Civil { day, clock, zone })
    } else {
        Err(MALFORMED)
    }
}

/// 14:03 20/11/2026
fn clock_in_front(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut ahead = *cursor;
    let clock = clock_with_colon(&mut ahead)?;
    ahead.eat(b',');
    ahead.skip_spaces();
    *cursor = ahead;
    Some(clock)
}

/// What stands between date and time of day; tells whether it ended in ISO 8601's `T`.
fn joint(cursor: &mut Cursor<'_>) -> bool {
    let mut ends_in_t = false;
    loop {
        cursor.skip_spaces();
        if cursor.eat_any(b",@").is_some() || cursor.eat_text("- ") {
            continue;
        }
        let mut ahead = *cursor;
        let word = ahead.word();
        if !words::is_joint(word) {
            return ends_in_t;
        }
        ends_in_t = word == "t";
        *cursor = ahead;
    }
}

enum Dated<'a> {
    Day(Day),
    Unix(Day, Clock, Option<WrittenZone<'a>>),
}

fn date<'a>(cursor: &mut Cursor<'a>) -> Result<Dated<'a>, Code> {
    match cursor.count_digits() {
        0 => month_first(cursor),
        1 | 2 => day_or_month_first(cursor).map(Dated::Day),
        4 => year_first(cursor).map(Dated::Day),
        7 => {
            let year = full_year(cursor).ok_or(MALFORMED)?;
            ordinal(year, cursor.leading(3)).map(Dated::Day)
        }
        // A date in compact form, and 12 or 14 digits where the time of day follows at once.
        8 | 12 | 14 => {
            let (year, month, day) = (full_year(cursor), cursor.leading(2), cursor.leading(2));
            calendar_day(year, month, day).map(Dated::Day)
        }
        _ => Err(MALFORMED),
    }
}

/// Four digits of a year.
fn full_year(cursor: &mut Cursor<'_>) -> Option<i16> {
    cursor.leading(4).filter(|year| *year >= SHORT_YEARS)
}

fn calendar_day(year: Option<i16>, month: Option<i16>, day: Option<i16>) -> Result<Day, Code> {
    let small = |number: Option<i16>| number.and_then(|number| i8::try_from(number).ok());
    year.zip(small(month).zip(small(day)))
        .and_then(|(year, (month, day))| Date::new(year, month, day).ok())
        .map(Day::Known)
        .ok_or(MALFORMED)
}

fn ordinal(year: i16, day: Option<i16>) -> Result<Day, Code> {
    Date::new(year, 1, 1)
        .and_then(|first| first.with().day_of_year(day.unwrap_or_default()).build())
        .map(Day::Known)
        .map_err(|_| MALFORMED)
}

/// 2026/11/20, 2026-Nov-20, 2026-324, 2026-W47-5, 2026W475
fn year_first(cursor: &mut Cursor<'_>) -> Result<Day, Code> {
    let year = full_year(cursor);
    let separator = cursor.eat_any(b"-/. ");
    if matches!(separator, None | Some(b'-')) && cursor.eat(b'w') {
        let (week, _, day) = (cursor.leading(2), cursor.eat(b'-'), cursor.leading(1));
        return year
            .zip(week.zip(day))
            .ok_or(MALFORMED)
            .and_then(|(year, (week, day))| week_day(year, week, day));
    }
    let separator = separator.ok_or(MALFORMED)?;
    if separator == b'-' && cursor.count_digits() == 3 {
        return ordinal(year.ok_or(MALFORMED)?, cursor.number(3, 3));
    }
    let is_named = spaced(cursor).count_digits() == 0;
    let month = match is_named {
        true => month_name(cursor),
        false => cursor.number(1, 2),
    };
    match is_named {
        // `2026. november 20.`
        true => fill(cursor),
        false if !cursor.eat(separator) => return Err(MALFORMED),
        false => {}
    }
    let day = spaced(cursor).number(1, 2);
    if separator == b'.' {
        // `2026. 11. 20.`, as Hungarian has it.
        cursor.eat(b'.');
    }
    calendar_day(year, month, day)
}

fn week_day(year: i16, week: i16, day: i16) -> Result<Day, Code> {
    let small = |number: i16| i8::try_from(number).map_err(|_| MALFORMED);
    let weekday = Weekday::from_monday_one_offset(small(day)?).map_err(|_| MALFORMED)?;
    let date = ISOWeekDate::new(year, small(week)?, weekday).map_err(|_| MALFORMED)?;
    Ok(Day::Known(date.date()))
}

/// 11/20/2026, 20.11.2026, 20-Nov-2026, 20th of November, 2026
fn day_or_month_first(cursor: &mut Cursor<'_>) -> Result<Day, Code> {
    let first = cursor.number(1, 2).ok_or(MALFORMED)?;
    let mut ahead = *cursor;
    if let Some(separator) = ahead.eat_any(b"-/. ")
        && let Some(second) = spaced(&mut ahead).number(1, 2)
        && ahead.eat(separator)
    {
        let year = year(spaced(&mut ahead))?;
        // `14 03 26` could be a time of day as well.
        if separator != b' ' || year >= SHORT_YEARS {
            *cursor = ahead;
            return numbers(first, second, year);
        }
    }
    cursor.word_if(words::is_ordinal_suffix);
    fill(cursor);
    let month = match cursor.word_if(words::is_month_word) {
        true => spaced(cursor).number(1, 2),
        false => month_name(cursor),
    };
    fill(cursor);
    calendar_day(Some(year(cursor)?), month, Some(first))
}

/// Past the spaces that some languages set behind a separator: `20. 11. 2026`.
fn spaced<'a, 'b>(cursor: &'b mut Cursor<'a>) -> &'b mut Cursor<'a> {
    cursor.skip_spaces();
    cursor
}

/// Keeps both readings of a pair of numbers, or the only one the calendar allows.
pub(super) fn numbers(first: i16, second: i16, year: i16) -> Result<Day, Code> {
    // Either order will do to learn whether the two can be a day of a month at all.
    calendar_day(Some(year), Some(second), Some(first))
        .or_else(|_| calendar_day(Some(year), Some(first), Some(second)))
        .map_err(
            |code| match calendar_day(Some(2000 + first), Some(second), Some(year)) {
                // `97-02-16`
                Ok(_) => Code::TimeTwoDigitYear,
                Err(_) => code,
            },
        )?;
    Ok(Day::Numbers {
        first: first as i8,
        second: second as i8,
        year,
    })
}

/// Nov 20, 2026 and Nov 20 14:03:00 EST 2026
fn month_first<'a>(cursor: &mut Cursor<'a>) -> Result<Dated<'a>, Code> {
    let month = month_name(cursor);
    if month.is_none() {
        return Err(MALFORMED);
    }
    fill(cursor);
    let day = cursor.number(1, 2);
    cursor.word_if(words::is_ordinal_suffix);
    fill(cursor);
    let mut ahead = *cursor;
    if let Some(clock) = clock_with_colon(&mut ahead) {
        let zone = zone_of(&mut ahead);
        ahead.skip_spaces();
        if let Some(year) = full_year(&mut ahead).filter(|_| ahead.count_digits() == 0) {
            *cursor = ahead;
            return Ok(Dated::Unix(
                calendar_day(Some(year), month, day)?,
                clock,
                zone,
            ));
        }
    }
    calendar_day(Some(year(cursor)?), month, day).map(Dated::Day)
}

fn month_name(cursor: &mut Cursor<'_>) -> Option<i16> {
    let month = words::month(cursor.word())?;
    cursor.eat(b'.');
    Some(month.into())
}

/// The year that ends a date, of four digits or of two.
fn year(cursor: &mut Cursor<'_>) -> Result<i16, Code> {
    match cursor.count_digits() {
        2 => cursor.number(2, 2),
        _ => cursor.number(4, 4).filter(|year| *year >= SHORT_YEARS),
    }
    .ok_or(MALFORMED)
}

/// Skips what separates the parts of a date that has a month's name in it.
fn fill(cursor: &mut Cursor<'_>) {
    loop {
        cursor.skip_spaces();
        if cursor.eat_any(b"-/.,").is_none() && !cursor.word_if(words::is_date_filler) {
            return;
        }
    }
}
