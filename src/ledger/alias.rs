//! Recognises an event whose lead was known by something else when it went: by what else its id could have been made of.
//!
//! An alias is the key that an event would have under another such id. Two events that meet in an alias are the same one
//! only if their leads are, which [`Kinds::mean`] decides. What stands here is looked at only for events that are new by
//! their own id, or whose lead is known by something that it was not known by before.

use rusqlite::{Connection, OptionalExtension};

use super::Standing;
use super::people;
use super::state::{ACCEPTED, ELSEWHERE, REJECTED, RESTS};
use crate::event::identity::{Kind, Kinds};
use crate::event::{Event, EventKey, Fingerprint};

/// An event that another one turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Same {
    /// Its id.
    pub id: Fingerprint,
    /// How it stands.
    pub standing: Standing,
    /// In what their leads agree.
    shared: Kinds,
}

impl Same {
    /// Whether it was delivered, or is being: whatever it turned out to be must not be sent beside it.
    pub(super) fn is_in_hand(self) -> bool {
        matches!(
            self.standing,
            Standing::Accepted | Standing::ThisRun | Standing::Elsewhere
        )
    }

    /// Orders by how good the match is.
    pub(super) fn merit(self) -> (bool, u32) {
        let is_delivered = self.is_in_hand();
        (is_delivered, self.shared.0.count_ones())
    }
}

/// What of two events agrees.
struct Meeting {
    id: Fingerprint,
    shared: Kinds,
}

/// The event that this one went as before, if it did. `run` is the run that asks. What Meta refused had less in it, so
/// it counts for nothing.
pub(super) fn find(
    connection: &Connection,
    dataset: &str,
    event: &Event,
    run: Option<i64>,
) -> rusqlite::Result<Option<Same>> {
    let mut found: Option<Same> = None;
    for Meeting { id, shared } in meetings(connection, dataset, event)? {
        let other = connection
            .prepare_cached("SELECT state, run, attempts, kinds FROM event WHERE key = ?1")?
            .query_row([EventKey::in_dataset(dataset, id).0.as_slice()], |row| {
                let (state, by, attempts): (i64, i64, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let standing = match state {
                    REJECTED => Standing::New,
                    _ if Some(by) == run => Standing::ThisRun,
                    ACCEPTED => Standing::Accepted,
                    ELSEWHERE => Standing::Elsewhere,
                    _ if attempts >= RESTS => Standing::Resting,
                    _ => Standing::Uncertain,
                };
                Ok((standing, Kinds(row.get::<_, Option<u8>>(3)?.unwrap_or(0))))
            })
            .optional()?;
        let Some((standing, kinds)) = other else {
            continue;
        };
        let same = Same {
            id,
            standing,
            shared,
        };
        if standing != Standing::New
            && event.known_by.kinds().mean(kinds, shared)
            && found.is_none_or(|found| found.merit() < same.merit())
        {
            found = Some(same);
        }
    }
    Ok(found)
}

/// The other events that one meets in anything its lead is known by.
fn meetings(
    connection: &Connection,
    dataset: &str,
    event: &Event,
) -> rusqlite::Result<Vec<Meeting>> {
    let mut meetings: Vec<Meeting> = Vec::new();
    let mut exists = connection.prepare_cached("SELECT 1 FROM event WHERE key = ?1")?;
    let mut alias =
        connection.prepare_cached("SELECT event FROM alias WHERE time = ?1 AND key = ?2")?;
    for (kind, id) in event.known_by.ids(&event.name) {
        let key = EventKey::in_dataset(dataset, id);
        let of_alias = alias
            .query_row((event.known_by.time, key.0.as_slice()), |row| row.get(0))
            .optional()?
            .map(Fingerprint);
        let itself = (key != event.key && exists.exists([key.0.as_slice()])?).then_some(id);
        for id in [of_alias, itself].into_iter().flatten() {
            if EventKey::in_dataset(dataset, id) != event.key {
                meet(&mut meetings, id, kind);
            }
        }
    }
    Ok(meetings)
}

fn meet(meetings: &mut Vec<Meeting>, id: Fingerprint, kind: Kind) {
    let place = meetings.iter().position(|known| known.id == id);
    let place = place.unwrap_or_else(|| {
        meetings.push(Meeting {
            id,
            shared: Kinds::default(),
        });
        meetings.len() - 1
    });
    meetings[place].shared.insert(kind);
}

/// Notes everything that an event could be known by. `id` is the one it has. An alias that is another event's stays so.
/// Says whether anything was new.
pub(super) fn learn(
    connection: &Connection,
    dataset: &str,
    event: &Event,
    id: Fingerprint,
    now: i64,
) -> rusqlite::Result<bool> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO alias (time, key, event, settled) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    let mut is_any_new = false;
    for (_, other) in event.known_by.ids(&event.name) {
        if other == id {
            continue;
        }
        let key = EventKey::in_dataset(dataset, other);
        let added =
            insert.execute((event.known_by.time, key.0.as_slice(), id.0.as_slice(), now))?;
        is_any_new |= added > 0;
    }
    Ok(is_any_new)
}

/// Takes back what [`learn`] noted of an event that was not sent after all.
pub(super) fn unlearn(
    connection: &Connection,
    dataset: &str,
    event: &Event,
) -> rusqlite::Result<()> {
    let Some(id) = own_id(dataset, event) else {
        return Ok(());
    };
    let mut delete = connection
        .prepare_cached("DELETE FROM alias WHERE time = ?1 AND key = ?2 AND event = ?3")?;
    for (_, other) in event.known_by.ids(&event.name) {
        let key = EventKey::in_dataset(dataset, other);
        delete.execute((event.known_by.time, key.0.as_slice(), id.0.as_slice()))?;
    }
    Ok(())
}

/// The id of an event that has one of those its lead gives it.
pub(super) fn own_id(dataset: &str, event: &Event) -> Option<Fingerprint> {
    let mut ids = event.known_by.ids(&event.name).map(|(_, id)| id);
    ids.find(|id| EventKey::in_dataset(dataset, *id) == event.key)
}

/// Whether something about an event's lead is not known yet.
pub(super) fn knows_less(known_as: Option<i64>, event: &Event) -> bool {
    !event.known_by.identities.is_empty() && known_as != Some(event.known_by.digest())
}

/// Notes by what an event is known now, and whom else it is about.
pub(super) fn grow(connection: &Connection, key: EventKey, event: &Event) -> rusqlite::Result<()> {
    let mut people: Vec<u8> = connection
        .prepare_cached("SELECT people FROM event WHERE key = ?1")?
        .query_row([key.0.as_slice()], |row| row.get(0))
        .optional()?
        .flatten()
        .unwrap_or_default();
    people::add(&mut people, &event.json);
    connection
        .prepare_cached(
            "UPDATE event SET kinds = coalesce(kinds, 0) | ?2, known_as = ?3, people = ?4 WHERE key = ?1",
        )?
        .execute((
            key.0.as_slice(),
            event.known_by.kinds().0,
            event.known_by.digest(),
            people,
        ))?;
    Ok(())
}
