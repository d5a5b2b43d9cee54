//! Remembers in which stages exports have shown each lead, for exports that show only the stage a lead is in now.
//!
//! In go sightings (a lead, a stage, the time of the export), out comes for each whether it is an event or only known.
//! An event is noted as pending with the sighting that finds it, and stays so until it is settled, whatever later exports
//! show. What is settled is offered as long as the lead stays in its stage, and what the ledger knows of the event
//! decides. So a run that dies loses nothing, and repeating it changes nothing. Keys are hashes.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension};

use super::error::LedgerError;
use super::leads::{self, Lead, Meant, Tables};
use super::pending::{self, Pending};
use super::sql::Execute;
use crate::event::{EventKey, Fingerprint, LeadKey, SourceKey, StageKey, identity, set_id};

/// A lead that appears in no export for so long is forgotten.
const KEEP_LEADS_SECONDS: i64 = 400 * 86_400;
/// A lead that stays where it is is written again only after so long.
const TOUCH_SECONDS: i64 = 7 * 86_400;

/// A lead seen in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// The lead, by the strongest that its row knows of it.
    pub lead: LeadKey,
    /// The stage.
    pub stage: StageKey,
    /// The CRM's own stage, which settings may have called otherwise before.
    pub origin: Option<StageKey>,
    /// What tells the event of this row from others.
    pub event: Fingerprint,
    /// Whether the export itself gives the event's id.
    pub is_given: bool,
    /// When the stage was reached, as far as the export says; Unix seconds.
    pub time: i64,
    /// When the export was made, Unix seconds.
    pub exported: i64,
    /// What the export says of the time.
    pub timing: Timing,
    /// Whether the stage is an event again when the lead comes back to it.
    pub sends_again: bool,
    /// Whether an event of it would be too old to be sent.
    pub is_old: bool,
    /// Whether the settings skip the stage. It is known all the same, so that it does not pass for a new one when they do
    /// so no more.
    pub is_skipped: bool,
    /// Whether the stage gives no event because something is wrong with it or its row. What a first run finds so is known;
    /// later the stage is new when it is mended.
    pub is_refused: bool,
    /// Whether nothing may be sent of the lead, for want of consent. The stage is known all the same, so that it does
    /// not pass for a new one when consent is given.
    pub is_withheld: bool,
}

/// A sighting, with what it takes to recognise the lead and to note the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// The sighting.
    pub sighting: Sighting,
    /// Everything that its row knows of the lead.
    pub identities: &'a [u8],
    /// The event's name and the event as it is sent; none where it is not to be noted.
    pub event: Option<(&'a str, &'a [u8])>,
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
    /// An event, if it was not delivered before.
    Event {
        /// Its id; where the export gives the ids, what tells it from others.
        id: Fingerprint,
        /// The time that it was first shown with, Unix seconds.
        time: i64,
    },
    /// The first run found it there, and nobody knows since when, or nothing may be sent of the lead: it is only recorded.
    Recorded,
    /// The lead is where an earlier run recorded it.
    Unchanged,
    /// An event that the run has in hand already.
    InHand {
        /// Its id.
        id: Fingerprint,
    },
}

/// What there is to tell of a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What it comes to.
    pub sight: Sight,
    /// The lead, whatever its row knows of it.
    pub lead: LeadKey,
    /// Whether the lead was known by something else before.
    pub has_grown: bool,
}

/// What there is to tell of sightings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sights {
    /// Of each, in the order given.
    pub told: Vec<Told>,
    /// What earlier runs left of their leads, oldest first.
    pub overdue: Vec<Pending>,
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
    fn is_first_run(&mut self, source: SnapshotSource<'_>) -> Result<bool, LedgerError>;

    /// Records sightings and says what each comes to, in one transaction. Recording the same ones again comes to the same.
    fn sight(
        &mut self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> Result<Sights, LedgerError>;

    /// More of what earlier runs left of leads that this run has not seen; nothing when there is no more.
    fn overdue(&mut self, dataset: &str) -> Result<Vec<Pending>, LedgerError>;

    /// Gives up events that grew too old to be sent.
    fn give_up(&mut self, events: &[EventKey]) -> Result<(), LedgerError>;

    /// Notes that exports of this source were read to their end.
    fn complete(&mut self, source: SnapshotSource<'_>) -> Result<(), LedgerError>;
}

/// A stage that a lead was seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    id: Fingerprint,
    time: i64,
    visits: u32,
    is_recorded: bool,
    seen: i64,
    /// The run that last had its event in hand.
    run: Option<i64>,
}

impl Stage {
    /// One that is shown for the first time, or once more.
    fn reached(sighting: &Sighting, visits: u32, was_there: bool) -> Self {
        Self {
            id: match sighting.is_given {
                true => sighting.event,
                false => sighting.event.of_visit(visits),
            },
            time: sighting.time,
            visits,
            is_recorded: was_there
                || sighting.is_old
                || sighting.is_withheld
                || sighting.is_skipped
                || sighting.is_refused,
            seen: sighting.exported,
            run: None,
        }
    }
}

/// What one sighting changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    lead: Lead,
    stage: Stage,
    /// Whether the stage was not known before, or the lead came back to it.
    is_reached: bool,
    /// Whether anything has to be written.
    is_change: bool,
}

/// Decides what a sighting comes to, by what is known of its stage, and of its lead, if it was `known` before.
fn decide(
    (known_lead, mut lead): (bool, Lead),
    known_stage: Option<Stage>,
    sighting: &Sighting,
    is_first_run: bool,
    now: i64,
) -> Step {
    let Sighting {
        exported, timing, ..
    } = *sighting;
    let is_dated = timing == Timing::Dated;
    let stays = known_stage.is_some_and(|stage| is_dated || stage.seen == lead.latest);
    let is_stale = !known_lead || now - lead.touched >= TOUCH_SECONDS;
    if !is_dated && exported > lead.latest {
        lead.previous = Some(lead.latest);
        lead.latest = exported;
    }
    lead.touched = now;
    let is_of_latest = exported >= lead.latest;
    let (stage, is_reached) = match known_stage {
        None => {
            // Where the first export shows a lead it may have been for ever.
            let was_there = !is_dated && is_first_run && lead.previous.is_none();
            (Stage::reached(sighting, 0, was_there), true)
        }
        Some(mut stage) => {
            // The lead was seen elsewhere since.
            let was_away = lead.previous.is_some_and(|previous| stage.seen < previous);
            let has_come_back = sighting.sends_again && !is_dated && is_of_latest && was_away;
            let is_another = sighting.is_given && sighting.event != stage.id && !stage.is_recorded;
            if has_come_back {
                stage = Stage::reached(sighting, stage.visits + 1, false);
            } else if is_another {
                stage = Stage::reached(sighting, stage.visits, false);
            }
            stage.seen = stage.seen.max(exported);
            (stage, has_come_back || is_another)
        }
    };
    Step {
        lead,
        stage,
        is_reached,
        is_change: is_reached || !stays || is_stale,
    }
}

/// What the stage of a sighting comes to.
fn sight(step: &Step, was_known: bool, is_in_hand: bool, sighting: &Sighting) -> Sight {
    let Step { stage, .. } = step;
    match (was_known, stage.is_recorded) {
        // It is counted as too old, whatever else is known of it.
        _ if sighting.is_old => Sight::Event {
            id: sighting.event,
            time: sighting.time,
        },
        (false, true) => Sight::Recorded,
        (true, true) => Sight::Unchanged,
        (_, false) if is_in_hand => Sight::InHand { id: stage.id },
        (_, false) => Sight::Event {
            id: stage.id,
            // A stage with a time of its own goes by that.
            time: match sighting.timing {
                Timing::Current => stage.time,
                Timing::Dated => sighting.time,
            },
        },
    }
}

/// The tables of snapshots, and for whom they are written.
pub(super) struct Memory<'a> {
    pub(super) tables: Tables<'a>,
    /// The run that writes.
    pub(super) run: Option<i64>,
    /// By the real clock.
    pub(super) now: i64,
}

/// What matters of the run that asks.
#[derive(Clone, Copy)]
struct Run<'a> {
    dataset: &'a str,
    /// Whether it is a first one.
    is_first: bool,
    /// Whether earlier runs left anything.
    is_any_overdue: bool,
}

impl Memory<'_> {
    /// As [`Snapshots::sight`], in whatever transaction is open.
    pub(super) fn sight_all(
        &self,
        source: SnapshotSource<'_>,
        shown: &[Shown<'_>],
    ) -> rusqlite::Result<Sights> {
        let Tables { written, below } = self.tables;
        let run = Run {
            dataset: source.dataset,
            is_first: is_first_run(below.unwrap_or(written), source)?,
            is_any_overdue: pending::are_any_overdue(written, self.run)?,
        };
        let mut told = vec![None; shown.len()];
        let mut overdue = Vec::new();
        for index in self.order(run.dataset, shown)? {
            let (one, left) = self.sight(run, &shown[index])?;
            told[index] = Some(one);
            overdue.extend(left);
        }
        let mut sights = Sights {
            told: told.into_iter().flatten().collect(),
            overdue,
        };
        self.withhold(shown, &mut sights)?;
        Ok(sights)
    }

    /// In which order to look at sightings. Neighbours share the pages they stand on; those of one lead keep their order.
    /// Where rows may mean one lead though they know it by different things, those that know it best come first: they
    /// tell who the others are.
    fn order(&self, dataset: &str, shown: &[Shown<'_>]) -> rusqlite::Result<Vec<usize>> {
        let entangled = entangled(shown);
        let mut ranked = Vec::with_capacity(shown.len());
        for (index, one) in shown.iter().enumerate() {
            let lead = one.sighting.lead;
            let rank = match entangled.contains(&lead) {
                true => Some(self.rank(dataset, one)?),
                false => None,
            };
            ranked.push((rank.is_none(), rank, lead, index));
        }
        ranked.sort_unstable();
        Ok(ranked.into_iter().map(|(.., index)| index).collect())
    }

    /// How well a row knows its lead: the strongest that it has, then whether the lead is where the row shows it, or ever
    /// was, then by how much. Of two that may be the lead, the one that is where it was is likelier to be.
    fn rank(
        &self,
        dataset: &str,
        shown: &Shown<'_>,
    ) -> rusqlite::Result<(u32, bool, bool, Reverse<usize>)> {
        let identities = shown.identities;
        let meant = self
            .tables
            .resolve(dataset, shown.sighting.lead, identities)?;
        let stage = match meant.lead {
            Some(_) => self.known_stage(meant.key, &shown.sighting)?,
            None => None,
        };
        let is_there = stage
            .zip(meant.lead)
            .is_some_and(|(stage, lead)| stage.seen >= lead.latest);
        Ok((
            identity::kinds(identities).0.trailing_zeros(),
            !is_there,
            stage.is_none(),
            Reverse(identity::each(identities).count()),
        ))
    }

    /// What is known of a sighting's stage, by whichever name.
    fn known_stage(&self, key: LeadKey, sighting: &Sighting) -> rusqlite::Result<Option<Stage>> {
        let find = |of: StageKey| self.tables.look_up(|connection| stage(connection, key, of));
        match (find(sighting.stage)?, sighting.origin) {
            (None, Some(origin)) => find(origin),
            (known, _) => Ok(known),
        }
    }

    /// Where a row says that nothing may be sent of its lead, nothing is of what other rows show of it, before or behind.
    fn withhold(&self, shown: &[Shown<'_>], sights: &mut Sights) -> rusqlite::Result<()> {
        let Sights { told, overdue } = sights;
        let withheld = shown.iter().zip(&*told);
        let withheld = withheld.filter(|(shown, _)| shown.sighting.is_withheld);
        let withheld: HashSet<LeadKey> = withheld.map(|(_, told)| told.lead).collect();
        if withheld.is_empty() {
            return Ok(());
        }
        for (shown, told) in shown.iter().zip(told) {
            let is_event = matches!(told.sight, Sight::Event { .. }) && !shown.sighting.is_old;
            if is_event && withheld.contains(&told.lead) {
                told.sight = Sight::Recorded;
            }
        }
        overdue.retain(|event| !withheld.contains(&event.lead));
        let mut withheld = withheld.into_iter();
        withheld.try_for_each(|lead| pending::withhold(self.tables.written, lead))
    }

    /// Also gives what earlier runs left of the lead.
    fn sight(&self, run: Run<'_>, shown: &Shown<'_>) -> rusqlite::Result<(Told, Vec<Pending>)> {
        let dataset = run.dataset;
        let Shown {
            sighting,
            identities,
            ..
        } = shown;
        let Meant {
            key,
            lead: mut known_lead,
            others,
        } = self.tables.resolve(dataset, sighting.lead, identities)?;
        if let Some(lead) = &mut known_lead {
            for other in others {
                self.merge(dataset, other, (key, lead))?;
            }
        }
        let (lead, has_grown) = self.meet(dataset, key, known_lead, shown)?;
        let overdue = match run.is_any_overdue {
            true => pending::take_of_lead(self.tables.written, key, self.run)?,
            false => Vec::new(),
        };
        let known_stage = self.known_stage(key, sighting)?;
        let known_lead = known_lead.is_some() && !has_grown;
        let mut step = decide(
            (known_lead, lead),
            known_stage,
            sighting,
            run.is_first,
            self.now,
        );
        let event = EventKey::in_dataset(dataset, step.stage.id);
        let is_in_hand = !step.is_reached && self.has_in_hand(&step.stage, event)?;
        if step.is_change {
            if step.is_reached {
                step.stage.run = self.run;
            }
            leads::write(self.tables.written, key, &step.lead)?;
            let origin = sighting.origin.filter(|origin| *origin != sighting.stage);
            // A stage that is mended later is then reached.
            let is_kept = known_stage.is_some() || run.is_first || !sighting.is_refused;
            for stage in std::iter::once(sighting.stage)
                .chain(origin)
                .filter(|_| is_kept)
            {
                write(self.tables.written, key, stage, (&step.stage, event))?;
            }
        }
        let sight = sight(&step, known_stage.is_some(), is_in_hand, sighting);
        if matches!(sight, Sight::Event { .. }) && !sighting.is_old {
            match step.is_reached {
                true => self.note(dataset, (key, event), &step.stage, shown)?,
                false if run.is_any_overdue => {
                    pending::claim(self.tables.written, event, self.run)?;
                }
                false => {}
            }
        }
        let told = Told {
            sight,
            lead: key,
            has_grown,
        };
        Ok((told, overdue))
    }

    /// The lead with what this row adds to what it is known by, and whether that is anything.
    fn meet(
        &self,
        dataset: &str,
        key: LeadKey,
        known: Option<Lead>,
        shown: &Shown<'_>,
    ) -> rusqlite::Result<(Lead, bool)> {
        let known_as = identity::digest(shown.identities);
        let kinds = identity::kinds(shown.identities);
        let mut lead = known.unwrap_or(Lead {
            latest: shown.sighting.exported,
            previous: None,
            touched: self.now,
            kinds,
            known_as,
            merged: None,
        });
        let has_grown = lead.known_as != known_as;
        lead.kinds = lead.kinds.with(kinds);
        lead.known_as = known_as;
        if known.is_none() || has_grown {
            leads::learn(self.tables.written, dataset, key, shown.identities)?;
        }
        Ok((lead, has_grown))
    }

    /// A lead turns out to be another, which was in all its stages, then. What went of both stays gone twice.
    fn merge(
        &self,
        dataset: &str,
        (from, other): (LeadKey, Lead),
        (into, lead): (LeadKey, &mut Lead),
    ) -> rusqlite::Result<()> {
        let Tables { written, below } = self.tables;
        for connection in [Some(written), below].into_iter().flatten() {
            for (key, stage) in stages(connection, from)? {
                let find = |connection: &Connection| self::stage(connection, into, key);
                if self.tables.look_up(find)?.is_none() {
                    let event = EventKey::in_dataset(dataset, stage.id);
                    write(written, into, key, (&stage, event))?;
                }
            }
        }
        let seen = [lead.latest, other.latest];
        let earlier = [lead.previous, other.previous, seen.into_iter().min()];
        lead.latest = seen[0].max(seen[1]);
        let earlier = earlier.into_iter().flatten();
        lead.previous = earlier.filter(|time| *time < lead.latest).max();
        lead.kinds = lead.kinds.with(other.kinds);
        let merged = Lead {
            merged: Some(into),
            ..other
        };
        leads::write(written, from, &merged)?;
        pending::hand_over(written, from, into)
    }

    fn note(
        &self,
        dataset: &str,
        (lead, key): (LeadKey, EventKey),
        stage: &Stage,
        shown: &Shown<'_>,
    ) -> rusqlite::Result<()> {
        let Some((name, json)) = shown.event else {
            return Ok(());
        };
        let mut json = json.to_vec();
        if !shown.sighting.is_given {
            set_id(&mut json, stage.id);
        }
        let event = Pending {
            key,
            lead,
            name: name.to_owned(),
            time: stage.time,
            json,
            is_refused: false,
            taken: None,
        };
        pending::note(self.tables.written, dataset, &event, (self.run, self.now))?;
        Ok(())
    }

    /// Whether this run has found or taken up the event of a stage already, or, where it only looks, would take it up.
    fn has_in_hand(&self, stage: &Stage, event: EventKey) -> rusqlite::Result<bool> {
        match (self.run, self.tables.below) {
            (Some(run), _) => Ok(stage.run == Some(run)),
            (None, Some(below)) => pending::holds(below, event),
            (None, None) => Ok(false),
        }
    }
}

/// The leads of rows that share something with rows which know the lead by something else as well.
fn entangled(shown: &[Shown<'_>]) -> HashSet<LeadKey> {
    let mut firsts: HashMap<&[u8], &Shown<'_>> = HashMap::new();
    let mut entangled = HashSet::new();
    for one in shown {
        for (_, identity) in identity::each(one.identities) {
            let first = *firsts.entry(identity).or_insert(one);
            if first.identities != one.identities {
                entangled.extend([first.sighting.lead, one.sighting.lead]);
            }
        }
    }
    entangled
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

fn stage(
    connection: &Connection,
    lead: LeadKey,
    stage: StageKey,
) -> rusqlite::Result<Option<Stage>> {
    connection
        .prepare_cached(
            "SELECT id, time, visits, recorded, seen, run FROM snapshot_stage WHERE lead = ?1 AND stage = ?2",
        )?
        .query_row((lead.0.as_slice(), stage.0.as_slice()), |row| {
            Ok(Stage {
                id: Fingerprint(row.get(0)?),
                time: row.get(1)?,
                visits: row.get(2)?,
                is_recorded: row.get(3)?,
                seen: row.get(4)?,
                run: row.get(5)?,
            })
        })
        .optional()
}

/// All stages of a lead.
fn stages(connection: &Connection, lead: LeadKey) -> rusqlite::Result<Vec<(StageKey, Stage)>> {
    let mut select =
        connection.prepare_cached("SELECT stage FROM snapshot_stage WHERE lead = ?1")?;
    let keys = select.query_map([lead.0.as_slice()], |row| Ok(StageKey(row.get(0)?)))?;
    let keys: Vec<StageKey> = keys.collect::<rusqlite::Result<_>>()?;
    let mut stages = Vec::with_capacity(keys.len());
    for key in keys {
        stages.extend(stage(connection, lead, key)?.map(|stage| (key, stage)));
    }
    Ok(stages)
}

fn write(
    connection: &Connection,
    lead: LeadKey,
    key: StageKey,
    (stage, event): (&Stage, EventKey),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO snapshot_stage (lead, stage, id, event, time, visits, recorded, seen, run)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            lead.0.as_slice(),
            key.0.as_slice(),
            stage.id.0.as_slice(),
            event.0.as_slice(),
            stage.time,
            stage.visits,
            stage.is_recorded,
            stage.seen,
            stage.run,
        ))?;
    Ok(())
}

/// Forgets leads that have appeared nowhere for so long, as [`super::forget`] does.
pub(super) fn forget<E>(now: i64, execute: &mut Execute<'_, E>) -> Result<(), E> {
    let oldest = Some(now - KEEP_LEADS_SECONDS);
    execute(
        "DELETE FROM snapshot_stage WHERE lead IN (SELECT lead FROM snapshot_lead WHERE touched < $1)",
        oldest,
    )?;
    if execute("DELETE FROM snapshot_lead WHERE touched < $1", oldest)? > 0 {
        execute(
            "DELETE FROM snapshot_identity WHERE lead NOT IN (SELECT lead FROM snapshot_lead)",
            None,
        )?;
    }
    Ok(())
}
