//! What the ledger tells of single events: how many of each stage were accepted, and what became of a person's.

use std::collections::HashSet;

use rusqlite::{Connection, Row, named_params};

use super::people::{self, Person};
use super::state::{ACCEPTED, MAX_ATTEMPTS, REJECTED, SENDING};
use crate::event::EventKey;
use crate::rules;

const SECONDS_AN_HOUR: i64 = 3_600;

/// Which accepted events are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The first second of their event times.
    pub from: i64,
    /// The second after the last of their event times.
    pub until: i64,
    /// Their run must have ended by then.
    pub settled_by: i64,
}

/// Accepted events of one name and hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The event name; nothing when an earlier version accepted them, which did not note it.
    pub name: Option<String>,
    /// The hour of the event time, in hours since 1970.
    pub hour: i64,
    /// How many.
    pub count: u64,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastEvent {
    /// Which of the values asked for it is about.
    pub people: Vec<Person>,
    /// The event name; nothing when an earlier version noted the event.
    pub name: Option<String>,
    /// The event time, Unix seconds.
    pub time: i64,
    /// How it stands.
    pub state: State,
    /// When this was noted, Unix seconds.
    pub settled: i64,
    /// The run that noted it: when it started, Unix seconds.
    pub run_started: i64,
    /// The dataset.
    pub dataset: String,
    /// Meta's trace id of the answer.
    pub trace: Option<String>,
}

/// How an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Meta took it.
    Accepted,
    /// Meta refused it for good.
    Rejected {
        /// Meta's code.
        code: i64,
        /// Meta's subcode.
        subcode: Option<i64>,
    },
    /// Nobody knows whether Meta took it; the next upload sends it again.
    Uncertain,
    /// Nobody knows whether Meta took it, and it is too old to be sent again.
    Expired,
    /// Nothing was taken yet; the next upload of the snapshots it is of sends it.
    Pending,
    /// The same as uncertain after several runs, so that only `--retry-uncertain` sends it.
    Resting,
}

/// The uncertain events of a dataset that became too old since the last run which ended.
pub(super) fn expired(
    connection: &Connection,
    dataset: &str,
    now: i64,
) -> rusqlite::Result<HashSet<EventKey>> {
    let last: Option<i64> = connection.query_row(
        "SELECT max(started) FROM run WHERE dataset = ?1 AND ended IS NOT NULL AND NOT rehearsal",
        [dataset],
        |row| row.get(0),
    )?;
    let mut select = connection.prepare(
        "SELECT key FROM event JOIN run ON run.id = event.run
         WHERE state = :sending AND dataset = :dataset AND time < :oldest AND time >= :then",
    )?;
    let values = named_params! {
        ":sending": SENDING, ":dataset": dataset, ":oldest": rules::oldest(now),
        ":then": last.map_or(i64::MIN, rules::oldest),
    };
    let keys = select.query_map(values, |row| Ok(EventKey(row.get(0)?)))?;
    keys.collect()
}

/// Counts the accepted events of a dataset by name and hour.
pub(super) fn accepted(
    connection: &Connection,
    dataset: &str,
    window: Window,
) -> rusqlite::Result<Vec<Accepted>> {
    let mut select = connection.prepare(
        "SELECT name.name, event.time / :hour, count(*)
         FROM event JOIN run ON run.id = event.run LEFT JOIN name ON name.id = event.name
         WHERE event.state = :accepted AND run.dataset = :dataset AND event.time >= :from AND event.time < :until
           AND coalesce(run.ended, event.settled) <= :settled_by
         GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let values = named_params! {
        ":hour": SECONDS_AN_HOUR, ":accepted": ACCEPTED, ":dataset": dataset,
        ":from": window.from, ":until": window.until, ":settled_by": window.settled_by,
    };
    let rows = select.query_map(values, |row| {
        Ok(Accepted {
            name: row.get(0)?,
            hour: row.get(1)?,
            count: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// The events that are about any of `asked`, of a dataset or of all, in the order of their times, as they stand at `now`.
///
/// Reads every event once, whatever is asked for: an index over people would cost every upload more than this costs
/// whoever asks.
pub(super) fn about(
    connection: &Connection,
    asked: &HashSet<Person>,
    dataset: Option<&str>,
    now: i64,
) -> rusqlite::Result<Vec<PastEvent>> {
    let mut select = connection.prepare(
        "SELECT event.people, name.name, event.time, event.state, event.attempts, event.code, event.subcode,
                event.settled, run.started, run.dataset, trace.name
         FROM event JOIN run ON run.id = event.run
              LEFT JOIN name ON name.id = event.name LEFT JOIN trace ON trace.id = event.trace
         WHERE event.people IS NOT NULL AND (:dataset IS NULL OR run.dataset = :dataset)",
    )?;
    let mut rows = select.query(named_params! { ":dataset": dataset })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_bytes()?;
        let people: Vec<Person> = people::read(bytes)
            .filter(|person| asked.contains(person))
            .collect();
        if !people.is_empty() {
            found.push(past(people, row, now)?);
        }
    }
    found.extend(pending(connection, asked, dataset)?);
    found.sort_by(|a, b| (a.time, &a.name).cmp(&(b.time, &b.name)));
    Ok(found)
}

/// The same of events that wait to be sent. What was begun is told by its own row.
fn pending(
    connection: &Connection,
    asked: &HashSet<Person>,
    dataset: Option<&str>,
) -> rusqlite::Result<Vec<PastEvent>> {
    let mut select = connection.prepare(
        "SELECT pending.json, pending.name, pending.time, pending.noted, coalesce(run.started, pending.noted),
                pending.dataset
         FROM pending LEFT JOIN run ON run.id = pending.run
         WHERE (:dataset IS NULL OR pending.dataset = :dataset)
           AND NOT EXISTS (SELECT 1 FROM event WHERE event.key = pending.key)",
    )?;
    let mut rows = select.query(named_params! { ":dataset": dataset })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = people::of_event(row.get_ref(0)?.as_blob()?);
        let people: Vec<Person> = people::read(&bytes)
            .filter(|person| asked.contains(person))
            .collect();
        if !people.is_empty() {
            found.push(PastEvent {
                people,
                name: row.get(1)?,
                time: row.get(2)?,
                state: State::Pending,
                settled: row.get(3)?,
                run_started: row.get(4)?,
                dataset: row.get(5)?,
                trace: None,
            });
        }
    }
    Ok(found)
}

fn past(people: Vec<Person>, row: &Row<'_>, now: i64) -> rusqlite::Result<PastEvent> {
    let state = match row.get::<_, i64>(3)? {
        ACCEPTED => State::Accepted,
        REJECTED => State::Rejected {
            code: row.get(5)?,
            subcode: row.get(6)?,
        },
        _ if row.get::<_, i64>(2)? < rules::oldest(now) => State::Expired,
        _ if row.get::<_, i64>(4)? >= MAX_ATTEMPTS => State::Resting,
        _ => State::Uncertain,
    };
    Ok(PastEvent {
        people,
        name: row.get(1)?,
        time: row.get(2)?,
        state,
        settled: row.get(7)?,
        run_started: row.get(8)?,
        dataset: row.get(9)?,
        trace: row.get(10)?,
    })
}

/// The id under which a table keeps a text, which it adds if need be.
pub(super) fn id_of(
    connection: &Connection,
    table: &'static str,
    text: &str,
) -> rusqlite::Result<i64> {
    let insert = format!("INSERT INTO {table} (name) VALUES (?1) ON CONFLICT DO NOTHING");
    connection.prepare_cached(&insert)?.execute([text])?;
    let select = format!("SELECT id FROM {table} WHERE name = ?1");
    connection
        .prepare_cached(&select)?
        .query_row([text], |row| row.get(0))
}

/// Forgets the trace ids of events that are forgotten.
pub(super) fn forget_traces(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM trace WHERE id NOT IN (SELECT trace FROM event WHERE trace IS NOT NULL)",
        [],
    )?;
    Ok(())
}
