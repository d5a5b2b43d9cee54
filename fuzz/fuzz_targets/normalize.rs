//! Any text in any customer field: no panic, nothing unusable hashed, normalising twice changes nothing, always JSON.
//!
//! The first byte chooses the field, the second the row's country; the rest is the cell.

#![no_main]

use crm2capi::customer::{Cell, Country, Normalizer, Settings, UserData, is_nothing};
use crm2capi::field::Field;
use crm2capi::time::DateOrder;
use libfuzzer_sys::{Corpus, fuzz_target};

const COUNTRIES: [&str; 8] = ["", "US", "CA", "GB", "DE", "IT", "BR", "FR"];

fuzz_target!(|data: &[u8]| -> Corpus {
    let [field, country, text @ ..] = data else { return Corpus::Reject };
    let Ok(text) = std::str::from_utf8(text) else { return Corpus::Reject };
    let field = Field::ALL[usize::from(*field) % Field::ALL.len()];
    let settings = Settings {
        default_country: Country::parse(COUNTRIES[usize::from(*country) % COUNTRIES.len()]),
        date_order: [None, Some(DateOrder::Mdy), Some(DateOrder::Dmy)][usize::from(*country) / 8 % 3],
        this_year: 2026,
            letter_m: crm2capi::customer::LetterM::Man,
    };
    let mut normalizer = Normalizer::new(&settings);
    let values = normalizer.values(field, text);

    let (mut user_data, mut json, mut notices) = (UserData::default(), Vec::new(), 0);
    let cells = [Cell { field, column: 0, text }];
    normalizer.read(&cells, Some(1_554_763_741_205), &mut user_data, &mut |_, _, _| notices += 1);
    user_data.write_json(&mut json);
    serde_json::from_slice::<serde_json::Value>(&json).expect("user data is JSON");

    match values {
        // A click id on its own has no time; in the row it has.
        Err(_) if field != Field::Fbclid => assert!(user_data.keys().is_empty() && notices > 0),
        Err(_) => {}
        Ok(values) if values.is_empty() => assert!(user_data.keys().is_empty()),
        Ok(values) => {
            assert!(!user_data.keys().is_empty());
            for value in &values {
                let Some(normal) = value.text.as_deref().filter(|normal| !is_nothing(normal) && !is_hex(normal)) else {
                    continue;
                };
                let plus = if field == Field::Phone { "+" } else { "" };
                let field = if field == Field::FullName { Field::FirstName } else { field };
                let again = normalizer.values(field, &format!("{plus}{normal}")).expect("normal forms are usable");
                assert_eq!(again.iter().map(|value| &value.text).collect::<Vec<_>>(), [&value.text]);
            }
        }
    }
    Corpus::Keep
});

/// A name or code may normalise to what is a hash when it comes in.
fn is_hex(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
