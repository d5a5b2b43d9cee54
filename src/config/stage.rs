//! A stage of `[stages]`: its event's name alone, or the long form with what the stage is worth.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use crate::custom_data::{Amount, currency};
use crate::mapping::{Sum, Worth};

/// What becomes of a stage.
#[derive(Clone, Debug)]
pub(crate) struct StageSetting {
    /// The event's name, which is the stage's own unless given; empty to send the stage never.
    pub event: Option<String>,
    /// What the stage is worth, where it is worth something of its own.
    pub worth: Option<Worth>,
    /// Where it stands in the file, in bytes.
    pub start: usize,
}

/// The long form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LongForm {
    /// The event's name; the stage's own name unless given; empty to never send the stage.
    event: Option<String>,
    /// What a lead in this stage is worth.
    #[schemars(range(min = 0))]
    value: Option<f64>,
    /// The column that says what a lead in this stage is worth.
    value_column: Option<String>,
    /// Currency of the value, ISO 4217; that of the row, else of [event], unless given.
    currency: Option<String>,
}

impl LongForm {
    /// Checks what belongs together.
    fn worth<E: de::Error>(&self) -> Result<Option<Worth>, E> {
        let known = |text: &String| {
            let found = currency(text).ok().flatten();
            found.ok_or_else(|| E::custom(format!("currency {text:?} is not one of ISO 4217")))
        };
        let currency = self.currency.as_ref().map(known).transpose()?;
        let amount = match (self.value, &self.value_column) {
            (Some(_), Some(_)) => {
                return Err(E::custom(
                    "value and value_column exclude each other: give the sum, or the column that has it",
                ));
            }
            (Some(value), None) => Sum::Fixed(Amount::from_number(value).ok_or_else(|| {
                E::custom(format!(
                    "value = {value} is not an amount; give a number from 0 on"
                ))
            })?),
            (None, Some(column)) => Sum::Column(column.clone()),
            (None, None) if currency.is_some() => {
                return Err(E::custom(
                    "currency belongs to a value; give value or value_column too, or set currency under [event]",
                ));
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Worth { amount, currency }))
    }
}

impl<'de> Deserialize<'de> for StageSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placed = toml::Spanned::<Unplaced>::deserialize(deserializer)?;
        let start = placed.span().start;
        let Unplaced(event, worth) = placed.into_inner();
        Ok(Self {
            event,
            worth,
            start,
        })
    }
}

/// A setting that does not know where it stands.
struct Unplaced(Option<String>, Option<Worth>);

impl<'de> Deserialize<'de> for Unplaced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Unplaced;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an event name in quotation marks, or a table with event, value, value_column and currency",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Unplaced(Some(text.to_owned()), None))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let form = LongForm::deserialize(MapAccessDeserializer::new(map))?;
                let worth = form.worth()?;
                Ok(Unplaced(form.event, worth))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for StageSetting {
    fn schema_name() -> Cow<'static, str> {
        "Stage".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long_form = generator.subschema_for::<LongForm>();
        json_schema!({
            "description": "The event's name, or the long form with what the stage is worth.",
            "anyOf": [{ "type": "string" }, long_form]
        })
    }
}
