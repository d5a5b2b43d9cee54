//! Postal codes: lower case, no white space, cut at the first dash in every country; five digits in the United States.
//!
//! Meta's documentation wants ["lowercase with no spaces and no dash"][1] and says nothing of what stands behind a dash
//! outside of the United States. All of Meta's own code cuts there, whatever the country: [the business SDKs][2] (Python,
//! Node, PHP) and the [parameter builder][3], whose client part is also what browsers run, so that the hashes Meta has of
//! its people by the pixel are those of `90` for `90-001` and of `100` for `100-0001`. To join the parts, as the
//! documentation may be read too, would match none of them.
//!
//! [1]: https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
//! [2]: https://github.com/facebook/facebook-python-business-sdk/blob/main/facebook_business/adobjects/serverside/normalize.py
//! [3]: https://github.com/facebook/capi-param-builder/blob/main/client_js/shared/utils/piiUtil/zipCodeUtil.js

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
    let cut = code.split_once('-').map_or(code, |(cut, _)| cut);
    text::push_all_lowercase(whole(text::bare(cut, Some(b'z'))), out);
    let mut repair = Repair::None;
    let is_number = out[start..].bytes().all(|byte| byte.is_ascii_digit());
    if let Some(country) = country.filter(|_| is_number) {
        let digits = out.len() - start;
        let lost = match zeros_lost(country, digits) {
            // With the four digits that may follow.
            0 if country == Country::US && digits > 5 => zeros_lost(country, digits - 4),
            lost => lost,
        };
        if lost > 0 {
            out.insert_str(start, &"00"[..lost]);
            repair = Repair::LeadingZero;
        }
        if country == Country::US {
            out.truncate(start + 5);
        }
    }
    if out[start..].chars().nth(1).is_none() {
        out.truncate(start);
    }
    repair
}

/// Countries whose codes are numbers of so many digits and may begin with so many zeros, which the number cells of
/// spreadsheets drop: New England's codes lose one, Puerto Rico's and Rome's two. Lengths are those of
/// [CLDR](https://github.com/unicode-org/cldr/blob/release-26-0-1/common/supplemental/postalCodeData.xml).
const WITH_ZEROS: &[([u8; 2], usize, usize)] = &[
    (*b"au", 4, 1),
    (*b"br", 8, 1),
    (*b"cn", 6, 1),
    (*b"de", 5, 1),
    (*b"dk", 4, 1),
    (*b"es", 5, 1),
    (*b"fi", 5, 2),
    (*b"fr", 5, 1),
    (*b"it", 5, 2),
    (*b"jp", 7, 2),
    (*b"kr", 5, 1),
    (*b"kz", 6, 1),
    (*b"lt", 5, 1),
    (*b"mx", 5, 1),
    (*b"my", 5, 1),
    (*b"no", 4, 1),
    (*b"nz", 4, 1),
    (*b"ro", 6, 1),
    (*b"sg", 6, 1),
    (*b"sk", 5, 1),
    (*b"tr", 5, 1),
    (*b"ua", 5, 1),
    (*b"us", 5, 2),
    (*b"za", 4, 1),
];

/// How many zeros a code of so many digits has lost.
fn zeros_lost(country: Country, digits: usize) -> usize {
    let of_country = WITH_ZEROS
        .iter()
        .find(|(code, ..)| *code == country.letters());
    of_country.map_or(0, |&(_, whole, zeros)| {
        let lost = whole.saturating_sub(digits);
        if lost <= zeros { lost } else { 0 }
    })
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
            ("2134-1234", "US", "02134", Repair::LeadingZero),
            ("2134", "AT", "2134", Repair::None),
            ("2134", "", "2134", Repair::None),
            ("8001", "ES", "08001", Repair::LeadingZero),
            ("8001.0", "ES", "08001", Repair::LeadingZero),
            ("801", "ES", "801", Repair::None),
            ("1067", "DE", "01067", Repair::LeadingZero),
            ("118", "IT", "00118", Repair::LeadingZero),
            ("6000", "MX", "06000", Repair::LeadingZero),
            ("150", "NO", "0150", Repair::LeadingZero),
            ("600001", "JP", "0600001", Repair::LeadingZero),
            ("1310100", "BR", "01310100", Repair::LeadingZero),
            ("01000", "FR", "01000", Repair::None),
            ("90-001", "PL", "90", Repair::None),
            ("1000-205", "PT", "1000", Repair::None),
            ("100-0001", "JP", "100", Repair::None),
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
