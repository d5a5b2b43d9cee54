//! Gathers findings into a bounded number of groups, whatever the number of bad rows.
//!
//! In: [`Finding`]s with the place they were made at, and events Meta refused, in the order of the input. Out: one
//! [`Problem`] a code, severity, field and column, with a count and the first few rows. Values are never taken in.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::names::{MANY, Names};
use super::refusal::MetaError;
use crate::field::Field;
use crate::problem::{Code, Finding, Severity};
use crate::source::Header;

/// So many rows of a group are shown.
pub(crate) const MAX_EXAMPLES: usize = 5;

/// Past so many groups a new one is no longer kept apart by its column, nor by Meta's subcode.
const MAX_GROUPS: usize = 300;

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the input in the order given.
    pub input: u32,
    /// The row's number as a spreadsheet shows it.
    pub row: u64,
    /// The line of the file the row starts on, where the file is text and the line is known.
    pub line: Option<u64>,
}

/// Findings, grouped. Parts gathered by several workers are merged in the order of the input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    code: Code,
    severity: Severity,
    field: Option<Field>,
    column: Option<String>,
    meta: Option<MetaError>,
    count: u64,
    rows: u64,
    latest: Place,
    examples: Vec<Place>,
    names: Names<u64, MANY>,
}

/// What keeps groups apart, borrowed, so that finding a group allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    code: Code,
    meta: Option<(i64, Option<i64>)>,
    severity: Severity,
    field: Option<Field>,
    column: Option<&'a str>,
}

impl Group {
    fn new(key: Key<'_>, place: Place) -> Self {
        let meta = key.meta.map(|(code, subcode)| MetaError {
            code,
            subcode,
            ..MetaError::default()
        });
        let column = key.column.map(str::to_owned);
        let (names, examples) = (Names::default(), Vec::new());
        let Key {
            code,
            severity,
            field,
            ..
        } = key;
        Self {
            code,
            severity,
            field,
            column,
            meta,
            count: 0,
            rows: 0,
            latest: place,
            examples,
            names,
        }
    }

    fn key(&self) -> Key<'_> {
        let meta = self.meta.as_ref().map(|meta| (meta.code, meta.subcode));
        Key {
            code: self.code,
            meta,
            severity: self.severity,
            field: self.field,
            column: self.column.as_deref(),
        }
    }

    fn add(&mut self, place: Place) {
        let is_another = self.rows == 0 || self.latest != place;
        // What no input holds has no row.
        if place.row > 0 && is_another {
            self.rows += 1;
            if self.examples.len() < MAX_EXAMPLES {
                self.examples.push(place);
            }
        }
        self.count += 1;
        self.latest = place;
    }

    fn merge(&mut self, later: Group) {
        let seam = u64::from(self.count > 0 && later.examples.first() == Some(&self.latest));
        let room = MAX_EXAMPLES - self.examples.len();
        self.examples
            .extend(later.examples.into_iter().skip(seam as usize).take(room));
        self.count += later.count;
        self.rows += later.rows - seam;
        self.latest = later.latest;
        self.names.merge(later.names, |sum, count| *sum += count);
        keep_texts(&mut self.meta, later.meta);
    }
}

/// A group shows the title and trace id of its first refusal that has them.
fn keep_texts(kept: &mut Option<MetaError>, new: Option<MetaError>) {
    if let (Some(kept), Some(new)) = (kept, new) {
        kept.title = kept.title.take().or(new.title);
        kept.fbtrace_id = kept.fbtrace_id.take().or(new.fbtrace_id);
    }
}

impl Problems {
    /// Counts a finding. `header` names its column; `line` is the file's line its row starts on; `name` is the stage it
    /// is about, where it is about one, and must not be anything else of the row.
    pub(crate) fn add(
        &mut self,
        finding: &Finding,
        input: u32,
        line: Option<u64>,
        header: &Header,
        name: Option<&str>,
    ) {
        let column = finding
            .column
            .and_then(|column| header.columns.get(column as usize))
            .map(String::as_str);
        let Finding {
            code,
            severity,
            field,
            row,
            ..
        } = *finding;
        let place = Place { input, row, line };
        let group = self.group(
            Key {
                code,
                meta: None,
                severity,
                field,
                column,
            },
            place,
        );
        group.add(place);
        if let Some(name) = name {
            *group.names.counter(name) += 1;
        }
    }

    /// Counts findings that are about no row of the input.
    pub(crate) fn add_without_row(&mut self, code: Code, count: u64) {
        let key = Key {
            code,
            meta: None,
            severity: code.severity(),
            field: None,
            column: None,
        };
        let nowhere = Place {
            input: 0,
            row: 0,
            line: None,
        };
        self.group(key, nowhere).count += count;
    }

    /// Counts an event that Meta refused, or answered with an error that leaves it open.
    pub(crate) fn add_refusal(&mut self, code: Code, refusal: &MetaError, place: Place) {
        let meta = Some((refusal.code, refusal.subcode));
        let group = self.group(
            Key {
                code,
                meta,
                severity: code.severity(),
                field: None,
                column: None,
            },
            place,
        );
        group.add(place);
        keep_texts(&mut group.meta, Some(refusal.clone()));
    }

    /// Adds what was found in a later part of the input.
    pub(crate) fn merge(&mut self, later: Problems) {
        for group in later.groups {
            self.group(group.key(), group.latest).merge(group);
        }
    }

    /// How many findings of a severity there are.
    pub(crate) fn count(&self, severity: Severity) -> u64 {
        self.groups
            .iter()
            .filter(|group| group.severity == severity)
            .map(|group| group.count)
            .sum()
    }

    /// How many findings with a code there are.
    pub(crate) fn count_of(&self, code: Code) -> u64 {
        let groups = self.groups.iter().filter(|group| group.code == code);
        groups.map(|group| group.count).sum()
    }

    /// The groups as reports show them: errors before warnings, frequent before rare. `paths` are the inputs' in the
    /// order given.
    pub(crate) fn finish(&self, paths: &[impl AsRef<str>]) -> Vec<Problem> {
        let mut problems: Vec<_> = self
            .groups
            .iter()
            .map(|group| Problem::of(group, paths))
            .collect();
        problems.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.count.cmp(&a.count)));
        problems
    }

    fn group(&mut self, key: Key<'_>, place: Place) -> &mut Group {
        let full = self.groups.len() >= MAX_GROUPS;
        let (index, key) = match self.find(&key) {
            Err(_) if full => {
                let key = Key {
                    column: None,
                    meta: key.meta.map(|(code, _)| (code, None)),
                    ..key
                };
                (self.find(&key), key)
            }
            found => (found, key),
        };
        let index = index.unwrap_or_else(|index| {
            self.groups.insert(index, Group::new(key, place));
            index
        });
        &mut self.groups[index]
    }

    fn find(&self, key: &Key<'_>) -> Result<usize, usize> {
        self.groups
            .binary_search_by(|group| -> Ordering { group.key().cmp(key) })
    }
}

/// A group of findings, ready to be shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Problem {
    /// The stable code; `crm2capi help problems` explains each.
    #[serde(serialize_with = "code_name")]
    #[schemars(with = "String", regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub code: Code,
    /// How much it weighs.
    #[serde(serialize_with = "severity_name")]
    #[schemars(with = "String", extend("enum" = ["error", "warning", "info"]))]
    pub severity: Severity,
    /// How often it was found; several times in a row with several values or stages.
    pub count: u64,
    /// In how many rows.
    pub rows: u64,
    /// The field concerned.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "field_name")]
    #[schemars(with = "Option<String>")]
    pub field: Option<Field>,
    /// The column concerned, as the file heads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
    /// What it is about, where that is a stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Named>,
    /// Occurrences whose name is not in `names`: there are too many, or they may be personal.
    #[serde(skip_serializing_if = "is_zero")]
    pub names_withheld: u64,
    /// Meta's own words, where Meta refused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<MetaError>,
    /// The first rows, at most five.
    pub examples: Vec<Example>,
}

/// A name and how often it occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Named {
    /// A stage, as the export has it.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// A row that has the problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Example {
    /// The input.
    pub path: String,
    /// The row's number as a spreadsheet shows it.
    pub row: u64,
    /// The line of the file, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

impl Problem {
    /// Code, column, first row, count and cure on one line, for where there is no page.
    pub fn in_one_line(&self) -> String {
        let first = self.examples.first();
        let place = first
            .map(|first| format!("{} row {}: ", first.path, first.row))
            .unwrap_or_default();
        let column = self
            .column
            .as_deref()
            .map(|column| format!(" in {column:?}"))
            .unwrap_or_default();
        let rows = if self.rows > 1 {
            format!(" ({} rows)", self.rows)
        } else {
            String::new()
        };
        format!(
            "{place}{}{column}{rows}: {}; {}",
            self.code.name(),
            self.message,
            self.help
        )
    }

    fn of(group: &Group, paths: &[impl AsRef<str>]) -> Self {
        let path = |input: u32| {
            paths
                .get(input as usize)
                .map_or("", AsRef::as_ref)
                .to_owned()
        };
        let example = |place: &Place| Example {
            path: path(place.input),
            row: place.row,
            line: place.line,
        };
        let (names, names_withheld) = group.names.shown();
        // Refusals come in the order in which they were answered.
        let mut examples = group.examples.clone();
        examples.sort_by_key(|place| (place.input, place.row));
        let message = match &group.meta {
            Some(MetaError {
                title: Some(title), ..
            }) => format!("{}: {title}", group.code.message()),
            _ => group.code.message().to_owned(),
        };
        Self {
            code: group.code,
            severity: group.severity,
            count: group.count,
            rows: group.rows,
            field: group.field,
            column: group.column.clone(),
            message,
            help: group
                .meta
                .as_ref()
                .and_then(MetaError::help)
                .unwrap_or(group.code.help()),
            names: names
                .into_iter()
                .map(|(name, count)| Named { name, count })
                .collect(),
            names_withheld,
            meta: group.meta.clone(),
            examples: examples.iter().map(example).collect(),
        }
    }
}

fn code_name<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.name())
}

fn severity_name<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.name())
}

fn field_name<S: Serializer>(field: &Option<Field>, serializer: S) -> Result<S::Ok, S::Error> {
    field.map(Field::name).serialize(serializer)
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            columns: vec!["Email".to_owned(), "Stage".to_owned()],
        }
    }

    fn missing_stage(row: u64) -> Finding {
        let code = Code::StageMissing;
        Finding {
            code,
            severity: code.severity(),
            row,
            field: Some(Field::EventName),
            column: Some(1),
        }
    }

    fn add(problems: &mut Problems, rows: impl IntoIterator<Item = u64>) {
        for row in rows {
            problems.add(&missing_stage(row), 0, Some(row), &header(), None);
        }
    }

    #[test]
    fn a_million_bad_rows_are_one_group_with_the_first_five() {
        let mut problems = Problems::default();
        add(&mut problems, 2..1_000_002);
        let [problem] = &problems.finish(&["leads.csv"])[..] else {
            panic!("one group")
        };
        assert_eq!((problem.count, problem.rows), (1_000_000, 1_000_000));
        assert_eq!(problem.column.as_deref(), Some("Stage"));
        let rows: Vec<_> = problem
            .examples
            .iter()
            .map(|example| (example.path.as_str(), example.row))
            .collect();
        assert_eq!(rows, [2, 3, 4, 5, 6].map(|row| ("leads.csv", row)));
    }

    #[test]
    fn parts_merged_in_order_give_what_one_pass_gives() {
        let (mut whole, mut first, mut second) = (
            Problems::default(),
            Problems::default(),
            Problems::default(),
        );
        add(&mut whole, [2, 3, 3, 3, 9, 10, 11, 12]);
        add(&mut first, [2, 3, 3]);
        add(&mut second, [3, 9, 10, 11, 12]);
        first.merge(second);
        assert_eq!(first.finish(&["a"]), whole.finish(&["a"]));
        assert_eq!(
            (whole.finish(&["a"])[0].count, whole.finish(&["a"])[0].rows),
            (8, 6)
        );
    }

    #[test]
    fn codes_columns_and_severities_are_kept_apart_errors_first() {
        let mut problems = Problems::default();
        let warning = Finding {
            severity: Severity::Warning,
            ..missing_stage(4)
        };
        let other_column = Finding {
            column: Some(0),
            ..missing_stage(4)
        };
        for finding in [
            warning,
            warning,
            other_column,
            missing_stage(4),
            missing_stage(5),
        ] {
            problems.add(&finding, 0, None, &header(), None);
        }
        let problems_shown = problems.finish(&["a"]);
        let shown: Vec<_> = problems_shown
            .iter()
            .map(|problem| (problem.severity, problem.column.as_deref(), problem.count))
            .collect();
        let expected = [
            (Severity::Error, Some("Stage"), 2),
            (Severity::Error, Some("Email"), 1),
            (Severity::Warning, Some("Stage"), 2),
        ];
        assert_eq!(shown, expected);
        assert_eq!(
            (
                problems.count(Severity::Error),
                problems.count(Severity::Warning)
            ),
            (3, 2)
        );
    }

    #[test]
    fn groups_stay_bounded_when_every_record_brings_its_own_column() {
        let mut problems = Problems::default();
        for row in 0..5_000 {
            let header = Header {
                columns: vec![String::new(), format!("column {row}")],
            };
            problems.add(&missing_stage(row), 0, None, &header, None);
            let refusal = MetaError {
                code: 100,
                subcode: Some(row as i64),
                ..MetaError::default()
            };
            problems.add_refusal(
                Code::MetaRefused,
                &refusal,
                Place {
                    input: 0,
                    row,
                    line: None,
                },
            );
        }
        assert!(
            problems.groups.len() <= MAX_GROUPS + 2,
            "{}",
            problems.groups.len()
        );
        assert_eq!(problems.count(Severity::Error), 10_000);
    }

    #[test]
    fn stages_that_are_not_listed_are_named_with_their_counts() {
        let mut problems = Problems::default();
        for (row, stage) in (2..).zip(["Nurture", "Archived", "Nurture"]) {
            problems.add(&missing_stage(row), 0, None, &header(), Some(stage));
        }
        let names = problems.finish(&["a"])[0].names.clone();
        assert_eq!(
            names
                .iter()
                .map(|it| (it.name.as_str(), it.count))
                .collect::<Vec<_>>(),
            [("Nurture", 2), ("Archived", 1)]
        );
    }

    #[test]
    fn refusals_of_meta_are_grouped_by_their_numbers_and_carry_title_and_trace() {
        let mut problems = Problems::default();
        let first = MetaError {
            code: 100,
            subcode: Some(2804036),
            ..MetaError::default()
        };
        let second = MetaError {
            title: Some("Invalid Lead ID".into()),
            fbtrace_id: Some("Abc".into()),
            ..first.clone()
        };
        for (row, refusal) in [8, 7].into_iter().zip([&first, &second]) {
            problems.add_refusal(
                Code::MetaRefused,
                refusal,
                Place {
                    input: 0,
                    row,
                    line: None,
                },
            );
        }
        let [problem] = &problems.finish(&["leads.csv"])[..] else {
            panic!("one group")
        };
        assert_eq!((problem.count, problem.meta.as_ref()), (2, Some(&second)));
        assert_eq!((problem.examples[0].row, problem.examples[1].row), (7, 8));
        assert!(
            problem.message.ends_with(": Invalid Lead ID"),
            "{}",
            problem.message
        );
        assert_eq!(problem.help, second.help().unwrap());
    }
}
