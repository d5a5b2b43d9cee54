//! Dates of birth: `YYYYMMDD`, when the text can be read in one way only or the order of its parts is known.
//!
//! Years have four digits, from 1900 to this one, and the day must exist. Nothing is guessed.

use super::text;
use crate::problem::Code;
use crate::time::{DateOrder, Day};

/// Appends the normalised date to `out`.
pub(super) fn normalize(
    text: &str,
    order: Option<DateOrder>,
    this_year: i16,
    out: &mut String,
) -> Result<(), Code> {
    let plain = text::plain(text);
    let text = text::bare(&plain, None);
    let day = Day::read(text).or_else(|code| in_digits(text).ok_or(code));
    let day = day.map_err(|code| match code {
        Code::TimeTwoDigitYear => Code::BirthYearShort,
        _ if text.len() == 6 && is_number(text) => Code::BirthYearShort,
        _ => Code::BirthDateInvalid,
    })?;
    if day.has_short_year() {
        return Err(Code::BirthYearShort);
    }
    let order = day
        .only_order()
        .or(order.filter(|order| *order != DateOrder::Ymd));
    let date = day
        .in_order(order.ok_or(Code::BirthDateAmbiguous)?)
        .filter(|date| (1900..=this_year).contains(&date.year()))
        .ok_or(Code::BirthDateInvalid)?;
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let number = i32::from(date.year()) * 10_000 + month * 100 + day;
    out.push_str(itoa::Buffer::new().format(number));
    Ok(())
}

/// `02161997`: eight digits with the year at the end.
fn in_digits(text: &str) -> Option<Day> {
    if text.len() != 8 || !is_number(text) {
        return None;
    }
    Day::of_numbers(
        text[..2].parse().ok()?,
        text[2..4].parse().ok()?,
        text[4..].parse().ok()?,
    )
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "16. 02. 1997",
            "16 02 1997",
            "16 février 1997",
            "16 de febrero de 1997",
            "Sunday, February 16, 1997",
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
}
