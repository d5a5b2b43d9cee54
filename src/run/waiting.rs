//! Events that wait in the ledger, as they stand in no export: what earlier runs found in snapshots, and what was taken over
//! HTTP.
//!
//! In go what the ledger kept, out come events that may be sent, and the keys of those that grew too old.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::account::Account;
use crate::custom_data::{Amount, Worth, currency};
use crate::customer::{Key, KeySet};
use crate::event::{Event, EventKey, Origin};
use crate::ledger::Pending;
use crate::problem::Code;
use crate::report::stages::Fate;
use crate::rules;
use crate::time::Clock;

/// Takes events that waited into the account. What is too old by now is to be given up; what Meta refused is sent again
/// where that is wanted, and else only told.
pub(super) fn take_up(
    found: Vec<Pending>,
    (clock, retries_refused): (Clock, bool),
    account: &mut Account,
) -> (Vec<Event>, Vec<EventKey>) {
    let oldest = rules::oldest(clock.now());
    let (events, old): (Vec<Pending>, Vec<Pending>) =
        found.into_iter().partition(|event| event.time >= oldest);
    let (refused, events): (Vec<Pending>, Vec<Pending>) = events
        .into_iter()
        .partition(|event| event.is_refused && !retries_refused);
    let [events, old, refused] =
        [events, old, refused].map(|all| all.into_iter().map(event).collect::<Vec<Event>>());
    account.settle_all(&refused, Fate::Rejected);
    for event in &refused {
        account.remember(Code::RefusedEarlier, event.origin);
    }
    account.settle_all(&old, Fate::Old);
    for event in &old {
        account.remember(Code::EventExpired, event.origin);
    }
    for event in &events {
        account.add_keys(keys_of(&event.json));
    }
    (events, old.iter().map(|event| event.key).collect())
}

/// An event as it was kept.
fn event(found: Pending) -> Event {
    Event {
        key: found.key,
        name: found.name.into(),
        time: found.time,
        lead: found.lead.hash(),
        origin: Origin::NONE,
        worth: worth_of(&found.json),
        json: found.json.into(),
        known_by: found.taken.unwrap_or_default(),
    }
}

/// The customer parameters that an event carries.
fn keys_of(json: &[u8]) -> KeySet {
    #[derive(Deserialize)]
    struct Said {
        user_data: HashMap<String, IgnoredAny>,
    }
    let mut keys = KeySet::default();
    if let Ok(Said { user_data }) = serde_json::from_slice(json) {
        let known = Key::ALL.into_iter();
        let present = known.filter(|key| user_data.contains_key(key.name()));
        present.for_each(|key| keys.insert(key));
    }
    keys
}

/// What an event says that its lead is worth.
fn worth_of(json: &[u8]) -> Option<Worth> {
    #[derive(Deserialize)]
    struct Said {
        custom_data: SaidWorth,
    }
    #[derive(Deserialize)]
    struct SaidWorth {
        value: f64,
        currency: String,
    }
    let Said { custom_data } = serde_json::from_slice(json).ok()?;
    let currency = currency(&custom_data.currency).ok()??;
    Some((Amount::from_number(custom_data.value)?, currency))
}
