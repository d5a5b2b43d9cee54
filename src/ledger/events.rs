//! What the ledger tells of single events: how many of each stage were accepted, and what became of a person's.

use std::collections::HashSet;

use rusqlite::Connection;

use super::error::LedgerError;
use super::people::{self, Person};
use super::sql::{Row, Sql, Unreadable};
use super::state::{ACCEPTED, REJECTED, RESTS, SENDING};
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
    store: &impl Sql,
    dataset: &str,
    now: i64,
) -> Result<HashSet<EventKey>, LedgerError> {
    let last: Option<Option<i64>> = store.row(
        "SELECT max(started) FROM run WHERE dataset = $1 AND ended IS NOT NULL AND rehearsal = 0",
        &[dataset.into()],
        |mut row| row.take(0),
    )?;
    let then = last.flatten().map_or(i64::MIN, rules::oldest);
    let keys = store.rows(
        "SELECT key FROM event JOIN run ON run.id = event.run
         WHERE state = $2 AND dataset = $1 AND time < $3 AND time >= $4",
        &[
            dataset.into(),
            SENDING.into(),
            rules::oldest(now).into(),
            then.into(),
        ],
        |mut row| Ok(EventKey(row.take(0)?)),
    )?;
    Ok(keys.into_iter().collect())
}

/// Counts the accepted events of a dataset by name and hour.
pub(super) fn accepted(
    store: &impl Sql,
    dataset: &str,
    window: Window,
) -> Result<Vec<Accepted>, LedgerError> {
    store.rows(
        "SELECT name.name, event.time / $2, count(*)
         FROM event JOIN run ON run.id = event.run LEFT JOIN name ON name.id = event.name
         WHERE event.state = $3 AND run.dataset = $1 AND event.time >= $4 AND event.time < $5
           AND coalesce(run.ended, event.settled) <= $6
         GROUP BY 1, 2 ORDER BY 1, 2",
        &[
            dataset.into(),
            SECONDS_AN_HOUR.into(),
            ACCEPTED.into(),
            window.from.into(),
            window.until.into(),
            window.settled_by.into(),
        ],
        |mut row| {
            Ok(Accepted {
                name: row.take(0)?,
                hour: row.take(1)?,
                count: row.count(2)?,
            })
        },
    )
}

/// The events that are about any of `asked`, of a dataset or of all, in the order of their times, as they stand at `now`.
///
/// Reads every event once, whatever is asked for: an index over people would cost every upload more than this costs
/// whoever asks.
pub(super) fn about<S: Sql>(
    store: &S,
    asked: &HashSet<Person>,
    dataset: Option<&str>,
    now: i64,
) -> Result<Vec<PastEvent>, LedgerError> {
    let sql = format!(
        "SELECT event.people, name.name, event.time, event.state, event.attempts, event.code, event.subcode,
                event.settled, run.started, run.dataset, trace.name
         FROM event JOIN run ON run.id = event.run
              LEFT JOIN name ON name.id = event.name LEFT JOIN trace ON trace.id = event.trace
         WHERE event.people IS NOT NULL AND (CAST($1 AS TEXT) IS NULL OR run.dataset = $1) AND {}",
        S::MAY_HOLD_ANY
    );
    let wanted = people::write(asked);
    let mut found = Vec::new();
    store.each(
        &sql,
        &[dataset.into(), wanted.as_slice().into()],
        &mut |mut row| {
            let people = people_of(&row.take::<Vec<u8>>(0)?, asked);
            if !people.is_empty() {
                found.push(past(people, row, now)?);
            }
            Ok(())
        },
    )?;
    found.extend(pending(store, asked, dataset)?);
    found.sort_by(|a, b| (a.time, &a.name).cmp(&(b.time, &b.name)));
    Ok(found)
}

/// The same of events that wait to be sent. What was begun is told by its own row.
fn pending(
    store: &impl Sql,
    asked: &HashSet<Person>,
    dataset: Option<&str>,
) -> Result<Vec<PastEvent>, LedgerError> {
    let mut found = Vec::new();
    store.each(
        "SELECT pending.json, pending.name, pending.time, pending.noted, coalesce(run.started, pending.noted),
                pending.dataset
         FROM pending LEFT JOIN run ON run.id = pending.run
         WHERE (CAST($1 AS TEXT) IS NULL OR pending.dataset = $1)
           AND NOT EXISTS (SELECT 1 FROM event WHERE event.key = pending.key)",
        &[dataset.into()],
        &mut |mut row| {
            let people = people_of(&people::of_event(&row.take::<Vec<u8>>(0)?), asked);
            if !people.is_empty() {
                found.push(PastEvent {
                    people,
                    name: row.take(1)?,
                    time: row.take(2)?,
                    state: State::Pending,
                    settled: row.take(3)?,
                    run_started: row.take(4)?,
                    dataset: row.take(5)?,
                    trace: None,
                });
            }
            Ok(())
        },
    )?;
    Ok(found)
}

fn people_of(bytes: &[u8], asked: &HashSet<Person>) -> Vec<Person> {
    let people = people::read(bytes);
    people.filter(|person| asked.contains(person)).collect()
}

fn past(people: Vec<Person>, mut row: Row, now: i64) -> Result<PastEvent, Unreadable> {
    let (time, attempts): (i64, i64) = (row.take(2)?, row.take(4)?);
    let state = match row.take::<i64>(3)? {
        ACCEPTED => State::Accepted,
        REJECTED => State::Rejected {
            code: row.take(5)?,
            subcode: row.take(6)?,
        },
        _ if time < rules::oldest(now) => State::Expired,
        _ if attempts >= RESTS => State::Resting,
        _ => State::Uncertain,
    };
    Ok(PastEvent {
        people,
        name: row.take(1)?,
        time,
        state,
        settled: row.take(7)?,
        run_started: row.take(8)?,
        dataset: row.take(9)?,
        trace: row.take(10)?,
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
