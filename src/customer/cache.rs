//! A small cache of values that repeat from row to row: countries, states, cities, genders, names.
//!
//! Each field has a table of its own, so that few values are not crowded out by many. A value has one place it can be in,
//! and the one that comes later takes it: the size never grows, and nothing is ever moved. Long values are not kept.

use super::country::Country;
use super::hash::Hash;
use crate::field::Field;
use crate::problem::Code;

/// What became of a value; nothing is what becomes of a cell that says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The hash; absent when the value normalises to nothing or cannot be used.
    pub hash: Option<Hash>,
    /// What there is to report.
    pub problem: Option<Code>,
    /// The country, when that is what the value names.
    pub country: Option<Country>,
}

/// How many values of a field are kept: as many as the frequent ones of a large export are.
const fn places(field: Field) -> usize {
    match field {
        Field::Gender => 16,
        Field::Country => 64,
        Field::State => 256,
        _ => 1024,
    }
}

/// Tables, one for each field that is kept.
const TABLES: usize = 6;

/// The table of a field; none for one whose values hardly repeat.
const fn table(field: Field) -> Option<usize> {
    Some(match field {
        Field::Gender => 0,
        Field::Country => 1,
        Field::State => 2,
        Field::FirstName => 3,
        Field::LastName => 4,
        Field::City => 5,
        _ => return None,
    })
}

/// What a value's outcome depends on, in a form that is quick to compare: the text as three numbers, and field, country
/// and length as one more. No text is empty, so that the key of an empty place equals none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Key {
    start: u64,
    middle: u64,
    end: u64,
    about: u64,
}

/// The cache of one worker thread.
#[derive(Default)]
pub(super) struct Cache {
    tables: [Vec<(Key, Outcome)>; TABLES],
}

/// The place of a value in the cache.
pub(super) struct Entry<'a> {
    key: Key,
    place: &'a mut (Key, Outcome),
}

impl Cache {
    /// The place of a value; none for one that is too long to be kept.
    #[inline]
    pub(super) fn entry(
        &mut self,
        field: Field,
        country: Option<Country>,
        text: &str,
    ) -> Option<Entry<'_>> {
        let key = Key::new(field, country, text)?;
        let table = &mut self.tables[table(field)?];
        if table.is_empty() {
            table.resize(places(field), Default::default());
        }
        // A power of two of them.
        let place = key.mixed() & (table.len() - 1);
        Some(Entry {
            key,
            place: table.get_mut(place)?,
        })
    }
}

impl<'a> Entry<'a> {
    /// The kept outcome of the value, else the one `compute` gives.
    pub(super) fn or_compute(self, compute: impl FnOnce(&mut Outcome)) -> &'a Outcome {
        if self.place.0 != self.key {
            self.place.0 = self.key;
            compute(&mut self.place.1);
        }
        &self.place.1
    }
}

impl Key {
    /// The first bytes and the last, however they overlap: with the length they are the text.
    #[inline]
    fn new(field: Field, country: Option<Country>, text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let eight = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let four = |bytes: Option<&[u8; 4]>| {
            bytes.map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
        };
        let (start, middle, end) = match *text {
            [] => return None,
            [first] => (first.into(), 0, 0),
            [first, .., last] if text.len() < 4 => (first.into(), text[1].into(), last.into()),
            _ if text.len() < 8 => (four(text.first_chunk()), 0, four(text.last_chunk())),
            _ if text.len() <= 16 => (eight(text.first_chunk()), 0, eight(text.last_chunk())),
            _ if text.len() <= 24 => (
                eight(text.first_chunk()),
                eight(text[8..].first_chunk()),
                eight(text.last_chunk()),
            ),
            _ => return None,
        };
        let country = country.map_or(0, |country| {
            u64::from(u16::from_le_bytes(country.letters()))
        });
        Some(Self {
            start,
            middle,
            end,
            about: (country << 16) | (field as u64) << 8 | text.len() as u64,
        })
    }

    #[inline]
    fn mixed(&self) -> usize {
        // Odd numbers without a pattern, the first of them the golden ratio's, spread close inputs over the high bits.
        let mixed = (self.start ^ self.about).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ self.middle.wrapping_mul(0xbf58_476d_1ce4_e5b9)
            ^ (self.end ^ self.about << 32)
                .wrapping_mul(0x94d0_49bb_1331_11eb)
                .rotate_left(29);
        (mixed ^ mixed >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Outcome {
        Outcome {
            hash: Some(Hash::of(text)),
            problem: None,
            country: None,
        }
    }

    #[test]
    fn a_value_is_computed_once_for_its_field_and_country() {
        let mut cache = Cache::default();
        let mut computed = 0;
        let us = Country::parse("US");
        for (field, country) in [
            (Field::City, us),
            (Field::City, us),
            (Field::State, us),
            (Field::City, None),
            (Field::City, None),
        ] {
            let got = cache
                .entry(field, country, "Springfield")
                .unwrap()
                .or_compute(|place| {
                    computed += 1;
                    *place = outcome("springfield");
                });
            assert_eq!(*got, outcome("springfield"));
        }
        assert_eq!(computed, 3);
    }

    #[test]
    fn texts_of_any_length_are_told_apart() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        for len in 1..=24 {
            let key = Key::new(Field::City, None, &text[..len]).unwrap();
            assert!(key != Key::new(Field::State, None, &text[..len]).unwrap());
            assert!(key == Key::new(Field::City, None, &text[..len]).unwrap());
            for changed in 0..len {
                let other = format!("{}-{}", &text[..changed], &text[changed + 1..len]);
                assert!(
                    key != Key::new(Field::City, None, &other).unwrap(),
                    "{len} {changed}"
                );
            }
        }
        assert!(
            Key::new(Field::City, None, &text[..25]).is_none()
                && Key::new(Field::City, None, "").is_none()
        );
    }

    #[test]
    fn values_that_share_a_place_are_never_mixed_up() {
        let mut cache = Cache::default();
        for round in 0..2 {
            for number in 0..3 * places(Field::City) {
                let text = format!("{}{number}", "x".repeat(number % 21));
                let got = cache
                    .entry(Field::City, None, &text)
                    .unwrap()
                    .or_compute(|place| *place = outcome(&text));
                assert_eq!(*got, outcome(&text), "{round}");
            }
        }
        let size = |field| cache.tables[table(field).unwrap()].len();
        assert_eq!(size(Field::City), places(Field::City));
        assert_eq!(size(Field::State), 0);
    }
}
