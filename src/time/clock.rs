//! Times of day: `14:03`, `2:03:05.25 PM`, `14.03`, `14h03`, `2 p.m.` and ISO 8601's compact forms.
//!
//! Reads from a place in folded text; an hour alone needs AM, PM, an `h` or ISO 8601's `T` in front.

use super::Precision;
use super::iso::millis;
use super::text::{Cursor, Folded};
use super::written::Clock;

/// Whether a text is a time of day and nothing else, with minutes: `14:03`, `2:03 PM`.
pub(crate) fn is_clock(text: &str) -> bool {
    let Some(folded) = Folded::of(text) else {
        return false;
    };
    let mut cursor = Cursor {
        rest: folded.as_str(),
    };
    let is_parted = cursor.rest.contains([':', '.', 'h', 'm']) && cursor.rest.len() <= 16;
    is_parted && clock_of(&mut cursor, false).is_some() && cursor.rest.is_empty()
}

/// A time of day whose first separator is a colon, which no date has.
pub(super) fn clock_with_colon(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let digits = cursor.count_digits();
    (cursor.rest.as_bytes().get(digits) == Some(&b':'))
        .then(|| clock_of(cursor, false))
        .flatten()
}

/// 14:03, 2:03:05.25 pm, 14.03, 14h03, 2 pm; after a `T` also 1403, 140305 and 14.
pub(super) fn clock_of(cursor: &mut Cursor<'_>, after_t: bool) -> Option<Clock> {
    let mut ahead = *cursor;
    let mut clock = Clock {
        hour: 0,
        minute: 0,
        second: 0,
        millis: 0,
        precision: Precision::Minute,
    };
    let mut is_hour_alone = false;
    // `下午 3:15`, `오후 3:15`
    let in_front = meridiem(&mut ahead, false);
    ahead.skip_spaces();
    match ahead.count_digits() {
        4 | 6 => {
            clock.hour = ahead.leading(2)? as i8;
            clock.minute = ahead.leading(2)? as i8;
            if let Some(second) = ahead.number(2, 2) {
                seconds(&mut clock, second, &mut ahead)?;
            }
        }
        1 | 2 => {
            clock.hour = ahead.number(1, 2)? as i8;
            match ahead.eat_any(b":.h") {
                Some(separator) if ahead.count_digits() == 2 => {
                    clock.minute = ahead.number(2, 2)? as i8;
                    if separator != b'h' && ahead.eat(separator) {
                        let second = ahead.number(2, 2)?;
                        seconds(&mut clock, second, &mut ahead)?;
                    }
                }
                Some(b'h') => {}
                Some(_) => return None,
                None => is_hour_alone = true,
            }
        }
        _ => return None,
    }
    match in_front.or_else(|| meridiem(&mut ahead, !is_hour_alone)) {
        Some(half) => clock.hour = half.hour(clock.hour)?,
        None if is_hour_alone && !after_t => return None,
        None => {
            let mut unit = ahead;
            unit.skip_spaces();
            if unit.word_if(|word| matches!(word, "uhr" | "h" | "hs" | "hrs")) {
                ahead = unit;
            }
        }
    }
    // A second 60 is a leap second, which Unix time does not count.
    clock.second = clock.second.min(59);
    let ends_the_day =
        clock.hour == 24 && clock.minute == 0 && clock.second == 0 && clock.millis == 0;
    if clock.minute > 59 || clock.hour > 23 && !ends_the_day {
        return None;
    }
    *cursor = ahead;
    Some(clock)
}

fn seconds(clock: &mut Clock, second: i16, cursor: &mut Cursor<'_>) -> Option<()> {
    if second > 60 {
        return None;
    }
    clock.second = second as i8;
    clock.precision = Precision::Second;
    let mut ahead = *cursor;
    if ahead.eat_any(b".,").is_some()
        && let Some(digits) = ahead.digits(1, usize::MAX)
    {
        clock.millis = millis(digits.as_bytes());
        *cursor = ahead;
    }
    Some(())
}

#[derive(Clone, Copy, PartialEq)]
enum Half {
    Am,
    Pm,
}

impl Half {
    /// The hour of the day; 14 PM is 14, as sloppy exports have it, but 0 PM and 14 AM are nothing.
    fn hour(self, hour: i8) -> Option<i8> {
        match (self, hour) {
            (Half::Am, 12) => Some(0),
            (Half::Am, 0..=11) => Some(hour),
            (Half::Pm, 12..=23) => Some(hour),
            (Half::Pm, 1..=11) => Some(hour + 12),
            _ => None,
        }
    }
}

/// `am`, `p.m.` or `p. m.`, after spaces or glued to the number; behind minutes also `a` and `p`.
fn meridiem(cursor: &mut Cursor<'_>, is_after_minutes: bool) -> Option<Half> {
    let mut ahead = *cursor;
    ahead.skip_spaces();
    let half = if ahead.eat_any(b"ap")? == b'a' {
        Half::Am
    } else {
        Half::Pm
    };
    if is_after_minutes && ahead.rest.is_empty() {
        *cursor = ahead;
        return Some(half);
    }
    if ahead.eat(b'.') {
        ahead.skip_spaces();
    }
    if !ahead.eat(b'm')
        || ahead
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return None;
    }
    ahead.eat(b'.');
    *cursor = ahead;
    Some(half)
}
