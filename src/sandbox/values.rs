//! JSON of bounded cost: a value takes up to a hundred times the bytes it was written in, so that a body within the
//! limit of bytes could still fill the memory.
//!
//! In: bytes, and how many values may still be made. Out: the value, or which of the two was wrong.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How many JSON values one request may still hold, nested ones and its parameters included.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not JSON.
    Malformed,
    /// The budget is spent.
    TooMany,
}

impl Budget {
    pub(super) fn new(values: usize) -> Self {
        Self(Cell::new(values))
    }

    /// Takes one value off.
    pub(super) fn spend(&self) -> Result<(), Unfit> {
        let left = self.0.get().checked_sub(1).ok_or(Unfit::TooMany)?;
        self.0.set(left);
        Ok(())
    }

    /// Reads one JSON text.
    pub(super) fn parse(&self, text: &[u8]) -> Result<Value, Unfit> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let value = Counted(self)
            .deserialize(&mut deserializer)
            .and_then(|value| deserializer.end().map(|()| value));
        value.map_err(|_| match self.0.get() {
            0 => Unfit::TooMany,
            _ => Unfit::Malformed,
        })
    }
}

/// A value whose parts are counted as they are made.
struct Counted<'a>(&'a Budget);

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0
            .spend()
            .map_err(|_| D::Error::custom("too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Value, E> {
        Ok(Value::Bool(is))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Counted(self.0))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            object.insert(key, entries.next_value_seed(Counted(self.0))?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_read_as_serde_json_reads_it() {
        let texts = [
            "null",
            "true",
            r#"[1,-1,18446744073709551615,99999999999999999999999999,0.5]"#,
            r#"{"a":{"b":["é","\n"]},"a":2}"#,
            "",
            "{",
            "1 2",
            "[1e999]",
            "{\"a\"}",
        ];
        for text in texts {
            let read = Budget::new(100).parse(text.as_bytes());
            let expected: Result<Value, _> = serde_json::from_str(text);
            assert_eq!(read, expected.map_err(|_| Unfit::Malformed), "{text}");
        }
    }

    #[test]
    fn every_value_is_counted_however_it_is_nested() {
        let text = br#"{"a":[1,2,{"b":null}]}"#;
        assert_eq!(
            Budget::new(6).parse(text),
            Ok(json!({"a": [1, 2, {"b": null}]}))
        );
        assert_eq!(Budget::new(5).parse(text), Err(Unfit::TooMany));
    }

    #[test]
    fn texts_of_one_request_share_what_there_is() {
        let budget = Budget::new(3);
        assert_eq!(budget.parse(b"[1]"), Ok(json!([1])));
        assert_eq!(budget.spend(), Ok(()));
        assert_eq!(budget.parse(b"1"), Err(Unfit::TooMany));
    }
}
