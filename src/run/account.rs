//! The running account of a run: what the prepared chunks and the delivery say, on its way to the one report.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::customer::{Key, KeySet};
use crate::deliver::{Delivery, Ended, Outcome};
use crate::event::{Event, EventKey, Origin};
use crate::field::Field;
use crate::graph::Fault;
use crate::ledger::RunCounts;
use crate::problem::{Code, Finding, Severity};
use crate::report::days::Days;
use crate::report::end::{self, End, Facts, Strictness};
use crate::report::funnel::{Funnel, Reached, Sample};
use crate::report::match_keys::{MatchKeys, strongest_first};
use crate::report::names::{WITHHELD, looks_personal};
use crate::report::preview::PreviewedEvent;
use crate::report::refusal::MetaError;
use crate::report::snapshot::Snapshot;
use crate::report::stages::{Fate, Plan, Stages};
use crate::report::summary::{self, Destination, Guess, Input, MappedColumn};
use crate::report::tally::Place;
use crate::report::{ExitStatus, Problems, Summary};
use crate::run::coverage::Coverage;
use crate::run::rejects::Reason;
use crate::run::rows::PreparedEvent;
use crate::run::{Feed, GivenIds, Prepared, ReadSettings, Seen};
use crate::source::{self, Header, Row};
use crate::time::Clock;

/// The events of a chunk that go further, by their indexes, in their order.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    /// Neither too old nor here before.
    pub new: Vec<usize>,
    /// Here before, but their rows may know more of their leads.
    pub repeats: Vec<usize>,
}

/// What a run did so far.
pub(crate) struct Account {
    /// Data records read.
    pub rows: u64,
    /// Data records with an error.
    pub rows_invalid: u64,
    /// What becomes of events, by name.
    pub stages: Stages,
    /// What was found wrong.
    pub problems: Problems,
    /// What brought the run to its end.
    pub end: End,
    /// Where events go.
    pub destination: Option<Destination>,
    command: &'static str,
    plan: Plan,
    strictness: Strictness,
    clock: Clock,
    settings_file: Option<String>,
    timezone: Option<String>,
    default_country: Option<String>,
    max_invalid_percent: f64,
    /// So many of the first events are kept to be shown.
    preview_limit: usize,
    preview: Vec<PreviewedEvent>,
    inputs: Vec<Input>,
    ambiguous_dates: Vec<Option<String>>,
    rows_ignored: u64,
    skipped_stage: u64,
    skipped_only: u64,
    skipped_consent: u64,
    /// What a snapshot's stages came to that are no events.
    pub snapshot: Option<Snapshot>,
    match_keys: MatchKeys,
    /// Meta's leads, where rows are joined with them.
    coverage: Option<Coverage>,
    /// The funnel's leads, where it is judged.
    sample: Option<Sample>,
    /// Events of earlier runs that are too old by now, and nobody knows whether they were taken: not met so far.
    expired: HashSet<EventKey>,
    seen: Seen,
    /// The same of events too old to be sent, so that a long history takes no room from those that go.
    seen_old: Seen,
    given_ids: GivenIds,
    /// Event names that the settings give.
    listed: HashSet<Arc<str>>,
    batches: u64,
    requests: u64,
    retries: u64,
    fbtrace_ids: Vec<String>,
    messages: Vec<String>,
}

impl Account {
    /// Opens the account of a run over these inputs.
    pub(crate) fn start(
        command: &'static str,
        reading: &ReadSettings,
        feeds: &[Feed],
        plan: Plan,
    ) -> Self {
        let ambiguous = |feed: &Feed| feed.order.ambiguous.map(|date| date.to_string());
        Self {
            rows: 0,
            rows_invalid: 0,
            stages: Stages::default(),
            problems: Problems::default(),
            end: End::Complete,
            destination: None,
            command,
            plan,
            strictness: if reading.strict {
                Strictness::Strict
            } else {
                Strictness::Lenient
            },
            clock: reading.clock,
            settings_file: reading
                .settings_file
                .as_ref()
                .map(|path| path.display().to_string()),
            timezone: reading
                .zone
                .as_ref()
                .and_then(|zone| zone.iana_name())
                .map(str::to_owned),
            default_country: reading.default_country.map(|country| country.to_string()),
            max_invalid_percent: reading.max_invalid_percent,
            preview_limit: reading.preview,
            preview: Vec::new(),
            inputs: feeds.iter().map(|feed| input(feed, reading)).collect(),
            ambiguous_dates: feeds.iter().map(ambiguous).collect(),
            rows_ignored: 0,
            skipped_stage: 0,
            skipped_only: 0,
            skipped_consent: 0,
            snapshot: None,
            match_keys: MatchKeys::default(),
            coverage: coverage(feeds, reading),
            sample: None,
            expired: HashSet::new(),
            seen: Seen::default(),
            seen_old: Seen::default(),
            given_ids: GivenIds::default(),
            listed: (feeds.iter())
                .flat_map(|feed| feed.plan().event_names().iter().cloned())
                .collect(),
            batches: 0,
            requests: 0,
            retries: 0,
            fbtrace_ids: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Also judges the funnel. For the one pass that is reported.
    pub(crate) fn judge_funnel(&mut self, feeds: &[Feed]) {
        let listed = feeds.iter().flat_map(|feed| feed.plan().event_names());
        self.sample = Some(Sample::of_stages(listed.cloned()));
    }

    /// Takes a chunk into the account, and picks the events that go further.
    pub(crate) fn take(&mut self, prepared: &Prepared) -> Picked {
        // What earlier runs left stands in no input, and there may be none.
        if let Some(input) = self.inputs.get_mut(prepared.input as usize) {
            input.rows += prepared.rows;
        }
        self.rows += prepared.rows;
        self.rows_invalid += prepared.rows_invalid;
        self.rows_ignored += prepared.chunk.rows_ignored;
        self.skipped_stage += prepared.skipped_stage;
        self.skipped_only += prepared.skipped_only;
        self.skipped_consent += prepared.skipped_consent;
        self.take_findings(prepared);

        let mut picked = Vec::with_capacity(prepared.events.len());
        let mut repeats = Vec::new();
        let mut old = vec![Days::default(); prepared.names.len()];
        for (index, event) in prepared.events.iter().enumerate() {
            if let Some(coverage) = &mut self.coverage {
                coverage.add(prepared.input, event);
            }
            let is_shared = event
                .of_given_id
                .is_some_and(|content| self.given_ids.is_shared(event.fingerprint, content));
            if !self.is_new(event) {
                self.note_repeat(prepared, event.row, is_shared);
                if !event.is_old && prepared.tells_more(event) {
                    repeats.push(index);
                }
                continue;
            }
            self.match_keys.add(event.keys);
            if let Some(coverage) = &mut self.coverage {
                coverage.add_keys(event);
            }
            if let Some(sample) = &mut self.sample {
                sample.add(Reached {
                    lead: event.lead,
                    event_name: prepared.name_of(event),
                    time: event.time,
                    created: event.created,
                    has_lead_id: event.keys.contains(Key::LeadId),
                });
            }
            match event.is_old {
                true => old[event.name.0 as usize].add(event.time, Fate::Old),
                false => picked.push(index),
            }
        }
        self.preview(prepared, &picked);
        for (name, days) in prepared.names.iter().zip(old) {
            self.stages.add_days(name, days);
        }
        Picked {
            new: picked,
            repeats,
        }
    }

    /// Whether an event was not there before; it is remembered.
    fn is_new(&mut self, event: &PreparedEvent) -> bool {
        let seen = match event.is_old {
            true => &mut self.seen_old,
            false => &mut self.seen,
        };
        seen.insert(event.fingerprint)
    }

    /// Notes that a row's event was there before, or that another one has its id.
    fn note_repeat(&mut self, prepared: &Prepared, row: u64, is_shared: bool) {
        let (code, field) = match is_shared {
            true => (Code::EventIdShared, Some(Field::EventId)),
            false => (Code::DuplicateEvent, None),
        };
        let finding = Finding {
            code,
            severity: code.severity(),
            row,
            field,
            column: None,
        };
        self.problems
            .add(&finding, prepared.input, None, &prepared.chunk.header, None);
    }

    /// Keeps what may be shown of the first events.
    fn preview(&mut self, prepared: &Prepared, picked: &[usize]) {
        let wanted = self.preview_limit - self.preview.len();
        for &index in picked.iter().take(wanted) {
            let event = &prepared.events[index];
            self.preview.push(PreviewedEvent {
                path: self.inputs[prepared.input as usize].path.clone(),
                row: event.row,
                event_name: prepared.name_of(event).to_string(),
                event_time: Timestamp::from_second(event.time).unwrap_or_default(),
                match_keys: strongest_first(event.keys).collect(),
                value: event.worth.map(|(amount, _)| amount.as_f64()),
                currency: event.worth.map(|(_, currency)| currency.code().to_owned()),
            });
        }
    }

    /// Takes a chunk whose events go no further into the account.
    pub(crate) fn count(&mut self, prepared: &Prepared) -> ControlFlow<()> {
        let picked = self.take(prepared);
        self.settle_picked(prepared, &picked.new, Fate::Undelivered);
        ControlFlow::Continue(())
    }

    /// Counts events of a chunk whose fate is the same.
    pub(crate) fn settle_picked(&mut self, prepared: &Prepared, picked: &[usize], fate: Fate) {
        let mut settled = vec![Days::default(); prepared.names.len()];
        for event in picked.iter().map(|&index| &prepared.events[index]) {
            settled[event.name.0 as usize].add(event.time, fate);
        }
        for (name, days) in prepared.names.iter().zip(settled) {
            self.stages.add_days(name, days);
        }
        if self.plan == Plan::Pretend && fate == Fate::Undelivered {
            for event in picked.iter().map(|&index| &prepared.events[index]) {
                self.stages.add_worth(prepared.name_of(event), event.worth);
            }
        }
    }

    fn take_findings(&mut self, prepared: &Prepared) {
        let mut rows = prepared.chunk.rows().peekable();
        let mut unlisted = prepared.unlisted.iter();
        for finding in &prepared.findings {
            while rows.next_if(|row| row.number() < finding.row).is_some() {}
            let line = rows
                .peek()
                .filter(|row| row.number() == finding.row)
                .map(|row: &Row<'_>| row.line());
            let name = match finding.code {
                Code::StageUnlisted => unlisted.next().map(|(stage, _)| stage.as_str()),
                Code::TimeOrderAmbiguous => {
                    self.ambiguous_dates[prepared.input as usize].as_deref()
                }
                _ => None,
            };
            self.problems
                .add(finding, prepared.input, line, &prepared.chunk.header, name);
        }
    }

    /// Adds what there is to say about an input as a whole.
    pub(crate) fn note(&mut self, input: usize, feed: &Feed, findings: &[Finding]) {
        for finding in findings {
            self.problems
                .add(finding, input as u32, None, &feed.header, None);
        }
    }

    /// Events that are neither too old nor delivered before, after a checking pass.
    pub(crate) fn to_send(&self) -> u64 {
        let counts = self.stages.total(Plan::Pretend);
        counts.events - counts.skipped_old - counts.skipped_delivered - counts.in_flight_elsewhere
    }

    /// Settles events whose fate is the same.
    pub(crate) fn settle_all(&mut self, events: &[Event], fate: Fate) {
        let would_be_sent = self.plan == Plan::Pretend && fate == Fate::Undelivered;
        for event in events.iter().filter(|event| !event.known_by.is_repeat) {
            self.stages.add(&event.name, event.time, fate);
            self.stages
                .add_worth(&event.name, event.worth.filter(|_| would_be_sent));
        }
    }

    /// Counts what an event carries that stands in no input.
    pub(crate) fn add_keys(&mut self, keys: KeySet) {
        self.match_keys.add(keys);
    }

    /// Notes what the ledger knows of an event from earlier runs.
    pub(crate) fn remember(&mut self, code: Code, origin: Origin) {
        remember(&mut self.problems, code, origin);
    }

    /// Expects events of earlier runs that have become too old before anybody knew whether they were taken.
    pub(crate) fn expect_expired(&mut self, expired: HashSet<EventKey>) {
        self.expired = expired;
    }

    /// Tells which of them stand in a chunk.
    pub(crate) fn meet_expired(&mut self, prepared: &Prepared, dataset: &str) {
        if self.expired.is_empty() {
            return;
        }
        for event in prepared.events.iter().filter(|event| event.is_old) {
            if self
                .expired
                .remove(&EventKey::in_dataset(dataset, event.fingerprint))
            {
                let origin = Origin {
                    input: prepared.input,
                    row: event.row,
                };
                self.remember(Code::UncertainExpired, origin);
            }
        }
    }

    /// Tells those that stand in no row any more. What the run is judged by must be known before it is noted.
    pub(crate) fn note_expired(&mut self) {
        let left = std::mem::take(&mut self.expired).len() as u64;
        if left > 0 {
            self.problems.add_without_row(Code::UncertainExpired, left);
        }
    }

    /// Whether what was read says that nothing is to be sent; and says so.
    pub(crate) fn is_unfit(&mut self) -> bool {
        self.has_too_many_invalid_rows() || self.has_stages_of_people()
    }

    /// A wrong mapping shows in most rows; then nothing is sent.
    fn has_too_many_invalid_rows(&mut self) -> bool {
        let limit = self.max_invalid_percent;
        let too_many = self.rows_invalid as f64 * 100.0 > self.rows as f64 * limit;
        if too_many {
            self.end_early(End::TooManyInvalid {
                invalid: self.rows_invalid,
                rows: self.rows,
                limit: limit.to_string(),
            });
        }
        too_many
    }

    /// Where nearly every event has a stage of its own, another column is taken for the stage; then nothing is sent, as
    /// names of people would go unhashed. Fewer are only warned of.
    fn has_stages_of_people(&mut self) -> bool {
        let (stages, events) = self.stages.unlisted(&self.listed);
        let is_refused = stages >= 50 && events * 10 < stages * 11;
        if is_refused {
            self.end_early(End::StagesOfPeople { stages, events });
        }
        is_refused
    }

    /// Warns of stages that differ from event to event.
    fn note_distinct_stages(&mut self) {
        let (stages, events) = self.stages.unlisted(&self.listed);
        if stages >= 20 && events < 2 * stages {
            self.problems.add_without_row(Code::StageDistinct, 1);
        }
    }

    /// Notes why the run ended before all was done. What came first counts.
    pub(crate) fn end_early(&mut self, end: End) {
        if self.end == End::Complete {
            self.end = end;
        }
    }

    /// Notes that nothing is open but what rests, which running again does not change.
    pub(crate) fn note_resting(&mut self) {
        let counts = self.stages.total(self.plan);
        let resting = self.problems.count_of(Code::UncertainResting);
        if resting > 0 && counts.unsettled() == resting {
            self.end_early(End::Resting(resting));
        }
    }

    /// Adds what the delivery counted besides the events themselves.
    pub(crate) fn add_delivery(&mut self, delivery: &Delivery) {
        self.batches = delivery.batches;
        self.requests = delivery.requests;
        self.retries = delivery.retries;
        let mut known = HashSet::new();
        let ids = delivery.fbtrace_ids.iter();
        self.fbtrace_ids = ids.filter(|id| known.insert(*id)).cloned().collect();
        self.messages.clone_from(&delivery.messages);
        let after_sending = delivery.requests > 0;
        match &delivery.ended {
            Ended::Done => {}
            Ended::Interrupted => self.end_early(End::Interrupted),
            Ended::Stopped(stop) => self.end_early(End::AccessRefused {
                reason: stop.to_string(),
                help: stop.barrier.help().to_owned(),
            }),
            Ended::Unreachable(cause) => self.end_early(End::Unreachable(cause.clone())),
            Ended::Blocked { reason, help } => self.end_early(End::Blocked {
                reason: reason.clone(),
                help: (*help).to_owned(),
            }),
            Ended::SystematicFault(fault) => {
                self.end_early(End::TooManyRefused(fault.to_string()));
            }
            Ended::Ledger(error) => self.end_early(End::LedgerLost {
                error: error.to_string(),
                after_sending,
            }),
        }
    }

    /// The status the process ends with.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        let counts = self.stages.total(self.plan);
        let facts = Facts {
            strictness: self.strictness,
            errors: self.problems.count(Severity::Error),
            warnings: self.problems.count(Severity::Warning),
            unsettled: counts.unsettled(),
        };
        end::decide(&self.end, &facts)
    }

    /// The counts as the ledger keeps them.
    pub(crate) fn run_counts(&self) -> RunCounts {
        let counts = self.stages.total(self.plan);
        let (accepted, rejected, undelivered, uncertain) = counts.done();
        RunCounts {
            events: counts.events,
            skipped_old: counts.skipped_old,
            skipped_delivered: counts.skipped_delivered,
            accepted,
            rejected,
            undelivered,
            uncertain,
            requests: self.requests,
        }
    }

    /// Writes Meta's leads that no row is to their file, if there is to be one. A report is not lost over it.
    pub(crate) fn write_missing_leads(&mut self, reading: &ReadSettings) {
        let written = self.coverage.as_ref().zip(reading.join.missing.as_ref());
        let written = written.map(|(coverage, path)| coverage.write_missing(path));
        if let Some(Err(error)) = written {
            self.end_early(End::MissingLost(format!("{error:#}")));
        }
    }

    /// Closes the account.
    pub(crate) fn close(mut self, elapsed: Duration) -> Summary {
        if self.rows > 0 && self.skipped_only == self.rows {
            self.remember(Code::OnlyDropsAll, Origin { input: 0, row: 1 });
        }
        self.note_distinct_stages();
        let exit_status = self.exit_status();
        let paths: Vec<&str> = self
            .inputs
            .iter()
            .map(|input| input.path.as_str())
            .collect();
        let ended = self.end.reason().map(|reason| summary::Ended {
            reason,
            help: self.end.help(),
        });
        let problems = self.problems.finish(&paths);
        let counted = self.stages.finish(self.plan);
        for event in &mut self.preview {
            let mut shown = counted.stages.iter();
            let is_shown = shown.any(|(name, _)| *name == event.event_name);
            // How often a name occurs that is not shown is not known: it is judged as one that is seen once.
            if !is_shown && looks_personal(&event.event_name, 1) {
                WITHHELD.clone_into(&mut event.event_name);
            }
        }
        Summary {
            command: self.command,
            version: env!("CARGO_PKG_VERSION"),
            exit_status,
            destination: self.destination,
            settings_file: self.settings_file,
            timezone: self.timezone,
            default_country: self.default_country,
            rows: self.rows,
            rows_invalid: self.rows_invalid,
            rows_ignored: self.rows_ignored,
            skipped_stage: self.skipped_stage,
            skipped_only: self.skipped_only,
            skipped_consent: self.skipped_consent,
            snapshot: self.snapshot,
            counts: counted.total,
            stages: counted.stages,
            other_stages: counted.others,
            days: counted.days,
            values: counted.values,
            batches: self.batches,
            requests: self.requests,
            retries: self.retries,
            match_keys: self.match_keys,
            lead_coverage: self.coverage.map(|coverage| coverage.finish()),
            preview: self.preview,
            problems,
            fbtrace_ids: self.fbtrace_ids,
            messages: self.messages,
            ended,
            funnel: self.sample.and_then(Funnel::of),
            finished: Timestamp::from_second(self.clock.now()).ok(),
            duration_seconds: Some(elapsed.as_secs_f64()),
            inputs: self.inputs,
        }
    }
}

/// Notes what there is to say of an event, whatever its row looks like.
pub(crate) fn remember(problems: &mut Problems, code: Code, origin: Origin) {
    let finding = Finding {
        code,
        severity: code.severity(),
        row: origin.row,
        field: None,
        column: None,
    };
    problems.add(&finding, origin.input, None, &Header::default(), None);
}

/// What became of an event, in the report's words.
pub(crate) fn fate_of(outcome: &Outcome) -> Fate {
    match outcome {
        Outcome::Accepted => Fate::Accepted,
        Outcome::Rejected(_) => Fate::Rejected,
        Outcome::Undelivered => Fate::Undelivered,
        Outcome::Uncertain | Outcome::Suspect(_) | Outcome::Unrecorded => Fate::Uncertain,
        Outcome::Old => Fate::Old,
        Outcome::Duplicate => Fate::Delivered,
        Outcome::Elsewhere => Fate::Elsewhere,
    }
}

/// A refusal of Meta's, in the report's words.
pub(crate) fn refusal_of(fault: &Fault) -> MetaError {
    MetaError {
        code: fault.code,
        subcode: fault.subcode,
        title: fault.title.clone(),
        fbtrace_id: fault.fbtrace_id.clone(),
    }
}

/// Why an event is among the rejects, in one line: `meta-refused 100/2804036: the lead id is invalid or was deleted
/// (Meta says: ID contatto non valido; trace A6UyEgg)`.
pub(crate) fn reason(code: Code, fault: &Fault) -> Reason {
    let said = fault
        .title
        .iter()
        .map(|title| format!("Meta says: {title}"));
    let details: Vec<String> = said
        .chain(
            fault
                .fbtrace_id
                .iter()
                .map(|trace| format!("trace {trace}")),
        )
        .collect();
    let details = if details.is_empty() {
        String::new()
    } else {
        format!(" ({})", details.join("; "))
    };
    Reason {
        problem: format!("{} {fault}{details}", code.name()),
        help: code.help(),
    }
}

/// Why an event that Meta refused in an earlier run is among the rejects.
pub(crate) fn refused_earlier(code: i64, subcode: Option<i64>) -> Reason {
    let fault = Fault {
        status: 0,
        code,
        subcode,
        title: None,
        fbtrace_id: None,
    };
    reason(Code::RefusedEarlier, &fault)
}

/// Where an event came from, in the report's words.
pub(crate) fn place(origin: Origin) -> Place {
    Place {
        input: origin.input,
        row: origin.row,
        line: None,
    }
}

/// Meta's leads of a run, before any row is known.
fn coverage(feeds: &[Feed], reading: &ReadSettings) -> Option<Coverage> {
    let leads = feeds.first()?.leads()?;
    let files = reading.join.inputs.iter().map(source::Input::to_string);
    Some(Coverage::new(leads.clone(), files.collect()))
}

/// What an input was taken for.
fn input(feed: &Feed, reading: &ReadSettings) -> Input {
    let about = &feed.about;
    let mut guessed = Vec::new();
    if feed.preset.as_ref().is_some_and(|(_, guessed)| *guessed) {
        guessed.push(Guess::Preset);
    }
    if reading.is_guessed {
        guessed.push(Guess::Columns);
    }
    let order = feed.date_order(reading);
    if reading.date_order.is_none() && order.is_some() {
        guessed.push(Guess::DateOrder);
    }
    let columns = feed.plan().used().iter().flat_map(|(field, columns)| {
        columns.iter().map(|column| MappedColumn {
            field: field.clone(),
            column: column.clone(),
        })
    });
    Input {
        // As the command line has it.
        path: if feed.input == source::Input::Stdin {
            "-".to_owned()
        } else {
            feed.input.to_string()
        },
        rows: 0,
        preset: feed.preset.as_ref().map(|(name, _)| name.clone()),
        format: Some(about.format.name().to_owned()),
        encoding: about.encoding.map(|(name, _)| name.to_owned()),
        delimiter: about.delimiter.map(char::from),
        sheet: about.sheet.clone(),
        date_order: order.map(|order| order.to_string()),
        columns: columns.collect(),
        guessed,
    }
}
