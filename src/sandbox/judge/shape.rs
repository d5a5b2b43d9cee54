//! The shapes Graph expects, and the words it has for others: subcode 2804019 with the place of the fault.
//!
//! In: a JSON value and where it stands. Out: the value as the type asked for, or the refusal.
//! A refusal names places and keys, never the value found there.

use std::fmt;

use serde_json::{Map, Value};

use super::super::answer::{Refusal, brief};

/// Where a value stands in the request; shown as `$['data'][17]['user_data']`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// The event with this index.
    Event(usize),
    /// The value under a key.
    Key(&'a Place<'a>, &'a str),
    /// The element with this index.
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Event(index) => write!(f, "$['data'][{index}]"),
            Place::Key(parent, key) => write!(f, "{parent}['{}']", brief(key)),
            Place::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

impl Place<'_> {
    /// The value here is not what `expected` says.
    pub(super) fn must_be(&self, expected: &str) -> Refusal {
        Refusal::schema(format!("Param \"{self}\" must be {expected}."))
    }
}

/// An object and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    pub(super) place: &'a Place<'a>,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    pub(super) fn new(value: &'a Value, place: &'a Place<'a>) -> Result<Object<'a>, Refusal> {
        value
            .as_object()
            .map(|fields| Object { place, fields })
            .ok_or_else(|| place.must_be("an object"))
    }

    pub(super) fn allow_only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self
            .fields
            .keys()
            .find(|key| !known.contains(&key.as_str()))
        {
            Some(key) => Err(Refusal::schema(format!(
                "Unexpected key \"{}\" on param \"{}\".",
                brief(key),
                self.place
            ))),
            None => Ok(()),
        }
    }

    /// The value under `key`. A null is no value: Meta's own Payload Helper writes them.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn require(&self, key: &str) -> Result<&'a Value, Refusal> {
        self.get(key).ok_or_else(|| {
            Refusal::schema(format!(
                "Missing required key \"{key}\" on param \"{}\".",
                self.place
            ))
        })
    }

    /// The text under `key`. A number will do for a text, as it does on Graph.
    pub(super) fn check_text(&self, key: &str) -> Result<(), Refusal> {
        match self.get(key) {
            None | Some(Value::String(_) | Value::Number(_)) => Ok(()),
            Some(_) => Err(self.at(key).must_be("a string")),
        }
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.at(key).must_be("a string")),
        }
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| self.at(key).must_be("an integer")),
        }
    }

    pub(super) fn check_number(&self, key: &str) -> Result<(), Refusal> {
        match self.get(key) {
            None | Some(Value::Number(_)) => Ok(()),
            Some(_) => Err(self.at(key).must_be("a number")),
        }
    }

    /// The values under `key`, which holds one or a list of them. Nulls are no values.
    pub(super) fn one_or_many(&self, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        let values = match self.get(key) {
            None => &[],
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        values.iter().filter(|value| !value.is_null())
    }

    pub(super) fn at(&self, key: &'a str) -> Place<'a> {
        Place::Key(self.place, key)
    }
}
