//! Reads files of leads: what `leads` wrote, Meta's own download, or any export with a lead id, a time and an email or
//! phone.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use jiff::tz::TimeZone;

use super::{Builder, Leads};
use crate::cell::is_nothing;
use crate::customer::{Cell, Country, LetterM, Normalizer, Settings, UserData};
use crate::field::Field;
use crate::mapping::{Columns, Preset};
use crate::source::{self, Chunk, Header, Input, OpenError, ReadError, Row, Source};
use crate::text::counted;
use crate::time::{DateOrder, TimeReader};

/// What files of leads are read by.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The zone of times that carry none.
    pub zone: Option<TimeZone>,
    /// The order of day and month in numeric dates.
    pub date_order: Option<DateOrder>,
    /// The country of phones that carry none.
    pub default_country: Option<Country>,
    /// The present, Unix seconds.
    pub now: i64,
}

/// Why leads cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadLeadsError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It lacks a column.
    #[error(
        "{0} has no column of {1}; take what `crm2capi leads` writes, or Meta's own download of leads"
    )]
    NoColumn(String, &'static str),
    /// It holds no lead.
    #[error(
        "{0} holds no lead with an id and a time that can be read; export it again without opening it in a spreadsheet"
    )]
    NoLeads(String),
}

impl Leads {
    /// Reads all files, with so many threads.
    ///
    /// # Errors
    /// One of them cannot be read, or holds no leads.
    pub(crate) fn read(
        inputs: &[Input],
        reading: &Reading,
        threads: usize,
    ) -> Result<Self, ReadLeadsError> {
        let mut builder = Builder::default();
        for input in inputs {
            read_file(input, reading, threads, &mut builder)?;
        }
        Ok(builder.finish())
    }
}

/// Reads one file into the builder. The workers take turns at reading, as those of the rows do, so that a chunk is in the
/// caches of the core that works on it; in which order they are done does not matter.
fn read_file(
    input: &Input,
    reading: &Reading,
    threads: usize,
    builder: &mut Builder,
) -> Result<(), ReadLeadsError> {
    let source = Source::open(input, &source::Settings::default())?;
    let header = source.header.clone();
    let desk = Mutex::new(Desk {
        source,
        chunks: builder.chunks,
        failed: None,
    });
    let workers: Vec<Worker> = thread::scope(|scope| {
        let work = |_| {
            let worker = Worker::new(reading, header.clone());
            scope.spawn(|| worker.work(&desk))
        };
        let workers: Vec<_> = (0..threads).map(work).collect();
        // One that panicked takes the run down with it.
        let done = workers.into_iter().map(|worker| match worker.join() {
            Ok(worker) => worker,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    });
    let desk = desk.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = desk.failed {
        return Err(error.into());
    }
    // A column of JSON records may come late; whoever has seen the most of them knows.
    let widest = (workers.iter()).max_by_key(|worker| worker.header.columns.len());
    let missing = widest.and_then(|worker| worker.places.missing());
    let mut counts = Counts::default();
    for worker in workers {
        counts.add(&worker.counts);
        builder.merge(worker.builder);
    }
    builder.chunks = desk.chunks;
    counts.tell(&input.to_string(), missing)
}

/// Where chunks are read, by one worker at a time.
struct Desk {
    source: Source,
    /// How many were read.
    chunks: u32,
    /// Why nothing can be read any more.
    failed: Option<ReadError>,
}

impl Desk {
    /// Fills the chunk, and gives its number; none when there are no more.
    fn read(&mut self, chunk: &mut Chunk) -> Option<u32> {
        if self.failed.is_some() {
            return None;
        }
        match self.source.fill(chunk) {
            Ok(true) => {
                self.chunks += 1;
                Some(self.chunks)
            }
            Ok(false) => None,
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}

/// Which columns hold what.
#[derive(Default)]
struct Places {
    lead_id: Vec<u32>,
    created: Vec<u32>,
    person: Vec<(Field, u32)>,
    form_id: Option<u32>,
    form_name: Option<u32>,
}

impl Places {
    /// By the layout the header speaks for, and by common headings.
    fn find(header: &Header) -> Self {
        let columns = Columns::new(header);
        let generic = Preset::named("generic").ok();
        let guessed = Preset::guess(header).ok().flatten();
        let find = |field: Field| -> Vec<u32> {
            let of = |preset: &Preset| preset.columns_of(field, &columns);
            let found = guessed.as_ref().map(of).filter(|found| !found.is_empty());
            found
                .or_else(|| generic.as_ref().map(of))
                .unwrap_or_default()
        };
        let mut lead_id = find(Field::LeadId);
        if lead_id.is_empty() && columns.find("created_time").is_some() {
            // As Graph calls it.
            lead_id.extend(columns.find("id"));
        }
        let person = [Field::Email, Field::Phone, Field::Country].into_iter();
        let person =
            person.flat_map(|field| find(field).into_iter().map(move |column| (field, column)));
        Self {
            lead_id,
            created: find(Field::CreatedTime),
            person: person.collect(),
            form_id: columns.find("form_id"),
            form_name: columns.find("form_name"),
        }
    }

    /// What is not there and must be.
    fn missing(&self) -> Option<&'static str> {
        let has_person = self
            .person
            .iter()
            .any(|(field, _)| matches!(field, Field::Email | Field::Phone));
        [
            (!self.lead_id.is_empty(), "lead ids"),
            (
                !self.created.is_empty(),
                "times at which leads were created (created_time)",
            ),
            (has_person, "email or phone"),
        ]
        .into_iter()
        .find_map(|(is_there, what)| (!is_there).then_some(what))
    }
}

/// What there is to say of a file.
#[derive(Default)]
struct Counts {
    leads: u64,
    without_id: u64,
    without_time: u64,
    without_person: u64,
}

/// Reads leads, chunk by chunk.
struct Worker {
    header: Arc<Header>,
    places: Places,
    times: TimeReader,
    normalizer: Normalizer,
    builder: Builder,
    counts: Counts,
}

impl Worker {
    fn new(reading: &Reading, header: Arc<Header>) -> Self {
        let zone = reading.zone.clone();
        let is_given = zone.is_some();
        let customer = Settings {
            default_country: reading.default_country,
            date_order: None,
            // No date of birth is read here.
            this_year: 2000,
            letter_m: LetterM::Man,
        };
        Self {
            places: Places::find(&header),
            header,
            times: TimeReader::new(
                zone.unwrap_or(TimeZone::UTC),
                is_given,
                reading.date_order,
                reading.now,
            ),
            normalizer: Normalizer::new(&customer),
            builder: Builder::default(),
            counts: Counts::default(),
        }
    }

    fn work(mut self, desk: &Mutex<Desk>) -> Self {
        let (mut chunk, mut person) = (Chunk::default(), UserData::default());
        loop {
            // A worker that panicked while it read takes the run down with it.
            let Ok(mut reading) = desk.lock() else {
                return self;
            };
            let Some(number) = reading.read(&mut chunk) else {
                return self;
            };
            drop(reading);
            // JSON records may bring new columns in mid-file.
            if chunk.header.columns.len() != self.header.columns.len() {
                self.places = Places::find(&chunk.header);
                self.header = chunk.header.clone();
            }
            self.builder.chunks = number;
            for row in chunk.rows().filter(|row| row.refused().is_none()) {
                self.add(row, &mut person);
            }
        }
    }

    fn add(&mut self, row: Row<'_>, person: &mut UserData) {
        let first = |columns: &[u32]| {
            let cells = columns.iter().map(|&column| (column, row.cell(column)));
            cells.into_iter().find(|(_, text)| !is_nothing(text))
        };
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(4);
        if let Some((column, text)) = first(&self.places.lead_id) {
            cells.push(Cell {
                field: Field::LeadId,
                column,
                text,
            });
        }
        for &(field, column) in &self.places.person {
            cells.push(Cell {
                field,
                column,
                text: row.cell(column),
            });
        }
        if cells.iter().any(Cell::is_of_test_lead) {
            return;
        }
        self.normalizer
            .read(&cells, None, person, &mut |_, _, _| {});
        let Some(id) = person.lead_id() else {
            self.counts.without_id += 1;
            return;
        };
        let created =
            first(&self.places.created).and_then(|(_, text)| self.times.read(text).ok().flatten());
        let Some(created) = created else {
            self.counts.without_time += 1;
            return;
        };
        let has_person = person.keys().contains(crate::customer::Key::Em)
            || person.keys().contains(crate::customer::Key::Ph);
        self.counts.without_person += u64::from(!has_person);
        self.counts.leads += 1;
        let form = self
            .places
            .form_id
            .map_or("", |column| bare(row.cell(column)));
        let form_name = self
            .places
            .form_name
            .map_or("", |column| row.cell(column).trim());
        self.builder
            .add(id, created.moment.seconds, (form, form_name), person);
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.leads += other.leads;
        self.without_id += other.without_id;
        self.without_time += other.without_time;
        self.without_person += other.without_person;
    }

    /// Says what was passed over. `missing` is a column that nobody found.
    fn tell(&self, name: &str, missing: Option<&'static str>) -> Result<(), ReadLeadsError> {
        if let Some(missing) = missing {
            return Err(ReadLeadsError::NoColumn(name.to_owned(), missing));
        }
        if self.leads == 0 {
            return Err(ReadLeadsError::NoLeads(name.to_owned()));
        }
        for (count, what) in [
            (self.without_id, "without an id that can be used"),
            (self.without_time, "without a time that can be read"),
        ] {
            if count > 0 {
                tracing::warn!(
                    "{}: {} {what}, skipped",
                    crate::text::harmless(name),
                    counted(count, "lead")
                );
            }
        }
        if self.without_person == self.leads {
            tracing::warn!(
                "{}: no lead has an email or a phone that can be used, so no row is joined with it",
                crate::text::harmless(name)
            );
        }
        Ok(())
    }
}

/// `f:123` in Meta's own download is the form 123.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("f:").unwrap_or(text)
}
