//! Dates of birth: `YYYYMMDD`, when the text can be read in one way only or the order of its parts is known.
//!
//! Years have four digits, from 1900 to this one, and the day must exist. Nothing is guessed.

use super::text;
use crate::problem::Code;
use crate::time::DateOrder;

/// A day of the calendar.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Day {
    year: i16,
    month: i8,
    day: i8,
}

/// A part of a date as it is written.
#[derive(Clone, Copy)]
enum Part<'a> {
    Digits(&'a str),
    Month(i8),
}

use Part::{Digits, Month};

/// Appends the normalised date to `out`.
pub(super) fn normalize(
    text: &str,
    order: Option<DateOrder>,
    this_year: i16,
    out: &mut String,
) -> Result<(), Code> {
    let day = match iso(text, this_year) {
        Some(day) => day,
        None => read(
            without_time(text::bare(&text::plain(text), None)),
            order,
            this_year,
        )?,
    };
    let (month, day_of_month) = (i32::from(day.month), i32::from(day.day));
    out.push_str(
        itoa::Buffer::new().format(i32::from(day.year) * 10_000 + month * 100 + day_of_month),
    );
    Ok(())
}

/// Reads `1997-02-16`, the form most exports use, without looking at anything twice.
fn iso(text: &str, this_year: i16) -> Option<Day> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return None;
    };
    let two = |tens: u8, ones: u8| {
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| ((tens - b'0') * 10 + (ones - b'0')) as i8)
    };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    Day::new(year, two(m1, m2)?, two(d1, d2)?, this_year)
}

fn read(date: &str, order: Option<DateOrder>, this_year: i16) -> Result<Day, Code> {
    let mut parts = [Digits(""); 3];
    let mut count = 0;
    for part in split(date) {
        let slot = parts.get_mut(count).ok_or(Code::BirthDateInvalid)?;
        *slot = part?;
        count += 1;
    }
    let read = |[year, month, day]: [&str; 3]| Day::read(year, month, day, this_year);
    match (&parts[..count], parts) {
        (&[Digits(digits)], _) if digits.len() == 8 => {
            let year_first = read([&digits[..4], &digits[4..6], &digits[6..]]);
            year_first.map_or_else(
                || year_last(&digits[..2], &digits[2..4], &digits[4..], order, this_year),
                Ok,
            )
        }
        (&[Digits(digits)], _) if digits.len() == 6 => Err(Code::BirthYearShort),
        (&[Digits(a), Digits(b), Digits(c)], _) => match (a.len(), b.len(), c.len()) {
            (4, 1 | 2, 1 | 2) => read([a, b, c]).ok_or(Code::BirthDateInvalid),
            (1 | 2, 1 | 2, 4) => year_last(a, b, c, order, this_year),
            (1 | 2, 1 | 2, 1 | 2) => Err(Code::BirthYearShort),
            _ => Err(Code::BirthDateInvalid),
        },
        (
            _,
            [Month(month), Digits(day), Digits(year)] | [Digits(day), Month(month), Digits(year)],
        ) => {
            // Either number may be the year: `16 Feb 1997`, `1997 Feb 16`.
            let (year, day) = if day.len() == 4 {
                (day, year)
            } else {
                (year, day)
            };
            if year.len() == 2 {
                return Err(Code::BirthYearShort);
            }
            let day = Some(day)
                .filter(|day| day.len() <= 2)
                .and_then(|day| day.parse().ok());
            let year = four_digits(year);
            year.zip(day)
                .and_then(|(year, day)| Day::new(year, month, day, this_year))
                .ok_or(Code::BirthDateInvalid)
        }
        _ => Err(Code::BirthDateInvalid),
    }
}

/// Two numbers of which one is the month, and the year.
fn year_last(
    a: &str,
    b: &str,
    year: &str,
    order: Option<DateOrder>,
    this_year: i16,
) -> Result<Day, Code> {
    let (month_first, day_first) = (
        Day::read(year, a, b, this_year),
        Day::read(year, b, a, this_year),
    );
    match (month_first, day_first, order) {
        (None, None, _) => Err(Code::BirthDateInvalid),
        (Some(day), None, _)
        | (None, Some(day), _)
        | (Some(day), Some(_), Some(DateOrder::Mdy)) => Ok(day),
        (Some(_), Some(day), Some(DateOrder::Dmy)) => Ok(day),
        (Some(one), Some(other), _) if one == other => Ok(one),
        _ => Err(Code::BirthDateAmbiguous),
    }
}

impl Day {
    fn read(year: &str, month: &str, day: &str, this_year: i16) -> Option<Self> {
        Self::new(
            four_digits(year)?,
            month.parse().ok()?,
            day.parse().ok()?,
            this_year,
        )
    }

    /// The day, when its year is from 1900 to this one and the calendar has it.
    fn new(year: i16, month: i8, day: i8, this_year: i16) -> Option<Self> {
        let is_past = (1900..=this_year).contains(&year);
        jiff::civil::Date::new(year, month, day)
            .ok()
            .filter(|_| is_past)?;
        Some(Day { year, month, day })
    }
}

fn four_digits(year: &str) -> Option<i16> {
    year.parse().ok().filter(|_| year.len() == 4)
}

/// The date of a timestamp: what stands before the white space or `T` that a time of day follows.
fn without_time(text: &str) -> &str {
    let Some(colon) = text.find(':') else {
        return text;
    };
    let before = &text[..colon];
    before
        .rfind([' ', 'T', 't'])
        .map_or(text, |end| &before[..end])
}

/// The numbers and months of a date; ordinal endings are no part. Anything unexpected is an error in its place.
fn split(date: &str) -> impl Iterator<Item = Result<Part<'_>, Code>> {
    let mut rest = date;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([' ', '-', '/', '.', ',']);
            let first = rest.chars().next()?;
            let is_digit = first.is_ascii_digit();
            let end =
                rest.find(|c: char| c.is_ascii_digit() != is_digit || !c.is_ascii_alphanumeric());
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after;
            match part {
                "" => {
                    rest = "";
                    return Some(Err(Code::BirthDateInvalid));
                }
                digits if is_digit => return Some(Ok(Digits(digits))),
                "st" | "nd" | "rd" | "th" | "of" => {}
                word => return Some(month(word).map(Month).ok_or(Code::BirthDateInvalid)),
            }
        }
    })
}

/// The month of an English name or its abbreviation.
fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let index = MONTHS
        .iter()
        .position(|month| word.len() >= 3 && month.starts_with(&word))?;
    i8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn birth(text: &str, order: Option<DateOrder>) -> Result<String, Code> {
        let mut out = String::new();
        normalize(text, order, 2026, &mut out).map(|()| out)
    }

    #[test]
    fn dates_that_can_be_read_in_one_way_need_no_order() {
        for text in [
            "2/16/1997",
            "16/2/1997",
            "16.02.1997",
            "02-16-1997",
            "1997-02-16",
            "1997/2/16",
            "19970216",
            "02161997",
            "16021997",
            "1997-02-16T00:00:00.000Z",
            "1997-02-16 00:00:00",
            "2/16/1997 12:00:00 AM",
            "Feb 16, 1997",
            "16 February 1997",
            "16-FEB-1997",
            "February 16th, 1997",
            "1997 Feb 16",
            " １９９７-０２-１６ ",
        ] {
            for order in [
                None,
                Some(DateOrder::Mdy),
                Some(DateOrder::Dmy),
                Some(DateOrder::Ymd),
            ] {
                assert_eq!(
                    birth(text, order).as_deref(),
                    Ok("19970216"),
                    "{text} {order:?}"
                );
            }
        }
        assert_eq!(birth("3/3/1980", None).as_deref(), Ok("19800303"));
        assert_eq!(birth("29.02.2000", None).as_deref(), Ok("20000229"));
    }

    #[test]
    fn an_order_settles_what_could_be_read_in_two_ways() {
        for text in ["03/04/1980", "03041980", "3.4.1980"] {
            assert_eq!(
                birth(text, Some(DateOrder::Mdy)).as_deref(),
                Ok("19800304"),
                "{text}"
            );
            assert_eq!(
                birth(text, Some(DateOrder::Dmy)).as_deref(),
                Ok("19800403"),
                "{text}"
            );
            assert_eq!(birth(text, None), Err(Code::BirthDateAmbiguous), "{text}");
            assert_eq!(
                birth(text, Some(DateOrder::Ymd)),
                Err(Code::BirthDateAmbiguous),
                "{text}"
            );
        }
    }

    #[test]
    fn years_of_two_digits_are_refused() {
        for text in ["2/16/97", "97-02-16", "16 Feb 97", "021697"] {
            assert_eq!(
                birth(text, Some(DateOrder::Mdy)),
                Err(Code::BirthYearShort),
                "{text}"
            );
        }
    }

    #[test]
    fn days_that_do_not_exist_or_cannot_be_are_refused() {
        for text in [
            "2/30/1997",
            "29.02.1900",
            "1899-12-31",
            "2027-01-01",
            "13/13/1980",
            "1997",
            "Feb 1997",
            "1997-16-02",
            "35477",
            "soon",
            "1997-02-16-3",
            "0000-01-01",
            "é",
            "1997-02-16é",
            "Feb Feb 1997",
            "1980 4 1980",
            "856000000000",
        ] {
            assert_eq!(
                birth(text, Some(DateOrder::Mdy)),
                Err(Code::BirthDateInvalid),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_usual_form_reads_the_same_by_the_short_way(year in 1890..2040, month in 0..14, day in 0..33) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert!(iso(&text, 2026) == read(&text, None, 2026).ok(), "{}", text);
        }
    }
}
