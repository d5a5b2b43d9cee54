//! Remembers in which stages exports have shown each lead, for exports that show only the stage a lead is in now.
//!
//! In go sightings (a lead, a stage, the time of the export), out comes for each whether it is an event or only known.
//! Whether an event was delivered is not told here: it is offered as long as the lead stays in its stage, and what the
//! ledger knows of the event decides. So a run that dies between the two loses nothing, and repeating it changes
//! nothing. Keys are hashes; no personal data is kept.

use rusqlite::{Connection, OptionalExtension};

use super::error::LedgerError;
use crate::event::{EventKey, Fingerprint, LeadKey, SourceKey};

/// A lead that appears in no export for so long is forgotten.
const KEEP_LEADS_SECONDS: i64 = 400 * 86_400;
/// A lead that stays where it is is written again only after so long.
const TOUCH_SECONDS: i64 = 7 * 86_400;

/// A lead seen in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// The lead.
    pub lead: LeadKey,
    /// Tells the stage of this lead from every other.
    pub stage: Fingerprint,
    /// When the export was made, Unix seconds.
    pub exported: i64,
    /// What the export says of the time.
    pub timing: Timing,
    /// Whether the stage is an event again when the lead comes back to it.
    pub sends_again: bool,
    /// Whether an event of it would be too old to be sent.
    pub is_old: bool,
}

/// What an export says of the time a stage was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Nothing: it is the stage the lead is in.
    Current,
    /// The time itself, in a column of its own.
    Dated,
}

/// What a sighting comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// An event, if it was not delivered before. `visit` is 0, or how often the lead came back to the stage.
    Event {
        /// Which visit it is.
        visit: u32,
    },
    /// The first run found it there, and nobody knows since when: it is only recorded.
    Recorded,
    /// The lead is where an earlier run recorded it.
    Unchanged,
}

/// Which exports belong together: those of one CRM for one dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotSource<'a> {
    /// The dataset's id.
    pub dataset: &'a str,
    /// The CRM's name.
    pub crm: &'a str,
}

/// Remembers sightings.
pub(crate) trait Snapshots: Send {
    /// Whether no run over exports of this source was read to its end yet.
    fn is_first_run(&self, source: SnapshotSource<'_>) -> Result<bool, LedgerError>;

    /// Records sightings and says what each comes to, in the order given, in one transaction. Recording the same ones
    /// again comes to the same.
    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        sightings: &[Sighting],
    ) -> Result<Vec<Sight>, LedgerError>;

    /// Notes that exports of this source were read to their end.
    fn complete(&mut self, source: SnapshotSource<'_>) -> Result<(), LedgerError>;
}

/// A lead as exports showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lead {
    latest: i64,
    previous: Option<i64>,
    touched: i64,
}

/// A stage that a lead was seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    visits: u32,
    is_recorded: bool,
    seen: i64,
}

/// What one sighting changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    sight: Sight,
    lead: Lead,
    stage: Stage,
    /// Whether anything has to be written.
    is_change: bool,
}

/// Decides what a sighting comes to, by what is known of its lead and stage.
fn decide(
    known_lead: Option<Lead>,
    known_stage: Option<Stage>,
    sighting: &Sighting,
    is_first_run: bool,
    now: i64,
) -> Step {
    let Sighting {
        exported, timing, ..
    } = *sighting;
    let mut lead = known_lead.unwrap_or(Lead {
        latest: exported,
        previous: None,
        touched: now,
    });
    let is_dated = timing == Timing::Dated;
    let stays = known_stage.is_some_and(|stage| is_dated || stage.seen == lead.latest);
    let is_stale = now - lead.touched >= TOUCH_SECONDS;
    if !is_dated && exported > lead.latest {
        lead.previous = Some(lead.latest);
        lead.latest = exported;
    }
    lead.touched = now;
    let is_of_latest = exported >= lead.latest;
    let (stage, has_come_back) = match known_stage {
        None => {
            // Where the first export shows a lead it may have been for ever.
            let was_there = !is_dated && is_first_run && lead.previous.is_none();
            let stage = Stage {
                visits: 0,
                is_recorded: was_there || sighting.is_old,
                seen: exported,
            };
            (stage, false)
        }
        Some(mut stage) => {
            // The lead was seen elsewhere since.
            let was_away = lead.previous.is_some_and(|previous| stage.seen < previous);
            let has_come_back = sighting.sends_again && !is_dated && is_of_latest && was_away;
            if has_come_back {
                stage.visits += 1;
                stage.is_recorded = sighting.is_old;
            }
            stage.seen = stage.seen.max(exported);
            (stage, has_come_back)
        }
    };
    let sight = match (known_stage.is_none(), stage.is_recorded) {
        // It is counted as too old, whatever else is known of it.
        _ if sighting.is_old => Sight::Event {
            visit: stage.visits,
        },
        (true, true) => Sight::Recorded,
        (false, true) => Sight::Unchanged,
        (_, false) => Sight::Event {
            visit: stage.visits,
        },
    };
    Step {
        sight,
        lead,
        stage,
        is_change: has_come_back || !stays || is_stale,
    }
}

/// The tables of snapshots, possibly on top of others that are only read.
pub(super) struct Memory<'a> {
    pub(super) written: &'a Connection,
    pub(super) below: Option<&'a Connection>,
    /// By the real clock.
    pub(super) now: i64,
}

impl Memory<'_> {
    /// As [`Snapshots::sight`], in whatever transaction is open.
    pub(super) fn sight_all(
        &self,
        source: SnapshotSource<'_>,
        sightings: &[Sighting],
    ) -> rusqlite::Result<Vec<Sight>> {
        let is_first_run = is_first_run(self.below.unwrap_or(self.written), source)?;
        // Neighbours share the pages they stand on; those of one lead keep their order.
        let mut order: Vec<usize> = (0..sightings.len()).collect();
        order.sort_by_key(|index| sightings[*index].lead);
        let mut sights = vec![Sight::Unchanged; sightings.len()];
        for index in order {
            sights[index] = self.sight(source.dataset, &sightings[index], is_first_run)?;
        }
        Ok(sights)
    }

    fn sight(
        &self,
        dataset: &str,
        sighting: &Sighting,
        is_first_run: bool,
    ) -> rusqlite::Result<Sight> {
        let lead_key = sighting.lead.in_dataset(dataset);
        let key = EventKey::in_dataset(dataset, sighting.stage);
        let lead = self.look_up(|connection| lead(connection, lead_key))?;
        let stage = self.look_up(|connection| stage(connection, lead_key, key))?;
        let step = decide(lead, stage, sighting, is_first_run, self.now);
        if step.is_change {
            let visit = sighting.stage.of_visit(step.stage.visits);
            let event = EventKey::in_dataset(dataset, visit);
            write(self.written, lead_key, (key, event), &step)?;
        }
        Ok(step.sight)
    }

    fn look_up<T>(
        &self,
        find: impl Fn(&Connection) -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<T>> {
        match (find(self.written)?, self.below) {
            (None, Some(below)) => find(below),
            (found, _) => Ok(found),
        }
    }
}

fn key_of(source: SnapshotSource<'_>) -> SourceKey {
    SourceKey::new(source.dataset, source.crm)
}

/// As [`Snapshots::is_first_run`].
pub(super) fn is_first_run(
    connection: &Connection,
    source: SnapshotSource<'_>,
) -> rusqlite::Result<bool> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT since FROM snapshot_source WHERE source = ?1")?
        .query_row([key_of(source).0.as_slice()], |row| row.get(0))
        .optional()?;
    Ok(found.is_none())
}

/// As [`Snapshots::complete`].
pub(super) fn complete(
    connection: &Connection,
    source: SnapshotSource<'_>,
    now: i64,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO snapshot_source (source, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (key_of(source).0.as_slice(), now),
    )?;
    Ok(())
}

fn lead(connection: &Connection, key: LeadKey) -> rusqlite::Result<Option<Lead>> {
    connection
        .prepare_cached("SELECT latest, previous, touched FROM snapshot_lead WHERE lead = ?1")?
        .query_row([key.0.as_slice()], |row| {
            Ok(Lead {
                latest: row.get(0)?,
                previous: row.get(1)?,
                touched: row.get(2)?,
            })
        })
        .optional()
}

fn stage(
    connection: &Connection,
    lead: LeadKey,
    stage: EventKey,
) -> rusqlite::Result<Option<Stage>> {
    connection
        .prepare_cached(
            "SELECT visits, recorded, seen FROM snapshot_stage WHERE lead = ?1 AND stage = ?2",
        )?
        .query_row((lead.0.as_slice(), stage.0.as_slice()), |row| {
            Ok(Stage {
                visits: row.get(0)?,
                is_recorded: row.get(1)?,
                seen: row.get(2)?,
            })
        })
        .optional()
}

fn write(
    connection: &Connection,
    key: LeadKey,
    (stage_key, event): (EventKey, EventKey),
    Step { lead, stage, .. }: &Step,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO snapshot_lead (lead, latest, previous, touched) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((key.0.as_slice(), lead.latest, lead.previous, lead.touched))?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO snapshot_stage (lead, stage, event, visits, recorded, seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            key.0.as_slice(),
            stage_key.0.as_slice(),
            event.0.as_slice(),
            stage.visits,
            stage.is_recorded,
            stage.seen,
        ))?;
    Ok(())
}

/// Forgets leads that have appeared nowhere for so long.
pub(super) fn forget(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    let oldest = now - KEEP_LEADS_SECONDS;
    connection.execute(
        "DELETE FROM snapshot_stage WHERE lead IN (SELECT lead FROM snapshot_lead WHERE touched < ?1)",
        [oldest],
    )?;
    connection.execute("DELETE FROM snapshot_lead WHERE touched < ?1", [oldest])?;
    Ok(())
}

#[cfg(test)]
mod tests;
