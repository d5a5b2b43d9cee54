//! A small cache of values that repeat from row to row: countries, states, cities, postal codes, genders, names.
//!
//! A value has one place it can be in, and the one that comes later takes it: the size never grows, and nothing is
//! ever moved. Long values are not kept.

use super::country::Country;
use super::hash::Hash;
use crate::field::Field;
use crate::problem::Code;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The hash; absent when the value normalises to nothing or cannot be used.
    pub hash: Option<Hash>,
    /// What there is to report.
    pub problem: Option<Code>,
    /// The country, when that is what the value names.
    pub country: Option<Country>,
}

const PLACES: usize = 2048;
const LONGEST: usize = 24;

/// What a value's outcome depends on, in a form that is quick to compare.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    field: Field,
    country: Option<Country>,
    len: u8,
    text: [u8; LONGEST],
}

/// The cache of one worker thread.
#[derive(Default)]
pub(super) struct Cache {
    places: Vec<Option<(Key, Outcome)>>,
}

impl Cache {
    /// The kept outcome of a value, else the one `compute` gives.
    pub fn outcome(
        &mut self,
        field: Field,
        country: Option<Country>,
        text: &str,
        compute: impl FnOnce() -> Outcome,
    ) -> Outcome {
        let Some(key) = Key::new(field, country, text) else { return compute() };
        if self.places.is_empty() {
            self.places.resize(PLACES, None);
        }
        let place = &mut self.places[key.place()];
        match place {
            Some((kept, outcome)) if *kept == key => *outcome,
            _ => {
                let outcome = compute();
                *place = Some((key, outcome));
                outcome
            }
        }
    }
}

impl Key {
    fn new(field: Field, country: Option<Country>, text: &str) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { field, country, len: text.len() as u8, text: bytes })
    }

    fn place(&self) -> usize {
        // The multiplier is the golden ratio's: it spreads close inputs over the high bits.
        let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let words = self.text.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word));
        let country = self.country.map_or(0, |country| u64::from(country.number()));
        let hash = words.fold(mix(country, (self.field as u64) << 8 | u64::from(self.len)), mix);
        (hash >> 32) as usize % PLACES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Outcome {
        Outcome { hash: Some(Hash::of(text)), problem: None, country: None }
    }

    #[test]
    fn a_value_is_computed_once_for_its_field_and_country() {
        let mut cache = Cache::default();
        let mut computed = 0;
        let us = Country::parse("US");
        for (field, country) in
            [(Field::City, us), (Field::City, us), (Field::State, us), (Field::City, None), (Field::City, None)]
        {
            let got = cache.outcome(field, country, "Springfield", || {
                computed += 1;
                outcome("springfield")
            });
            assert_eq!(got, outcome("springfield"));
        }
        assert_eq!(computed, 3);
    }

    #[test]
    fn values_that_share_a_place_are_never_mixed_up() {
        let mut cache = Cache::default();
        for round in 0..2 {
            for number in 0..3 * PLACES {
                let text = format!("{}{number}", "x".repeat(number % 22));
                assert_eq!(cache.outcome(Field::City, None, &text, || outcome(&text)), outcome(&text), "{round}");
            }
        }
        assert_eq!(cache.places.len(), PLACES);
    }
}
