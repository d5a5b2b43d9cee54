//! The text of a workbook's cell, as a person would read it off the screen.
//!
//! In goes a typed cell, out comes text: dates as `2026-11-12` or `2026-11-12T10:03:00`, without a zone because
//! workbooks know none; numbers without what binary fractions add to them; `TRUE` and `FALSE`.
//!
//! A spreadsheet keeps 15 digits of a number. One with more is written as the spreadsheet shows it,
//! `1.23456789012346E+15`, so that whoever expects an id there can see that its last digits are lost. Other programs
//! write them whole: then [`Exact`] has them from the cell's own text.

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};

const DAY_MS: f64 = 86_400_000.0;
/// Serial numbers are binary fractions of a day; so close to a full second, that second was meant.
const SNAP_MS: f64 = 5.0;
/// The first number with more digits than a spreadsheet keeps.
const FIRST_WITH_16_DIGITS: f64 = 1e15;
const SPREADSHEET_DIGITS: usize = 15;

/// What a cell reads as.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, or text, or a number that is shown whole.
    Text,
    /// A number of more digits than a spreadsheet shows.
    Long,
    /// A day with the time 00:00:00, which may be a time or the lack of one.
    Midnight,
    /// A day with any other time.
    Timed,
    /// A formula that failed.
    Error,
}

/// Appends a cell's text. `shows_day_only` says that the cell's format has no time of day.
pub(super) fn append(
    cell: &DataRef<'_>,
    shows_day_only: bool,
    is_1904: bool,
    text: &mut String,
) -> Value {
    match cell {
        DataRef::Empty => {}
        DataRef::Int(number) => number_text(*number as f64, text),
        DataRef::Float(number) => {
            number_text(*number, text);
            if number.abs() >= FIRST_WITH_16_DIGITS {
                return Value::Long;
            }
        }
        DataRef::String(string) => text.push_str(string),
        DataRef::SharedString(string) => text.push_str(string),
        DataRef::DateTimeIso(string) | DataRef::DurationIso(string) => text.push_str(string),
        DataRef::Bool(is_true) => text.push_str(if *is_true { "TRUE" } else { "FALSE" }),
        DataRef::Error(_) => return Value::Error,
        DataRef::DateTime(serial) => return date_text(serial, shows_day_only, is_1904, text),
    }
    Value::Text
}

/// What the own text of a long number says about its last digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    /// Whether a digit beyond the 15 that Excel keeps is not 0.
    pub has_last_digits: bool,
    /// Whether the number is so large that not every number of its size fits a float.
    pub is_beyond_floats: bool,
    /// Whether this one does.
    pub is_float: bool,
}

impl Exact {
    /// The digits of a whole number of 16 or more; none where the text itself gives only some of them.
    pub(super) fn of(text: &str) -> Option<(&str, Exact)> {
        let digits = match text.split_once('.') {
            None => text,
            Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
            Some(_) => return None,
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
            return None;
        }
        let number: u64 = digits.parse().ok()?;
        let last = digits
            .get(SPREADSHEET_DIGITS..)
            .filter(|last| !last.is_empty())?;
        let exact = Exact {
            has_last_digits: last.bytes().any(|digit| digit != b'0'),
            is_beyond_floats: number > 1 << f64::MANTISSA_DIGITS,
            is_float: number as f64 as u64 == number,
        };
        Some((digits, exact))
    }
}

fn number_text(number: f64, text: &mut String) {
    if !number.is_finite() {
        return;
    }
    let fifteen_digits = format!("{number:.14E}");
    if number.abs() >= FIRST_WITH_16_DIGITS {
        let (digits, exponent) = fifteen_digits
            .split_once('E')
            .unwrap_or((&fifteen_digits, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        text.push_str(&format!("{digits}E+{exponent}"));
    } else {
        let rounded: f64 = fifteen_digits.parse().unwrap_or(number);
        text.push_str(&if rounded == 0.0 {
            "0".to_owned()
        } else {
            rounded.to_string()
        });
    }
}

fn date_text(
    serial: &ExcelDateTime,
    shows_day_only: bool,
    is_1904: bool,
    text: &mut String,
) -> Value {
    let exact_ms = serial.as_f64() * DAY_MS;
    let second_ms = (exact_ms / 1000.0).round() * 1000.0;
    let ms = if (exact_ms - second_ms).abs() <= SNAP_MS {
        second_ms
    } else {
        exact_ms.round()
    };
    if !ms.is_finite() || ms < 0.0 {
        number_text(serial.as_f64(), text);
        return Value::Text;
    }
    let (days, in_day) = ((ms / DAY_MS).floor(), (ms % DAY_MS) as u64);
    let (hours, minutes, seconds, rest) = (
        in_day / 3_600_000,
        in_day / 60_000 % 60,
        in_day / 1000 % 60,
        in_day % 1000,
    );
    if serial.is_duration() {
        let hours = hours + days as u64 * 24;
        text.push_str(&format!("{hours}:{minutes:02}:{seconds:02}"));
        return Value::Text;
    }
    let clock = match rest {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        _ => format!("{hours:02}:{minutes:02}:{seconds:02}.{rest:03}"),
    };
    if days == 0.0 && !is_1904 {
        // No day: a mere time.
        text.push_str(&clock);
        return Value::Text;
    }
    let day = ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904);
    let (year, month, day, ..) = day.to_ymd_hms_milli();
    text.push_str(&format!("{year:04}-{month:02}-{day:02}"));
    if in_day == 0 && shows_day_only {
        return Value::Text;
    }
    text.push('T');
    text.push_str(&clock);
    if in_day == 0 {
        Value::Midnight
    } else {
        Value::Timed
    }
}

/// Whether a number format shows a day and no time of day.
pub(super) fn shows_day_only(format: &str) -> bool {
    let (mut has_day, mut is_quoted, mut in_brackets, mut is_escaped) =
        (false, false, false, false);
    for character in format.chars() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' | '_' | '*' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ if in_brackets => {}
            ';' => break,
            'h' | 'H' | 's' | 'S' => return false,
            'd' | 'D' | 'y' | 'Y' => has_day = true,
            _ => {}
        }
    }
    has_day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: f64) -> String {
        let mut text = String::new();
        append(&DataRef::Float(number), false, false, &mut text);
        text
    }

    fn date(serial: f64, shows_day_only: bool, is_1904: bool) -> String {
        let mut text = String::new();
        let serial = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, is_1904);
        append(
            &DataRef::DateTime(serial),
            shows_day_only,
            is_1904,
            &mut text,
        );
        text
    }

    #[test]
    fn numbers_read_as_they_were_typed() {
        assert_eq!(number(4800.0), "4800");
        assert_eq!(number(12500.5), "12500.5");
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(987_654_321_098_765.0), "987654321098765");
        assert_eq!(number(12_125_550_101.0), "12125550101");
    }

    #[test]
    fn a_number_of_more_than_15_digits_shows_that_its_end_is_lost() {
        assert_eq!(number(1_234_567_890_123_456.0), "1.23456789012346E+15");
        assert_eq!(number(1_234_567_890_123_450.0), "1.23456789012345E+15");
        assert_eq!(number(-12_345_678_901_234_567.0), "-1.23456789012346E+16");
        assert_eq!(number(1e15), "1E+15");
    }

    #[test]
    fn the_text_of_a_number_tells_whether_it_has_its_last_digits() {
        let told = |text| {
            Exact::of(text).map(|(digits, exact)| {
                let Exact {
                    has_last_digits,
                    is_beyond_floats,
                    is_float,
                } = exact;
                (digits.len(), has_last_digits, is_beyond_floats, is_float)
            })
        };
        assert_eq!(told("1234567890123456"), Some((16, true, false, true)));
        assert_eq!(told("1234567890123456.0"), Some((16, true, false, true)));
        assert_eq!(told("1234567890123450"), Some((16, false, false, true)));
        assert_eq!(told("12345678901234567"), Some((17, true, true, false)));
        assert_eq!(told("12345678901234568"), Some((17, true, true, true)));
        for lost in [
            "1.234567890123456E+15",
            "123456789012345.5",
            "123456789012345",
            "-1234567890123456",
            "",
        ] {
            assert_eq!(told(lost), None, "{lost}");
        }
    }

    #[test]
    fn dates_read_as_the_day_and_the_second_that_were_meant() {
        assert_eq!(date(46336.37847222222, false, false), "2026-11-10T09:05:00");
        assert_eq!(date(46345.46875, true, false), "2026-11-19T11:15:00");
        assert_eq!(date(46345.0, true, false), "2026-11-19");
        assert_eq!(date(46345.0, false, false), "2026-11-19T00:00:00");
        assert_eq!(date(44883.46875, false, true), "2026-11-19T11:15:00");
        assert_eq!(
            date(46_345.999_999_999, false, false),
            "2026-11-20T00:00:00"
        );
        assert_eq!(
            date(46_345.468_751_5, false, false),
            "2026-11-19T11:15:00.130"
        );
        assert_eq!(date(0.5, false, false), "12:00:00");
        assert_eq!(date(f64::NAN, false, false), "");
        assert_eq!(date(-1.0, false, false), "-1");
    }

    #[test]
    fn formats_tell_days_from_times() {
        assert!(shows_day_only("mm-dd-yy"));
        assert!(shows_day_only("[$-409]d\\-mmm\\-yyyy;@"));
        assert!(shows_day_only("yyyy\"h\"mm"));
        assert!(!shows_day_only("m/d/yyyy h:mm AM/PM"));
        assert!(!shows_day_only("h:mm:ss"));
        assert!(!shows_day_only("General"));
    }
}
