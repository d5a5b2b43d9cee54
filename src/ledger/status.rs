//! What a ledger can tell about the past: runs, deliveries a day, and what is left open.

use super::RunCounts;
use super::error::LedgerError;
use super::sql::{Row, Sql, Unreadable};
use super::state::{REJECTED, RESTS, SENDING};
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
    store: &impl Sql,
    dataset: Option<&str>,
    now: i64,
    runs: usize,
) -> Result<Status, LedgerError> {
    let [refused, uncertain, resting, expired] = open_events(store, dataset, now)?;
    let (last_success, last_delivery) = store
        .row(
            "SELECT max(CASE WHEN exit_status IN (0, 1) AND undelivered = 0 AND uncertain = 0 THEN ended END),
                    max(CASE WHEN accepted > 0 THEN ended END)
             FROM run WHERE rehearsal = 0 AND (CAST($1 AS TEXT) IS NULL OR dataset = $1)",
            &[dataset.into()],
            |mut row| Ok((row.take(0)?, row.take(1)?)),
        )?
        .unwrap_or_default();
    Ok(Status {
        runs: store.rows(
            "SELECT dataset, started, ended, exit_status, events, skipped_old, skipped_delivered, accepted, rejected,
                    undelivered, uncertain, requests, rehearsal
             FROM run WHERE CAST($1 AS TEXT) IS NULL OR dataset = $1 ORDER BY id DESC LIMIT $2",
            &[dataset.into(), (runs as i64).into()],
            past_run,
        )?,
        delivered: store.rows(
            "SELECT started / $3, name, CAST(sum(count) AS BIGINT) FROM delivered JOIN run ON run.id = delivered.run
             WHERE (CAST($1 AS TEXT) IS NULL OR dataset = $1) AND started / $3 > $2 / $3 - $4
             GROUP BY 1, 2 ORDER BY 1, 2",
            &[dataset.into(), now.into(), SECONDS_A_DAY.into(), DAYS.into()],
            |mut row| {
                Ok(Delivered {
                    day: row.take(0)?,
                    name: row.take(1)?,
                    count: row.count(2)?,
                })
            },
        )?,
        last_success,
        last_delivery,
        refused,
        uncertain,
        expired,
        resting,
    })
}

/// Events that were refused, are uncertain, rest, and were uncertain until they were too old.
fn open_events(store: &impl Sql, dataset: Option<&str>, now: i64) -> Result<[u64; 4], LedgerError> {
    let counts = store.row(
        "SELECT count(CASE WHEN state = $2 THEN 1 END),
                count(CASE WHEN state = $3 AND attempts < $4 AND time >= $5 THEN 1 END),
                count(CASE WHEN state = $3 AND attempts >= $4 AND time >= $5 THEN 1 END),
                count(CASE WHEN state = $3 AND time < $5 THEN 1 END)
         FROM event JOIN run ON run.id = event.run WHERE CAST($1 AS TEXT) IS NULL OR dataset = $1",
        &[
            dataset.into(),
            REJECTED.into(),
            SENDING.into(),
            RESTS.into(),
            rules::oldest(now).into(),
        ],
        |mut row| Ok([row.count(0)?, row.count(1)?, row.count(2)?, row.count(3)?]),
    )?;
    Ok(counts.unwrap_or_default())
}

fn past_run(mut row: Row) -> Result<PastRun, Unreadable> {
    let exit_status: Option<i64> = row.take(3)?;
    Ok(PastRun {
        dataset: row.take(0)?,
        started: row.take(1)?,
        ended: row.take(2)?,
        exit_status: exit_status.and_then(|status| u8::try_from(status).ok()),
        is_rehearsal: row.take::<i64>(12)? != 0,
        counts: RunCounts {
            events: row.count(4)?,
            skipped_old: row.count(5)?,
            skipped_delivered: row.count(6)?,
            accepted: row.count(7)?,
            rejected: row.count(8)?,
            undelivered: row.count(9)?,
            uncertain: row.count(10)?,
            requests: row.count(11)?,
        },
    })
}
