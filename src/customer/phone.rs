//! Phone numbers: the digits of E.164 without `+`, by the national rules of libphonenumber.
//!
//! `+…` and `00…` are international; otherwise the row's country decides. A national number must be one that the country's
//! plan knows; an international one of possible length passes with a warning when it is not, since plans grow faster than
//! tables of them. A number whose country nothing tells is never guessed.

use std::fmt::Write;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, Region};

use super::country::Country;
use super::numbering::{CallingCode, with_plus};
use super::text;
use crate::problem::Code;

/// The numbers of a cell: separated by `;`, `,`, `|` or line breaks, or by `/` between two whole numbers. The parameters
/// of a `tel:` address stay with it. Each byte is looked at a few times at most, however the cell is made.
pub(super) fn split(cell: &str) -> impl Iterator<Item = &str> {
    let is_one = text::all(cell, |byte| !may_separate(byte));
    // Digits behind the place that was looked at last.
    let mut digits_left = match is_one {
        true => 0,
        false => cell.chars().filter(|c| c.is_numeric()).count(),
    };
    let mut next = Some(0);
    std::iter::from_fn(move || {
        loop {
            let start = next?;
            let mut digits = 0;
            let mut ends = |(at, c): (usize, char)| {
                if c.is_numeric() {
                    digits += 1;
                    digits_left -= 1;
                }
                let is_end = match c {
                    ',' | '|' | '\n' | '\r' => true,
                    ';' => !is_parameter(&cell[start + at + 1..]),
                    '/' => digits >= WHOLE && digits_left >= WHOLE,
                    _ => false,
                };
                is_end.then_some(start + at)
            };
            let end = match is_one {
                true => None,
                false => cell[start..].char_indices().find_map(&mut ends),
            };
            next = end.map(|end| end + 1);
            let part = text::trim(&cell[start..end.unwrap_or(cell.len())]);
            if !part.is_empty() {
                return Some(part);
            }
        }
    })
}

/// Digits enough for a number: in Germany a `/` stands behind the area code.
const WHOLE: usize = 7;

/// Whether a byte is of those that may stand between two numbers.
fn may_separate(byte: u8) -> bool {
    matches!(byte, b',' | b'|' | b'\n' | b'\r' | b';' | b'/')
}

/// Whether a parameter of RFC 3966 follows: `;ext=22`, `;phone-context=+44`.
fn is_parameter(text: &str) -> bool {
    ["ext=", "isub=", "phone-context="].iter().any(|name| {
        text.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })
}

/// The calling code with its `+`, where the text is nothing else: `+43`, `0043`, `43`, `43.0`, `Austria (+43)`.
pub(crate) fn calling_code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let digits: String = digits
        .chars()
        .filter(char::is_ascii_digit)
        .take(6)
        .collect();
    let is_named = text.chars().any(char::is_alphabetic);
    if text.len() > 60 || is_named && !text.contains('+') {
        return None;
    }
    with_plus(digits.strip_prefix("00").unwrap_or(&digits))
}

/// The same, where the text says itself that it is a calling code.
pub(super) fn plain_calling_code(text: &str) -> Option<&'static str> {
    let says_so = text.len() <= 60 && (text.contains('+') || text.starts_with("00"));
    says_so.then(|| calling_code(text)).flatten()
}

/// An area code, where the text is nothing else: `0171`, `(11)`, `212`.
pub(crate) fn area_code(text: &str) -> Option<&str> {
    let digits = text.trim().trim_matches(['(', ')']);
    let is_code = (2..=6).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with("00");
    is_code.then_some(digits)
}

/// A national number with the area code that stands beside it; none where it has one. So few digits that they are no
/// whole number are none without it.
pub(super) fn within(area: &str, number: &str, country: Option<Country>) -> Option<String> {
    let is_whole = number.starts_with(['+', '0', '(']);
    if is_whole || text::is_nothing(number) || number.len() > 40 {
        return None;
    }
    let joined = format!("{area}{}", without_fraction(number));
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let is_assigned = || normalize(&joined, country, &mut String::new()) == Ok(None);
    (digits <= MOST_LOCAL || is_assigned()).then_some(joined)
}

/// Digits of the longest numbers that are dialled within an area alone.
const MOST_LOCAL: usize = 8;

/// A number with the calling code that stands beside it; none where it needs no other.
pub(super) fn under(code: &str, number: &str) -> Option<String> {
    let is_whole = number.contains('+') || number.starts_with("00");
    if is_whole || text::is_nothing(number) || number.len() > 40 {
        return None;
    }
    let number = without_fraction(number);
    let joined = format!("{code}{number}");
    let is_assigned = |text: &str| normalize(text, None, &mut String::new()) == Ok(None);
    // The code may stand there as well.
    let is_doubled = || number.starts_with(&code[1..]) && is_assigned(&format!("+{number}"));
    Some(match !is_assigned(&joined) && is_doubled() {
        true => format!("+{number}"),
        false => joined,
    })
}

/// Appends the normalised number to `out`; nothing when the marker is all there is. [`Code::PhoneUnassigned`] comes back
/// for a number that is used although the tables do not know it.
pub(super) fn normalize(
    text: &str,
    country: Option<Country>,
    out: &mut String,
) -> Result<Option<Code>, Code> {
    let plain = text::plain(text);
    let number = text::bare(&plain, Some(b'p'));
    if text::is_nothing(number) {
        return Ok(None);
    }
    if text::is_scientific(number) {
        return Err(Code::PhonePrecisionLost);
    }
    let number = without_fraction(number);
    if let Some(simple) = simple(number, country, &mut [0; 15]) {
        let is_assigned = simple.calling_code.is_valid(simple.national);
        let main = simple.calling_code.main();
        if !is_assigned
            && (!simple.is_international
                || !main.is_possible(simple.national)
                || is_filler(simple.national))
        {
            return Err(Code::PhoneInvalid);
        }
        out.push_str(&simple.calling_code.code);
        out.push_str(simple.national);
        return Ok((!is_assigned).then_some(Code::PhoneUnassigned));
    }
    let read = read(number, country)?;
    push_e164(&read.number, out);
    Ok((!read.is_assigned).then_some(Code::PhoneUnassigned))
}

/// A number, and whether the tables know it to be in use.
struct Read {
    number: PhoneNumber,
    is_assigned: bool,
}

/// Whether a number that is not assigned can be somebody's all the same: its length is one its country has, and it was
/// not typed only because the form wanted one.
fn could_be(number: &PhoneNumber) -> bool {
    let mut digits = String::new();
    push_national(number, &mut digits);
    PHONE_NUMBER_UTIL.is_possible_number_with_reason(number) == Ok(NumberLengthType::IsPossible)
        && !is_filler(&digits)
}

/// Whether seven digits in a row are alike or count up or down, as in `1111111111` and `1234567890`.
fn is_filler(digits: &str) -> bool {
    const RUN: usize = 7;
    let step = |pair: &[u8]| (pair[1] + 10 - pair[0]) % 10;
    let steps: Vec<u8> = digits.as_bytes().windows(2).map(step).collect();
    steps
        .windows(RUN - 1)
        .any(|steps| matches!(steps[0], 0 | 1 | 9) && steps.iter().all(|step| *step == steps[0]))
}

/// Reads a number in any form.
fn read(text: &str, country: Option<Country>) -> Result<Read, Code> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(Code::PhoneInvalid);
    }
    if let Some(plus) = text.find('+') {
        return international(&text[plus..]).ok_or(Code::PhoneInvalid);
    }
    // No national number of any country starts with two zeros.
    let dialled = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if let Some(rest) = dialled.strip_prefix("00") {
        return international(&format!("+{rest}")).ok_or(Code::PhoneInvalid);
    }
    let region = country.and_then(|country| Region::from_code(country.code()).ok());
    let number = region
        .and_then(|region| valid(text, Some(region)))
        .or_else(|| without_plus(text, region));
    if let Some(number) = number {
        return Ok(Read {
            number,
            is_assigned: true,
        });
    }
    let could_be_national =
        (5..=15).contains(&digits) && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    Err(if region.is_none() && could_be_national {
        Code::PhoneCountryMissing
    } else {
        Code::PhoneInvalid
    })
}

/// A number whose `+` was lost. Where a country is known it has too many digits for a national number with a typing
/// error, and nothing is grouped but the calling code.
fn without_plus(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    if !text.starts_with(|c| matches!(c, '1'..='9')) {
        return None;
    }
    let number = assigned(&format!("+{text}"))?;
    if region.is_none() {
        return Some(number);
    }
    let mut whole = String::new();
    push_e164(&number, &mut whole);
    let first_group = text.split(|c: char| !c.is_ascii_digit()).next()?;
    let is_whole = first_group == whole || first_group.parse() == Ok(number.country_code);
    // Digits as typed: reading may add some, such as the area code that Madagascar's short numbers lack.
    let typed = text.bytes().filter(u8::is_ascii_digit).count();
    (typed > 10 && whole.len() > 10 && is_whole).then_some(number)
}

/// A number with `+`, assigned or not.
fn international(text: &str) -> Option<Read> {
    if let Some(number) = assigned(text) {
        return Some(Read {
            number,
            is_assigned: true,
        });
    }
    let number = PHONE_NUMBER_UTIL
        .parse(text.replacen("(0)", "", 1), None)
        .ok()?;
    // Letters may be dialled where that reaches somebody.
    let is_sound = number.extension.is_some() || !text.contains(char::is_alphabetic);
    let number = without_trunk_zeros(number)?;
    (is_sound && could_be(&number)).then_some(Read {
        number,
        is_assigned: false,
    })
}

/// A number with `+` that is in use. A trunk zero in brackets is dropped also where the country has none:
/// `+34 (0) 612 345 678`.
fn assigned(text: &str) -> Option<PhoneNumber> {
    let without_zero = || {
        let has_zero = text.contains("(0)");
        has_zero.then(|| text.replacen("(0)", "", 1))
    };
    valid(text, None).or_else(|| valid(&without_zero()?, None))
}

fn valid(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    (is_valid(&number) && !has_stray_letters(text, &number)).then_some(number)
}

/// Whether a number is in use, as the library judges it: there it asks a dozen expressions, each compiled when it is first
/// asked.
fn is_valid(number: &PhoneNumber) -> bool {
    let mut national = String::new();
    push_national(number, &mut national);
    CallingCode::of(itoa::Buffer::new().format(number.country_code))
        .is_some_and(|plans| plans.is_valid(&national))
}

/// Whether letters were dropped in reading: a typing error, as in `65O 555 1212`. Three letters and more are a vanity
/// number and were read as its keys; those in front of the number are a label, those behind an extension.
fn has_stray_letters(text: &str, number: &PhoneNumber) -> bool {
    let body = text
        .find(|c: char| c == '+' || c.is_ascii_digit())
        .map_or(text, |start| &text[start..]);
    let letters = body.chars().filter(|c| c.is_alphabetic()).count();
    (1..3).contains(&letters) && number.extension.is_none()
}

/// A number that can be read without the library's rules.
struct Simple<'a> {
    calling_code: &'static CallingCode,
    national: &'a str,
    is_international: bool,
}

/// Takes a number that is `+` and digits, or digits in a country whose way of dialling them is beyond doubt, both with the
/// usual punctuation. `None` means that the rules must decide; the result is theirs.
fn simple<'a>(
    text: &str,
    country: Option<Country>,
    digits: &'a mut [u8; 15],
) -> Option<Simple<'a>> {
    let is_international = text.starts_with('+');
    if !is_international && (country.is_none() || text.starts_with(['-', '.', ')'])) {
        return None;
    }
    let (mut count, mut before) = (0, b'+');
    for byte in text.bytes().skip(usize::from(is_international)) {
        match byte {
            // A trunk zero in brackets, perhaps.
            b'0' if before == b'(' => return None,
            b'0'..=b'9' => {
                *digits.get_mut(count)? = byte;
                count += 1;
            }
            b' ' | b'(' | b')' | b'-' | b'.' => {}
            _ => return None,
        }
        before = byte;
    }
    let digits = std::str::from_utf8(&digits[..count]).ok()?;
    if is_international {
        let calling_code = CallingCode::leading(digits)?;
        let dialled = &digits[calling_code.code.len()..];
        let national = calling_code.main().without_prefix(dialled)?;
        // Few digits may be those of a number without its area code.
        return (count >= 9 && national.len() == dialled.len()).then_some(Simple {
            calling_code,
            national,
            is_international,
        });
    }
    // Two zeros are international everywhere.
    if digits.starts_with("00") {
        return None;
    }
    let (calling_code, plan) = CallingCode::of_country(country?)?;
    let national = plan.national(digits, &calling_code.code)?;
    calling_code.is_valid(national).then_some(Simple {
        calling_code,
        national,
        is_international,
    })
}

/// Without the fraction of a number cell: `16505551212.0`.
fn without_fraction(text: &str) -> &str {
    match text.strip_suffix(".0").or_else(|| text.strip_suffix(".00")) {
        Some(digits) if digits.len() > 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits
        }
        _ => text,
    }
}

/// Appends country code and national number.
fn push_e164(number: &PhoneNumber, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", number.country_code);
    push_national(number, out);
}

/// Digits of the longest number there is, with its zeros, and some.
const MAX_DIGITS: usize = 17;

/// A number read again until that changes nothing: a trunk zero that was dialled more than once leaves one less each time, as
/// in `+86 00 505 5051 212`.
fn without_trunk_zeros(mut number: PhoneNumber) -> Option<PhoneNumber> {
    let mut read = String::new();
    // No number has more digits that could go.
    for _ in 0..=MAX_DIGITS {
        let mut whole = String::from("+");
        push_e164(&number, &mut whole);
        if whole == read {
            break;
        }
        number = PHONE_NUMBER_UTIL.parse(&whole, None).ok()?;
        read = whole;
    }
    Some(number)
}

/// Appends leading zeros that belong to the number (Italy), and the national number.
fn push_national(number: &PhoneNumber, out: &mut String) {
    let zeros = if number.italian_leading_zero() {
        number.number_of_leading_zeros().clamp(0, 15)
    } else {
        0
    };
    (0..zeros).for_each(|_| out.push('0'));
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", number.national_number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rlibphonenumber::{PhoneNumberType, get_national_significant_number_owned};

    fn phone(text: &str, country: &str) -> Result<String, Code> {
        let mut out = String::new();
        normalize(text, Country::parse(country), &mut out).map(|_| out)
    }

    /// What there is to say of a number that is used.
    fn remark(text: &str, country: &str) -> Result<Option<Code>, Code> {
        normalize(text, Country::parse(country), &mut String::new())
    }

    #[test]
    fn an_international_number_that_the_tables_do_not_know_is_used_with_a_warning() {
        for (text, expected) in [
            ("+86 0 0505 5051 212", "865055051212"),
            ("+55 000-00-6-000000", "5506000000"),
            ("+5506000000", "5506000000"),
            ("+865055051212", "865055051212"),
            ("+1 555 321 4567", "15553214567"),
            ("+15553214567", "15553214567"),
            ("001 555 321 4567", "15553214567"),
            ("+44 (0) 60 1152 3416", "446011523416"),
            ("+91 2000 513 624", "912000513624"),
            ("+971 90 513 6247", "971905136247"),
        ] {
            assert_eq!(phone(text, "").as_deref(), Ok(expected), "{text}");
            assert_eq!(
                remark(text, "DE"),
                Ok(Some(Code::PhoneUnassigned)),
                "{text}"
            );
        }
        assert_eq!(remark("+1 650 555 1212", ""), Ok(None));
    }

    #[test]
    fn fillers_and_impossible_lengths_are_refused_and_national_numbers_must_be_valid() {
        for (text, country) in [
            ("+1 1111111111", ""),
            ("+1 000 000 0000", ""),
            ("+1 123 456 7890", ""),
            ("+91 0987654321", ""),
            ("+971 99999999", ""),
            ("+1 555 321 456", ""),
            ("+1 555 321 45678", ""),
            ("+44 12", ""),
            ("+1 321-4567", ""),
            ("+1 555 FLOWERS", ""),
            ("555 321 4567", "US"),
            ("15553214567", ""),
            ("912000513624", ""),
        ] {
            assert!(phone(text, country).is_err(), "{text}");
        }
    }

    #[test]
    fn international_forms_need_no_country() {
        for (text, expected) in [
            ("+16505551212", "16505551212"),
            ("+1 (650) 555-1212", "16505551212"),
            ("tel:+1-650-555-1212", "16505551212"),
            ("tel:+1-650-555-1212;ext=22", "16505551212"),
            ("p:+12125550101", "12125550101"),
            ("'+551155550134", "551155550134"),
            ("0044 7911 123456", "447911123456"),
            ("(0044) 7911 123456", "447911123456"),
            ("+44 (0) 7911 123456", "447911123456"),
            ("+44 (0)20 7946 0018", "442079460018"),
            ("+34 (0) 612 345 678", "34612345678"),
            ("+39 02 1234 5678", "390212345678"),
            ("+39 (0)2 1234 5678", "390212345678"),
            (
                "\u{200e}+44\u{a0}7911\u{200b}123456\u{202c}",
                "447911123456",
            ),
            ("＋４４７９１１１２３４５６", "447911123456"),
            ("+٤٤٧٩١١١٢٣٤٥٦", "447911123456"),
            ("+44 7911 123456 ext. 12", "447911123456"),
            ("Mobile 2: +44 7911 123456", "447911123456"),
            ("(+44) 7911 123456", "447911123456"),
            ("493023125042", "493023125042"),
            ("49 30 23125042", "493023125042"),
            ("12125550101", "12125550101"),
            ("12125550101.0", "12125550101"),
            ("+49 30/23125042", "493023125042"),
        ] {
            assert_eq!(phone(text, "").as_deref(), Ok(expected), "{text}");
            assert_eq!(
                phone(text, "FR").as_deref(),
                Ok(expected),
                "{text} in France"
            );
        }
    }

    #[test]
    fn national_forms_follow_the_country() {
        for (text, country, expected) in [
            ("(650)555-1212", "US", "16505551212"),
            ("650.555.1212", "US", "16505551212"),
            ("1 650 555 1212", "US", "16505551212"),
            ("650 555 1212 x22", "US", "16505551212"),
            ("011 44 7911 123456", "US", "447911123456"),
            ("1-800-FLOWERS", "US", "18003569377"),
            ("416-555-0123", "Canada", "14165550123"),
            ("07911 123456", "GB", "447911123456"),
            ("0117 496 0123", "United Kingdom", "441174960123"),
            ("7911123456", "GB", "447911123456"),
            ("02 1234 5678", "IT", "390212345678"),
            ("347 123 4567", "IT", "393471234567"),
            ("030 23125042", "DE", "493023125042"),
            ("030/23125042", "DE", "493023125042"),
            ("06 12 34 56 78", "FR", "33612345678"),
            ("(11) 5555-0123", "BR", "551155550123"),
            ("447911123456", "GB", "447911123456"),
            ("447911123456", "US", "447911123456"),
            ("0044 7911 123456", "US", "447911123456"),
            ("447911123456 ext. 12", "US", "447911123456"),
        ] {
            assert_eq!(
                phone(text, country).as_deref(),
                Ok(expected),
                "{text} in {country}"
            );
        }
    }

    #[test]
    fn a_national_number_without_a_country_lacks_it() {
        for text in ["(650) 555-1212", "07911 123456", "0117 496 0123", "5550123"] {
            assert_eq!(phone(text, ""), Err(Code::PhoneCountryMissing), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "unknown",
            "0000000000",
            "000-000-0000",
            "+10000000000",
            "1234",
            "123",
            "+1",
            "+",
            "555-1212",
            "65O-555-1212",
            "650 555 121A",
            "+44 7911 123456 A",
            "650555121",
            "65055512123",
            "+1650555121212345",
            "99999999999999999999",
            "+999 1234 5678",
            "call me",
            "1111111111",
            // With a plus sign before it, it would be a number in Madagascar that lacks its area code.
            "261 6200000",
            "😀",
            "+1 650 555 1212 home",
        ] {
            assert_eq!(phone(text, "US"), Err(Code::PhoneInvalid), "{text}");
        }
        // Typing errors that would be numbers of other countries with a `+` in front.
        for (text, country) in [
            ("(2068) 460-1234", "AG"),
            ("2068 460 1234", "AG"),
            ("984-123567 ext. 12", "NP"),
            ("4930231250", "US"),
        ] {
            assert_eq!(phone(text, country), Err(Code::PhoneInvalid), "{text}");
        }
        assert_eq!(phone("0000000000", ""), Err(Code::PhoneInvalid));
        for text in ["1.65025E+10", "4,93023E+11", "4.93E11"] {
            assert_eq!(phone(text, "US"), Err(Code::PhonePrecisionLost), "{text}");
        }
    }

    #[test]
    fn cells_are_split_into_their_numbers() {
        for (cell, expected) in [
            ("+1 650; +1 651", &["+1 650", "+1 651"][..]),
            ("+1 650, +1 651,", &["+1 650", "+1 651"]),
            ("+1 650\n+1 651", &["+1 650", "+1 651"]),
            ("tel:+1-650;ext=22", &["tel:+1-650;ext=22"]),
            ("tel:+1-650;EXT=22;+1 651", &["tel:+1-650;EXT=22", "+1 651"]),
            ("+49 30/23125042", &["+49 30/23125042"]),
            (
                "+49 30/23125042 / 0171 1234567",
                &["+49 30/23125042", "0171 1234567"],
            ),
            (";", &[]),
        ] {
            assert_eq!(split(cell).collect::<Vec<_>>(), expected, "{cell}");
        }
    }

    #[test]
    fn a_marker_alone_is_nothing() {
        for text in ["p:", "p:<test lead: dummy data for phone_number>"] {
            assert_eq!(phone(text, "").as_deref(), Ok(""), "{text}");
        }
    }

    fn by_the_rules(text: &str, country: Option<Country>) -> Option<(String, Option<Code>)> {
        read(text, country).ok().map(|read| {
            let mut out = String::new();
            push_e164(&read.number, &mut out);
            (out, (!read.is_assigned).then_some(Code::PhoneUnassigned))
        })
    }

    /// The number and what there is to say of it, by whatever way is quickest.
    fn quickly(text: &str, country: &str) -> Option<(String, Option<Code>)> {
        Some((phone(text, country).ok()?, remark(text, country).ok()?))
    }

    proptest! {
        #[test]
        fn international_numbers_read_the_same_either_way(
            code in any::<prop::sample::Index>(), gap in "[-. (]{0,2}", national in "[0-9]{5,12}|([0-9][-. ()]{0,2}){7,12}",
        ) {
            let codes: Vec<i32> = PHONE_NUMBER_UTIL.get_supported_calling_codes().collect();
            let text = format!("+{}{gap}{national}", codes[code.index(codes.len())]);
            prop_assert_eq!(quickly(&text, ""), by_the_rules(&text, None), "{}", text);
        }

        #[test]
        fn national_numbers_read_the_same_either_way(
            region in any::<prop::sample::Index>(), prefix in "0|00|1|8|9|06|44|55|91|", kind in 0usize..4,
            changed in any::<prop::sample::Index>(), digit in "[0-9]|", mark in "[-. ]", random in "[0-9]{5,12}",
        ) {
            let regions: Vec<Region> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
            let region = regions[region.index(regions.len())];
            let Some(country) = Country::parse(&format!("{region:?}")) else { return Ok(()) };
            let kinds = [PhoneNumberType::Mobile, PhoneNumberType::FixedLine, PhoneNumberType::TollFree];
            let example = kinds
                .get(kind)
                .and_then(|kind| PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, *kind).ok());
            let mut digits = example.map_or(random, |number| get_national_significant_number_owned(&number));
            let at = changed.index(digits.len());
            digits.replace_range(at..=at, &digit);
            let text = format!("{prefix}{mark}{digits}");
            prop_assert_eq!(
                quickly(text.trim(), country.code()), by_the_rules(text.trim(), Some(country)), "{} in {}", text, country
            );
        }
    }
}
