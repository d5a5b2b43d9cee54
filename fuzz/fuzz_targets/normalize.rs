//! Any text in any customer field: no panic, and normalising twice changes nothing.
//!
//! The first byte chooses the field, the second the row's country; the rest is the cell.

#![no_main]

use crm2capi::Normalizer;
use libfuzzer_sys::{Corpus, fuzz_target};

const COUNTRIES: [Option<&str>; 8] =
    [None, Some("US"), Some("CA"), Some("GB"), Some("DE"), Some("IT"), Some("BR"), Some("FR")];
const FIELDS: [&str; 17] = [
    "lead_id", "email", "phone", "first_name", "last_name", "full_name", "gender", "date_of_birth", "city", "state", "zip",
    "country", "external_id", "fbc", "fbp", "client_ip_address", "client_user_agent",
];

fuzz_target!(|data: &[u8]| -> Corpus {
    let [field, country, text @ ..] = data else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let field = FIELDS[usize::from(*field) % FIELDS.len()];
    let country_of_row = COUNTRIES[usize::from(*country) % COUNTRIES.len()];
    let order = [None, Some("mdy"), Some("dmy")][usize::from(*country) / 8 % 3];
    let normalizer = Normalizer::new(country_of_row, order).expect("known countries and orders");
    let Ok(values) = normalizer.normalize(field, text) else { return Corpus::Keep };
    for value in values {
        // A name or code may normalise to what is a hash, or nothing, when it comes in.
        let Some(normal) = value.text.as_deref().filter(|normal| !is_hex(normal)) else { continue };
        let plus = if value.key == "ph" { "+" } else { "" };
        let Ok(again) = normalizer.normalize(value.key, &format!("{plus}{normal}")) else { continue };
        assert!(again.is_empty() || again.iter().any(|again| again.text == value.text));
    }
    Corpus::Keep
});

fn is_hex(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
