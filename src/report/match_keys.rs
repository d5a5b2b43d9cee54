//! Counts how many events carry each customer parameter, for the match-key coverage reports show.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::customer::{Key, KeySet};
use crate::field::Field;

/// The customer parameters, the strongest first.
const STRONGEST_FIRST: [Key; 16] = [
    Key::LeadId,
    Key::Fbc,
    Key::Em,
    Key::Ph,
    Key::Fn,
    Key::Ln,
    Key::ExternalId,
    Key::Fbp,
    Key::Ct,
    Key::St,
    Key::Zp,
    Key::Country,
    Key::Db,
    Key::Ge,
    Key::ClientIpAddress,
    Key::ClientUserAgent,
];

/// How many events carry each key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchKeys([u64; STRONGEST_FIRST.len()]);

impl MatchKeys {
    /// Counts an event that carries these keys.
    pub fn add(&mut self, present: KeySet) {
        for (count, key) in self.0.iter_mut().zip(STRONGEST_FIRST) {
            *count += u64::from(present.contains(key));
        }
    }

    /// Adds the events of another part of the input.
    pub fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// The keys that occur and how many events carry them, the strongest first.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        STRONGEST_FIRST
            .into_iter()
            .map(Key::name)
            .zip(self.0)
            .filter(|(_, count)| *count > 0)
    }

    /// Whether no event carries any key.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

/// The keys of an event, the strongest first.
pub(crate) fn strongest_first(keys: KeySet) -> impl Iterator<Item = &'static str> {
    STRONGEST_FIRST
        .into_iter()
        .filter(move |key| keys.contains(*key))
        .map(Key::name)
}

/// The name users know a key by: the field's in `--map` and `[columns]`.
pub(crate) fn field_name(key: &'static str) -> &'static str {
    key.parse::<Field>().map_or(key, Field::name)
}

impl Serialize for MatchKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, count) in self.iter() {
            map.serialize_entry(key, &count)?;
        }
        map.end()
    }
}

impl JsonSchema for MatchKeys {
    fn schema_name() -> Cow<'static, str> {
        "MatchKeys".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names = STRONGEST_FIRST.map(Key::name);
        json_schema!({
            "description": "How many events carry each customer parameter; those that none carries are left out.",
            "type": "object",
            "propertyNames": { "enum": names },
            "additionalProperties": generator.subschema_for::<u64>()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_occur_are_counted_in_the_order_of_their_strength() {
        let (mut keys, mut later) = (MatchKeys::default(), MatchKeys::default());
        keys.add(KeySet::of(&[Key::Em, Key::LeadId]));
        later.add(KeySet::of(&[Key::Em, Key::ClientUserAgent]));
        keys.merge(&later);
        assert_eq!(
            serde_json::to_string(&keys).unwrap(),
            r#"{"lead_id":1,"em":2,"client_user_agent":1}"#
        );
        assert!(MatchKeys::default().is_empty());
    }

    #[test]
    fn every_key_has_the_name_of_a_field() {
        assert_eq!(field_name("ct"), "city");
        for key in Key::ALL {
            assert!(STRONGEST_FIRST.contains(&key));
            assert!(key.name().parse::<Field>().is_ok(), "{}", key.name());
        }
    }
}
