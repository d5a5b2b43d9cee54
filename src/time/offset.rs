//! The zone behind a time of day: an offset, an abbreviation or an IANA name.

use super::iso::offset_seconds;
use super::text::Cursor;
use super::written::WrittenZone;

/// `z`, `-0500`, `gmt+2`, `est`, `america/new_york`, `-05:00[america/new_york]`, `(est)`
pub(super) fn zone_of<'a>(cursor: &mut Cursor<'a>) -> Option<WrittenZone<'a>> {
    let mut ahead = *cursor;
    ahead.skip_spaces();
    let zone = match ahead.next()? {
        b'+' | b'-' => WrittenZone::Offset(offset(&mut ahead)?),
        b'[' => bracketed(&mut ahead, ']')?,
        b'(' => bracketed(&mut ahead, ')')?,
        _ => named(&mut ahead)?,
    };
    if ahead.next() == Some(b'[') {
        bracketed(&mut ahead, ']')?;
    }
    *cursor = ahead;
    Some(zone)
}

fn bracketed<'a>(cursor: &mut Cursor<'a>, end: char) -> Option<WrittenZone<'a>> {
    let (inside, rest) = cursor.rest.get(1..)?.split_once(end)?;
    let mut inside = Cursor { rest: inside };
    let zone = match inside.next()? {
        b'+' | b'-' => WrittenZone::Offset(offset(&mut inside)?),
        _ => named(&mut inside)?,
    };
    cursor.rest = rest;
    inside.rest.is_empty().then_some(zone)
}

fn named<'a>(cursor: &mut Cursor<'a>) -> Option<WrittenZone<'a>> {
    let is_of_a_name =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+');
    let length = cursor.rest.bytes().take_while(is_of_a_name).count();
    let name = &cursor.rest[..length];
    if name.contains('/') {
        cursor.rest = &cursor.rest[length..];
        return Some(WrittenZone::Name(name));
    }
    let word = cursor.word();
    let mut ahead = *cursor;
    ahead.skip_spaces();
    match word {
        "" => None,
        "utc" | "gmt" if matches!(ahead.next(), Some(b'+' | b'-')) => {
            let offset = offset(&mut ahead)?;
            *cursor = ahead;
            Some(WrittenZone::Offset(offset))
        }
        "z" => Some(WrittenZone::Offset(0)),
        _ => (2..=5)
            .contains(&word.len())
            .then_some(WrittenZone::Abbreviation(word)),
    }
}

/// A sign and `5`, `05`, `0500`, `05:00` or `05:00:00`.
pub(super) fn offset(cursor: &mut Cursor<'_>) -> Option<i32> {
    let sign = if cursor.eat_any(b"+-")? == b'-' {
        -1
    } else {
        1
    };
    let (hours, minutes) = match cursor.count_digits() {
        1 | 2 => {
            let hours = cursor.number(1, 2)?;
            let minutes = if cursor.eat(b':') {
                cursor.number(2, 2)?
            } else {
                0
            };
            cursor.eat_text(":00");
            (hours, minutes)
        }
        4 => (cursor.leading(2)?, cursor.leading(2)?),
        _ => return None,
    };
    offset_seconds(sign, hours.into(), minutes.into())
}
