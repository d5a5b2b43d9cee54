//! The inputs of a run: opened, understood by their header, and read once or twice.
//!
//! A regular file is read anew in each pass, through the descriptor it was opened with. Standard input, pipes and
//! devices cannot be: their first rows are held back, judged in the checking pass, and handed out again in the last one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use anyhow::{Result, bail};

use super::recipe::{Pass, Recipe};
use super::rows::RowProcessor;
use super::understanding::Understanding;
use super::{Observer, ReadSettings, Reading};
use crate::custom_data::{Amounts, MarkEvidence};
use crate::customer::GenderEvidence;
use crate::field::Field;
use crate::join::{self, Join, Leads};
use crate::mapping::{Plan, Preset, Shape, Times, canonical};
use crate::problem::{Code, Finding};
use crate::source::{About, Again, Chunk, Header, Input, OpenError, ReadError, Source};
use crate::text::harmless;
use crate::time::{Clock, DateOrder, OrderEvidence, Settled, TimeReader, parse_zone};

/// How many rows are held back to be judged before anything is sent, where an input cannot be read twice.
const HELD_ROWS: usize = 10_000;
/// Fewer of them where they take more memory than this.
const HELD_BYTES: usize = 16 << 20;

/// One input, opened and understood.
pub(crate) struct Feed {
    /// Which input it is.
    pub input: Input,
    /// What its reader found out.
    pub about: About,
    /// The preset taken, and whether it was guessed.
    pub preset: Option<(String, bool)>,
    /// How the export tells of stages.
    pub shape: Shape,
    /// The CRM's name as events carry it.
    pub lead_event_source: String,
    /// Its header as far as it is known.
    pub header: Arc<Header>,
    /// What the file itself says about the order of day and month in its times.
    pub order: OrderEvidence,
    recipe: Arc<Recipe>,
    source: Option<Source>,
    /// What it takes to read the input again; none for what can be read only once.
    again: Option<Again>,
    held: Held,
}

/// Why reading broke off, if that is what an error of this module tells.
pub(crate) fn broken_off(error: &anyhow::Error) -> Option<&ReadError> {
    let opening = || error.downcast_ref().and_then(OpenError::as_read_error);
    error.downcast_ref().or_else(opening)
}

/// What tells what a header comes to.
pub(super) type Understand<'a> = &'a dyn Fn(&Header) -> Result<Arc<Understanding>>;

impl Feed {
    /// Opens every input of a run, so that one that does not fit is known before anything happens.
    ///
    /// # Errors
    /// As [`Feed::open`].
    pub(crate) fn open_all(
        reading: &ReadSettings,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Self>> {
        let join = read_leads(reading)?;
        let understand = |header: &Header| Understanding::of(reading, header);
        let open = |input| {
            let feed =
                Self::open_with(input, reading, join.clone(), (&mut *observer, &understand))?;
            explain(&feed, reading);
            Ok(feed)
        };
        reading.inputs.iter().map(open).collect()
    }

    /// How many bytes the files of these inputs have together; none where one is a stream, whose end nobody knows.
    pub(super) fn bytes_of_all(feeds: &[Self]) -> Option<u64> {
        feeds.iter().map(|feed| feed.about.size).sum()
    }

    /// Whether it is read to its end before anything is sent, and then once more.
    pub(super) fn is_read_twice(&self) -> bool {
        self.again.is_some()
    }

    /// Meta's leads that its rows are joined with.
    pub(super) fn leads(&self) -> Option<&Arc<Leads>> {
        self.recipe.join.as_ref().map(|join| &join.leads)
    }

    /// Opens an input and settles what the settings leave to it: preset, columns, order of day and month.
    ///
    /// # Errors
    /// The input cannot be opened, or its columns do not fit the settings; the message names the file.
    pub(crate) fn open(input: &Input, reading: &ReadSettings) -> Result<Self> {
        let understand = |header: &Header| Understanding::of(reading, header);
        Self::open_with(input, reading, None, (&mut (), &understand))
    }

    /// The same with Meta's leads, which are read once for all inputs, and with a memory of headers.
    pub(super) fn open_with(
        input: &Input,
        reading: &ReadSettings,
        join: Option<Join>,
        (observer, understand): (&mut dyn Observer, Understand<'_>),
    ) -> Result<Self> {
        let names_its_file =
            |error: &anyhow::Error| error.is::<OpenError>() || error.is::<ReadError>();
        let opened = Self::open_named(input, reading, join, (observer, understand));
        opened.map_err(|error| match names_its_file(&error) {
            true => error,
            false => error.context(input.to_string()),
        })
    }

    fn open_named(
        input: &Input,
        reading: &ReadSettings,
        join: Option<Join>,
        (observer, understand): (&mut dyn Observer, Understand<'_>),
    ) -> Result<Self> {
        let mut source = Source::open(input, &reading.source)?;
        let header = source.header.clone();
        let understanding = understand(&header)?;
        let (preset, plan) = (understanding.preset.as_ref(), &understanding.plan);
        refuse_unknown_states(reading, plan)?;
        let again = source.again(&reading.source);
        let mut held = Held::default();
        if again.is_none() {
            held.fill(&mut source)?;
        }

        let mut survey = Survey::new(plan, reading.date_order);
        survey.read_held(&held);
        if again.is_some() {
            survey.read_on(&mut source, &mut held, observer)?;
        }
        let exported = exported(input, reading.clock);
        let order = survey.times_order();
        let times = times_of(reading, preset, plan, order, exported)?;
        let this_year = reading.clock.this_year();
        let is_guessed = understanding.is_guessed;
        let crm = reading.crm.clone();
        let crm = crm.or_else(|| preset.and_then(|preset| preset.crm.clone()));
        let lead_event_source = crm.unwrap_or_else(|| "CRM".to_owned());
        Ok(Self {
            input: input.clone(),
            about: source.about.clone(),
            preset: preset.map(|preset| (preset.name.clone(), is_guessed)),
            shape: preset.map(|preset| preset.shape).unwrap_or_default(),
            lead_event_source: lead_event_source.clone(),
            header,
            order: survey.times.clone(),
            recipe: Arc::new(Recipe {
                clock: reading.clock,
                times,
                understanding,
                customer: crate::customer::Settings {
                    default_country: reading.default_country,
                    date_order: survey.births_order(),
                    this_year,
                    letter_m: survey.genders.letter_m(),
                },
                unusable: reading.unusable.clone(),
                constants: reading.constants.clone(),
                amounts: Amounts::new(reading.currency, &survey.amounts),
                lead_event_source,
                join,
            }),
            source: (!survey.read_on).then_some(source),
            again,
            held,
        })
    }

    /// In what order day and month are read, if it is known.
    pub(crate) fn date_order(&self, reading: &ReadSettings) -> Option<DateOrder> {
        reading
            .date_order
            .or_else(|| settled(&self.order).filter(|_| self.order.ambiguous.is_some()))
    }

    /// What there is to say about the export as a whole: headings that stand twice, and stages whose history is lost.
    pub(crate) fn doubts(&self) -> Vec<Finding> {
        let finding = |code: Code, field, column: Option<u32>| Finding {
            code,
            severity: code.severity(),
            row: 1,
            field,
            column,
        };
        let mut doubts: Vec<Finding> = self
            .plan()
            .doubled()
            .iter()
            .map(|&column| finding(Code::HeadingDoubled, None, Some(column)))
            .collect();
        if self.plan().has_one_stage_a_row() && self.shape != Shape::EveryStage {
            let created = self.plan().stage_time_columns().iter();
            let created = created.filter(|column| self.is_of_creation(**column));
            doubts.extend(created.map(|&column| {
                finding(Code::StageTimeCreated, Some(Field::EventTime), Some(column))
            }));
            let modified =
                |column: &&u32| moves_with_any_edit(&self.header.columns[**column as usize]);
            let modified = self.plan().stage_time_columns().iter().find(modified);
            doubts.extend(modified.map(|&column| {
                finding(
                    Code::StageTimeModified,
                    Some(Field::EventTime),
                    Some(column),
                )
            }));
            if modified.is_some() || self.shape == Shape::CurrentStage {
                doubts.push(finding(Code::StageSnapshot, Some(Field::EventName), None));
            }
        }
        doubts
    }

    /// Whether a column holds the date a lead was created: it is mapped so, or its heading says so.
    fn is_of_creation(&self, column: u32) -> bool {
        let mapped = self.plan().event_columns_of(Field::CreatedTime);
        mapped.contains(&column) || tells_creation(&self.header.columns[column as usize])
    }

    /// The mapping of its header.
    pub(crate) fn plan(&self) -> &Plan {
        &self.recipe.understanding.plan
    }

    /// Reads this input's times, each column in its zone.
    pub(crate) fn times(&self) -> Times {
        self.recipe.times.clone()
    }

    /// The zone of times that carry none, where the ids of events depend on it: once rows were read that have such times.
    pub(super) fn zone_of_ids(&self) -> Option<String> {
        let reader = &self.recipe.times.default;
        let are_ids_given = self
            .plan()
            .used()
            .iter()
            .any(|(field, _)| *field == Field::EventId.to_string());
        if !reader.has_used_zone() || are_ids_given || self.plan().is_snapshot() {
            return None;
        }
        let zone = reader.zone();
        Some(match zone.iana_name() {
            Some(name) => name.to_owned(),
            None => zone.to_offset(jiff::Timestamp::UNIX_EPOCH).to_string(),
        })
    }

    /// A worker's own processor for this input's rows.
    pub(super) fn processor(&self, pass: Pass) -> RowProcessor {
        RowProcessor::new(self.recipe.clone(), self.header.clone(), pass)
    }

    /// The same for so few rows that it is not worth a memory of values that repeat.
    pub(super) fn processor_of_few(&self, pass: Pass) -> RowProcessor {
        self.processor(pass).without_cache()
    }

    /// The chunks of one pass.
    ///
    /// # Errors
    /// The file cannot be read again, or changed since it was opened.
    pub(super) fn chunks(&mut self, pass: Pass) -> Result<Chunks<'_>> {
        if let (None, Some(again)) = (&self.source, &self.again) {
            self.source = Some(again.open()?);
        }
        Ok(Chunks {
            feed: self,
            pass,
            next_held: 0,
            told: 0,
        })
    }
}

/// Meta's leads, where the settings name files of them.
pub(super) fn read_leads(reading: &ReadSettings) -> Result<Option<Join>> {
    if reading.join.inputs.is_empty() {
        return Ok(None);
    }
    let how = join::Reading {
        zone: reading.zone.clone(),
        date_order: reading.date_order,
        default_country: reading.default_country,
        now: reading.clock.now(),
    };
    let raw_lead = reading.join.raw_lead.as_deref();
    Ok(Some(Join {
        leads: Arc::new(Leads::read(&reading.join.inputs, &how, reading.threads)?),
        raw_lead: raw_lead.map(Arc::from),
    }))
}

/// Says what was settled about an input, and why.
fn explain(feed: &Feed, reading: &ReadSettings) {
    let input = &feed.input;
    match &feed.preset {
        Some((preset, true)) => tracing::debug!("{input}: its header is that of preset {preset}"),
        Some((preset, false)) => tracing::debug!("{input}: preset {preset}, as asked for"),
        None => {
            tracing::debug!("{input}: no preset, as no known header fits it or none was wanted")
        }
    }
    let preset = feed.recipe.understanding.preset.as_ref();
    let of_preset = preset.and_then(|preset| preset.timezone.as_deref());
    let given = reading
        .zone
        .as_ref()
        .map(|zone| zone.iana_name().unwrap_or("a fixed offset"));
    match (given, of_preset) {
        (Some(zone), _) => tracing::debug!("{input}: times without a zone are of {zone}, as given"),
        (None, Some(zone)) => {
            tracing::debug!("{input}: times without a zone are of {zone}, the preset's");
        }
        (None, None) => {
            tracing::debug!("{input}: times without a zone are of UTC, as none is given")
        }
    }
    match (reading.date_order, settled(&feed.order)) {
        (Some(order), _) => tracing::debug!("{input}: numeric dates are {order}, as given"),
        (None, Some(order)) => {
            tracing::debug!("{input}: numeric dates are {order}, as only that fits all of them");
        }
        (None, None) => {}
    }
    for (column, mark) in feed.recipe.amounts.in_words() {
        let heading = feed.header.columns.get(column as usize);
        let heading = harmless(heading.map_or("", String::as_str));
        tracing::debug!(
            "{input}: the decimal mark of {heading} is a {mark}, as only that fits all of its amounts"
        );
    }
}

/// Readers of times: in the zone that was given, else the preset's, else UTC, and in that of a heading that names one.
fn times_of(
    reading: &ReadSettings,
    preset: Option<&Preset>,
    plan: &Plan,
    order: Option<DateOrder>,
    exported: i64,
) -> Result<Times> {
    let of_preset = preset.and_then(|preset| preset.timezone.as_deref());
    let zone = match (&reading.zone, of_preset) {
        (Some(zone), _) => Some(zone.clone()),
        (None, Some(name)) => Some(parse_zone(name)?),
        (None, None) => None,
    };
    let now = reading.clock.now();
    let reader = |zone, given| TimeReader::new(zone, given, order, now);
    let zoned = plan.heading_zones().iter();
    Ok(Times {
        exported,
        default: match zone {
            Some(zone) => reader(zone, true),
            None => reader(jiff::tz::TimeZone::UTC, false),
        },
        // A heading that only looks like a zone is a heading.
        of_columns: zoned
            .filter_map(|(column, name)| Some((*column, reader(parse_zone(name).ok()?, true))))
            .collect(),
    })
}

/// Refuses limited data use where nothing tells the lead's state.
fn refuse_unknown_states(reading: &ReadSettings, plan: &Plan) -> Result<()> {
    if reading.constants.is_limited_by_row()
        && plan.columns_of(Field::State).is_empty()
        && plan.columns_of(Field::ClientIpAddress).is_empty()
    {
        bail!(
            "data_processing_options = [\"LDU\"] under [event] needs the lead's state, as no IP address tells it: give \
             data_processing_options_state (1000 California, 1001 Colorado, 1002 Connecticut, 1003 Florida, …), or map \
             the column that holds each lead's US state with state under [columns]"
        );
    }
    Ok(())
}

/// When an export was made, as far as nothing in it says so: when its file was last written, unless the clock was given.
fn exported(input: &Input, clock: Clock) -> i64 {
    let now = clock.now();
    let written = match clock {
        Clock::Fixed(_) => None,
        _ => input.path().and_then(|path| path.metadata().ok()),
    };
    let seconds = written
        .and_then(|file| file.modified().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map(|since| since.as_secs() as i64);
    // A file from the future was written by a clock that is wrong.
    seconds.map_or(now, |seconds| seconds.min(now))
}

/// The chunks of one pass over one input.
pub(super) struct Chunks<'a> {
    feed: &'a mut Feed,
    pass: Pass,
    next_held: usize,
    /// The position in the file up to which the progress was told.
    told: u64,
}

impl Chunks<'_> {
    /// How many bytes more of the file were read since this was asked last.
    pub(super) fn advanced(&mut self) -> u64 {
        let position = self.feed.source.as_ref().map_or(0, Source::position);
        let more = position.saturating_sub(self.told);
        self.told += more;
        more
    }

    /// Fills the chunk with the next rows; false at the end.
    pub(super) fn next(&mut self, chunk: &mut Chunk) -> Result<bool> {
        let must_keep = self.feed.again.is_none() && self.pass == Pass::Checking;
        let held = if must_keep {
            self.next_held += 1;
            self.feed.held.chunks.get(self.next_held - 1).cloned()
        } else {
            self.feed.held.chunks.pop_front()
        };
        if let Some(held) = held {
            *chunk = held;
            return Ok(true);
        }
        if must_keep {
            return Ok(false);
        }
        let Some(source) = &mut self.feed.source else {
            return Ok(false);
        };
        let more = source.fill(chunk)?;
        if !more {
            self.feed.source = None;
        }
        Ok(more)
    }
}

/// The first rows of an input, to be judged and handed out again.
#[derive(Default)]
struct Held {
    chunks: VecDeque<Chunk>,
    rows: usize,
    bytes: usize,
}

impl Held {
    fn is_full(&self) -> bool {
        self.rows >= HELD_ROWS || self.bytes >= HELD_BYTES
    }

    fn fill(&mut self, source: &mut Source) -> Result<()> {
        let mut chunk = Chunk::default();
        while !self.is_full() && source.fill(&mut chunk)? {
            self.push(std::mem::take(&mut chunk));
        }
        Ok(())
    }

    fn push(&mut self, mut chunk: Chunk) {
        self.rows += chunk.len();
        self.bytes += chunk.weight();
        // A chunk that brings new columns has a header of its own.
        let before = self.chunks.back().map(|before| &before.header);
        if before.is_none_or(|before| !Arc::ptr_eq(before, &chunk.header)) {
            self.bytes += chunk.header.weight();
        }
        chunk.shrink();
        self.chunks.push_back(chunk);
    }
}

/// Finds out from the rows in which order day and month stand, where nobody said so, whom a gender of M means, and with
/// which mark the amounts of a column are written.
///
/// The first rows tell whether the question arises at all; only then is the whole file read for it.
struct Survey {
    given: Option<DateOrder>,
    time_columns: Vec<u32>,
    birth_columns: Vec<u32>,
    times: OrderEvidence,
    births: OrderEvidence,
    gender_columns: Vec<u32>,
    genders: GenderEvidence,
    amounts: Vec<(u32, MarkEvidence)>,
    has_begun: bool,
    /// Whether rows were read that are not held, so that the file must be read again.
    read_on: bool,
}

impl Survey {
    fn new(plan: &Plan, given: Option<DateOrder>) -> Self {
        Self {
            given,
            time_columns: plan.time_columns(),
            birth_columns: plan.columns_of(Field::DateOfBirth),
            times: OrderEvidence::default(),
            births: OrderEvidence::default(),
            gender_columns: plan.columns_of(Field::Gender),
            genders: GenderEvidence::default(),
            amounts: (plan.amount_columns().into_iter())
                .map(|column| (column, MarkEvidence::default()))
                .collect(),
            has_begun: false,
            read_on: false,
        }
    }

    fn read_held(&mut self, held: &Held) {
        if self.is_open() {
            held.chunks.iter().for_each(|chunk| self.observe(chunk));
        }
    }

    /// Reads a file that can be read again, as far as it takes.
    fn read_on(
        &mut self,
        source: &mut Source,
        held: &mut Held,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        if !self.is_open() {
            return Ok(());
        }
        let mut chunk = Chunk::default();
        let mut told = 0;
        while source.fill(&mut chunk)? {
            self.observe(&chunk);
            if self.read_on || held.is_full() {
                if !self.read_on {
                    observer.reading(Reading::Dates, source.about.size);
                }
                let position = source.position();
                observer.checked(chunk.len() as u64, position.saturating_sub(told));
                told = position;
                self.read_on = true;
                held.chunks.clear();
                continue;
            }
            held.push(std::mem::take(&mut chunk));
            if !self.is_open() {
                break;
            }
        }
        Ok(())
    }

    /// Whether more rows could tell more. Before the first is read they always can.
    fn is_open(&self) -> bool {
        let asks_dates = self.given.is_none()
            && (!self.has_begun || matters(&self.times) || matters(&self.births));
        let is_open = |(_, evidence): &(u32, MarkEvidence)| !self.has_begun || evidence.is_open();
        asks_dates
            || !self.gender_columns.is_empty() && self.genders.is_open()
            || self.amounts.iter().any(is_open)
    }

    fn observe(&mut self, chunk: &Chunk) {
        self.has_begun = true;
        for row in chunk.rows().filter(|row| row.refused().is_none()) {
            for &column in &self.gender_columns {
                self.genders.observe(row.cell(column));
            }
            for (column, evidence) in &mut self.amounts {
                evidence.observe(row.cell(*column));
            }
            if self.given.is_some() {
                continue;
            }
            for &column in &self.time_columns {
                self.times.observe(row.number(), row.cell(column));
            }
            for &column in &self.birth_columns {
                self.births.observe(row.number(), row.cell(column));
            }
        }
    }

    fn times_order(&self) -> Option<DateOrder> {
        self.given.or_else(|| settled(&self.times))
    }

    fn births_order(&self) -> Option<DateOrder> {
        self.given.or_else(|| settled(&self.births))
    }
}

/// Whether a heading is that of the record's creation, in the words of CRMs.
fn tells_creation(heading: &str) -> bool {
    let name = canonical(heading);
    [
        "created",
        "createdat",
        "createdon",
        "createddate",
        "createdtime",
        "createdate",
        "datecreated",
        "creationdate",
        "leadcreated",
        "createtime",
        "dateadded",
        "erstelltam",
        "erstelldatum",
        "fechadecreacion",
        "fechadecreación",
        "creadoel",
        "datadecriação",
        "criadoem",
        "datedecréation",
        "crééle",
        "datadicreazione",
        "addtime",
    ]
    .contains(&name.as_str())
}

/// Whether a heading is that of the record's last change, in the words of CRMs.
fn moves_with_any_edit(heading: &str) -> bool {
    let name = canonical(heading);
    let is_of_the_stage = ["status", "stage", "phase", "etapa", "stufe"]
        .iter()
        .any(|word| name.contains(word));
    !is_of_the_stage
        && [
            "modified",
            "updated",
            "modificad",
            "lastactivity",
            "geändert",
            "modifiéle",
            "actualizad",
        ]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether there are dates whose order matters.
fn matters(evidence: &OrderEvidence) -> bool {
    evidence.settles() != Settled::NotNeeded
}

fn settled(evidence: &OrderEvidence) -> Option<DateOrder> {
    match evidence.settles() {
        Settled::Order(order) => Some(order),
        _ => None,
    }
}
