//! Postal codes: lower case, cut at the first dash, no white space; five digits in the United States.

use std::borrow::Cow;

use super::country::Country;
use super::text;

/// Whether a spreadsheet has damaged the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// It came whole.
    None,
    /// Leading zeros were put back.
    LeadingZero,
}

/// Appends the normalised code to `out`; nothing when it is shorter than two characters.
pub(super) fn normalize(zip: &str, country: Option<Country>, out: &mut String) -> Repair {
    let plain = text::plain(zip);
    let compact: Cow<str> = match plain.contains(' ') {
        true => plain.replace(' ', "").into(),
        false => plain,
    };
    let code = text::bare(&compact, Some(b'z'));
    if text::is_nothing(code) {
        return Repair::None;
    }
    let start = out.len();
    let cut = code.split('-').next().unwrap_or_default();
    text::push_all_lowercase(whole(text::bare(cut, Some(b'z'))), out);
    let mut repair = Repair::None;
    if country == Some(Country::US) && out[start..].bytes().all(|byte| byte.is_ascii_digit()) {
        // A number cell has no leading zeros: New England's codes lose one, Puerto Rico's two.
        let lost = match out.len() - start {
            digits @ 3..5 => 5 - digits,
            digits @ 7..9 => 9 - digits,
            _ => 0,
        };
        if lost > 0 {
            out.insert_str(start, &"00"[..lost]);
            repair = Repair::LeadingZero;
        }
        out.truncate(start + 5);
    }
    if out[start..].chars().nth(1).is_none() {
        out.truncate(start);
    }
    repair
}

/// Without the fraction of a number cell: `94035.0`.
fn whole(code: &str) -> &str {
    match code.split_once('.') {
        Some((digits, fraction))
            if digits.bytes().all(|b| b.is_ascii_digit())
                && fraction.bytes().all(|b| b == b'0') =>
        {
            digits
        }
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_cut_at_the_dash_and_have_no_white_space() {
        for (text, country, expected, repair) in [
            ("94035", "US", "94035", Repair::None),
            ("94035-1234", "US", "94035", Repair::None),
            ("940351234", "US", "94035", Repair::None),
            ("94035 1234", "US", "94035", Repair::None),
            ("94035–1234", "US", "94035", Repair::None),
            ("z:02134", "US", "02134", Repair::None),
            ("'02134", "US", "02134", Repair::None),
            ("=\"02134\"", "US", "02134", Repair::None),
            ("2134", "US", "02134", Repair::LeadingZero),
            ("2134.0", "US", "02134", Repair::LeadingZero),
            ("601", "US", "00601", Repair::LeadingZero),
            ("21341234", "US", "02134", Repair::LeadingZero),
            ("2134", "AT", "2134", Repair::None),
            ("M1 1AE", "GB", "m11ae", Repair::None),
            ("m1\u{a0}1ae", "", "m11ae", Repair::None),
            ("K1A 0B1", "CA", "k1a0b1", Repair::None),
            ("K1A 0B1", "US", "k1a0b1", Repair::None),
            ("１２３-４５６７", "JP", "123", Repair::None),
            ("01310-100", "BR", "01310", Repair::None),
            ("1", "", "", Repair::None),
            ("1", "US", "", Repair::None),
            ("-", "", "", Repair::None),
        ] {
            let mut out = String::new();
            assert_eq!(
                normalize(text, Country::parse(country), &mut out),
                repair,
                "{text}"
            );
            assert_eq!(out, expected, "{text} {country}");
        }
    }
}
