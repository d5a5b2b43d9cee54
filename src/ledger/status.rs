//! What a ledger can tell about the past: runs, deliveries a day, and what is left open.

use std::path::Path;

use rusqlite::{Connection, Row, named_params};

use super::RunCounts;
use super::error::LedgerError;
use super::state::{MAX_ATTEMPTS, REJECTED, SENDING};
use crate::rules;

/// Days of deliveries that are told.
const DAYS: i64 = 14;
const SECONDS_A_DAY: i64 = 86_400;

/// The state of deliveries to a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The last runs, the latest first.
    pub runs: Vec<PastRun>,
    /// Deliveries of the last 14 UTC days, by day and name; days without any are absent.
    pub delivered: Vec<Delivered>,
    /// When the last run ended that left no event undelivered or uncertain, Unix seconds: exit status 0, or 1 when rows
    /// were refused.
    pub last_success: Option<i64>,
    /// When the last run ended that delivered an event, Unix seconds.
    pub last_delivery: Option<i64>,
    /// Events Meta refused, of those that are remembered.
    pub refused: u64,
    /// Events of which nobody knows whether they were taken, and which the next upload sends again.
    pub uncertain: u64,
    /// Events of which nobody knows whether they were taken, and which are too old to be sent again.
    pub expired: u64,
    /// Events that several runs sent without knowing whether they were taken, and which therefore rest.
    pub resting: u64,
}

/// A run of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastRun {
    /// The dataset's id.
    pub dataset: String,
    /// Unix seconds.
    pub started: i64,
    /// Unix seconds; nothing when it runs still, or died.
    pub ended: Option<i64>,
    /// The exit status; nothing when it runs still, or died.
    pub exit_status: Option<u8>,
    /// Whether it went to a sandbox or was a test, so that Meta counted nothing of it.
    pub is_rehearsal: bool,
    /// What it counted.
    pub counts: RunCounts,
}

/// What was delivered on one day under one event name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// The UTC day, by the start of the run: days since 1970-01-01.
    pub day: i64,
    /// The event name.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// Reads the state of deliveries to a dataset, or to all of them.
pub(super) fn read(
    connection: &Connection,
    path: &Path,
    dataset: Option<&str>,
    now: i64,
    runs: usize,
) -> Result<Status, LedgerError> {
    query(connection, dataset, now, runs).map_err(|source| LedgerError::sqlite(path, source))
}

fn query(
    connection: &Connection,
    dataset: Option<&str>,
    now: i64,
    runs: usize,
) -> rusqlite::Result<Status> {
    // One read transaction: a run that goes on meanwhile does not make the numbers disagree.
    let reading = connection.unchecked_transaction()?;
    let mut status = Status::default();

    let mut select = reading.prepare(
        "SELECT dataset, started, ended, exit_status, events, skipped_old, skipped_delivered, accepted, rejected,
                undelivered, uncertain, requests, rehearsal
         FROM run WHERE :dataset IS NULL OR dataset = :dataset ORDER BY id DESC LIMIT :runs",
    )?;
    for run in select.query_map(
        named_params! { ":dataset": dataset, ":runs": runs as i64 },
        past_run,
    )? {
        status.runs.push(run?);
    }

    let mut select = reading.prepare(
        "SELECT started / :day, name, sum(count) FROM delivered JOIN run ON run.id = delivered.run
         WHERE (:dataset IS NULL OR dataset = :dataset) AND started / :day > :now / :day - :days
         GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let values =
        named_params! { ":dataset": dataset, ":now": now, ":day": SECONDS_A_DAY, ":days": DAYS };
    let delivered = select.query_map(values, |row| {
        Ok(Delivered {
            day: row.get(0)?,
            name: row.get(1)?,
            count: count(row, 2)?,
        })
    })?;
    for entry in delivered {
        status.delivered.push(entry?);
    }

    (status.last_success, status.last_delivery) = reading.query_row(
        "SELECT max(CASE WHEN exit_status IN (0, 1) AND undelivered = 0 AND uncertain = 0 THEN ended END),
                max(CASE WHEN accepted > 0 THEN ended END)
         FROM run WHERE NOT rehearsal AND (:dataset IS NULL OR dataset = :dataset)",
        named_params! { ":dataset": dataset },
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;

    [
        status.refused,
        status.uncertain,
        status.resting,
        status.expired,
    ] = open_events(&reading, dataset, now)?;
    Ok(status)
}

/// Events that were refused, are uncertain, rest, and were uncertain until they were too old.
fn open_events(
    reading: &Connection,
    dataset: Option<&str>,
    now: i64,
) -> rusqlite::Result<[u64; 4]> {
    let open = named_params! {
        ":dataset": dataset, ":rejected": REJECTED, ":sending": SENDING,
        ":max": MAX_ATTEMPTS, ":oldest": rules::oldest(now),
    };
    reading.query_row(
        "SELECT count(CASE WHEN state = :rejected THEN 1 END),
                count(CASE WHEN state = :sending AND attempts < :max AND time >= :oldest THEN 1 END),
                count(CASE WHEN state = :sending AND attempts >= :max AND time >= :oldest THEN 1 END),
                count(CASE WHEN state = :sending AND time < :oldest THEN 1 END)
         FROM event JOIN run ON run.id = event.run WHERE :dataset IS NULL OR dataset = :dataset",
        open,
        |row| Ok([count(row, 0)?, count(row, 1)?, count(row, 2)?, count(row, 3)?]),
    )
}

fn past_run(row: &Row<'_>) -> rusqlite::Result<PastRun> {
    Ok(PastRun {
        dataset: row.get(0)?,
        started: row.get(1)?,
        ended: row.get(2)?,
        exit_status: row.get(3)?,
        is_rehearsal: row.get(12)?,
        counts: RunCounts {
            events: count(row, 4)?,
            skipped_old: count(row, 5)?,
            skipped_delivered: count(row, 6)?,
            accepted: count(row, 7)?,
            rejected: count(row, 8)?,
            undelivered: count(row, 9)?,
            uncertain: count(row, 10)?,
            requests: count(row, 11)?,
        },
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}
