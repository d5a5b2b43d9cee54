//! The form nearly every export uses, read without looking at anything twice: `2026-11-20`, then `T` or a space,
//! `14:03`, seconds, a fraction and a numeric offset or `Z`, the last four optional.
//!
//! What it does not know it leaves to [`general`](super::general), which reads the same form alike.

use jiff::civil::Date;

use super::Precision;
use super::written::{Clock, Day, SHORT_YEARS, Written, WrittenZone};

/// Reads the form, or gives None for anything else, impossible dates included.
pub(super) fn read(text: &[u8]) -> Option<Written<'static>> {
    if text.len() < 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let year = i16::from(two(text, 0)?) * 100 + i16::from(two(text, 2)?);
    if year < SHORT_YEARS {
        return None;
    }
    let day = Day::Known(Date::new(year, two(text, 5)?, two(text, 8)?).ok()?);
    let Some((separator, rest)) = text[10..].split_first() else {
        return Some(Written::Civil {
            day,
            clock: None,
            zone: None,
        });
    };
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let (clock, rest) = clock(rest)?;
    let zone = if rest.is_empty() {
        None
    } else {
        Some(WrittenZone::Offset(offset(rest)?))
    };
    Some(Written::Civil {
        day,
        clock: Some(clock),
        zone,
    })
}

fn clock(text: &[u8]) -> Option<(Clock, &[u8])> {
    if text.len() < 5 || text[2] != b':' {
        return None;
    }
    let (hour, minute) = (two(text, 0)?, two(text, 3)?);
    let mut clock = Clock {
        hour,
        minute,
        second: 0,
        millis: 0,
        precision: Precision::Minute,
    };
    let mut rest = &text[5..];
    if rest.first() == Some(&b':') {
        clock.second = two(rest, 1)?;
        clock.precision = Precision::Second;
        rest = &rest[3..];
        if matches!(rest.first(), Some(b'.' | b',')) {
            let digits = rest[1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits == 0 {
                return None;
            }
            clock.millis = millis(&rest[1..=digits]);
            rest = &rest[1 + digits..];
        }
    }
    (hour < 24 && minute < 60 && clock.second < 60).then_some((clock, rest))
}

/// The first three digits of a fraction as milliseconds.
pub(super) fn millis(digits: &[u8]) -> i16 {
    let digit = |index: usize| digits.get(index).map_or(0, |byte| i16::from(byte - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2)
}

fn offset(text: &[u8]) -> Option<i32> {
    let (sign, rest) = match text {
        [b'Z' | b'z'] | b" UTC" => return Some(0),
        [b' ', b'+', rest @ ..] => (1, rest),
        [b' ', b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let minutes = match rest.len() {
        2 => 0,
        4 => two(rest, 2)?,
        5 if rest[2] == b':' => two(rest, 3)?,
        _ => return None,
    };
    offset_seconds(sign, two(rest, 0)?.into(), minutes.into())
}

/// Seconds east of UTC; no zone on earth is further away than 18 hours.
pub(super) fn offset_seconds(sign: i32, hours: i32, minutes: i32) -> Option<i32> {
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn two(text: &[u8], at: usize) -> Option<i8> {
    match text.get(at..at + 2)? {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(((tens - b'0') * 10 + (ones - b'0')) as i8)
        }
        _ => None,
    }
}
