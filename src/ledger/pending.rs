//! Events that are not settled yet and stand in no export: those of snapshots, as the next one may show a later stage, and
//! those that were taken over HTTP. The export is the queue of all other events, as it holds them until they are delivered.
//!
//! An event is noted in the transaction that finds it, as it is to be sent, and forgotten in the one that says it was
//! accepted. What was refused of a snapshot stays until it is too old, as no export may show it again.

use rusqlite::{Connection, OptionalExtension, Row};

use super::error::LedgerError;
use super::sql::Sql;
use super::state::{ACCEPTED, REJECTED, fingerprint};
use super::{Begun, Queue, Standing, alias};
use crate::event::{Event, EventKey, KnownBy, LeadKey};

/// So many are taken up at once.
pub(super) const PAGE: i64 = 500;

/// An event that an earlier run found and did not settle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Its key.
    pub key: EventKey,
    /// The lead.
    pub lead: LeadKey,
    /// The `event_name`.
    pub name: String,
    /// The `event_time`, Unix seconds.
    pub time: i64,
    /// The event as it is sent.
    pub json: Vec<u8>,
    /// Whether Meta refused it.
    pub is_refused: bool,
    /// What its lead is known by, where it was taken over HTTP.
    pub taken: Option<KnownBy>,
}

impl Pending {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: EventKey(row.get(0)?),
            lead: LeadKey(row.get(1)?),
            name: row.get(2)?,
            time: row.get(3)?,
            json: row.get(4)?,
            is_refused: row.get(5)?,
            taken: match row.get(6)? {
                None => None,
                Some(time) => Some(KnownBy {
                    time,
                    identities: row.get::<_, Option<Vec<u8>>>(7)?.unwrap_or_default().into(),
                    is_repeat: false,
                }),
            },
        })
    }
}

/// Notes an event, and gives how many that makes. Noting it again changes nothing, nor does one that was accepted.
pub(super) fn note(
    connection: &Connection,
    dataset: &str,
    event: &Pending,
    (run, now): (Option<i64>, i64),
) -> rusqlite::Result<usize> {
    let taken = event.taken.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO pending (key, dataset, lead, name, time, json, run, noted, id_time, identities)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10, ?11
             WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.key = ?1 AND event.state = ?9)
             ON CONFLICT DO NOTHING",
        )?
        .execute((
            event.key.0.as_slice(),
            dataset,
            event.lead.0.as_slice(),
            &event.name,
            event.time,
            &event.json,
            run,
            now,
            ACCEPTED,
            taken.map(|known_by| known_by.time),
            taken.map(|known_by| &known_by.identities[..]),
        ))
}

/// Keeps what was refused as it was refused, for who wants it tried again. Whoever posted an event posts it again.
pub(super) fn refuse(connection: &Connection, key: EventKey, json: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM pending WHERE key = ?1 AND id_time IS NOT NULL")?
        .execute([key.0.as_slice()])?;
    connection
        .prepare_cached("UPDATE pending SET json = ?2 WHERE key = ?1")?
        .execute((key.0.as_slice(), json))?;
    Ok(())
}

/// A row of this run shows the event, and goes in its place.
pub(super) fn claim(
    connection: &Connection,
    key: EventKey,
    run: Option<i64>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE pending SET run = ?2 WHERE key = ?1")?
        .execute((key.0.as_slice(), run))?;
    Ok(())
}

/// Whether earlier runs left any.
pub(super) fn are_any_overdue(connection: &Connection, run: Option<i64>) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM pending WHERE run IS NOT ?1 LIMIT 1")?
        .exists([run])
}

/// Whether an event is among them that would be taken up with its lead.
pub(super) fn holds(connection: &Connection, key: EventKey) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM pending WHERE key = ?1
                AND NOT EXISTS (SELECT 1 FROM event WHERE event.key = pending.key AND event.state = ?2)",
        )?
        .exists((key.0.as_slice(), REJECTED))
}

/// Takes up what earlier runs left of a lead, oldest first: it is this run's from now on. What was refused stays: a row
/// that shows its stage may be a corrected one.
pub(super) fn take_of_lead(
    connection: &Connection,
    lead: LeadKey,
    run: Option<i64>,
) -> rusqlite::Result<Vec<Pending>> {
    let mut select = connection.prepare_cached(
        "SELECT key, lead, name, time, json, FALSE, id_time, identities FROM pending WHERE lead = ?1 AND run IS NOT ?2
            AND NOT EXISTS (SELECT 1 FROM event WHERE event.key = pending.key AND event.state = ?3)
         ORDER BY time, id",
    )?;
    let found = select.query_map((lead.0.as_slice(), run, REJECTED), Pending::read)?;
    let found: Vec<Pending> = found.collect::<rusqlite::Result<_>>()?;
    take(connection, &found, run)?;
    Ok(found)
}

/// Takes up more of what earlier runs left of a dataset, oldest first; nothing when there is no more.
pub(super) fn take_more(
    connection: &Connection,
    dataset: &str,
    run: Option<i64>,
) -> rusqlite::Result<Vec<Pending>> {
    let mut select = connection.prepare_cached(
        "SELECT key, lead, name, time, json,
                EXISTS (SELECT 1 FROM event WHERE event.key = pending.key AND event.state = ?4), id_time, identities
         FROM pending WHERE dataset = ?1 AND run IS NOT ?2 ORDER BY time, id LIMIT ?3",
    )?;
    let found = select.query_map((dataset, run, PAGE, REJECTED), Pending::read)?;
    let found: Vec<Pending> = found.collect::<rusqlite::Result<_>>()?;
    take(connection, &found, run)?;
    Ok(found)
}

fn take(connection: &Connection, events: &[Pending], run: Option<i64>) -> rusqlite::Result<()> {
    let mut of_event = connection.prepare_cached("UPDATE pending SET run = ?2 WHERE key = ?1")?;
    let mut of_stage =
        connection.prepare_cached("UPDATE snapshot_stage SET run = ?2 WHERE event = ?1")?;
    for event in events {
        of_event.execute((event.key.0.as_slice(), run))?;
        of_stage.execute((event.key.0.as_slice(), run))?;
    }
    Ok(())
}

/// All of a dataset behind one of them, a page at a time, for who only looks.
pub(super) fn page(
    connection: &Connection,
    dataset: &str,
    behind: i64,
) -> rusqlite::Result<(Vec<Pending>, Option<i64>)> {
    let mut select = connection.prepare_cached(
        "SELECT key, lead, name, time, json,
                EXISTS (SELECT 1 FROM event WHERE event.key = pending.key AND event.state = ?4), id_time, identities, id
         FROM pending WHERE dataset = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut last = None;
    let found = select.query_map((dataset, behind, PAGE, REJECTED), |row| {
        last = Some(row.get(8)?);
        Pending::read(row)
    })?;
    let found = found.collect::<rusqlite::Result<_>>()?;
    Ok((found, last))
}

/// What is pending of a lead is another's, which it turned out to be.
pub(super) fn hand_over(
    connection: &Connection,
    from: LeadKey,
    to: LeadKey,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE pending SET lead = ?2 WHERE lead = ?1")?
        .execute((from.0.as_slice(), to.0.as_slice()))?;
    Ok(())
}

/// Forgets an event: it is settled, or will never be sent.
pub(super) fn forget(connection: &Connection, key: EventKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM pending WHERE key = ?1")?
        .execute([key.0.as_slice()])?;
    Ok(())
}

/// Gives up all that is pending of a lead, of which nothing may be sent any more.
pub(super) fn withhold(connection: &Connection, lead: LeadKey) -> rusqlite::Result<()> {
    let lead = lead.0.as_slice();
    connection
        .prepare_cached(
            "UPDATE snapshot_stage SET recorded = 1 WHERE event IN (SELECT key FROM pending WHERE lead = ?1)",
        )?
        .execute([lead])?;
    connection
        .prepare_cached("DELETE FROM pending WHERE lead = ?1")?
        .execute([lead])?;
    Ok(())
}

/// Forgets an event that will never be sent, and keeps in mind that its stage is known.
pub(super) fn give_up(connection: &Connection, key: EventKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE snapshot_stage SET recorded = 1 WHERE event = ?1")?
        .execute([key.0.as_slice()])?;
    forget(connection, key)
}

/// Keeps events until they are settled, unless they are known: waiting already, delivered, or refused as they are. They
/// are no run's yet.
pub(super) fn keep(
    connection: &Connection,
    dataset: &str,
    events: &[Event],
    now: i64,
) -> rusqlite::Result<Vec<Begun>> {
    let mut kept = Vec::with_capacity(events.len());
    for event in events {
        let is_new = !is_settled(connection, dataset, event)? && {
            let pending = Pending {
                key: event.key,
                lead: LeadKey::of_hash(event.lead),
                name: event.name.to_string(),
                time: event.time,
                json: event.json.to_vec(),
                is_refused: false,
                taken: Some(event.known_by.clone()),
            };
            note(connection, dataset, &pending, (None, now))? == 1
        };
        kept.push(match is_new {
            true => Begun::Fresh,
            false => Begun::Known,
        });
    }
    Ok(kept)
}

/// Whether there is nothing to send of an event, by its own id or by another that its lead would give it.
fn is_settled(connection: &Connection, dataset: &str, event: &Event) -> rusqlite::Result<bool> {
    let own: Option<(i64, Option<[u8; 8]>)> = connection
        .prepare_cached("SELECT state, fingerprint FROM event WHERE key = ?1")?
        .query_row([event.key.0.as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(match own {
        Some((ACCEPTED, _)) => true,
        Some((REJECTED, content)) => content == Some(fingerprint(event)),
        Some(_) => false,
        None => alias::find(connection, dataset, event, None)?
            .is_some_and(|same| same.standing == Standing::Accepted),
    })
}

/// How many events of a dataset that were taken over HTTP wait, and since when the one does that has waited longest.
pub(super) fn queue(store: &impl Sql, dataset: &str) -> Result<Queue, LedgerError> {
    let events = store.row(
        "SELECT count(*) FROM pending WHERE dataset = $1 AND id_time IS NOT NULL",
        &[dataset.into()],
        |mut row| row.count(0),
    )?;
    // They are numbered in the order in which they came.
    let since = store.row(
        "SELECT noted FROM pending WHERE dataset = $1 AND id_time IS NOT NULL ORDER BY id LIMIT 1",
        &[dataset.into()],
        |mut row| row.take(0),
    )?;
    let leads = store.row(
        "SELECT count(*) FROM leadgen WHERE dataset = $1",
        &[dataset.into()],
        |mut row| row.count(0),
    )?;
    Ok(Queue {
        events: events.unwrap_or_default(),
        since,
        leads: leads.unwrap_or_default(),
    })
}
