//! Whom an event is about, as the ledger remembers it: eight bytes for each lead id, email and phone.
//!
//! Emails and phones come in as the hashes that are sent, and only hashes of these are kept.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::customer::Key;

/// One of the values that lead from a person to their events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Person([u8; Person::BYTES]);

impl Person {
    const BYTES: usize = 8;

    /// By a lead id, or by an email or phone in lowercase hex as it is sent.
    pub(crate) fn of(key: Key, value: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(key.name());
        hash.update(":");
        hash.update(value);
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// The part of an event that says whom it is about.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    user_data: UserData<'a>,
}

#[derive(Deserialize)]
struct UserData<'a> {
    lead_id: Option<u64>,
    #[serde(borrow, default)]
    em: Vec<&'a str>,
    #[serde(borrow, default)]
    ph: Vec<&'a str>,
}

/// Everybody an event is about, one after the other; empty when it names neither lead id, email nor phone.
pub(super) fn of_event(json: &[u8]) -> Vec<u8> {
    let Ok(Event { user_data }) = serde_json::from_slice(json) else {
        return Vec::new();
    };
    let lead_id = user_data
        .lead_id
        .map(|id| Person::of(Key::LeadId, itoa::Buffer::new().format(id)));
    let emails = user_data.em.iter().map(|hash| Person::of(Key::Em, hash));
    let phones = user_data.ph.iter().map(|hash| Person::of(Key::Ph, hash));
    let everybody = lead_id.into_iter().chain(emails).chain(phones);
    everybody.flat_map(|person| person.0).collect()
}

/// Adds everybody an event is about to what [`of_event`] wrote of another.
pub(super) fn add(people: &mut Vec<u8>, json: &[u8]) {
    let known: Vec<Person> = read(people).collect();
    let more = of_event(json);
    let more = read(&more).filter(|person| !known.contains(person));
    people.extend(more.flat_map(|person| person.0));
}

/// Writes people as [`of_event`] does.
pub(super) fn write<'a>(people: impl IntoIterator<Item = &'a Person>) -> Vec<u8> {
    people.into_iter().flat_map(|person| person.0).collect()
}

/// Reads what [`of_event`] wrote.
pub(super) fn read(bytes: &[u8]) -> impl Iterator<Item = Person> + '_ {
    let (people, _) = bytes.as_chunks::<{ Person::BYTES }>();
    people.iter().map(|bytes| Person(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_about_its_lead_id_and_every_email_and_phone() {
        let event = br#"{"event_name":"Lead","user_data":{"em":["aa","bb"],"fn":["cc"],"lead_id":1234567890123456,"ph":["dd"]}}"#;
        let people: Vec<Person> = read(&of_event(event)).collect();
        let expected = [
            Person::of(Key::LeadId, "1234567890123456"),
            Person::of(Key::Em, "aa"),
            Person::of(Key::Em, "bb"),
            Person::of(Key::Ph, "dd"),
        ];
        assert_eq!(people, expected);
        assert!(of_event(br#"{"user_data":{"fn":["cc"]}}"#).is_empty());
        assert!(of_event(b"nonsense").is_empty());
    }

    #[test]
    fn one_value_under_two_keys_is_two_people() {
        assert_ne!(Person::of(Key::Em, "aa"), Person::of(Key::Ph, "aa"));
    }
}
