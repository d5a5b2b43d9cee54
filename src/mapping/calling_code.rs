//! Which headings speak of the calling codes that some exports keep in a column of their own, beside the numbers.

use super::columns::canonical;

/// What such a heading holds, run together.
const NAMES: [&str; 26] = [
    "countrycode",
    "callingcode",
    "dialcode",
    "dialingcode",
    "diallingcode",
    "diallingprefix",
    "isdcode",
    "phonecode",
    "mobilecode",
    "phoneprefix",
    "vorwahl",
    "indicatif",
    "codigopais",
    "codigodepais",
    "códigopaís",
    "códigodepaís",
    "codigodopais",
    "códigodopaís",
    "prefijo",
    "prefisso",
    "ddi",
    "landcode",
    "landskod",
    "кодстраны",
    "ülkekodu",
    "国番号",
];

/// Words by which a heading speaks of numbers with or without their code.
const WITH: [&str; 12] = [
    "with", "without", "incl", "mit", "ohne", "inkl", "avec", "sans", "con", "sin", "com", "sem",
];

/// Whether a column of this heading, taken for phones, holds the calling codes of the numbers in another.
pub(crate) fn speaks_of_calling_codes(heading: &str) -> bool {
    let lower = heading.to_lowercase();
    let is_around = lower
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| WITH.contains(&word) || word.starts_with("includ"));
    let name = canonical(heading);
    let is_named = |known: &str| match known.len() {
        ..=3 => name == known,
        _ => name.contains(known),
    };
    !is_around && (NAMES.iter().any(|known| is_named(known)) || name == "code" || name == "prefix")
}

/// What the heading of a column of area codes holds, run together; some speak of calling codes elsewhere.
const AREA_NAMES: [&str; 17] = [
    "areacode",
    "vorwahl",
    "ortsvorwahl",
    "ddd",
    "prefijo",
    "prefisso",
    "prefix",
    "kengetal",
    "netnummer",
    "lada",
    "stdcode",
    "citycode",
    "codigodearea",
    "códigodeárea",
    "codigoarea",
    "riktnummer",
    "кодгорода",
];

/// Whether a column of this heading holds the area codes of national numbers, if its cells are such.
pub(crate) fn speaks_of_area_codes(heading: &str) -> bool {
    let name = canonical(heading);
    AREA_NAMES.iter().any(|known| match known.len() {
        ..=7 => name == *known,
        _ => name.contains(known),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_codes_are_told_by_their_headings() {
        for heading in ["Vorwahl", "Area Code", "DDD", "Código de área", "Kengetal"] {
            assert!(speaks_of_area_codes(heading), "{heading}");
        }
        for heading in ["Telefon", "Added", "Postcode", "Area"] {
            assert!(!speaks_of_area_codes(heading), "{heading}");
        }
    }

    #[test]
    fn codes_are_told_from_numbers_with_and_without_them() {
        for heading in [
            "Phone Country Code",
            "country_code",
            "Ländervorwahl",
            "Indicatif",
            "DDI",
            "phones.0.countryCode",
        ] {
            assert!(speaks_of_calling_codes(heading), "{heading}");
        }
        for heading in [
            "Phone",
            "mobile_without_country_code",
            "Phone (incl. country code)",
            "Telefon mit Vorwahl",
            "Address",
        ] {
            assert!(!speaks_of_calling_codes(heading), "{heading}");
        }
    }
}
