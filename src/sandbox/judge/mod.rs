//! The judge: would Graph take these events? Written from Meta's documentation alone, apart from the rules the
//! uploader follows, so that it can catch the uploader at a mistake.
//!
//! In: the events as JSON values, the time and the leads that count as deleted. Out: nothing, or the refusal of the
//! first bad event: one bad event turns the whole batch away.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/server-event>

mod custom_data;
mod shape;
mod user_data;

use std::collections::HashSet;

use serde_json::{Map, Value};

use self::shape::{Object, Place};
use super::answer::{self, Refusal};

const DAY_SECONDS: i64 = 24 * 60 * 60;

const EVENT_KEYS: [&str; 20] = [
    "action_source",
    "advanced_measurement_table",
    "advertiser_tracking_enabled",
    "app_data",
    "attribution_data",
    "custom_data",
    "customer_segmentation",
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
    "event_id",
    "event_name",
    "event_source_url",
    "event_time",
    "messaging_channel",
    "opt_out",
    "original_event_data",
    "partner_agent",
    "referrer_url",
    "user_data",
];

const ACTION_SOURCES: [&str; 9] = [
    "app",
    "business_messaging",
    "chat",
    "email",
    "other",
    "phone_call",
    "physical_store",
    "system_generated",
    "website",
];

/// What a verdict depends on besides the events.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    /// The time of the verdict, Unix seconds.
    pub(super) now: i64,
    /// Leads that Meta deleted, or never had.
    pub(super) bad_lead_ids: &'a HashSet<u64>,
}

impl Judge<'_> {
    /// All of the events are fit, or the first that is not has this refusal.
    pub(super) fn judge(&self, events: &[Value]) -> Result<(), Refusal> {
        events
            .iter()
            .enumerate()
            .try_for_each(|(index, event)| self.judge_event(event, &Place::Event(index)))
    }

    fn judge_event(&self, event: &Value, place: &Place<'_>) -> Result<(), Refusal> {
        let event = Object::new(event, place)?;
        event.allow_only(&EVENT_KEYS)?;

        event.require("event_name")?;
        let name = event.string("event_name")?.unwrap_or_default();
        if name.trim().is_empty() {
            return Err(event.at("event_name").must_be("a non-empty string"));
        }
        event.require("event_time")?;
        let time = event.integer("event_time")?.unwrap_or_default();
        event.require("action_source")?;
        let action_source = event.string("action_source")?.unwrap_or_default();
        if !ACTION_SOURCES.contains(&action_source) {
            return Err(event
                .at("action_source")
                .must_be(&format!("one of {}", ACTION_SOURCES.join(", "))));
        }
        judge_options(event)?;
        self.judge_time(time, action_source)?;

        let nothing = Value::Object(Map::new());
        let user_place = event.at("user_data");
        let user_data = Object::new(event.get("user_data").unwrap_or(&nothing), &user_place)?;
        user_data::judge(user_data, self.bad_lead_ids)?;

        let custom_place = event.at("custom_data");
        let custom_data = Object::new(event.get("custom_data").unwrap_or(&nothing), &custom_place)?;
        custom_data::judge(custom_data, name)
    }

    /// Sales in a physical store may be reported for 62 days, everything else for 7.
    fn judge_time(&self, time: i64, action_source: &str) -> Result<(), Refusal> {
        let days = if action_source == "physical_store" {
            62
        } else {
            7
        };
        if time > self.now {
            Err(answer::IN_THE_FUTURE)
        } else if time < self.now.saturating_sub(days * DAY_SECONDS) {
            Err(answer::TOO_OLD)
        } else {
            Ok(())
        }
    }
}

/// The optional keys of an event.
fn judge_options(event: Object<'_>) -> Result<(), Refusal> {
    for key in [
        "event_id",
        "event_source_url",
        "referrer_url",
        "customer_segmentation",
        "messaging_channel",
    ] {
        event.check_text(key)?;
    }
    for key in ["advanced_measurement_table", "partner_agent"] {
        event.check_text(key)?;
    }
    for key in ["opt_out", "advertiser_tracking_enabled"] {
        if event.get(key).is_some_and(|value| !value.is_boolean()) {
            return Err(event.at(key).must_be("a boolean"));
        }
    }
    for key in ["app_data", "attribution_data", "original_event_data"] {
        if event.get(key).is_some_and(|value| !value.is_object()) {
            return Err(event.at(key).must_be("an object"));
        }
    }
    judge_processing_options(event)
}

/// <https://developers.facebook.com/docs/marketing-apis/data-processing-options>
fn judge_processing_options(event: Object<'_>) -> Result<(), Refusal> {
    if let Some(options) = event.get("data_processing_options") {
        let are_known = options
            .as_array()
            .is_some_and(|options| options.iter().all(|option| option == "LDU"));
        if !are_known {
            return Err(event
                .at("data_processing_options")
                .must_be("a list that is empty or holds \"LDU\""));
        }
    }
    if event
        .integer("data_processing_options_country")?
        .is_some_and(|country| !matches!(country, 0 | 1))
    {
        return Err(event
            .at("data_processing_options_country")
            .must_be("0 or 1"));
    }
    if event
        .integer("data_processing_options_state")?
        .is_some_and(|state| !matches!(state, 0 | 1000..=1013))
    {
        return Err(event
            .at("data_processing_options_state")
            .must_be("0 or one of 1000 to 1013"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
