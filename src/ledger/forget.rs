//! What no run can need any more.

use super::snapshot;
use super::sql::Execute;

/// An event older than this cannot be sent again, so it need not be remembered.
const KEEP_EVENTS_SECONDS: i64 = 30 * 86_400;
/// How far a run may move the time that forgetting goes by: enough for one run a day, and so little that the last week
/// is still remembered after a day of hourly runs by a clock that is weeks ahead.
const BELIEVED_STEP_SECONDS: i64 = 25 * 3_600;
/// Runs are remembered for a year.
const KEEP_RUNS_SECONDS: i64 = 366 * 86_400;

/// The time that forgetting goes by, when the last run believed it was `last`.
pub(super) fn believed(last: Option<i64>, now: i64) -> i64 {
    last.map_or(now, |last| now.min(last + BELIEVED_STEP_SECONDS))
}

/// Forgets what no run can need any more. Time is that of the real clock, and an event has to be old by its own time and
/// by the time it was settled, so that neither `--now` nor a clock that is wrong for a while makes the ledger forget.
pub(super) fn forget<E>(now: i64, execute: &mut Execute<'_, E>) -> Result<(), E> {
    let (oldest, runs) = (now - KEEP_EVENTS_SECONDS, now - KEEP_RUNS_SECONDS);
    snapshot::forget(now, execute)?;
    // A stage that an export still shows has nothing but its event's row to say that it was sent.
    let gone = execute(
        "DELETE FROM event WHERE time < $1 AND settled < $1
            AND NOT EXISTS (SELECT 1 FROM snapshot_stage WHERE snapshot_stage.event = event.key)",
        Some(oldest),
    )?;
    if gone > 0 {
        execute(
            "DELETE FROM trace WHERE id NOT IN (SELECT trace FROM event WHERE trace IS NOT NULL)",
            None,
        )?;
    }
    // One that was accepted nevertheless waits for nothing.
    execute(
        "DELETE FROM pending
         WHERE EXISTS (SELECT 1 FROM event WHERE event.key = pending.key AND event.state = 1)",
        None,
    )?;
    execute(
        "DELETE FROM pending WHERE time < $1 AND noted < $1",
        Some(oldest),
    )?;
    execute("DELETE FROM leadgen WHERE noted < $1", Some(oldest))?;
    execute(
        "DELETE FROM alias WHERE time < $1 AND settled < $1",
        Some(oldest),
    )?;
    execute(
        "DELETE FROM delivered WHERE run IN (SELECT id FROM run WHERE coalesce(clock, started) < $1)",
        Some(runs),
    )?;
    execute(
        "DELETE FROM run WHERE coalesce(clock, started) < $1",
        Some(runs),
    )?;
    Ok(())
}
