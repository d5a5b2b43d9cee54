//! What of past runs decides what receivers of notifications are told next, and what they were told.

use super::error::LedgerError;
use super::sql::Sql;

/// Remembers the state a channel was told.
pub(super) const REMEMBER: &str = "INSERT INTO notice (subject, channel, state, changed) VALUES ($1, $2, $3, $4)
    ON CONFLICT (subject, channel) DO UPDATE SET state = excluded.state, changed = excluded.changed";

/// What past runs to a dataset say of the next notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// What the last runs that sent anything delivered, the latest first.
    pub accepted: Vec<u64>,
    /// When the last run ended that left no event open, Unix seconds.
    pub last_success: Option<i64>,
    /// When the last run ended that delivered an event, Unix seconds.
    pub last_delivery: Option<i64>,
    /// When the first run that is remembered started, Unix seconds.
    pub first_run: Option<i64>,
}

/// The state a channel was last told; empty when it was never told anything.
pub(super) fn told(store: &impl Sql, subject: &str, channel: &str) -> Result<String, LedgerError> {
    let told = store.row(
        "SELECT state FROM notice WHERE subject = $1 AND channel = $2",
        &[subject.into(), channel.into()],
        |mut row| row.take(0),
    )?;
    Ok(told.unwrap_or_default())
}

/// What past runs to `dataset` say: of those that sent anything the last `runs`.
pub(super) fn past(store: &impl Sql, dataset: &str, runs: usize) -> Result<Past, LedgerError> {
    let accepted = store.rows(
        "SELECT accepted FROM run
         WHERE dataset = $1 AND rehearsal = 0 AND accepted + rejected + uncertain > 0 AND requests > 0
         ORDER BY id DESC LIMIT $2",
        &[dataset.into(), (runs as i64).into()],
        |mut row| row.count(0),
    )?;
    let past = store.row(
        "SELECT max(CASE WHEN exit_status IN (0, 1) AND undelivered = 0 AND uncertain = 0 THEN ended END),
                max(CASE WHEN accepted > 0 THEN ended END), min(started)
         FROM run WHERE rehearsal = 0 AND dataset = $1",
        &[dataset.into()],
        |mut row| {
            Ok(Past {
                accepted: Vec::new(),
                last_success: row.take(0)?,
                last_delivery: row.take(1)?,
                first_run: row.take(2)?,
            })
        },
    )?;
    Ok(Past {
        accepted,
        ..past.unwrap_or_default()
    })
}
