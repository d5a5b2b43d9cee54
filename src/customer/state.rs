//! States: two letters for the United States and Canada, the bare name elsewhere.
//!
//! Without a country, a name that is a state's or a province's becomes its code; anything else is kept as a name.
//! The names come from the `rust_iso3166` crate.

use std::collections::HashMap;
use std::sync::OnceLock;

use rust_iso3166::iso3166_2 as iso;

use super::country::{Country, fold};
use super::place;
use crate::problem::Code;

/// Appends the normalised state to `out`.
pub(super) fn normalize(
    text: &str,
    country: Option<Country>,
    out: &mut String,
) -> Result<(), Code> {
    let start = out.len();
    place::push_letters(text, out);
    if country.is_none_or(|country| country == Country::US || country == Country::CA) {
        // The letters alone may be a state where the whole is none: `TX 78701`.
        if let Some(code) = code(text, country).or_else(|| code(&out[start..], country)) {
            out.truncate(start);
            out.push_str(code);
        } else if country.is_some() && out.len() > start {
            out.truncate(start);
            return Err(Code::StateUnknown);
        }
    }
    Ok(())
}

/// The two lowercase letters of a state of the United States, by its code, ISO code (`US-CA`) or name.
pub(crate) fn us_state(text: &str) -> Option<&'static str> {
    let mut letters = String::new();
    place::push_letters(text, &mut letters);
    let country = Some(Country::US);
    code(text, country).or_else(|| code(&letters, country))
}

/// The code of a state of the United States or a province of Canada, by its code, ISO code (`US-CA`) or name.
fn code(text: &str, country: Option<Country>) -> Option<&'static str> {
    let mut name = String::with_capacity(text.len());
    fold(text, &mut name);
    let states = || find(&tables().0, &name, "us");
    let provinces = || find(&tables().1, &name, "ca");
    match country {
        Some(Country::US) => states(),
        Some(_) => provinces(),
        None => states().or_else(provinces),
    }
}

fn find(codes: &'static Codes, name: &str, country: &str) -> Option<&'static str> {
    let iso = || codes.get(name.strip_prefix(country).filter(|code| code.len() == 2)?);
    codes.get(name).or_else(iso).map(String::as_str)
}

/// Lowercase codes by folded name and code.
type Codes = HashMap<String, String>;

/// The United States, then Canada. Built when the first state is looked up.
fn tables() -> &'static (Codes, Codes) {
    static TABLES: OnceLock<(Codes, Codes)> = OnceLock::new();
    TABLES.get_or_init(|| {
        (
            codes(STATES, STATE_ALIASES),
            codes(PROVINCES, PROVINCE_ALIASES),
        )
    })
}

fn codes(official: &[iso::Subdivision], aliases: &[(&str, &str)]) -> Codes {
    let official = official.iter().flat_map(|part| {
        [
            (part.name, part.region_code),
            (part.region_code, part.region_code),
        ]
    });
    let names = official.chain(aliases.iter().copied());
    names
        .map(|(name, code)| {
            let mut folded = String::new();
            fold(name, &mut folded);
            (folded, code.to_ascii_lowercase())
        })
        .collect()
}

/// The states, the District of Columbia and the territories.
const STATES: &[iso::Subdivision] = &[
    iso::US_AK,
    iso::US_AL,
    iso::US_AR,
    iso::US_AS,
    iso::US_AZ,
    iso::US_CA,
    iso::US_CO,
    iso::US_CT,
    iso::US_DC,
    iso::US_DE,
    iso::US_FL,
    iso::US_GA,
    iso::US_GU,
    iso::US_HI,
    iso::US_IA,
    iso::US_ID,
    iso::US_IL,
    iso::US_IN,
    iso::US_KS,
    iso::US_KY,
    iso::US_LA,
    iso::US_MA,
    iso::US_MD,
    iso::US_ME,
    iso::US_MI,
    iso::US_MN,
    iso::US_MO,
    iso::US_MP,
    iso::US_MS,
    iso::US_MT,
    iso::US_NC,
    iso::US_ND,
    iso::US_NE,
    iso::US_NH,
    iso::US_NJ,
    iso::US_NM,
    iso::US_NV,
    iso::US_NY,
    iso::US_OH,
    iso::US_OK,
    iso::US_OR,
    iso::US_PA,
    iso::US_PR,
    iso::US_RI,
    iso::US_SC,
    iso::US_SD,
    iso::US_TN,
    iso::US_TX,
    iso::US_UM,
    iso::US_UT,
    iso::US_VA,
    iso::US_VI,
    iso::US_VT,
    iso::US_WA,
    iso::US_WI,
    iso::US_WV,
    iso::US_WY,
];

const PROVINCES: &[iso::Subdivision] = &[
    iso::CA_AB,
    iso::CA_BC,
    iso::CA_MB,
    iso::CA_NB,
    iso::CA_NL,
    iso::CA_NS,
    iso::CA_NT,
    iso::CA_NU,
    iso::CA_ON,
    iso::CA_PE,
    iso::CA_QC,
    iso::CA_SK,
    iso::CA_YT,
];

/// What people and the postal service write besides.
const STATE_ALIASES: &[(&str, &str)] = &[
    ("D.C.", "DC"),
    ("Washington DC", "DC"),
    ("Commonwealth of Puerto Rico", "PR"),
    ("US Virgin Islands", "VI"),
    ("Virgin Islands", "VI"),
    ("Northern Marianas", "MP"),
    ("AA", "AA"),
    ("AE", "AE"),
    ("AP", "AP"),
    ("Armed Forces Americas", "AA"),
    ("Armed Forces Europe", "AE"),
    ("Armed Forces Pacific", "AP"),
];

const PROVINCE_ALIASES: &[(&str, &str)] = &[
    ("PQ", "QC"),
    ("NF", "NL"),
    ("Newfoundland", "NL"),
    ("PEI", "PE"),
    ("NWT", "NT"),
    ("Yukon Territory", "YT"),
    ("Colombie-Britannique", "BC"),
    ("Île-du-Prince-Édouard", "PE"),
    ("Nouveau-Brunswick", "NB"),
    ("Nouvelle-Écosse", "NS"),
    ("Terre-Neuve-et-Labrador", "NL"),
    ("Territoires du Nord-Ouest", "NT"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str, country: Option<&str>) -> Result<String, Code> {
        let mut out = String::new();
        normalize(
            text,
            country.map(|country| Country::parse(country).unwrap()),
            &mut out,
        )
        .map(|()| out)
    }

    #[test]
    fn states_and_provinces_become_two_letters() {
        for (text, country, expected) in [
            ("California", None, "ca"),
            ("california", Some("US"), "ca"),
            ("CA", Some("US"), "ca"),
            ("Calif\u{f3}rnia", Some("US"), "ca"),
            ("US-NY", Some("US"), "ny"),
            ("New  York", Some("US"), "ny"),
            ("N.Y.", Some("US"), "ny"),
            ("TX 78701", Some("US"), "tx"),
            ("New York 2", None, "ny"),
            ("12", Some("US"), ""),
            ("District of Columbia", Some("US"), "dc"),
            ("Washington, D.C.", Some("US"), "dc"),
            ("Washington", Some("US"), "wa"),
            ("Puerto Rico", Some("US"), "pr"),
            ("Virgin Islands, U.S.", Some("US"), "vi"),
            ("Guam", None, "gu"),
            ("Quebec", Some("CA"), "qc"),
            ("Québec", Some("CA"), "qc"),
            ("QUÉBEC", None, "qc"),
            ("Ontario", None, "on"),
            ("CA-ON", Some("CA"), "on"),
            ("Newfoundland & Labrador", Some("CA"), "nl"),
        ] {
            assert_eq!(
                state(text, country).as_deref(),
                Ok(expected),
                "{text} {country:?}"
            );
        }
    }

    #[test]
    fn elsewhere_the_name_is_kept_without_punctuation_white_space_and_digits() {
        for (text, country, expected) in [
            ("Nordrhein-Westfalen", Some("DE"), "nordrheinwestfalen"),
            ("São Paulo", Some("BR"), "sãopaulo"),
            ("California", Some("MX"), "california"),
            ("Bayern", None, "bayern"),
            ("NSW 2000", Some("AU"), "nsw"),
            ("75", Some("FR"), ""),
        ] {
            assert_eq!(
                state(text, country).as_deref(),
                Ok(expected),
                "{text} {country:?}"
            );
        }
    }

    #[test]
    fn a_state_the_country_does_not_have_is_unusable() {
        assert_eq!(state("Bavaria", Some("US")), Err(Code::StateUnknown));
        assert_eq!(state("Ontario", Some("US")), Err(Code::StateUnknown));
        assert_eq!(state("TX", Some("CA")), Err(Code::StateUnknown));
    }

    #[test]
    fn every_code_is_its_own_normal_form() {
        for (country, official) in [("US", STATES), ("CA", PROVINCES)] {
            for part in official {
                let code = part.region_code.to_lowercase();
                assert_eq!(
                    state(part.name, Some(country)).as_deref(),
                    Ok(code.as_str()),
                    "{}",
                    part.name
                );
                assert_eq!(
                    state(&code, Some(country)).as_deref(),
                    Ok(code.as_str()),
                    "{}",
                    part.name
                );
                assert_eq!(
                    state(&code, None).as_deref(),
                    Ok(code.as_str()),
                    "{}",
                    part.name
                );
            }
        }
    }
}
