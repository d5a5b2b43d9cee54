//! What the columns of an export mean, before any header is seen: the merger of command line, settings and preset.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::worth::{Sum, Worth};
use crate::custom_data::CustomKey;
use crate::field::{Field, UnknownField};
use crate::text::nearest;

/// Where a column's value goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A field of the lead record.
    Field(Field),
    /// `custom.NAME`: a key of `custom_data`.
    Custom(CustomKey),
}

impl FromStr for Target {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        match text.strip_prefix("custom.") {
            Some(name) => CustomKey::new(name)
                .map(Target::Custom)
                .map_err(|_| UnknownField(text.to_owned())),
            None => text.parse().map(Target::Field),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Field(field) => field.fmt(f),
            Target::Custom(name) => write!(f, "custom.{}", name.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: UnknownField| {
            let near = nearest_field(&error.0)
                .map(|name| format!("; did you mean `{name}`?"))
                .unwrap_or_default();
            de::Error::custom(format!("{error}{near}"))
        })
    }
}

/// As a key of `[columns]` and `[fields]`.
impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let fields = Field::ALL
            .into_iter()
            .flat_map(|field| std::iter::once(field.name()).chain(field.meta_key()));
        json_schema!({
            "description": "A field, or Meta's key of it; custom.NAME for a value of your own.",
            "anyOf": [{ "enum": fields.collect::<Vec<_>>() }, { "pattern": "^custom\\.." }]
        })
    }
}

/// The field whose name or key comes nearest to a misspelt one.
pub(crate) fn nearest_field(text: &str) -> Option<&'static str> {
    nearest(text, Field::ALL.into_iter().map(Field::name))
}

/// What happens to a stage that `[stages]` does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unlisted {
    /// The row is refused.
    Error,
    /// It is sent under its own name.
    Send,
    /// It is passed over and counted.
    Skip,
}

/// Where the time of a stage comes from that stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StageTime {
    /// From a column.
    Column,
    /// From the export: it shows only the stage each lead is in, and a stage counts as reached when it is first seen.
    FirstSeen,
}

impl FromStr for StageTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "column" => Ok(Self::Column),
            "first-seen" => Ok(Self::FirstSeen),
            _ => Err("it must be column or first-seen"),
        }
    }
}

/// Repeated groups of columns, one group a stage change: `Value (1)`, `Change Date (1)`, `Value (2)` or the arrays of
/// a JSON record. Patterns hold `{n}` for the group's number and `*` for anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// Patterns of the columns that hold the stage.
    pub stage: OneOrMany,
    /// Patterns of the columns that hold its time.
    pub time: OneOrMany,
    /// Only groups in which these columns hold one of these texts.
    #[serde(default)]
    pub only: Ordered<OneOrMany>,
}

/// The columns of one target.
#[derive(Clone, Debug)]
pub(crate) struct Mapped {
    /// Where the values go.
    pub target: Target,
    /// Column names, in order.
    pub columns: Vec<String>,
}

/// What one source of settings says about columns. Empty parts say nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Targets and their columns.
    pub columns: Vec<Mapped>,
    /// CRM stage to event name; an empty event name skips the stage.
    pub stages: Vec<(String, String)>,
    /// CRM stage to what it is worth, where it is worth something of its own.
    pub worths: Vec<(String, Worth)>,
    /// What happens to a stage not listed.
    pub unlisted: Option<Unlisted>,
    /// A date in this column is one event of this name.
    pub stage_columns: Vec<(String, String)>,
    /// Repeated groups of columns.
    pub history: Option<History>,
    /// Only rows in which these columns hold one of these texts are stage changes.
    pub only: Vec<(String, Vec<String>)>,
    /// `custom.NAME` and `order_id` whose values are sent although they look like an address or a phone number.
    pub allow_personal: Vec<Target>,
    /// Where the time of a stage comes from that stands in a cell.
    pub stage_time: Option<StageTime>,
    /// Stages, or their event names, that are events again when a lead comes back to them.
    pub sends_again: Vec<String>,
}

impl Layout {
    /// Whether exports show only the stage each lead is in, without its time.
    pub(crate) fn is_snapshot(&self) -> bool {
        self.stage_time == Some(StageTime::FirstSeen)
    }

    /// The columns given for a target.
    pub(crate) fn columns_of(&self, target: &Target) -> Option<&[String]> {
        self.columns
            .iter()
            .find(|mapped| mapped.target == *target)
            .map(|mapped| mapped.columns.as_slice())
    }

    /// Puts `over` on top: what it says wins, target by target and stage by stage.
    pub(crate) fn overlaid_with(mut self, over: Layout) -> Layout {
        let places = self.columns.iter().enumerate();
        let mut places: HashMap<Target, usize> = places
            .map(|(place, mine)| (mine.target.clone(), place))
            .collect();
        for mapped in over.columns {
            match places.get(&mapped.target) {
                Some(&place) => self.columns[place] = mapped,
                None => {
                    places.insert(mapped.target.clone(), self.columns.len());
                    self.columns.push(mapped);
                }
            }
        }
        overlay(&mut self.stages, over.stages);
        overlay(&mut self.stage_columns, over.stage_columns);
        self.worths.extend(over.worths);
        self.unlisted = over.unlisted.or(self.unlisted);
        self.history = over.history.or(self.history);
        self.allow_personal.extend(over.allow_personal);
        self.stage_time = over.stage_time.or(self.stage_time);
        self.sends_again.extend(over.sends_again);
        if !over.only.is_empty() {
            self.only = over.only;
        }
        self
    }

    /// Every heading it names, patterns included.
    pub(super) fn headings(&self) -> impl Iterator<Item = &str> {
        let history = self.history.iter().flat_map(|history| {
            let only = history.only.0.iter().map(|(pattern, _)| pattern);
            let groups = history.stage.as_slice().iter();
            groups.chain(history.time.as_slice()).chain(only)
        });
        let mapped = self.columns.iter().flat_map(|mapped| &mapped.columns);
        let stage_columns = self.stage_columns.iter().map(|(column, _)| column);
        let only = self.only.iter().map(|(column, _)| column);
        let worths = self
            .worths
            .iter()
            .filter_map(|(_, worth)| match &worth.amount {
                Sum::Column(column) => Some(column),
                Sum::Fixed(_) => None,
            });
        let all = mapped.chain(stage_columns).chain(history).chain(only);
        let all = all.chain(worths);
        all.map(String::as_str)
    }

    /// Whether this layer says where events come from, so that a preset's own idea of it no longer holds.
    pub(crate) fn names_events(&self) -> bool {
        !self.stage_columns.is_empty()
            || self.history.is_some()
            || self.columns_of(&Target::Field(Field::EventName)).is_some()
    }
}

/// Replaces the values of the keys that are there and adds the others, in order.
fn overlay(below: &mut Vec<(String, String)>, over: Vec<(String, String)>) {
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, (key, _)) in below.iter().enumerate() {
        // The first of equal keys counts.
        places.entry(key.clone()).or_insert(place);
    }
    for (key, value) in over {
        match places.get(&key) {
            Some(&place) => below[place].1 = value,
            None => {
                places.insert(key.clone(), below.len());
                below.push((key, value));
            }
        }
    }
}

/// A text or a list of texts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(crate) enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The texts.
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }

    /// The texts, borrowed.
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::One(text) => std::slice::from_ref(text),
            OneOrMany::Many(texts) => texts,
        }
    }
}

/// A table in the order it is written: stages that share a time are sent in that order.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<V, K = String>(pub Vec<(K, V)>);

impl<V, K> Default for Ordered<V, K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>, K: Deserialize<'de>> Deserialize<'de> for Ordered<V, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<V, K>(std::marker::PhantomData<(V, K)>);
        impl<'de, V: Deserialize<'de>, K: Deserialize<'de>> de::Visitor<'de> for Visitor<V, K> {
            type Value = Ordered<V, K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

impl<V: JsonSchema, K: JsonSchema> JsonSchema for Ordered<V, K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}By{}", V::schema_name(), K::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (keys, values) = (
            generator.subschema_for::<K>(),
            generator.subschema_for::<V>(),
        );
        json_schema!({ "type": "object", "propertyNames": keys, "additionalProperties": values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_wins_target_by_target() {
        let map = |target: &str, column: &str| Mapped {
            target: target.parse().unwrap(),
            columns: vec![column.into()],
        };
        let below = Layout {
            columns: vec![map("email", "Email"), map("phone", "Phone")],
            stages: vec![("New".into(), "Lead".into())],
            ..Layout::default()
        };
        let over = Layout {
            columns: vec![map("em", "Work email")],
            stages: vec![
                ("New".into(), String::new()),
                ("Won".into(), "Customer".into()),
            ],
            ..Layout::default()
        };
        let both = below.overlaid_with(over);
        assert_eq!(
            both.columns_of(&"email".parse().unwrap()).unwrap(),
            ["Work email"]
        );
        assert_eq!(
            both.columns_of(&"phone".parse().unwrap()).unwrap(),
            ["Phone"]
        );
        assert_eq!(
            both.stages,
            [
                ("New".into(), String::new()),
                ("Won".into(), "Customer".into())
            ]
        );
    }

    #[test]
    fn custom_keys_that_the_event_sets_itself_are_no_targets() {
        assert_eq!(
            "custom.score".parse::<Target>().unwrap(),
            Target::Custom(CustomKey::new("score").unwrap())
        );
        assert!("custom.event_source".parse::<Target>().is_err());
        assert!("custom.".parse::<Target>().is_err());
    }
}
