//! One reading of the export for what its first rows do not tell: the stages there are, in the order leads pass them, and
//! whether times say in which zone they are. Of a long export the later rows are read here and there; only the order of
//! day and month is looked for in all of them.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use anyhow::{Context, Result};

use crate::field::Field;
use crate::mapping::{
    Columns, Layout, Mapped, Notice, Plan, Preset, Record, Target, Unlisted, is_pattern,
};
use crate::problem::Code;
use crate::report::names::Names;
use crate::run::Feed;
use crate::source::{Chunk, Header, Row, Settings, Source};
use crate::time::{OrderEvidence, Precision};

/// So many rows are read one by one, and one of so many behind them.
const FIRST_ROWS: u64 = 20_000;
const STEP: u64 = 16;

/// What the rows of an export tell.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Data records.
    pub rows: u64,
    /// Those of them whose stages were read.
    pub rows_read: u64,
    /// Stages as the CRM calls them, with how often they stand there, in the order leads pass them where that is known.
    pub stages: Vec<(String, u64)>,
    /// Whether the export tells in which order leads pass the stages.
    pub is_order_known: bool,
    /// Stages that are not among them: too many, or no names of stages by the look of them.
    pub withheld: u64,
    /// Times of stages that name their zone, or whose column does.
    pub times_with_zone: u64,
    /// Times of stages that do not.
    pub times_without_zone: u64,
    /// Times of stages that give no more than the day.
    pub days: u64,
    /// Different leads for as many rows as there are; as many as rows when they were not counted.
    pub leads: u64,
    /// What the times say about the order of day and month.
    pub order: OrderEvidence,
    /// What dates of birth say about the order of day and month.
    pub births: OrderEvidence,
}

/// When leads come to a stage.
#[derive(Clone, Debug, Default)]
struct Passage {
    since_lead: Mean,
}

#[derive(Clone, Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: i64) {
        self.sum += value as f64;
        self.count += 1.0;
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

/// Reads the export as `layout` has it. Events are not built: stages are taken as they stand there.
///
/// # Errors
/// The export cannot be read to its end, or does not fit the layout.
pub(super) fn read(
    feed: &Feed,
    layout: &Layout,
    preset: Option<&Preset>,
    settings: &Settings,
) -> Result<Story> {
    let place = || feed.input.to_string();
    let mut source = Source::open(&feed.input, settings).with_context(place)?;
    // With no stage listed and none let through, every stage is noticed as the export spells it; so are those of leads
    // that do not agree.
    let is_consent = |mapped: &&Mapped| mapped.target == Target::Field(Field::Consent);
    let bare = Layout {
        columns: (layout.columns.iter().filter(|mapped| !is_consent(mapped)))
            .cloned()
            .collect(),
        stages: Vec::new(),
        unlisted: Some(Unlisted::Error),
        ..layout.clone()
    };
    let nameless = preset.map(Preset::without_stages);
    let compile = |header: &Header| Plan::compile(&bare, nameless.as_ref(), header);
    let plan = compile(&source.header).with_context(place)?;
    let mut reader = Reader {
        time_columns: plan.time_columns(),
        birth_columns: plan.columns_of(Field::DateOfBirth),
        plan,
        times: feed.times(),
        story: Story::default(),
        counts: Names::default(),
        passages: Names::default(),
        leads: HashSet::new(),
        hasher: RandomState::new(),
        found: Vec::new(),
    };
    let (mut header, mut chunk) = (source.header.clone(), Chunk::default());
    while source.fill(&mut chunk).with_context(place)? {
        // JSON records may bring new columns in mid-file.
        if chunk.header != header {
            header = chunk.header.clone();
            reader.plan = compile(&header).with_context(place)?;
            reader.time_columns = reader.plan.time_columns();
            reader.birth_columns = reader.plan.columns_of(Field::DateOfBirth);
        }
        let mut record = Record::default();
        for row in chunk.rows() {
            let rows = reader.story.rows;
            reader.story.rows += 1;
            if row.refused().is_some() {
                continue;
            }
            reader.observe_order(row);
            if rows < FIRST_ROWS || rows.is_multiple_of(STEP) {
                reader.read(row, &mut record);
            }
        }
    }
    Ok(reader.finish(&stages_in_headings(layout, &header)))
}

/// The stages that patterns of headings find.
fn stages_in_headings(layout: &Layout, header: &Header) -> Vec<String> {
    let columns = Columns::new(header);
    let patterns = layout
        .stage_columns
        .iter()
        .filter(|(name, _)| is_pattern(name));
    patterns
        .flat_map(|(name, _)| columns.matching(name))
        .filter_map(|(_, captured)| captured.stage)
        .collect()
}

struct Reader {
    plan: Plan,
    time_columns: Vec<u32>,
    birth_columns: Vec<u32>,
    times: crate::mapping::Times,
    story: Story,
    counts: Names<u64>,
    passages: Names<Passage>,
    leads: HashSet<u64>,
    hasher: RandomState,
    /// The stages of one row, with the columns of their times.
    found: Vec<(String, u32)>,
}

impl Reader {
    fn read<'a>(&mut self, row: Row<'a>, record: &mut Record<'a>) {
        let Self {
            plan,
            times,
            story,
            found,
            ..
        } = self;
        found.clear();
        let mut assumed = 0;
        plan.read(
            row,
            times,
            record,
            &mut |notice: Notice<'_>| match (notice.code, notice.stage) {
                (Code::StageUnlisted, Some(stage)) => {
                    found.push((stage.name.to_owned(), stage.time))
                }
                (Code::TimeZoneAssumed, _) if notice.field == Some(Field::EventTime) => {
                    assumed += 1
                }
                (Code::TimeDateOnly, _) if notice.field == Some(Field::EventTime) => {
                    story.days += 1
                }
                _ => {}
            },
        );
        story.times_without_zone += assumed;
        story.times_with_zone += record.stages.len() as u64 - assumed;
        story.rows_read += 1;
        // Rows of one lead may stand side by side, so that single rows would tell nothing.
        if let Some(cell) = record.customer.first()
            && story.rows <= FIRST_ROWS
        {
            self.leads.insert(self.hasher.hash_one(cell.text));
        }
        self.pass(row, record);
    }

    /// Looks for what settles the order of day and month.
    fn observe_order(&mut self, row: Row<'_>) {
        for &column in &self.time_columns {
            self.story.order.observe(row.number(), row.cell(column));
        }
        for &column in &self.birth_columns {
            self.story.births.observe(row.number(), row.cell(column));
        }
    }

    /// Counts the stages found in the row, and how long after the lead each was reached.
    fn pass(&mut self, row: Row<'_>, record: &Record<'_>) {
        let mut reached = Vec::with_capacity(self.found.len());
        for (stage, column) in &self.found {
            *self.counts.counter(stage) += 1;
            let Ok(Some(reading)) = self.times.read(*column, row.cell(*column)) else {
                continue;
            };
            match reading
                .notes
                .codes()
                .any(|code| code == Code::TimeZoneAssumed)
            {
                true => self.story.times_without_zone += 1,
                false => self.story.times_with_zone += 1,
            }
            self.story.days += u64::from(reading.moment.precision == Precision::Day);
            reached.push((stage, reading.uncapped));
        }
        let first = reached
            .iter()
            .map(|(_, at)| *at)
            .min()
            .filter(|_| reached.len() > 1);
        let start = record.created.map(|created| created.seconds).or(first);
        for (stage, at) in reached {
            let passage = self.passages.counter(stage);
            if let Some(start) = start {
                passage.since_lead.add(at - start);
            }
        }
    }

    fn finish(self, in_headings: &[String]) -> Story {
        let Self {
            mut story,
            mut counts,
            mut passages,
            leads,
            ..
        } = self;
        let (mut shown, mut withheld) = counts.shown();
        // What stands in a heading is a stage, whatever it looks like and even if no lead has come to it.
        for stage in in_headings {
            if !shown.iter().any(|(name, _)| name == stage) {
                let count = *counts.counter(stage);
                withheld -= count;
                shown.push((stage.clone(), count));
            }
        }
        let mut stages: Vec<(String, u64, Passage)> = Vec::with_capacity(shown.len());
        for (name, count) in shown {
            let passage = passages.counter(&name).clone();
            stages.push((name, count, passage));
        }
        // How long after the lead is the same scale for all stages only if it is known of all.
        let is_known = stages
            .iter()
            .all(|(_, count, passage)| *count == 0 || passage.since_lead.get().is_some());
        let when = |passage: &Passage| passage.since_lead.get().unwrap_or(f64::MAX);
        let differ = stages
            .windows(2)
            .any(|pair| when(&pair[0].2) != when(&pair[1].2));
        story.is_order_known = is_known && differ;
        // When stages were reached by the calendar says nothing of their order: leads come at different times.
        if story.is_order_known {
            stages.sort_by(|(.., a), (.., b)| when(a).total_cmp(&when(b)));
        }
        story.stages = stages
            .into_iter()
            .map(|(name, count, _)| (name, count))
            .collect();
        story.withheld = withheld;
        story.leads = match leads.len() as u64 {
            0 => story.rows,
            leads => leads * story.rows / story.rows.clamp(1, FIRST_ROWS),
        };
        story
    }
}
