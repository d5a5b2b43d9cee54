//! Recognises events that went when less was known of their leads.
//!
//! An event's id is made from the strongest that its row knows of the lead, so a row that learns an email gives its stages
//! other ids. Input: events that the ledger does not know. Output: what it knows of them by everything else that their
//! leads may have been known by. What nobody is sure of goes again under the id it went under.

use anyhow::Result;
use bytes::Bytes;

use super::Prepared;
use crate::customer::lowercase_hex;
use crate::event::{Event, EventId, EventKey, Fingerprint};
use crate::ledger::{Ledger, Standing};

/// What stands before the id in an event's JSON.
const EVENT_ID: &[u8] = b"\"event_id\":\"";

/// Events with what the ledger knows of each, and whether it knows it by something else than the row's identity.
type Known = (Vec<Event>, Vec<(Standing, bool)>);

/// Asks the ledger again about events that are new to it. `picked` are the events' places in the chunk.
///
/// # Errors
/// The ledger cannot be read.
pub(super) fn recognise(
    prepared: &Prepared,
    picked: &[usize],
    (mut events, standings): (Vec<Event>, Vec<Standing>),
    dataset: &str,
    ledger: &mut dyn Ledger,
) -> Result<Known> {
    let mut others = Vec::new();
    let mut places = Vec::new();
    for (place, (event, standing)) in events.iter().zip(&standings).enumerate() {
        if *standing == Standing::New {
            for fingerprint in others_of(prepared, picked[place]) {
                let key = EventKey::in_dataset(dataset, fingerprint);
                others.push(Event {
                    key,
                    json: Bytes::new(),
                    ..event.clone()
                });
                places.push((place, fingerprint));
            }
        }
    }
    let mut standings: Vec<(Standing, bool)> = standings
        .into_iter()
        .map(|standing| (standing, false))
        .collect();
    if others.is_empty() {
        return Ok((events, standings));
    }
    let known = ledger.standing(&others)?;
    for ((&(place, fingerprint), other), standing) in places.iter().zip(&others).zip(known) {
        // What Meta refused had less in it.
        let counts = !matches!(standing, Standing::New | Standing::Refused { .. });
        if !counts || standings[place].1 {
            continue;
        }
        standings[place] = (standing, true);
        let event = &mut events[place];
        event.json = under_id(&event.json, fingerprint);
        event.key = other.key;
    }
    Ok((events, standings))
}

/// The event under everything else that its lead may have been known by.
fn others_of(prepared: &Prepared, index: usize) -> impl Iterator<Item = Fingerprint> + use<'_> {
    let event = &prepared.events[index];
    let name = prepared.name_of(event);
    let identities =
        &prepared.identities[event.identities.start as usize..event.identities.end as usize];
    let identities = identities
        .split(|byte| *byte == 0)
        .filter(|identity| !identity.is_empty());
    identities
        .map(|identity| EventId::derive(identity, name, event.id_time).fingerprint(name))
        .filter(|other| *other != event.fingerprint)
}

/// The same event with another id: the one it went under before.
fn under_id(json: &Bytes, Fingerprint(id): Fingerprint) -> Bytes {
    let mut json = json.to_vec();
    let hex = lowercase_hex(&id);
    let at = json
        .windows(EVENT_ID.len())
        .position(|window| window == EVENT_ID);
    if let Some(at) = at {
        let start = at + EVENT_ID.len();
        json[start..start + 32].copy_from_slice(hex.as_flattened());
    }
    json.into()
}
