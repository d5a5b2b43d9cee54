//! The event on the wire as a type, for its JSON Schema alone: events are written byte by byte, and a test holds what is
//! written against this.
//!
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/conversion-leads-integration/payload-specification>

#![expect(dead_code, reason = "only the schema of these types is used")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// A stage that a lead reached.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Event {
    /// Always `system_generated`: a CRM tells of it.
    #[schemars(extend("const" = "system_generated"))]
    pub action_source: String,
    /// Where it comes from and what the lead is worth.
    pub custom_data: CustomData,
    /// `["LDU"]` where limited data use is asked for.
    #[schemars(inner(regex(pattern = "^LDU$")))]
    pub data_processing_options: Option<Vec<String>>,
    /// 1 for the United States, 0 to let Meta find out.
    #[schemars(range(max = 1))]
    pub data_processing_options_country: Option<u32>,
    /// 1000 to 1013 for a state, 0 to let Meta find out.
    #[schemars(range(max = 1013))]
    pub data_processing_options_state: Option<u32>,
    /// The export's own, or 32 hex digits made of lead, stage and time. With the event's name it tells repeated events.
    #[schemars(length(min = 1))]
    pub event_id: String,
    /// The stage.
    #[schemars(length(min = 1))]
    pub event_name: String,
    /// When the stage was reached, in seconds since 1970.
    pub event_time: i64,
    /// Whether the event is kept out of ad delivery.
    pub opt_out: Option<bool>,
    /// What Meta matches the lead by.
    pub user_data: UserData,
}

/// Where an event comes from and what the lead is worth.
#[derive(Debug, JsonSchema)]
pub(crate) struct CustomData {
    /// Always `crm`.
    #[schemars(extend("const" = "crm"))]
    pub event_source: String,
    /// The CRM's name.
    pub lead_event_source: String,
    /// Currency of the value, ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: Option<String>,
    /// What the lead is worth.
    pub value: Option<f64>,
    /// Order id.
    pub order_id: Option<String>,
    /// Values of your own, from `custom.NAME`.
    #[schemars(flatten)]
    pub customs: BTreeMap<String, Custom>,
}

/// A value of your own.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Custom {
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(f64),
    /// Anything else.
    Text(String),
}

/// What Meta matches the lead by; at least one of these.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(crate) struct UserData {
    /// IP address of the lead's browser.
    pub client_ip_address: Option<String>,
    /// User agent of the lead's browser.
    pub client_user_agent: Option<String>,
    /// Country.
    pub country: Option<Hashes>,
    /// City.
    pub ct: Option<Hashes>,
    /// Date of birth.
    pub db: Option<Hashes>,
    /// Email addresses.
    pub em: Option<Hashes>,
    /// The advertiser's own ids of the person.
    pub external_id: Option<Hashes>,
    /// Click id as the `_fbc` cookie has it.
    pub fbc: Option<String>,
    /// Browser id as the `_fbp` cookie has it.
    pub fbp: Option<String>,
    /// First name.
    pub r#fn: Option<Hashes>,
    /// Gender.
    pub ge: Option<Hashes>,
    /// Meta's id of the lead; past what a float holds exactly, so read it as an integer.
    pub lead_id: Option<u64>,
    /// Last name.
    pub ln: Option<Hashes>,
    /// Phone numbers.
    pub ph: Option<Hashes>,
    /// State or province.
    pub st: Option<Hashes>,
    /// Postal code.
    pub zp: Option<Hashes>,
}

/// SHA-256 of the normalised values, in lowercase hex.
#[derive(Debug, JsonSchema)]
pub(crate) struct Hashes(
    #[schemars(length(min = 1), inner(regex(pattern = "^[0-9a-f]{64}$")))] pub Vec<String>,
);
