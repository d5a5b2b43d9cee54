//! The first events of a run, one by one, without anybody's values.

use jiff::Timestamp;
use serde::{Deserialize, Serializer};

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

/// What of an event's JSON may be shown.
#[derive(Debug, Default, Deserialize)]
struct Shown {
    #[serde(default)]
    custom_data: Worth,
}

/// The value and its currency.
#[derive(Debug, Default, Deserialize)]
struct Worth {
    value: Option<f64>,
    currency: Option<String>,
}

/// The value of an event and its currency, out of its JSON; nothing where it has no JSON.
pub(crate) fn worth_of(json: &[u8]) -> (Option<f64>, Option<String>) {
    let Shown { custom_data } = serde_json::from_slice(json).unwrap_or_default();
    (custom_data.value, custom_data.currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_an_event_is_read_from_what_is_sent() {
        let json = br#"{"custom_data":{"currency":"USD","value":1234.5},"user_data":{}}"#;
        assert_eq!(worth_of(json), (Some(1234.5), Some("USD".to_owned())));
        assert_eq!(worth_of(br#"{"custom_data":{}}"#), (None, None));
        assert_eq!(worth_of(b""), (None, None));
    }
}
