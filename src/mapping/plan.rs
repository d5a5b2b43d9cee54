//! A mapping compiled against one header: column indexes instead of names, so that a row costs no look-up.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use thiserror::Error;

use super::calling_code::speaks_of_calling_codes;
use super::columns::{Columns, Wanted};
use super::event_names::{EventNames, NameId, canonical_stage};
use super::layout::{History, Layout, Mapped, OneOrMany, Target};
use super::pattern::{Captured, is_pattern};
use super::preset::Preset;
use super::worth::{Sum, Worth, WorthId};
use crate::custom_data::CustomKey;
use crate::field::Field;
use crate::source::Header;
use crate::text::nearest;

/// A header and a layout that do not fit.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum MappingError {
    /// A column that was asked for is not there.
    #[error("there is no column {column:?} (for {wanted_for}){}", near(.nearest))]
    MissingColumn {
        /// The column.
        column: String,
        /// The field or setting that names it.
        wanted_for: String,
        /// The columns that come nearest.
        nearest: Vec<String>,
    },
    /// Nothing says which stages there are.
    #[error(
        "no column says which stage a lead is in; name it with --map event_name=COLUMN and its time with \
         --map event_time=COLUMN, or a date column of a stage with --stage-column \"COLUMN=Event name\""
    )]
    NoStages,
    /// Stages have no time.
    #[error(
        "no column says when a stage was reached; name it with --map event_time=COLUMN, or count a stage when an export \
         first shows it: --stage-time first-seen{}", in_addition(.advice.as_deref())
    )]
    NoTimes {
        /// What is to be done where the export comes from, as far as that is known.
        advice: Option<String>,
    },
    /// A stage that may come back is none of those that are known.
    #[error("{stage:?} is neither a stage of [stages] nor an event name{}", near(.nearest))]
    UnknownAgain {
        /// What it is called.
        stage: String,
        /// The event name that comes nearest.
        nearest: Vec<String>,
    },
    /// No column identifies a lead.
    #[error(
        "no column identifies a lead; name one with --map lead_id=COLUMN, email=COLUMN or phone=COLUMN"
    )]
    NoCustomer,
}

fn in_addition(advice: Option<&str>) -> String {
    advice.map_or_else(String::new, |advice| format!("; better, {advice}"))
}

fn near(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [name] => format!("; the nearest is {name:?}"),
        names => format!(
            "; the nearest are {}",
            names
                .iter()
                .map(|n| format!("{n:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

/// Where an event of a row comes from.
#[derive(Clone, Debug)]
pub(super) enum EventSource {
    /// The stage stands in a cell, its time in another.
    Cells { stage: Vec<u32>, time: Vec<u32> },
    /// One of several such pairs in a row; conditions say whether it is about stages at all.
    Group {
        stage: u32,
        time: u32,
        only: Vec<(u32, Vec<String>)>,
    },
    /// The time stands in the stage's own column.
    Column {
        time: u32,
        name: NameId,
        worth: Option<WorthId>,
    },
    /// The time stands in a column whose heading names the CRM's stage.
    Heading { time: u32, stage: String },
}

/// Which columns of one header hold what.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Customer fields and their columns, in the order of the fields.
    pub(super) customer: Vec<(Field, u32)>,
    /// Columns among those of phones that hold the calling codes of the numbers in the others.
    pub(super) calling_codes: Vec<u32>,
    /// Fields about the event, by their columns.
    pub(super) event_fields: Vec<(Field, Vec<u32>)>,
    pub(super) custom: Vec<Custom>,
    /// What stages are worth that are worth something of their own.
    pub(super) worths: Vec<Worth<u32>>,
    /// Whether an order id that looks like an address or a phone number is sent.
    pub(super) allows_personal_order_id: bool,
    pub(super) sources: Vec<EventSource>,
    pub(super) only: Vec<(u32, Vec<String>)>,
    pub(super) names: EventNames,
    /// Whether a stage in a cell counts as reached when it is first seen, unless a column says when.
    pub(super) is_snapshot: bool,
    /// Event names, as stages are compared, that are events again when a lead comes back.
    pub(super) again: Vec<String>,
    /// Columns that name their time zone in the heading: `Change Date (US/Eastern)`.
    zones: Vec<(u32, String)>,
    /// Columns whose heading stands more than once and whose mapping did not say which is meant.
    doubled: Vec<u32>,
    /// What reads what, in words for the report and `init`.
    used: Vec<(String, Vec<String>)>,
}

/// A column that goes to `custom_data` under a name of the user's own.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    pub(super) key: CustomKey,
    pub(super) column: u32,
    /// Whether values that look like an address or a phone number are sent.
    pub(super) allows_personal: bool,
}

/// Fields that describe the event and not the person.
const EVENT_FIELDS: [Field; 9] = [
    Field::EventId,
    Field::CreatedTime,
    Field::ClickTime,
    Field::Value,
    Field::Currency,
    Field::OrderId,
    Field::OptOut,
    Field::Consent,
    Field::ExportedTime,
];

impl Plan {
    /// Resolves names to indexes. What `given` (command line and settings) names must be there; of `preset` counts
    /// what is there, and of its events only if `given` names none itself.
    ///
    /// # Errors
    /// A column is missing, or there is nothing to make events or identities from.
    pub(crate) fn compile(
        given: &Layout,
        preset: Option<&Preset>,
        header: &Header,
    ) -> Result<Self, MappingError> {
        let columns = Columns::new(header);
        let layout = Self::layout(given, preset, &columns);
        Compiler {
            columns: &columns,
            layout: &layout,
            allowed: layout.allow_personal.iter().collect(),
        }
        .compile(header)
        .map_err(|error| match error {
            MappingError::NoTimes { .. } => MappingError::NoTimes {
                advice: preset.and_then(|preset| preset.advice.clone()),
            },
            error => error,
        })
    }

    /// What `given` and `preset` come to for this header, before any column of `given` is looked for.
    pub(crate) fn layout(given: &Layout, preset: Option<&Preset>, columns: &Columns<'_>) -> Layout {
        let mut below = preset
            .map(|preset| preset.present_in(columns))
            .unwrap_or_default();
        if given.is_snapshot() {
            // The preset's time is that of the record's last change at best, which says nothing of the stage.
            let is_time = |m: &Mapped| m.target == Target::Field(Field::EventTime);
            below.columns.retain(|mapped| !is_time(mapped));
        }
        if given.names_events() {
            below.stage_columns.clear();
            below.history = None;
            below.only.clear();
            let keeps_stage = given.is_snapshot();
            if !keeps_stage && given.columns_of(&Target::Field(Field::EventName)).is_none() {
                below.columns.retain(|m| {
                    !matches!(m.target, Target::Field(Field::EventName | Field::EventTime))
                });
            }
        }
        below.overlaid_with(given.clone())
    }

    /// The headings that [`layout`](Self::layout) could make something of.
    pub(crate) fn wanted(given: &Layout, preset: Option<&Preset>) -> Wanted {
        let layouts = [given].into_iter().chain(preset.map(Preset::layout));
        Wanted::new(layouts.flat_map(Layout::headings))
    }

    /// Forgets the event names that only the last chunk had.
    pub(crate) fn begin_chunk(&mut self) {
        self.names.begin_chunk();
    }

    /// The id of an event name that no column and no cell names.
    pub(crate) fn keep_event_name(&mut self, name: &str) -> NameId {
        self.names.keep(name)
    }

    /// What an event of this name is worth, where the settings give its stage a value.
    pub(crate) fn worth_of_event(&self, name: NameId) -> Option<WorthId> {
        self.names.worth_of_event(name)
    }

    /// The event names so far, by their ids.
    pub(crate) fn event_names(&self) -> &[Arc<str>] {
        self.names.as_slice()
    }

    /// Whether a stage in a cell counts as reached when it is first seen.
    pub(crate) fn is_snapshot(&self) -> bool {
        self.is_snapshot
    }

    /// Whether a lead that comes back to this stage makes another event.
    pub(crate) fn sends_again(&self, name: NameId) -> bool {
        if self.again.is_empty() {
            return false;
        }
        let name = canonical_stage(&self.names.as_slice()[name.0 as usize]);
        self.again.contains(&name)
    }

    /// Every column that holds a time.
    pub(crate) fn time_columns(&self) -> Vec<u32> {
        let of_events = self.sources.iter().flat_map(|source| match source {
            EventSource::Cells { time, .. } => time.clone(),
            EventSource::Group { time, .. }
            | EventSource::Column { time, .. }
            | EventSource::Heading { time, .. } => {
                vec![*time]
            }
        });
        let times = self
            .event_fields
            .iter()
            .filter(|(field, _)| is_time(*field));
        let mut all: Vec<u32> = of_events
            .chain(times.flat_map(|(_, columns)| columns.clone()))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Every column of a field that describes the customer.
    pub(crate) fn columns_of(&self, wanted: Field) -> Vec<u32> {
        self.customer
            .iter()
            .filter(|(field, _)| *field == wanted)
            .map(|(_, column)| *column)
            .collect()
    }

    /// Every column of a field that describes the event.
    pub(crate) fn event_columns_of(&self, wanted: Field) -> &[u32] {
        let found = self.event_fields.iter().find(|(field, _)| *field == wanted);
        found.map_or(&[], |(_, columns)| columns)
    }

    /// Every column of amounts.
    pub(crate) fn amount_columns(&self) -> Vec<u32> {
        let of_stages = self.worths.iter().filter_map(|worth| match worth.amount {
            Sum::Fixed(_) => None,
            Sum::Column(column) => Some(column),
        });
        let of_rows = self.event_columns_of(Field::Value).iter().copied();
        let mut all: Vec<u32> = of_rows.chain(of_stages).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The time zone a column's heading names, by column.
    pub(crate) fn heading_zones(&self) -> &[(u32, String)] {
        &self.zones
    }

    /// Columns that were taken because they come first of several with the same heading.
    pub(crate) fn doubled(&self) -> &[u32] {
        &self.doubled
    }

    /// Targets and the names of the columns they are read from.
    pub(crate) fn used(&self) -> &[(String, Vec<String>)] {
        &self.used
    }

    /// Whether a lead's stage stands in a cell and nothing tells of the ones before: such an export may only show the
    /// last stage. Date columns beside it, as those of won and lost deals, do not change that.
    pub(crate) fn has_one_stage_a_row(&self) -> bool {
        let is_history = |source: &EventSource| matches!(source, EventSource::Group { .. });
        !self.stage_time_columns().is_empty()
            && self.only.is_empty()
            && !self.sources.iter().any(is_history)
    }

    /// The columns the time of a stage that stands in a cell is read from.
    pub(crate) fn stage_time_columns(&self) -> &[u32] {
        let times = self.sources.iter().find_map(|source| match source {
            EventSource::Cells { time, .. } => Some(time.as_slice()),
            _ => None,
        });
        times.unwrap_or_default()
    }
}

/// Of the columns of phones those that hold calling codes, where others hold numbers.
fn calling_codes(phones: &[u32], header: &Header) -> Vec<u32> {
    let is_code = |column: &u32| speaks_of_calling_codes(&header.columns[*column as usize]);
    let codes: Vec<u32> = phones.iter().copied().filter(is_code).collect();
    match codes.len() < phones.len() {
        true => codes,
        false => Vec::new(),
    }
}

/// Whether a field of the event holds a time.
const fn is_time(field: Field) -> bool {
    matches!(
        field,
        Field::CreatedTime | Field::ClickTime | Field::ExportedTime
    )
}

/// The zones that headings name, by the column of times.
fn zones(plan: &Plan, header: &Header) -> Vec<(u32, String)> {
    let zone_of = |column: u32| {
        let zone = zone_in_heading(&header.columns[column as usize])?;
        Some((column, zone.to_owned()))
    };
    plan.time_columns()
        .into_iter()
        .filter_map(zone_of)
        .collect()
}

struct Compiler<'a> {
    columns: &'a Columns<'a>,
    layout: &'a Layout,
    /// What may be sent although it looks personal.
    allowed: HashSet<&'a Target>,
}

impl Compiler<'_> {
    fn compile(&self, header: &Header) -> Result<Plan, MappingError> {
        let mut plan = Plan {
            customer: Vec::new(),
            calling_codes: Vec::new(),
            event_fields: Vec::new(),
            custom: Vec::new(),
            worths: Vec::new(),
            allows_personal_order_id: self.allows_personal(&Target::Field(Field::OrderId)),
            sources: Vec::new(),
            only: self.conditions(&self.layout.only)?,
            names: EventNames::new(&self.layout.stages, self.layout.unlisted),
            is_snapshot: self.layout.is_snapshot(),
            again: Vec::new(),
            zones: Vec::new(),
            doubled: Vec::new(),
            used: Vec::new(),
        };
        let (mut stage, mut time) = (Vec::new(), Vec::new());
        for mapped in &self.layout.columns {
            let found = self.find_all(&mapped.columns, &mapped.target.to_string())?;
            let names = found
                .iter()
                .map(|&column| header.columns[column as usize].clone());
            plan.used.push((mapped.target.to_string(), names.collect()));
            plan.doubled.extend(self.doubled(&mapped.columns, &found));
            match &mapped.target {
                Target::Custom(key) => {
                    let allows_personal = self.allows_personal(&mapped.target);
                    plan.custom.extend(found.into_iter().map(|column| Custom {
                        key: key.clone(),
                        column,
                        allows_personal,
                    }))
                }
                Target::Field(Field::EventName) => stage = found,
                Target::Field(Field::EventTime) => time = found,
                Target::Field(field) if EVENT_FIELDS.contains(field) => {
                    plan.event_fields.push((*field, found))
                }
                Target::Field(field) => plan
                    .customer
                    .extend(found.into_iter().map(|column| (*field, column))),
            }
        }
        plan.customer.sort_by_key(|(field, _)| *field);
        plan.calling_codes = calling_codes(&plan.columns_of(Field::Phone), header);

        self.add_worths(&mut plan, header)?;
        self.add_stage_columns(&mut plan, header)?;
        if let Some(history) = &self.layout.history {
            plan.sources.extend(self.history(history)?);
        }
        let is_only_source = plan.sources.is_empty();
        plan.sources
            .extend(cells(stage, time, is_only_source, plan.is_snapshot)?);
        plan.again = self.again(&plan)?;
        if plan.customer.is_empty() {
            return Err(MappingError::NoCustomer);
        }
        plan.zones = zones(&plan, header);
        Ok(plan)
    }

    /// Adds what stages are worth.
    fn add_worths(&self, plan: &mut Plan, header: &Header) -> Result<(), MappingError> {
        // A later layer comes later and counts.
        for (stage, Worth { amount, currency }) in self.layout.worths.iter().rev() {
            let amount = match amount {
                Sum::Fixed(amount) => Sum::Fixed(*amount),
                Sum::Column(name) => {
                    let wanted_for = format!("the value of the stage {stage:?}");
                    let column = self.find(name, &wanted_for)?;
                    let heading = header.columns[column as usize].clone();
                    plan.used.push((format!("value of {stage}"), vec![heading]));
                    Sum::Column(column)
                }
            };
            let id = WorthId(plan.worths.len() as u16);
            plan.names.add_worth(stage, id);
            plan.worths.push(Worth {
                amount,
                currency: *currency,
            });
        }
        Ok(())
    }

    /// Adds the columns whose dates are a stage each.
    fn add_stage_columns(&self, plan: &mut Plan, header: &Header) -> Result<(), MappingError> {
        for (column, event_name) in &self.layout.stage_columns {
            if is_pattern(column) {
                let named = self.named_by_heading(column, event_name)?;
                for source in &named {
                    if let EventSource::Heading { time, stage } = source {
                        plan.used.push((
                            format!("stage {stage}"),
                            vec![header.columns[*time as usize].clone()],
                        ));
                    }
                }
                plan.sources.extend(named);
                continue;
            }
            let found = self.find(column, &format!("the stage {event_name:?}"))?;
            plan.used.push((
                format!("stage {event_name}"),
                vec![header.columns[found as usize].clone()],
            ));
            if !event_name.is_empty() {
                let name = plan.names.keep(event_name);
                plan.sources.push(EventSource::Column {
                    time: found,
                    name,
                    worth: plan.names.worth_of_event(name),
                });
            }
        }
        Ok(())
    }

    /// The event names of the stages that may come back.
    fn again(&self, plan: &Plan) -> Result<Vec<String>, MappingError> {
        let event_name = |stage: &String| {
            let named = plan.names.listed_as(stage).map(|name| &**name);
            let canonical = canonical_stage(named.unwrap_or(stage));
            let is_known = named.is_some()
                || plan.names.sends_unlisted()
                || plan
                    .event_names()
                    .iter()
                    .any(|name| canonical_stage(name) == canonical);
            match is_known {
                true => Ok(canonical),
                false => {
                    let names = plan.event_names();
                    let near = nearest(stage, names.iter().map(|name| &**name));
                    Err(MappingError::UnknownAgain {
                        stage: stage.clone(),
                        nearest: near.map(str::to_owned).into_iter().collect(),
                    })
                }
            }
        };
        self.layout.sends_again.iter().map(event_name).collect()
    }

    fn allows_personal(&self, target: &Target) -> bool {
        self.allowed.contains(target)
    }

    fn find(&self, name: &str, wanted_for: &str) -> Result<u32, MappingError> {
        self.columns
            .find(name)
            .ok_or_else(|| MappingError::MissingColumn {
                column: name.to_owned(),
                wanted_for: wanted_for.to_owned(),
                nearest: self
                    .columns
                    .nearest(name)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            })
    }

    fn find_all(&self, names: &[String], wanted_for: &str) -> Result<Vec<u32>, MappingError> {
        names
            .iter()
            .map(|name| self.find(name, wanted_for))
            .collect()
    }

    /// One source for each column whose heading names its stage: `Date entered "Contract Sent (Sales Pipeline)"`.
    fn named_by_heading(
        &self,
        pattern: &str,
        event_name: &str,
    ) -> Result<Vec<EventSource>, MappingError> {
        let found = self.columns.matching(pattern);
        if found.is_empty() {
            self.find(pattern, "[stage_columns]")?;
        }
        let source = |(time, captured): (u32, Captured)| {
            let stage = captured.stage.unwrap_or_default();
            EventSource::Heading {
                time,
                stage: event_name.replace("{stage}", &stage),
            }
        };
        Ok(found.into_iter().map(source).collect())
    }

    fn conditions(
        &self,
        only: &[(String, Vec<String>)],
    ) -> Result<Vec<(u32, Vec<String>)>, MappingError> {
        only.iter()
            .map(|(column, texts)| Ok((self.find(column, "[only]")?, texts.clone())))
            .collect()
    }

    fn doubled(&self, names: &[String], found: &[u32]) -> Vec<u32> {
        let unnumbered = names
            .iter()
            .zip(found)
            .filter(|(name, _)| !name.contains('#'));
        unnumbered
            .map(|(_, &column)| column)
            .filter(|&column| self.columns.namesakes(column) > 1)
            .collect()
    }

    /// One source for each group of columns that has a stage and a time.
    fn history(&self, history: &History) -> Result<Vec<EventSource>, MappingError> {
        let stages = self.groups(&history.stage);
        let times = self.groups(&history.time);
        let only: Vec<_> = history
            .only
            .0
            .iter()
            .map(|(pattern, texts)| (self.groups(&OneOrMany::One(pattern.clone())), texts))
            .collect();
        if stages.is_empty() {
            self.find(&history.stage.as_slice().join(", "), "[history] stage")?;
        }
        let group = |(n, &stage): (&Captured, &u32)| {
            let conditions = only
                .iter()
                .filter_map(|(groups, texts)| Some((*groups.get(n)?, texts.as_slice().to_vec())))
                .collect();
            Some(EventSource::Group {
                stage,
                time: *times.get(n)?,
                only: conditions,
            })
        };
        Ok(stages.iter().filter_map(group).collect())
    }

    fn groups(&self, patterns: &OneOrMany) -> BTreeMap<Captured, u32> {
        patterns
            .as_slice()
            .iter()
            .flat_map(|p| self.columns.matching(p))
            .map(|(column, n)| (n, column))
            .collect()
    }
}

/// The zone in `Change Date (US/Eastern) (1)`: something in parentheses that looks like an IANA name.
fn zone_in_heading(heading: &str) -> Option<&str> {
    heading
        .split('(')
        .skip(1)
        .filter_map(|part| part.split_once(')'))
        .map(|(inside, _)| inside.trim())
        .find(|inside| {
            let named = inside.contains('/')
                && inside
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/_-+".contains(&b));
            (named || matches!(*inside, "UTC" | "GMT")) && !inside.contains(' ')
        })
}

/// The source of events that stand in cells, where there is one.
fn cells(
    stage: Vec<u32>,
    time: Vec<u32>,
    is_only_source: bool,
    is_snapshot: bool,
) -> Result<Option<EventSource>, MappingError> {
    match (stage.is_empty(), time.is_empty()) {
        (false, has_no_time) if !has_no_time || is_snapshot => {
            Ok(Some(EventSource::Cells { stage, time }))
        }
        (false, _) => Err(MappingError::NoTimes { advice: None }),
        (true, _) if is_only_source => Err(MappingError::NoStages),
        (true, _) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(columns: &[&str]) -> Header {
        Header {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        }
    }

    fn layout(settings: &[(&str, &str)]) -> Layout {
        let columns = settings
            .iter()
            .map(|(target, column)| super::super::layout::Mapped {
                target: target.parse().unwrap(),
                columns: vec![(*column).to_owned()],
            });
        Layout {
            columns: columns.collect(),
            ..Layout::default()
        }
    }

    #[test]
    fn a_missing_column_is_named_with_the_nearest() {
        let given = layout(&[
            ("email", "Emial"),
            ("event_name", "Stage"),
            ("event_time", "When"),
        ]);
        let error = Plan::compile(&given, None, &header(&["Email", "Stage", "When"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"there is no column "Emial" (for email); the nearest is "Email""#
        );
    }

    #[test]
    fn events_need_a_stage_a_time_and_somebody() {
        let header = header(&["Email", "Stage", "When"]);
        let compile = |settings| {
            Plan::compile(&layout(settings), None, &header)
                .map(|_| ())
                .unwrap_err()
        };
        assert_eq!(compile(&[("email", "Email")]), MappingError::NoStages);
        assert_eq!(
            compile(&[("email", "Email"), ("event_name", "Stage")]),
            MappingError::NoTimes { advice: None }
        );
        assert_eq!(
            compile(&[("event_name", "Stage"), ("event_time", "When")]),
            MappingError::NoCustomer
        );
    }

    #[test]
    fn naming_events_silences_the_presets_idea_of_them() {
        let preset = Preset::named("hubspot").unwrap();
        let header = header(&[
            "Record ID",
            "Email",
            "Became a Lead Date",
            "Lifecycle Stage",
            "Changed",
        ]);
        let plan = Plan::compile(&Layout::default(), Some(&preset), &header).unwrap();
        assert!(matches!(
            plan.sources[..],
            [EventSource::Column { time: 2, .. }]
        ));
        let given = layout(&[("event_name", "Lifecycle Stage"), ("event_time", "Changed")]);
        let plan = Plan::compile(&given, Some(&preset), &header).unwrap();
        assert!(plan.has_one_stage_a_row());
        assert_eq!(plan.time_columns(), [4]);
    }

    #[test]
    fn history_groups_are_joined_by_their_number_and_the_heading_gives_the_zone() {
        let header = header(&[
            "Email",
            "Current Value",
            "Change Date (US/Eastern)",
            "Value (1)",
            "Change Date (US/Eastern) (1)",
            "Value (2)",
        ]);
        let history = History {
            stage: OneOrMany::Many(vec!["Current Value".into(), "Value ({n})".into()]),
            time: OneOrMany::Many(vec![
                "Change Date (*) ({n})".into(),
                "Change Date (*)".into(),
            ]),
            only: Default::default(),
        };
        let given = Layout {
            history: Some(history),
            ..layout(&[("email", "Email")])
        };
        let plan = Plan::compile(&given, None, &header).unwrap();
        assert_eq!(plan.time_columns(), [2, 4]);
        assert_eq!(
            plan.heading_zones(),
            [(2, "US/Eastern".to_owned()), (4, "US/Eastern".to_owned())]
        );
    }
}
