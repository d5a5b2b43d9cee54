//! Takes the records of a body that somebody posted through the steps that those of an export go through.
//!
//! Input: the bytes of a body, JSON in any form that an export of JSON may have. Output: [`Body`], its events and what was
//! found wrong, record by record. Each body is an export of its own: whatever is settled by looking at rows, such as the
//! order of day and month, is settled by its records alone. Keeps nothing and sends nothing.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;

use super::feed::{Feed, Understand, read_leads};
use super::rows::Prepared;
use super::sending::take_events;
use super::understanding::Understandings;
use super::{Observer, Pass, ReadSettings};
use crate::event::Event;
use crate::field::Field;
use crate::join::Join;
use crate::problem::{Code, Severity};
use crate::report::names::{WITHHELD, looks_personal};
use crate::source::{Chunk, Given, Header, Input, OpenError, looks_like_json};

/// A body of fewer bytes has few records.
const FEW_BYTES: usize = 16 << 10;

/// Reads bodies, all by the same settings.
pub(crate) struct BodyReader {
    settings: ReadSettings,
    dataset: Arc<str>,
    join: Option<Join>,
    understandings: Understandings,
}

/// What the records of a body come to.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// Records.
    pub records: u64,
    /// Those with at least one error.
    pub refused: u64,
    /// Events that are too old to be sent.
    pub old: u64,
    /// Events whose stage the settings skip.
    pub skipped_stage: u64,
    /// Records that do not meet the conditions of `[only]`.
    pub skipped_only: u64,
    /// Records whose consent does not say yes.
    pub skipped_consent: u64,
    /// The events, in the order of the records.
    pub events: Vec<Event>,
    /// What was found wrong, in the order of the records.
    pub findings: Vec<BodyFinding>,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BodyFinding {
    /// Its number, from 1.
    pub record: u64,
    /// What.
    pub code: Code,
    /// How much it weighs here.
    pub severity: Severity,
    /// The field concerned.
    pub field: Option<Field>,
    /// The member concerned, as a dotted path.
    pub column: Option<String>,
}

/// Why nothing can be taken of a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is something else than JSON records.
    #[error("the body is not JSON: send one record, a list of records, or one record per line")]
    NotJson,
    /// Nothing stands in its records.
    #[error("no record of the body has a member that can be read")]
    Hollow,
    /// Its records have not what it takes.
    #[error("{0:#}")]
    Unfit(anyhow::Error),
}

impl BodyReader {
    /// Reads Meta's leads, where the settings name files of them.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn new(settings: ReadSettings, dataset: &str) -> Result<Self> {
        Ok(Self {
            join: read_leads(&settings)?,
            dataset: dataset.into(),
            settings,
            understandings: Understandings::default(),
        })
    }

    /// Takes the records of a body through all steps. A list without any is a body like others.
    ///
    /// # Errors
    /// It is no JSON with records, or none of them has what it takes; the message names no value.
    pub(crate) fn read(&self, body: Bytes) -> Result<Body, BodyError> {
        // What is compressed is not unpacked: it may come to anything.
        let text = std::str::from_utf8(&body).map_err(|_| BodyError::NotJson)?;
        if !looks_like_json(text.strip_prefix('\u{feff}').unwrap_or(text)) {
            return Err(BodyError::NotJson);
        }
        let size = body.len();
        let input = Input::Given(Given(body));
        let understand = |header: &Header| self.understandings.of(&self.settings, header);
        let how = (&mut () as &mut dyn Observer, &understand as Understand<'_>);
        let feed = Feed::open_with(&input, &self.settings, self.join.clone(), how);
        let mut feed = match feed {
            Ok(feed) => feed,
            Err(error) => {
                return match error.downcast_ref() {
                    Some(OpenError::NoRows { .. }) => Ok(Body::default()),
                    Some(OpenError::NotAnExport { .. }) => Err(BodyError::Hollow),
                    _ => Err(BodyError::Unfit(error)),
                };
            }
        };
        self.take(&mut feed, size).map_err(BodyError::Unfit)
    }

    fn take(&self, feed: &mut Feed, size: usize) -> Result<Body> {
        // A record alone has no values that repeat.
        let mut processor = match size < FEW_BYTES {
            true => feed.processor_of_few(Pass::Last),
            false => feed.processor(Pass::Last),
        };
        let mut chunks = feed.chunks(Pass::Last)?;
        let (mut chunk, mut prepared) = (Chunk::default(), Prepared::default());
        let mut read = Body::default();
        while chunks.next(&mut chunk)? {
            let mut from = 0;
            while from < chunk.len() {
                from = processor.prepare(&chunk, from, &mut prepared);
                read.add(&mut prepared, &chunk, &self.dataset);
            }
        }
        Ok(read)
    }
}

impl Body {
    fn add(&mut self, prepared: &mut Prepared, chunk: &Chunk, dataset: &str) {
        self.records += prepared.rows;
        self.refused += prepared.rows_invalid;
        self.skipped_stage += prepared.skipped_stage;
        self.skipped_only += prepared.skipped_only;
        self.skipped_consent += prepared.skipped_consent;
        let (old, young): (Vec<usize>, Vec<usize>) =
            (0..prepared.events.len()).partition(|index| prepared.events[*index].is_old);
        self.old += old.len() as u64;
        self.findings.extend(prepared.findings.iter().map(|found| {
            let column = found
                .column
                .and_then(|column| chunk.header.columns.get(column as usize));
            BodyFinding {
                record: found.row,
                code: found.code,
                severity: found.severity,
                field: found.field,
                column: column.map(|name| match looks_personal(name, 1) {
                    true => WITHHELD.to_owned(),
                    false => name.clone(),
                }),
            }
        }));
        self.findings.extend(old.iter().map(|index| BodyFinding {
            record: prepared.events[*index].row,
            code: Code::EventTooOld,
            severity: Code::EventTooOld.severity(),
            field: Some(Field::EventTime),
            column: None,
        }));
        self.events.extend(take_events(prepared, young, dataset));
    }
}
