//! Meta's lead id, and the advertiser's own id of a person.

use super::text;
use crate::problem::Code;

/// Reads a lead id: 15 to 17 digits, quoted or with the `l:` of Meta's lead download or without.
///
/// What a spreadsheet has rounded is refused: its last digits would be a guess, and one wrong id makes Meta refuse
/// a whole batch. None when the marker is all there is.
pub(super) fn lead_id(text: &str) -> Result<Option<u64>, Code> {
    if let Some(id) = whole_id(text) {
        return Ok(Some(id));
    }
    let plain = text::plain(text);
    let digits = text::bare(&plain, Some(b'l'));
    if text::is_nothing(digits) {
        return Ok(None);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return whole_id(digits).map(Some).ok_or(Code::LeadIdMalformed);
    }
    if text::is_scientific(digits) || has_fraction(digits) {
        Err(Code::LeadIdPrecisionLost)
    } else {
        Err(Code::LeadIdMalformed)
    }
}

/// The number that 15 to 17 digits make, of which the first is not zero.
fn whole_id(digits: &str) -> Option<u64> {
    if !(15..=17).contains(&digits.len()) || digits.starts_with('0') {
        return None;
    }
    // So few digits fit.
    digits.bytes().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(number * 10 + u64::from(digit))
    })
}

/// Whether the id went through a column of numbers, as `556677889900112.0` did.
fn has_fraction(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(['.', ','])
        .is_some_and(|(whole, fraction)| digits(whole) && (digits(fraction) || fraction.is_empty()))
}

/// Appends the normalised external id: trimmed, in lower case.
pub(super) fn external_id(text: &str, out: &mut String) -> Result<(), Code> {
    let id = text::trim(text);
    if text::is_scientific(id) && id.contains(['.', ',']) {
        return Err(Code::ExternalIdPrecisionLost);
    }
    text::push_all_lowercase(id, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lead_ids_are_read_with_what_exports_put_around_them() {
        for text in [
            "1234567890123456",
            "l:1234567890123456",
            "L: 1234567890123456",
            "'1234567890123456",
            "\"1234567890123456\"",
            "=\"1234567890123456\"",
            "'l:1234567890123456",
            " 1234567890123456\u{a0}",
            "\u{200e}１２３４５６７８９０１２３４５６",
        ] {
            assert_eq!(lead_id(text), Ok(Some(1_234_567_890_123_456)), "{text}");
        }
        assert_eq!(lead_id("123456789012345"), Ok(Some(123_456_789_012_345)));
        assert_eq!(
            lead_id("12345678901234567"),
            Ok(Some(12_345_678_901_234_567))
        );
    }

    #[test]
    fn a_marker_alone_is_nothing() {
        for text in ["l:", "l: -", "l:<test lead: dummy data for id>"] {
            assert_eq!(lead_id(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn rounded_lead_ids_are_never_guessed() {
        for text in [
            "1.23457E+15",
            "1,23457E+15",
            "1E+15",
            "1.23456789012345e15",
            "556677889900112.0",
            "556677889900112.",
            "1234567890123456,00",
        ] {
            assert_eq!(lead_id(text), Err(Code::LeadIdPrecisionLost), "{text}");
        }
    }

    #[test]
    fn other_ids_are_no_lead_ids() {
        for text in [
            "12345678901234",
            "123456789012345678",
            "00Q5e0000100173EAA",
            "012345678901234",
            "abc",
            "1234 5678 9012 3456",
            "-1234567890123456",
        ] {
            assert_eq!(lead_id(text), Err(Code::LeadIdMalformed), "{text}");
        }
    }

    #[test]
    fn external_ids_are_trimmed_and_lower_case() {
        for (text, expected) in [
            (" 00Q5E0000 ", "00q5e0000"),
            ("a b", "a b"),
            ("1E5", "1e5"),
            ("É-1\u{200b}", "é-1"),
        ] {
            let mut out = String::new();
            assert_eq!(external_id(text, &mut out), Ok(()));
            assert_eq!(out, expected);
        }
        assert_eq!(
            external_id("6.80E+10", &mut String::new()),
            Err(Code::ExternalIdPrecisionLost)
        );
    }
}
