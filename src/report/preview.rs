//! The first events of a run, one by one, without anybody's values.

use jiff::Timestamp;
use serde::Serializer;

/// One of the first events that are not too old, as `--preview` shows it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct PreviewedEvent {
    /// The input, as given; `-` is standard input.
    pub path: String,
    /// The row it came from, as a person would find it.
    pub row: u64,
    /// The `event_name`; `(withheld)` where it may be a person's value.
    pub event_name: String,
    /// The `event_time`.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub event_time: Timestamp,
    /// The customer parameters it carries, the strongest first.
    pub match_keys: Vec<&'static str>,
    /// What the lead is worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The currency of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

fn as_text<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
