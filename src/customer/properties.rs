//! What must hold for any text, whatever an export has in its cells.

use crate::cell::is_nothing;
use proptest::prelude::*;

use super::*;
use crate::problem::Code;

/// Fields whose values are sent hashed, one value a cell.
const HASHED: [Field; 11] = [
    Field::Email,
    Field::Phone,
    Field::FirstName,
    Field::LastName,
    Field::Gender,
    Field::DateOfBirth,
    Field::City,
    Field::State,
    Field::Zip,
    Field::Country,
    Field::ExternalId,
];

fn settings(country: &str) -> Settings {
    Settings {
        default_country: Country::parse(country),
        date_order: None,
        this_year: 2026,
        letter_m: crate::customer::LetterM::Man,
    }
}

/// Texts near to what cells hold, and texts of anything.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<String>(),
        2 => "[ -~\u{a0}\u{200b}\u{feff}\u{2019}\u{301}\u{307}\u{308}ÄÖßéİıΣσςǅ정Ａ１]{0,24}",
        2 => "[ +(]{0,2}[0-9]{2,4}[-. )/]{0,2}[0-9]{2,4}[- ]?[0-9]{0,6}",
        1 => "[a-zA-Z.]{1,8}@[a-zA-ZéÖ]{1,8}[.][a-zA-Z]{2,3}",
        1 => "[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}",
        1 => "[0-9][.,]?[0-9]{0,6}[eE][+]?[0-9]{1,2}",
        1 => "[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}",
    ]
}

fn country() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "US", "CA", "GB", "DE", "IT", "BR", "FR"])
}

fn field() -> impl Strategy<Value = Field> {
    prop::sample::select(Field::ALL.to_vec())
}

fn hashed_field() -> impl Strategy<Value = Field> {
    prop::sample::select(HASHED.to_vec())
}

fn row(
    normalizer: &mut Normalizer,
    cells: &[(Field, String)],
) -> (Vec<u8>, Vec<(Code, Field, u32)>) {
    let cells: Vec<_> = (0u32..)
        .zip(cells)
        .map(|(column, (field, text))| Cell {
            field: *field,
            column,
            text,
        })
        .collect();
    let (mut user_data, mut notices, mut json) = (UserData::default(), Vec::new(), Vec::new());
    normalizer.read(&cells, None, &mut user_data, &mut |code, field, column| {
        notices.push((code, field, column))
    });
    user_data.write_json(&mut json);
    (json, notices)
}

proptest! {
    #[test]
    fn normalising_twice_changes_nothing(field in hashed_field(), text in text(), country in country()) {
        // A full-length national number read again has no country to lose: E.164 comes back with its `+`.
        let plus = if field == Field::Phone { "+" } else { "" };
        let normalizer = Normalizer::new(&settings(country));
        for value in normalizer.values(field, &text).unwrap_or_default() {
            let Some(normal) = &value.text else { continue };
            let again = normalizer.values(field, &format!("{plus}{normal}"));
            // Some normal forms say nothing when they stand alone in a cell, such as the external id `n/a `.
            if !is_nothing(normal) {
                prop_assert_eq!(again, Ok(vec![value.clone()]), "{}", normal);
            }
        }
    }

    #[test]
    fn surrounding_white_space_and_case_never_change_a_hash(
        field in hashed_field(), text in text(), country in country(), before in "[ \t\u{a0}\u{200b}\u{feff}\u{3000}]{0,3}", after in "[ \r\n\u{2003}\u{200e}]{0,3}",
    ) {
        let normalizer = Normalizer::new(&settings(country));
        let expected = normalizer.values(field, &text);
        prop_assert_eq!(&normalizer.values(field, &format!("{before}{text}{after}")), &expected);
        let hashes = |values: Result<Vec<Normalized>, Code>| values.unwrap_or_default().iter().map(|value| value.sha256).collect::<Vec<_>>();
        // Exact spellings are told apart only where a cell says nothing: `NaN` does, the name `Nan` does not.
        if field != Field::Phone && !is_nothing(&text) && !is_nothing(&text.to_ascii_lowercase()) && !is_nothing(&text.to_ascii_uppercase()) {
            prop_assert_eq!(hashes(normalizer.values(field, &text.to_ascii_uppercase())), hashes(expected.clone()));
            prop_assert_eq!(hashes(normalizer.values(field, &text.to_ascii_lowercase())), hashes(expected));
        }
    }

    #[test]
    fn nothing_unusable_yields_a_hash(field in hashed_field(), text in text(), country in country()) {
        let mut normalizer = Normalizer::new(&settings(country));
        let values = normalizer.values(field, &text);
        let (json, notices) = row(&mut normalizer, &[(field, text)]);
        match values {
            Ok(values) if !values.is_empty() => prop_assert_ne!(json, b"{}"),
            Ok(_) => prop_assert_eq!((json, notices), (b"{}".to_vec(), vec![])),
            Err(code) => {
                prop_assert_eq!(json, b"{}");
                prop_assert_eq!(notices.first(), Some(&(code, field, 0)));
            }
        }
    }

    #[test]
    fn rows_read_the_same_with_the_cache_and_without(rows in prop::collection::vec(prop::collection::vec((field(), text()), 0..8), 1..4), country in country()) {
        let mut cached = Normalizer::new(&settings(country));
        let mut plain = Normalizer::without_cache(&settings(country));
        for cells in rows.iter().chain(&rows) {
            prop_assert_eq!(row(&mut cached, cells), row(&mut plain, cells));
        }
    }

    #[test]
    fn user_data_is_always_sorted_json(cells in prop::collection::vec((field(), text()), 0..12)) {
        let (json, _) = row(&mut Normalizer::new(&settings("US")), &cells);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let names: Vec<_> = value.as_object().unwrap().keys().collect();
        prop_assert!(names.is_sorted());
    }
}
