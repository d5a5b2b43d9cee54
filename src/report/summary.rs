//! The one account of a run. Every renderer shows this and nothing else.
//!
//! Its serialised form is the JSON report, whose names scripts rely on. It holds codes, columns, rows and counts, and
//! never a person's value.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::coverage::LeadCoverage;
use super::exit::ExitStatus;
use super::funnel::Funnel;
use super::match_keys::MatchKeys;
use super::preview::PreviewedEvent;
use super::snapshot::Snapshot;
use super::stages::{Counts, DayCounts};
use super::tally::Problem;
use super::values::StageValue;
use crate::problem::{Code, Severity};

/// What a run did.
#[derive(Clone, Debug, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Summary {
    /// The subcommand.
    pub command: &'static str,
    /// This program's version.
    pub version: &'static str,
    /// The status the process ends with.
    pub exit_status: ExitStatus,
    /// Where events go; absent where nothing is sent and no dataset is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// The settings file used, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_file: Option<String>,
    /// The zone of times that carry none, if one was given; otherwise they are read as UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The country of rows that carry none, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// What was read, in the order given.
    pub inputs: Vec<Input>,
    /// Data records read.
    pub rows: u64,
    /// Data records refused here.
    pub rows_invalid: u64,
    /// Blank rows, totals and footers, which are in no other count.
    pub rows_ignored: u64,
    /// Stage changes not turned into events because the settings say so.
    pub skipped_stage: u64,
    /// Rows passed over because `[only]` says so.
    pub skipped_only: u64,
    /// Rows passed over because the consent column does not say yes.
    pub skipped_consent: u64,
    /// Where exports show only current stages: those that are known and gave no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
    /// What became of the events.
    #[serde(flatten)]
    pub counts: Counts,
    /// What became of the events by event name, the most frequent first; `(other stages)` is all that are not named.
    #[serde(serialize_with = "as_map")]
    #[schemars(with = "std::collections::BTreeMap<String, Counts>")]
    pub stages: Vec<(String, Counts)>,
    /// How many event names are counted as `(other stages)`, at least: less frequent than fifty others, or like a person's
    /// value.
    #[serde(skip_serializing_if = "is_zero")]
    pub other_stages: u64,
    /// What became of the events by event name and the day the stage was reached, for the newest 35 days.
    pub days: Vec<DayCounts>,
    /// What the leads are worth whose events were accepted, or would be sent, by event name and currency; of the event
    /// names in `stages`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<StageValue>,
    /// Batches that were settled.
    pub batches: u64,
    /// Requests made, repeated ones and those for parts of a batch included.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// How many events carry each customer parameter.
    pub match_keys: MatchKeys,
    /// What the join with Meta's own leads came to; absent without `--leads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_coverage: Option<LeadCoverage>,
    /// The first events that are not too old, where `--preview` asks for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preview: Vec<PreviewedEvent>,
    /// Everything found wrong, grouped, errors first.
    pub problems: Vec<Problem>,
    /// Meta's trace ids, the last ones of the run.
    pub fbtrace_ids: Vec<String>,
    /// Warnings Meta sent along with its receipts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
    /// Why the run ended before all was done, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What the export says about the funnel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funnel: Option<Funnel>,
    /// When the run ended.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub finished: Option<Timestamp>,
    /// How long the run took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
}

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Destination {
    /// A dataset, for real.
    Dataset {
        /// Its id.
        dataset_id: String,
        /// The host, when it is not Meta's.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// A dataset, as test events.
    TestEvents {
        /// Its id.
        dataset_id: String,
        /// The code that marks them.
        test_event_code: String,
        /// The host, when it is not Meta's.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// The stand-in on this machine.
    Sandbox,
}

impl Destination {
    /// The dataset's id.
    pub fn dataset_id(&self) -> Option<&str> {
        match self {
            Self::Dataset { dataset_id, .. } | Self::TestEvents { dataset_id, .. } => {
                Some(dataset_id)
            }
            Self::Sandbox => None,
        }
    }
}

/// A file, or standard input, and how it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Input {
    /// As given; `-` is standard input.
    pub path: String,
    /// Data records in it.
    pub rows: u64,
    /// The layout it was taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// `csv`, `tsv`, `json`, `ndjson` or `xlsx`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Encoding of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Delimiter between cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Sheet of the workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// How ambiguous dates were read: `mdy`, `dmy` or `ymd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_order: Option<String>,
    /// Which column fed which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<MappedColumn>,
    /// Which of the above nobody said, so that they were guessed from the content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guessed: Vec<Guess>,
}

/// Something about an input that can be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guess {
    /// The layout.
    Preset,
    /// The encoding of the text.
    Encoding,
    /// The delimiter between cells.
    Delimiter,
    /// The sheet of the workbook.
    Sheet,
    /// How ambiguous dates were read.
    DateOrder,
    /// Which column feeds which field.
    Columns,
}

/// A column and what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct MappedColumn {
    /// The field, or `stage` and the event name for a column of dates.
    pub field: String,
    /// As the file heads it.
    pub column: String,
}

/// Why a run ended before all was done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Ended {
    /// What happened, in words.
    pub reason: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Summary {
    /// How many findings of a severity there are.
    pub fn findings(&self, severity: Severity) -> u64 {
        self.problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .map(|problem| problem.count)
            .sum()
    }

    /// How many findings with a code there are.
    pub(crate) fn count_of(&self, code: Code) -> u64 {
        let problems = self.problems.iter().filter(|problem| problem.code == code);
        problems.map(|problem| problem.count).sum()
    }

    /// The input of a path.
    pub fn input(&self, path: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.path == path)
    }
}

impl Input {
    /// Whether a line number finds a row of it in an editor.
    pub fn has_lines(&self) -> bool {
        self.path != "-"
            && matches!(
                self.format.as_deref(),
                Some("csv" | "tsv" | "ndjson" | "json")
            )
    }
}

fn as_map<S: Serializer>(stages: &[(String, Counts)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(stages.len()))?;
    for (name, counts) in stages {
        map.serialize_entry(name, counts)?;
    }
    map.end()
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn as_text<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_string()).serialize(serializer)
}
