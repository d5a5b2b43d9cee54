//! The event as it goes over the wire, and the id that names it.
//!
//! In go hashed user data, custom data and a stage with its time; out comes JSON, written once, its keys sorted.
//! An event cannot be built from anything that is not hashed: [`UserData`] is the only way in.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/conversion-leads-integration/payload-specification>

pub(crate) mod identity;
pub(crate) mod ldu;
pub(crate) mod schema;

use std::sync::Arc;

use anyhow::{Result, bail};
use bytes::Bytes;

use self::identity::{Kind, Kinds};
use self::ldu::Region;
use crate::custom_data::Worth;
use crate::customer::{UserData, lowercase_hex, sha256};
use crate::json::{Object, member, write_integer, write_text};

/// Names an event of a dataset for ever: the first 16 bytes of a SHA-256 over dataset and event.
/// Holds no personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EventKey(pub [u8; 16]);

impl EventKey {
    /// The key of an event in a dataset.
    pub(crate) fn in_dataset(dataset_id: &str, event: Fingerprint) -> Self {
        Self(first_half(sha256([dataset_id.as_bytes(), b"\0", &event.0])))
    }
}

/// Tells one event from another: its id together with its name, since Meta takes both to be the same event only
/// when both agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// What tells a later visit of a lead to the same stage from the first, whose number is 0.
    pub(crate) fn of_visit(self, number: u32) -> Self {
        match number {
            0 => self,
            _ => Self(first_half(sha256([
                self.0.as_slice(),
                number.to_string().as_bytes(),
            ]))),
        }
    }
}

/// Names a lead of a dataset: the first 16 bytes of a SHA-256 over dataset and identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LeadKey(pub [u8; 16]);

impl LeadKey {
    /// The key of a lead in a dataset.
    pub(crate) fn in_dataset(self, dataset_id: &str) -> Self {
        Self(first_half(sha256([dataset_id.as_bytes(), b"\0", &self.0])))
    }

    /// The key of a lead that only a hash is known of, as [`Self::hash`] gives it back.
    pub(crate) fn of_hash(lead: u64) -> Self {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&lead.to_le_bytes());
        Self(key)
    }

    /// What tells leads apart within a run.
    pub(crate) fn hash(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The lead by itself.
    pub(crate) fn of_identity(identity: &[u8]) -> Self {
        Self(first_half(sha256([identity])))
    }
}

/// Names a stage: the first 16 bytes of a SHA-256 over its name, as stages are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StageKey(pub [u8; 16]);

impl StageKey {
    /// The key of a stage whose name is spelt the way that stages are compared in.
    pub(crate) fn of_folded(name: &str) -> Self {
        Self(first_half(sha256([name.as_bytes()])))
    }
}

/// Names the exports of one CRM for one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceKey(pub [u8; 16]);

impl SourceKey {
    /// The key of a CRM in a dataset.
    pub(crate) fn new(dataset_id: &str, crm: &str) -> Self {
        Self(first_half(sha256([
            dataset_id.as_bytes(),
            b"\0",
            crm.as_bytes(),
        ])))
    }
}

/// The `event_id` of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventId<'a> {
    /// The export's own.
    Given(&'a str),
    /// Derived from who, what and when.
    Derived([u8; 16]),
}

impl EventId<'_> {
    /// The id of a lead's stage: the first 16 bytes of SHA-256 over identity, event name and event time, each ended
    /// by a zero byte. The same row gives the same id on every machine, for ever; so this must never change.
    pub(crate) fn derive(identity: &[u8], event_name: &str, event_time: i64) -> Self {
        let mut time = itoa::Buffer::new();
        let time = time.format(event_time).as_bytes();
        EventId::Derived(first_half(sha256([
            identity,
            b"\0",
            event_name.as_bytes(),
            b"\0",
            time,
            b"\0",
        ])))
    }

    /// The id of a stage that counts once whatever its time: as [`Self::derive`], without the time.
    pub(crate) fn derive_without_time(identity: &[u8], event_name: &str) -> Self {
        EventId::Derived(first_half(sha256([
            identity,
            b"\0",
            event_name.as_bytes(),
            b"\0",
        ])))
    }

    /// What tells this event from another.
    pub(crate) fn fingerprint(self, event_name: &str) -> Fingerprint {
        match self {
            EventId::Derived(bytes) => Fingerprint(bytes),
            EventId::Given(id) => Fingerprint(first_half(sha256([
                id.as_bytes(),
                b"\0",
                event_name.as_bytes(),
            ]))),
        }
    }
}

fn first_half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// The row an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// Index of the input in the order given.
    pub input: u32,
    /// The row's number, as reports show it.
    pub row: u64,
}

impl Origin {
    /// That of an event which no input of the run holds: rows are counted from 1.
    pub(crate) const NONE: Self = Self { input: 0, row: 0 };
}

/// An event that may be sent.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// What the ledger knows it by.
    pub key: EventKey,
    /// The `event_name`.
    pub name: Arc<str>,
    /// The `event_time`, Unix seconds.
    pub time: i64,
    /// A hash of the lead: events of one lead share it, so that their order can be kept.
    pub lead: u64,
    /// What the lead is worth at this stage.
    pub worth: Option<Worth>,
    /// Where it came from.
    pub origin: Origin,
    /// The serialised event, a slice of its chunk's buffer.
    pub json: Bytes,
    /// What its lead is known by, where its id is made from that and time.
    pub known_by: KnownBy,
}

/// Everything that a lead is known by in a row: each as ids are made from it, ended by a zero byte, the strongest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownBy {
    /// As [`crate::customer::UserData::write_every_identity`] writes them; empty where nothing is to be compared.
    pub identities: Bytes,
    /// The Unix seconds that the event's id is made from.
    pub time: i64,
    /// Whether an earlier row of the run has the same event, so that this is all there is to it: it is not sent.
    pub is_repeat: bool,
}

impl KnownBy {
    /// The ids that an event of this name has, or would have, by each of them.
    pub(crate) fn ids<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (Kind, Fingerprint)> + 'a {
        identity::each(&self.identities).map(move |(kind, identity)| {
            let id = EventId::derive(identity, name, self.time);
            (kind, id.fingerprint(name))
        })
    }

    /// Of which kinds they are. One that was joined keeps nobody apart.
    pub(crate) fn kinds(&self) -> Kinds {
        identity::kinds(&self.identities)
    }

    /// Tells one set of them from another. Stands in ledgers; were it made otherwise, they would be compared once more.
    pub(crate) fn digest(&self) -> i64 {
        identity::digest(&self.identities)
    }
}

/// What stands before the id in an event's JSON.
const EVENT_ID: &[u8] = member!("event_id");

/// Gives a serialised event whose id was derived another such id.
pub(crate) fn set_id(json: &mut [u8], Fingerprint(id): Fingerprint) {
    if let Some(start) = end_of(EVENT_ID, json) {
        // Behind the quotation mark.
        let place = json.get_mut(start + 1..start + 33);
        if let Some(place) = place {
            place.copy_from_slice(lowercase_hex(&id).as_flattened());
        }
    }
}

/// Gives a serialised event another time, of as many digits.
pub(crate) fn set_time(json: &mut [u8], seconds: i64) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(seconds).as_bytes();
    if let Some(start) = end_of(member!("event_time"), json) {
        let old = json[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        // From 2001 to 2286 all have ten.
        if old.count() == digits.len() {
            json[start..start + digits.len()].copy_from_slice(digits);
        }
    }
}

/// Where the last `text` ends. No text of a value can look like a member's name, as its quotation marks are escaped, and
/// the members of `custom_data`, which may be called anything, stand before the event's own.
fn end_of(text: &[u8], json: &[u8]) -> Option<usize> {
    let start = json.windows(text.len()).rposition(|found| found == text)?;
    Some(start + text.len())
}

/// How Meta may process the data, as the `data_processing_options…` keys say it.
/// <https://developers.facebook.com/docs/marketing-api/data-processing-options>
#[derive(Clone, Debug, Default)]
pub(crate) struct DataProcessing {
    /// Nothing, or `["LDU"]` for limited data use; absent when nothing is said.
    pub options: Option<Vec<String>>,
    /// 1 for the United States, 0 to let Meta find out.
    pub country: Option<u32>,
    /// 1000 to 1013 for a state, 0 to let Meta find out.
    pub state: Option<u32>,
}

/// What every event of a run carries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constants {
    /// The `data_processing_options…` members, each with its comma.
    data_processing: Vec<u8>,
    /// Whether the row says where its lead is, for limited data use.
    is_limited_by_row: bool,
}

impl Constants {
    /// Checks and prepares the constants of the settings.
    ///
    /// # Errors
    /// The data processing options are none that Meta knows.
    pub(crate) fn new(said: &DataProcessing) -> Result<Self> {
        let mut data_processing = Vec::new();
        if let Some(options) = &said.options {
            if options.iter().any(|option| option != "LDU") {
                bail!("data_processing_options under [event] may be [] or [\"LDU\"]");
            }
            if options.iter().any(|option| option == "LDU") && said.country.is_none() {
                bail!(
                    "data_processing_options = [\"LDU\"] under [event] needs data_processing_options_country, without which \
                     Meta takes no such event: 1 for the USA, or 0 where rows have an IP address that tells"
                );
            }
            data_processing.extend_from_slice(member!("data_processing_options"));
            serde_json::to_writer(&mut data_processing, options)?;
        } else if said.country.or(said.state).is_some() {
            bail!(
                "data_processing_options_country and _state under [event] need data_processing_options = [\"LDU\"]"
            );
        }
        if let Some(country) = said.country {
            if country > 1 {
                bail!(
                    "data_processing_options_country under [event] is 0 (let Meta find out) or 1 (USA)"
                );
            }
            data_processing.extend_from_slice(member!("data_processing_options_country"));
            write_integer(&mut data_processing, country);
        }
        if let Some(state) = said.state {
            if state != 0 && !(1000..=1013).contains(&state) {
                bail!("data_processing_options_state under [event] is 0 or 1000 to 1013");
            }
            data_processing.extend_from_slice(member!("data_processing_options_state"));
            write_integer(&mut data_processing, state);
        }
        let is_limited = said.options.as_ref().is_some_and(|said| !said.is_empty());
        Ok(Self {
            data_processing,
            is_limited_by_row: is_limited && said.state.unwrap_or(0) == 0,
        })
    }

    /// Whether limited data use is asked for, and each row has to say where its lead is.
    pub(crate) fn is_limited_by_row(&self) -> bool {
        self.is_limited_by_row
    }
}

/// What one event says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The stage.
    pub name: &'a str,
    /// When it was reached, Unix seconds.
    pub time: i64,
    /// Its id.
    pub id: EventId<'a>,
    /// Whether it may not be used for ad delivery.
    pub opt_out: Option<bool>,
    /// Where the lead is, as limited data use goes by it; none where the constants say all.
    pub region: Option<Region>,
    /// What the lead is matched by.
    pub user_data: &'a UserData,
    /// The `custom_data` object, as JSON.
    pub custom_data: &'a [u8],
}

/// Appends the event as one JSON object, keys sorted, no white space.
pub(crate) fn write_event(out: &mut Vec<u8>, facts: &Facts<'_>, constants: &Constants) {
    let mut object = Object::begin(out);
    object.member(b",\"action_source\":\"system_generated\"");
    object
        .member(member!("custom_data"))
        .extend_from_slice(facts.custom_data);
    match facts.region {
        None => object.member(&constants.data_processing),
        Some(region) => object.member(&region.members()),
    };
    let out = object.member(member!("event_id"));
    match facts.id {
        EventId::Given(id) => write_text(out, id),
        EventId::Derived(bytes) => {
            out.push(b'"');
            out.extend_from_slice(lowercase_hex(&bytes).as_flattened());
            out.push(b'"');
        }
    }
    write_text(object.member(member!("event_name")), facts.name);
    write_integer(object.member(member!("event_time")), facts.time);
    if let Some(opt_out) = facts.opt_out {
        object
            .member(member!("opt_out"))
            .extend_from_slice(if opt_out { b"true" } else { b"false" });
    }
    facts
        .user_data
        .write_json(object.member(member!("user_data")));
    object.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::{Cell, Normalizer, Settings};
    use crate::field::Field;

    fn lead() -> UserData {
        let settings = Settings {
            default_country: None,
            date_order: None,
            this_year: 2026,
            letter_m: crate::customer::LetterM::Man,
        };
        let cell = Cell {
            field: Field::LeadId,
            column: 0,
            text: "1234567890123456",
        };
        let mut user_data = UserData::default();
        Normalizer::new(&settings).read(&[cell], None, &mut user_data, &mut |code, _, _| {
            panic!("{code:?}")
        });
        user_data
    }

    #[test]
    fn an_event_is_written_with_sorted_keys() {
        let facts = Facts {
            name: "Lead \"A\"",
            time: 1_673_035_686,
            id: EventId::Given("id-1"),
            opt_out: Some(true),
            region: None,
            user_data: &lead(),
            custom_data: br#"{"event_source":"crm"}"#,
        };
        let said = DataProcessing {
            options: Some(vec!["LDU".into()]),
            country: Some(1),
            state: Some(1000),
        };
        let mut out = Vec::new();
        write_event(&mut out, &facts, &Constants::new(&said).unwrap());
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            r#"{"action_source":"system_generated","custom_data":{"event_source":"crm"},"data_processing_options":["LDU"],"data_processing_options_country":1,"data_processing_options_state":1000,"event_id":"id-1","event_name":"Lead \"A\"","event_time":1673035686,"opt_out":true,"user_data":{"lead_id":1234567890123456}}"#
        );
        let sorted: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(sorted.to_string(), text);
    }

    /// Computed with `printf 'lead_id:1234567890123456\0Lead\0001673035686\0' | sha256sum`.
    #[test]
    fn a_derived_id_never_changes() {
        let id = EventId::derive(b"lead_id:1234567890123456", "Lead", 1_673_035_686);
        let EventId::Derived(bytes) = id else {
            panic!("not derived")
        };
        assert_eq!(hex::encode(bytes), "679584e92e332701487c92751e4a39a5");
        assert_ne!(
            id,
            EventId::derive(b"lead_id:1234567890123456", "Lead1", 673_035_686)
        );
    }

    #[test]
    fn a_written_event_gets_another_id_and_time_whatever_its_own_columns_are_called() {
        let facts = Facts {
            name: "\"event_time\":1",
            time: 1_673_035_686,
            id: EventId::Derived([0x11; 16]),
            opt_out: None,
            region: None,
            user_data: &lead(),
            custom_data:
                br#"{"a":1,"event_id":"11111111111111111111111111111111","event_time":1673035686}"#,
        };
        let mut out = Vec::new();
        write_event(&mut out, &facts, &Constants::default());
        set_id(&mut out, Fingerprint([0xab; 16]));
        set_time(&mut out, 1_673_035_999);
        let event: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(event["event_id"], "ab".repeat(16));
        assert_eq!(event["event_time"], 1_673_035_999);
        assert_eq!(event["custom_data"]["event_time"], 1_673_035_686);
        assert_eq!(event["custom_data"]["event_id"], "11".repeat(16));
    }

    #[test]
    fn one_id_under_two_names_is_two_events() {
        assert_ne!(
            EventId::Given("7").fingerprint("Lead"),
            EventId::Given("7").fingerprint("Customer")
        );
    }

    #[test]
    fn unknown_processing_options_are_refused() {
        let said = DataProcessing {
            options: Some(vec!["LDX".into()]),
            ..DataProcessing::default()
        };
        assert!(Constants::new(&said).is_err());
    }
}
