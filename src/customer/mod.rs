//! Normalises and hashes what identifies a lead.
//!
//! In go the cells of a row, out comes [`UserData`] as Meta matches it: one file a family of fields, each following
//! Meta's documentation of customer information parameters
//! (<https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters>).
//! A value that cannot be used becomes a code and is never hashed; nothing is ever guessed.

mod birth;
mod browser;
mod cache;
mod click;
mod country;
mod email;
mod gender;
mod hash;
mod ids;
mod key;
mod name;
mod normalizer;
mod numbering;
mod phone;
mod place;
#[cfg(test)]
mod properties;
mod state;
mod user_data;
mod zip;

pub(crate) use country::Country;
pub(crate) use email::is_address as is_email_address;
pub(crate) use gender::{GenderEvidence, LetterM};
pub(crate) use hash::Hash;
pub(crate) use hash::{lowercase_hex, sha256};
pub(crate) use key::{Key, KeySet};
pub(crate) use normalizer::Normalizer;
pub(crate) use phone::{area_code, calling_code};
pub(crate) use state::us_state;
pub(crate) use user_data::UserData;

use std::fmt;

use crate::cell as text;
use crate::field::Field;
use crate::time::DateOrder;

/// A cell of a row and the field its column is mapped to.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    /// The field.
    pub field: Field,
    /// The column, as an index into the header.
    pub column: u32,
    /// The text as the export has it.
    pub text: &'a str,
}

impl Cell<'_> {
    /// Whether it belongs to one of the leads that Meta's own test tool makes.
    pub(crate) fn is_of_test_lead(&self) -> bool {
        let is_marked = || text::is_dummy(self.text.strip_prefix("p:").unwrap_or(self.text));
        self.text.ends_with('>') && is_marked()
            || self.field == Field::Email && self.text.eq_ignore_ascii_case("test@meta.com")
    }
}

impl fmt::Debug for Cell<'_> {
    /// Leaves out the text: it is a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell")
            .field("field", &self.field)
            .field("column", &self.column)
            .finish_non_exhaustive()
    }
}

/// What values are read by.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The country of rows that name none, or none that can be read.
    pub default_country: Option<Country>,
    /// The order of dates of birth that could be read in more than one way.
    pub date_order: Option<DateOrder>,
    /// The year dates of birth cannot lie after.
    pub this_year: i16,
    /// Whom a gender of M means.
    pub letter_m: LetterM,
}

/// One normalised value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Normalized {
    /// Meta's key for it.
    pub key: Key,
    /// The text before hashing; none when the value came hashed.
    pub text: Option<String>,
    /// The hash; none when the value is sent as it is.
    pub sha256: Option<Hash>,
}

impl fmt::Debug for Normalized {
    /// Leaves out the text: it is a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Normalized")
            .field("key", &self.key)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}
