//! The numbers that spreadsheets keep dates as: days since the end of 1899, the time of day as their fraction.
//!
//! Only such of this century are taken for dates, which five digits before the point are.

use jiff::civil::Date;

use super::Precision;
use super::written::{Clock, Day, Written};

/// 1 January 2000 and 1 January 2100.
const DAYS: std::ops::Range<i64> = 36_526..73_051;

/// Reads `46346` or `46346.58854`; None for anything else.
pub(super) fn read(text: &str) -> Option<Written<'static>> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 5 || !is_digits(whole) || fraction.is_some_and(|it| !is_digits(it)) {
        return None;
    }
    let days: i64 = whole.parse().ok().filter(|days| DAYS.contains(days))?;
    let date = Date::new(2000, 1, 1).ok()?;
    let since = jiff::Span::new().try_days(days - DAYS.start).ok()?;
    let date = date.checked_add(since).ok()?;
    let share: f64 = match fraction {
        Some(fraction) => ["0.", fraction].concat().parse().ok()?,
        None => 0.0,
    };
    // The last second of a day stays in it.
    let seconds = ((share * 86_400.0).round() as i32).min(86_399);
    let clock = (seconds > 0).then_some(Clock {
        hour: (seconds / 3600) as i8,
        minute: (seconds / 60 % 60) as i8,
        second: (seconds % 60) as i8,
        millis: 0,
        precision: Precision::Second,
    });
    Some(Written::Civil {
        day: Day::Known(date),
        clock,
        zone: None,
    })
}

/// Whether a text is such a number.
pub(crate) fn is_serial(text: &str) -> bool {
    read(text).is_some()
}
