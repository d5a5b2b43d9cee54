//! Takes rows through mapping, customer, event and rules, one chunk at a time.
//!
//! Input: a chunk of rows. Output: [`Prepared`], its events and what was found wrong. What becomes of the events
//! (counted, printed, or sent) is not decided here.

use std::ops::Range;
use std::sync::Arc;

use super::joining::{self, Link, RawLead};
use super::recipe::{Pass, Recipe};
use crate::custom_data::Worth;
use crate::customer::{Country, Key, KeySet, Normalizer, UserData, us_state};
use crate::event::ldu::Region;
use crate::event::{Event, EventId, Facts, Fingerprint, LeadKey, StageKey, write_event};
use crate::field::Field;
use crate::ledger::{Sighting, Timing};
use crate::mapping::{
    LeftOut, NameId, Notice, Plan, Record, Stage, Times, WorthId, canonical_stage,
};
use crate::problem::{Code, Finding, Severity};
use crate::rules;
use crate::source::{Chunk, Header, Row};

/// What is made of a chunk is handed over in parts when it comes to more than this: many stages of leads with much to say
/// of them make a hundred times as much as they take.
const MAX_MADE_BYTES: usize = 1 << 20;
const MAX_MADE_EVENTS: usize = 1 << 12;

/// An event as a chunk's preparation leaves it.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEvent {
    /// Where it stands in the chunk's JSON; empty where the pass makes none.
    pub json: Range<u32>,
    /// Tells it from others.
    pub fingerprint: Fingerprint,
    /// The `event_name`, among those of its chunk.
    pub name: NameId,
    /// The `event_time`, Unix seconds.
    pub time: i64,
    /// Whether the join made it, and the export does not have it.
    pub is_joined: bool,
    /// When the lead was created, Unix seconds.
    pub created: Option<i64>,
    /// What the lead is worth at this stage.
    pub worth: Option<Worth>,
    /// A hash of the lead.
    pub lead: u64,
    /// The row it came from.
    pub row: u64,
    /// A hash of lead and time where the id is the export's own, which may stand for several events.
    pub of_given_id: Option<u32>,
    /// Whether it is too old to be sent; it then has no JSON.
    pub is_old: bool,
    /// The customer parameters it carries.
    pub keys: KeySet,
    /// How its row came to its lead id.
    pub link: Link,
    /// The Unix seconds its id is made from.
    pub id_time: i64,
    /// Where everything that its lead may have been known by stands in the chunk's identities; empty where its id is not
    /// derived from one, or the pass makes no JSON.
    pub identities: Range<u32>,
    /// What a snapshot shows of the lead, where the export is one: it decides whether this is an event at all.
    pub sighting: Option<Sighting>,
}

/// A stage of the CRM's, whatever event it is by now. No event is called so.
fn origin(stage: &str) -> StageKey {
    StageKey::of_folded(&format!("\0{}", canonical_stage(stage)))
}

/// A lead of a snapshot that is in a stage which gives no event.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere {
    /// Its row.
    pub row: u64,
    /// The stage.
    pub sighting: Sighting,
    /// What its lead may have been known by, among the chunk's identities.
    pub identities: Range<u32>,
}

/// A chunk's events, and what there is to say about its rows.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Index of the input.
    pub input: u32,
    /// How many bytes of the input's file were read for it, as they lie on disk; 0 where the input is no regular file.
    pub bytes: u64,
    /// Whether nothing more is made of its chunk.
    pub is_last: bool,
    /// The events' JSON, one behind the other, each ended by a line feed.
    pub json: Vec<u8>,
    /// The events, in the order of rows and times.
    pub events: Vec<PreparedEvent>,
    /// What the leads may have been known by, each ended by a zero byte.
    pub identities: Vec<u8>,
    /// Leads of snapshots that are in a stage without an event of its own, or of which nothing may be sent.
    pub elsewhere: Vec<Elsewhere>,
    /// Events of its leads that earlier runs found in snapshots and could not deliver.
    pub overdue: Vec<Event>,
    /// The event names that the events refer to.
    pub names: Vec<Arc<str>>,
    /// Problems, in the order of rows.
    pub findings: Vec<Finding>,
    /// The stages that `[stages]` does not list, with their rows.
    pub unlisted: Vec<(String, u64)>,
    /// Data records.
    pub rows: u64,
    /// Rows with at least one error.
    pub rows_invalid: u64,
    /// Events not built because the settings skip their stage.
    pub skipped_stage: u64,
    /// Rows that do not meet the conditions of `[only]`.
    pub skipped_only: u64,
    /// Rows whose consent column does not say yes.
    pub skipped_consent: u64,
    /// The rows themselves, for the rejects file.
    pub chunk: Chunk,
}

impl Prepared {
    /// The `event_name` of one of the events.
    pub(crate) fn name_of(&self, event: &PreparedEvent) -> &Arc<str> {
        &self.names[event.name.0 as usize]
    }

    /// The JSON of one of the events, without the line feed behind it.
    pub(crate) fn json_of(&self, index: usize) -> &[u8] {
        let range = &self.events[index].json;
        &self.json[range.start as usize..range.end as usize - 1]
    }

    /// Whether an event's row knows its lead by more than what its id is made from.
    pub(crate) fn tells_more(&self, event: &PreparedEvent) -> bool {
        let identities = event.identities.start as usize..event.identities.end as usize;
        let ends = self.identities[identities]
            .iter()
            .filter(|byte| **byte == 0);
        event.sighting.is_none() && ends.take(2).count() == 2
    }

    /// Forgets all but the first so many rows, for a run that ends in the middle of a chunk.
    pub(crate) fn keep_rows(&mut self, count: usize) {
        let Some(first_out) = self.chunk.rows().nth(count).map(|row| row.number()) else {
            return;
        };
        self.events.retain(|event| event.row < first_out);
        self.findings.retain(|finding| finding.row < first_out);
        self.unlisted.retain(|(_, row)| *row < first_out);
        self.elsewhere.retain(|found| found.row < first_out);
        self.json.truncate(
            self.events
                .last()
                .map_or(0, |event| event.json.end as usize),
        );
        self.chunk.truncate(count);
        self.rows = count as u64;
        let mut invalid: Vec<u64> = self
            .findings
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .map(|found| found.row)
            .collect();
        invalid.dedup();
        self.rows_invalid = invalid.len() as u64;
    }

    /// Whether it is to be handed over before another row is added.
    fn is_full(&self) -> bool {
        self.json.len() >= MAX_MADE_BYTES || self.events.len() >= MAX_MADE_EVENTS
    }

    fn clear(&mut self) {
        self.is_last = true;
        self.json.clear();
        self.events.clear();
        self.names.clear();
        self.findings.clear();
        self.unlisted.clear();
        self.identities.clear();
        self.elsewhere.clear();
        self.overdue.clear();
        (self.rows, self.rows_invalid) = (0, 0);
        (self.skipped_stage, self.skipped_only, self.skipped_consent) = (0, 0, 0);
    }
}

/// What a stage is worth that is worth something of its own, and the `custom_data` of its events.
struct OwnWorth {
    id: WorthId,
    worth: Option<Worth>,
    json: Vec<u8>,
}

/// What a worker needs for the rows of one input.
pub(crate) struct RowProcessor {
    recipe: Arc<Recipe>,
    header: Arc<Header>,
    plan: Plan,
    times: Times,
    normalizer: Normalizer,
    user_data: UserData,
    custom_json: Vec<u8>,
    /// What the lead of the row is worth.
    worth: Option<Worth>,
    /// The same for stages of the row that are worth something of their own.
    own_worths: Vec<OwnWorth>,
    /// What stands for the lead in ids: what the row has without a join, so that an id that is joined later changes none.
    identity: Vec<u8>,
    link: Link,
    /// The event of a raw lead that only Meta's leads tell of.
    raw_lead: Option<RawLead>,
    /// Where the lead of the row is, where limited data use goes by the row.
    region: Option<Region>,
    /// Whether events are serialised.
    serialises: bool,
    /// Whether somebody compares what leads are known by.
    compares: bool,
    /// Whether leads are to be recognised by whatever they are known by.
    recognises: bool,
}

impl RowProcessor {
    pub(super) fn new(recipe: Arc<Recipe>, header: Arc<Header>, pass: Pass) -> Self {
        let mut plan = recipe.understanding.plan.clone();
        Self {
            link: Link::None,
            raw_lead: raw_lead(&recipe, &mut plan),
            header,
            plan,
            times: recipe.times.clone(),
            normalizer: Normalizer::new(&recipe.customer),
            user_data: UserData::default(),
            custom_json: Vec::new(),
            worth: None,
            own_worths: Vec::new(),
            identity: Vec::new(),
            region: None,
            serialises: matches!(pass, Pass::Showing | Pass::Last),
            compares: pass == Pass::Last,
            recognises: pass != Pass::Checking,
            recipe,
        }
    }

    /// The same without a memory of values that repeat, with the same results.
    pub(super) fn without_cache(mut self) -> Self {
        self.normalizer = Normalizer::without_cache(&self.recipe.customer);
        self
    }

    /// Takes a chunk's rows through the stages, beginning with the row of this index, and gives the index of the row to go
    /// on with: what is made of a chunk may be too much to be handed over at once.
    pub(crate) fn prepare(&mut self, chunk: &Chunk, from: usize, prepared: &mut Prepared) -> usize {
        let recipe = self.recipe.clone();
        self.follow_header(&chunk.header);
        self.times.set_now(self.recipe.clock.now());
        prepared.clear();
        self.plan.begin_chunk();
        let mut rows = chunk.rows().skip(from);
        let mut record = Record::default();
        for row in rows.by_ref() {
            let first = prepared.findings.len();
            if row.refused().is_none() {
                self.prepare_row(&recipe, row, &mut record, prepared);
            }
            let has_error = prepared.findings[first..]
                .iter()
                .any(|found| found.severity == Severity::Error);
            prepared.rows += 1;
            prepared.rows_invalid += u64::from(has_error || row.refused().is_some());
            if prepared.is_full() {
                break;
            }
        }
        drop(record);
        prepared.names.extend_from_slice(self.plan.event_names());
        let first = chunk.rows().nth(from).filter(|_| from > 0);
        let (first, next) = (first.map(Row::number), rows.next().map(Row::number));
        let of_these = chunk.findings.iter().filter(|finding| {
            first.is_none_or(|first| first <= finding.row)
                && next.is_none_or(|next| finding.row < next)
        });
        prepared.findings.extend(of_these.cloned());
        // What the reader noticed comes first, and belongs between the others.
        prepared.findings.sort_by_key(|finding| finding.row);
        from + prepared.rows as usize
    }

    /// JSON records may bring new columns in mid-file.
    fn follow_header(&mut self, header: &Arc<Header>) {
        if Arc::ptr_eq(header, &self.header) {
            return;
        }
        // A header only ever grows, so what was found in it is still there.
        let known = self.header.columns.len().min(header.columns.len());
        let understanding = &self.recipe.understanding;
        if !understanding.wanted.any_of(&header.columns[known..]) {
            self.header = header.clone();
            return;
        }
        let (given, preset) = (&understanding.given, understanding.preset.as_ref());
        if let Ok(mut plan) = Plan::compile(given, preset, header) {
            self.raw_lead = raw_lead(&self.recipe, &mut plan);
            self.plan = plan;
        }
        self.header = header.clone();
    }

    fn prepare_row<'a>(
        &mut self,
        recipe: &Recipe,
        row: Row<'a>,
        record: &mut Record<'a>,
        prepared: &mut Prepared,
    ) {
        let mut notes = Notes::of(row, recipe, &mut prepared.findings);
        let unlisted = &mut prepared.unlisted;
        self.plan
            .read(row, &mut self.times, record, &mut |notice: Notice<'_>| {
                notes.add(notice.code, notice.field, notice.column);
                unlisted.extend(
                    notice
                        .stage
                        .map(|stage| (stage.name.to_owned(), row.number())),
                );
            });
        prepared.skipped_stage += record.skipped_stages;
        prepared.skipped_only += u64::from(record.left_out == Some(LeftOut::Only));
        prepared.skipped_consent += u64::from(record.left_out == Some(LeftOut::Consent));
        if record.left_out == Some(LeftOut::Consent) {
            self.note_withheld(recipe, row, record, prepared);
            return;
        }
        if record.stages.is_empty() {
            self.note_elsewhere(recipe, row, record, prepared);
            return;
        }
        if let Some(cell) = record.customer.iter().find(|cell| cell.is_of_test_lead()) {
            notes.add(Code::MetaTestLead, cell.field, cell.column);
            return;
        }
        if self.read_lead(recipe, row, record, &mut notes) {
            self.write_events(recipe, row, record, prepared);
        } else if self.recognises_stages() {
            self.note_refused(row, record, prepared);
        }
    }

    /// Notes where the lead of a refused row is, so that what a first run finds there does not pass for new when the row is
    /// corrected.
    fn note_refused(&mut self, row: Row<'_>, record: &Record<'_>, prepared: &mut Prepared) {
        let Some(current) = record.current else {
            return;
        };
        let identities = self.identities(record, prepared);
        let stage = record.stages.iter().find(|stage| stage.is_current);
        if let (Some(stage), false) = (stage, identities.is_empty()) {
            let id = EventId::Derived([0; 16]);
            let mut sighting = self.sighting(record, stage, id, false);
            sighting.stage = origin(current);
            sighting.is_refused = true;
            prepared.elsewhere.push(Elsewhere {
                row: row.number(),
                sighting,
                identities,
            });
        }
    }

    /// Notes that a lead left the stages that are events, so that it can come back to them; and makes the event of a raw
    /// lead that only Meta's leads tell of.
    fn note_elsewhere(
        &mut self,
        recipe: &Recipe,
        row: Row<'_>,
        record: &mut Record<'_>,
        prepared: &mut Prepared,
    ) {
        let is_missed = record.is_elsewhere && self.recognises_stages();
        let may_be_raw = self.raw_lead.is_some() && record.left_out.is_none();
        if !is_missed && !may_be_raw {
            return;
        }
        // The row gives no events, so what is wrong with it does not matter.
        let mut ignored = Vec::new();
        if self.read_lead(
            recipe,
            row,
            record,
            &mut Notes::of(row, recipe, &mut ignored),
        ) {
            match record.stages.is_empty() {
                true => {
                    let identities = self.identities(record, prepared);
                    let found = self.elsewhere(row, record, &identities);
                    prepared.elsewhere.extend(found);
                }
                // Only the join knows when the lead was created.
                false => self.write_events(recipe, row, record, prepared),
            }
        }
    }

    /// Notes where a lead is of which nothing may be sent, so that its stage does not pass for a new one when consent is
    /// given. A stage with a time of its own never does.
    fn note_withheld(
        &mut self,
        recipe: &Recipe,
        row: Row<'_>,
        record: &mut Record<'_>,
        prepared: &mut Prepared,
    ) {
        let mut ignored = Vec::new();
        let mut notes = Notes::of(row, recipe, &mut ignored);
        if !self.recognises_stages() || !self.read_lead(recipe, row, record, &mut notes) {
            return;
        }
        let identities = self.identities(record, prepared);
        let mut found: Vec<Elsewhere> = self
            .elsewhere(row, record, &identities)
            .into_iter()
            .collect();
        let current = record.stages.iter().filter(|stage| stage.is_current);
        found.extend(current.map(|stage| Elsewhere {
            row: row.number(),
            sighting: self.sighting(record, stage, EventId::Derived([0; 16]), false),
            identities: identities.clone(),
        }));
        for found in &mut found {
            found.sighting.is_withheld = true;
        }
        prepared.elsewhere.extend(found);
    }

    /// The sighting of a lead in a stage that gives no event of its own. No event has an empty name.
    fn elsewhere(
        &self,
        row: Row<'_>,
        record: &Record<'_>,
        identities: &Range<u32>,
    ) -> Option<Elsewhere> {
        if !record.is_elsewhere || !self.recognises_stages() {
            return None;
        }
        let id = EventId::derive_without_time(&self.identity, "");
        let origin = origin(record.current.unwrap_or_default());
        Some(Elsewhere {
            row: row.number(),
            sighting: Sighting {
                lead: LeadKey::of_identity(&self.identity),
                stage: origin,
                origin: Some(origin),
                event: id.fingerprint(""),
                is_given: false,
                time: self.exported(record),
                exported: self.exported(record),
                timing: Timing::Current,
                sends_again: false,
                is_old: false,
                is_skipped: !record.has_refused_stage,
                is_refused: record.has_refused_stage,
                is_withheld: false,
            },
            identities: identities.clone(),
        })
    }

    /// The sighting of a lead in a stage, `id` being that of the event.
    fn sighting(
        &self,
        record: &Record<'_>,
        stage: &Stage,
        id: EventId<'_>,
        is_old: bool,
    ) -> Sighting {
        let name = &self.plan.event_names()[stage.name.0 as usize];
        Sighting {
            lead: LeadKey::of_identity(&self.identity),
            stage: StageKey::of_folded(&canonical_stage(name)),
            origin: record.current.filter(|_| stage.is_current).map(origin),
            event: id.fingerprint(name),
            is_given: record.event_id.is_some(),
            time: stage.at.seconds,
            exported: self.exported(record),
            timing: match stage.is_current {
                true => Timing::Current,
                false => Timing::Dated,
            },
            sends_again: self.plan.sends_again(stage.name),
            is_old,
            is_skipped: false,
            is_refused: false,
            is_withheld: false,
        }
    }

    /// Whether what exports show of stages is remembered.
    fn recognises_stages(&self) -> bool {
        self.plan.is_snapshot() && self.recognises
    }

    /// Writes down everything that the lead may have been known by, where somebody compares it.
    fn identities(&self, record: &Record<'_>, prepared: &mut Prepared) -> Range<u32> {
        let first = prepared.identities.len() as u32;
        let is_compared = match self.plan.is_snapshot() {
            true => self.recognises,
            // What the export itself names is known by that name.
            false => self.compares && record.event_id.is_none(),
        };
        if is_compared {
            self.user_data
                .write_every_identity(&mut prepared.identities);
        }
        first..prepared.identities.len() as u32
    }

    /// When the export was made, Unix seconds.
    fn exported(&self, record: &Record<'_>) -> i64 {
        record.exported.map_or(self.times.exported, |at| at.seconds)
    }

    /// Reads who the lead is and what it is worth; false when the row is refused.
    fn read_lead(
        &mut self,
        recipe: &Recipe,
        row: Row<'_>,
        record: &mut Record<'_>,
        notes: &mut Notes<'_>,
    ) -> bool {
        self.recognise(recipe, record, notes);
        let record = &*record;
        let region = region_of(recipe, record, self.user_data.keys());
        self.region = region.unwrap_or_default();
        let mut custom_data =
            self.plan
                .custom_data(row, record, &recipe.amounts, &mut |code, field, column| {
                    notes.add(code, field, column);
                });
        let names = self.plan.event_names();
        let name_lengths = record
            .stages
            .iter()
            .map(|stage| names[stage.name.0 as usize].len());
        let event_bytes = self.user_data.size()
            + custom_data.size()
            + name_lengths.max().unwrap_or_default()
            + record.event_id.map_or(0, str::len);
        if let Err(code) = rules::check_customer(self.user_data.keys())
            .and_then(|()| region.map(drop))
            .and_then(|()| rules::check_size(event_bytes, record.stages.len()))
        {
            notes.refuse(code);
        }
        if self.serialises && !notes.refuses {
            self.custom_json.clear();
            custom_data.write_json(&mut self.custom_json, &recipe.lead_event_source);
        }
        self.worth = custom_data.value;
        self.own_worths.clear();
        for id in record.stages.iter().filter_map(|stage| stage.worth) {
            if self.own_worths.iter().any(|known| known.id == id) {
                continue;
            }
            let mut note = |code, field, column| notes.add(code, field, column);
            custom_data.value = self.plan.worth(id, row, record, &recipe.amounts, &mut note);
            let mut json = Vec::new();
            if self.serialises && !notes.refuses {
                custom_data.write_json(&mut json, &recipe.lead_event_source);
            }
            self.own_worths.push(OwnWorth {
                id,
                worth: custom_data.value,
                json,
            });
        }
        !notes.refuses
    }

    /// Reads who the lead is, and joins it with Meta's own leads.
    fn recognise(&mut self, recipe: &Recipe, record: &mut Record<'_>, notes: &mut Notes<'_>) {
        let mut lead_id_problem = None;
        self.normalizer.read(
            &record.customer,
            record.first_seen_ms,
            &mut self.user_data,
            &mut |code, field, column| match field {
                Field::LeadId => lead_id_problem = Some((code, column)),
                _ => notes.add(code, field, column),
            },
        );
        self.identity.clear();
        self.user_data.write_identity(&mut self.identity);
        self.join(recipe, record, notes);
        match lead_id_problem {
            Some((_, column)) if self.link.lead().is_some() => {
                notes.remark(Code::LeadIdRestored, Field::LeadId, Some(column));
            }
            Some((code, column)) => notes.add(code, Field::LeadId, column),
            None => {}
        }
    }

    /// Gives the row its lead id by Meta's own leads, where there are some.
    fn join(&mut self, recipe: &Recipe, record: &mut Record<'_>, notes: &mut Notes<'_>) {
        self.link = match self.user_data.lead_id() {
            Some(_) => Link::Own(None),
            None => Link::None,
        };
        if let Some(join) = &recipe.join {
            let now = self.times.default.now();
            let (user_data, raw_lead) = (&mut self.user_data, self.raw_lead);
            let (link, code) = joining::join(join, user_data, record, raw_lead, now);
            self.link = link;
            if let Some(code) = code {
                notes.remark(code, Field::LeadId, None);
            }
        }
    }

    /// What a stage is worth, and its `custom_data`.
    fn worth_of(&self, stage: &Stage) -> (Option<Worth>, &[u8]) {
        let mut own = self.own_worths.iter();
        match own.find(|own| stage.worth == Some(own.id)) {
            Some(own) => (own.worth, &own.json),
            None => (self.worth, &self.custom_json),
        }
    }

    /// Makes an event of each stage whose time Meta takes.
    fn write_events(
        &mut self,
        recipe: &Recipe,
        row: Row<'_>,
        record: &Record<'_>,
        prepared: &mut Prepared,
    ) {
        let lead = hash_of(&self.identity);
        let is_snapshot = self.plan.is_snapshot();
        let identities = self.identities(record, prepared);
        let elsewhere = self.elsewhere(row, record, &identities);
        prepared.elsewhere.extend(elsewhere);
        let (now, zone) = (self.times.default.now(), self.times.default.zone());
        for stage in &record.stages {
            let name = &self.plan.event_names()[stage.name.0 as usize];
            let is_old = match rules::check_time(stage.at, record.created, now, zone) {
                Ok(()) => false,
                Err(Code::EventTooOld) => true,
                Err(code) => {
                    let mut notes = Notes::of(row, recipe, &mut prepared.findings);
                    notes.add(code, Field::EventTime, stage.column);
                    continue;
                }
            };
            let id = match record.event_id {
                Some(id) => EventId::Given(id),
                None if is_snapshot => EventId::derive_without_time(&self.identity, name),
                None => EventId::derive(&self.identity, name, stage.id_time),
            };
            let start = prepared.json.len() as u32;
            if self.serialises && !is_old {
                self.write_json(recipe, record, stage, id, &mut prepared.json);
            }
            prepared.events.push(PreparedEvent {
                json: start..prepared.json.len() as u32,
                fingerprint: id.fingerprint(name),
                name: stage.name,
                time: stage.at.seconds,
                is_joined: stage.is_joined,
                created: record.created.map(|created| created.seconds),
                worth: self.worth_of(stage).0,
                lead,
                row: row.number(),
                of_given_id: record.event_id.map(|_| content_of(lead, stage.id_time)),
                is_old,
                keys: self.user_data.keys(),
                link: self.link,
                id_time: stage.id_time,
                identities: identities.clone(),
                sighting: is_snapshot.then(|| self.sighting(record, stage, id, is_old)),
            });
        }
    }

    fn write_json(
        &self,
        recipe: &Recipe,
        record: &Record<'_>,
        stage: &Stage,
        id: EventId<'_>,
        json: &mut Vec<u8>,
    ) {
        let facts = Facts {
            name: &self.plan.event_names()[stage.name.0 as usize],
            time: stage.at.seconds,
            id,
            opt_out: record.opt_out,
            region: self.region,
            user_data: &self.user_data,
            custom_data: self.worth_of(stage).1,
        };
        write_event(json, &facts, &recipe.constants);
        json.push(b'\n');
    }
}

/// Where the lead is, where limited data use goes by the row.
fn region_of(recipe: &Recipe, record: &Record<'_>, keys: KeySet) -> Result<Option<Region>, Code> {
    if !recipe.constants.is_limited_by_row() {
        return Ok(None);
    }
    let cell = |field| record.customer.iter().find(|cell| cell.field == field);
    let country = cell(Field::Country).and_then(|cell| Country::parse(cell.text));
    let country = country.or(recipe.customer.default_country);
    match cell(Field::State).and_then(|cell| us_state(cell.text)) {
        _ if country.is_some_and(|country| country != Country::US) => Ok(Some(Region::Elsewhere)),
        Some(code) => Ok(Some(Region::of_state(code))),
        None if keys.contains(Key::ClientIpAddress) => Ok(Some(Region::ByAddress)),
        None => Err(Code::LduStateMissing),
    }
}

/// Notes what is wrong with one row, weighed as the settings say.
struct Notes<'a> {
    findings: &'a mut Vec<Finding>,
    row: u64,
    recipe: &'a Recipe,
    /// Whether something was noted for which the whole row is refused.
    refuses: bool,
}

impl<'a> Notes<'a> {
    fn of(row: Row<'_>, recipe: &'a Recipe, findings: &'a mut Vec<Finding>) -> Self {
        Self {
            findings,
            row: row.number(),
            recipe,
            refuses: false,
        }
    }

    fn add(&mut self, code: Code, field: impl Into<Option<Field>>, column: u32) {
        let field = field.into();
        // A stage that cannot be read costs its event, not the row's other events.
        let is_about_a_stage = matches!(field, Some(Field::EventName | Field::EventTime));
        let is_side_time = matches!(
            field,
            Some(Field::CreatedTime | Field::ClickTime | Field::ExportedTime)
        );
        // Without these, an event would go under another name, id or condition than the export says.
        let is_vital = is_about_a_stage || matches!(field, Some(Field::EventId | Field::OptOut));
        let severity = match field {
            _ if code.makes_value_unusable() && is_vital => Severity::Error,
            Some(field)
                if code.makes_value_unusable()
                    || is_side_time && code.severity() == Severity::Error =>
            {
                self.recipe.unusable.severity(field)
            }
            _ => code.severity(),
        };
        self.refuses |= severity == Severity::Error && !is_about_a_stage;
        // One zone is missing, whichever columns need it.
        let column = (code != Code::TimeZoneAssumed).then_some(column);
        self.findings.push(Finding {
            code,
            severity,
            row: self.row,
            field,
            column,
        });
    }

    /// Notes what costs neither the row nor a value.
    fn remark(&mut self, code: Code, field: Field, column: Option<u32>) {
        self.findings.push(Finding {
            code,
            severity: Severity::Warning,
            row: self.row,
            field: Some(field),
            column,
        });
    }

    fn refuse(&mut self, code: Code) {
        self.refuses = true;
        self.findings.push(Finding {
            code,
            severity: code.severity(),
            row: self.row,
            field: None,
            column: None,
        });
    }
}

/// The event of a raw lead, if rows are to get one by a join.
fn raw_lead(recipe: &Recipe, plan: &mut Plan) -> Option<RawLead> {
    let name = plan.keep_event_name(recipe.join.as_ref()?.raw_lead.as_ref()?);
    let worth = plan.worth_of_event(name);
    Some(RawLead { name, worth })
}

/// Tells events of one id apart.
fn content_of(lead: u64, time: i64) -> u32 {
    let mixed = (lead ^ (time as u64).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as u32
}

/// Tells leads apart within a run. Multiplying and turning is enough for that, and quick.
fn hash_of(identity: &[u8]) -> u64 {
    let (words, rest) = identity.as_chunks();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words
        .iter()
        .chain([&last])
        .map(|word| u64::from_le_bytes(*word));
    let mixed = words.fold(identity.len() as u64, |hash, word| {
        (hash.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    mixed ^ mixed >> 32
}
