//! A row read by its plan: the customer's cells as they are, and the stages with their times.

use super::columns::canonical;
use super::event_names::{EventNames, NameId, StageName};
use super::layout::Target;
use super::plan::{Custom, EventSource, Plan};
use super::preset::holds_several;
use super::worth::{Sum, Worth, WorthId};
use super::{answers, personal};
use crate::cell::{is_lost, is_nothing, is_scientific};
use crate::custom_data::{
    Amount, Amounts, Currency, CustomData, CustomValue, DecimalMark, currency, money,
};
use crate::customer::{Cell, calling_code};
use crate::field::Field;
use crate::problem::Code;
use crate::source::Row;
use crate::time::{Moment, Precision, Reading, TimeReader, is_clock};

/// A stage that a lead reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    /// The event's name.
    pub name: NameId,
    /// When it was reached.
    pub at: Moment,
    /// The Unix seconds that ids are made from: the same at every hour of the day.
    pub id_time: i64,
    /// The column of the time, or of the stage where the export has no time of it.
    pub column: u32,
    /// Whether the join made it, and the export does not have it.
    pub is_joined: bool,
    /// Whether it is the stage the lead is in, of which only the time of the export is known.
    pub is_current: bool,
    /// What it is worth, where it is worth something of its own.
    pub worth: Option<WorthId>,
}

/// What a row says of a lead. Cells are borrowed from the row.
#[derive(Debug, Default)]
pub(crate) struct Record<'a> {
    /// The cells that identify the lead, by field.
    pub customer: Vec<Cell<'a>>,
    /// When the lead was created.
    pub created: Option<Moment>,
    /// When its click id was first seen, Unix milliseconds.
    pub first_seen_ms: Option<i64>,
    /// The export's own id of the event.
    pub event_id: Option<&'a str>,
    /// Whether the event may not be used for ad delivery.
    pub opt_out: Option<bool>,
    /// The amount, and its column.
    pub value: Option<(&'a str, u32)>,
    /// The amount's currency, and its column.
    pub currency: Option<(&'a str, u32)>,
    /// The order's id, and its column.
    pub order_id: Option<(&'a str, u32)>,
    /// When the export was made, where a column says so.
    pub exported: Option<Moment>,
    /// The stages reached, in the order of their times.
    pub stages: Vec<Stage>,
    /// Stages that the settings skip.
    pub skipped_stages: u64,
    /// Whether the lead is in a stage now that gives no event of its own.
    pub is_elsewhere: bool,
    /// The CRM's name of the stage the lead is in now, where it is known, whatever becomes of it.
    pub current: Option<&'a str>,
    /// Whether a stage gives no event because something is wrong with it, and not because it is to be skipped.
    pub has_refused_stage: bool,
    /// Why the row was not read any further.
    pub left_out: Option<LeftOut>,
}

/// Why a row that is sound gives no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// It does not meet the conditions of `[only]`.
    Only,
    /// Its consent column does not say yes. Of a snapshot it is read all the same, to know where the lead is.
    Consent,
}

/// Something a row has that cannot be used, or only with an assumption.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice<'a> {
    /// What it is.
    pub code: Code,
    /// The field it is about; none for the conditions of `[only]`.
    pub field: Option<Field>,
    /// The column it stands in.
    pub column: u32,
    /// The stage it is about, where the stage is the problem.
    pub stage: Option<DatedStage<'a>>,
}

/// A stage as its cell or heading has it, which is no personal data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatedStage<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The column of its time.
    pub time: u32,
}

impl Notice<'_> {
    fn of(code: Code, field: Field, column: u32) -> Self {
        Notice {
            code,
            field: Some(field),
            column,
            stage: None,
        }
    }

    /// A value that a spreadsheet lost.
    fn lost(field: Option<Field>, column: u32) -> Self {
        Notice {
            code: Code::CellLost,
            field,
            column,
            stage: None,
        }
    }
}

/// Reads times, each column in its own zone.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// For columns whose heading names no zone.
    pub default: TimeReader,
    /// For columns whose heading does.
    pub of_columns: Vec<(u32, TimeReader)>,
    /// When the export was made, as far as nothing in it says so; Unix seconds.
    pub exported: i64,
}

impl Times {
    /// Moves the present on.
    pub(crate) fn set_now(&mut self, now: i64) {
        self.default.set_now(now);
        for (_, reader) in &mut self.of_columns {
            reader.set_now(now);
        }
    }

    /// Reads a cell of a column, as [`TimeReader::read`] does.
    ///
    /// # Errors
    /// The time cannot be read.
    pub(crate) fn read(&mut self, column: u32, text: &str) -> Result<Option<Reading>, Code> {
        let own = self
            .of_columns
            .iter_mut()
            .find(|(with_zone, _)| *with_zone == column);
        own.map_or(&mut self.default, |(_, reader)| reader)
            .read(text)
    }

    /// The same with the time of day that stands in a column of its own, where the date comes without one.
    fn read_with(
        &mut self,
        column: u32,
        text: &str,
        clock: Option<&str>,
    ) -> Result<Option<Reading>, Code> {
        let reading = self.read(column, text)?;
        let is_day = reading.is_some_and(|it| it.moment.precision == Precision::Day);
        match clock.filter(|_| is_day) {
            Some(clock) => self.read(column, &[text.trim(), " ", clock.trim()].concat()),
            None => Ok(reading),
        }
    }
}

impl<'a> Record<'a> {
    /// Puts the stage the lead is in behind those that have a time of their own. One that has its own time counts by it.
    fn place_current(&mut self, now: i64) {
        let dated = |stage: &&Stage| !stage.is_current;
        let names: Vec<NameId> = (self.stages.iter().filter(dated))
            .map(|stage| stage.name)
            .collect();
        let latest = (self.stages.iter().filter(dated))
            .map(|stage| stage.at.seconds)
            .filter(|seconds| *seconds <= now)
            .max();
        let count = self.stages.len();
        self.stages
            .retain(|stage| !stage.is_current || !names.contains(&stage.name));
        self.is_elsewhere |= self.stages.len() < count;
        for stage in self.stages.iter_mut().filter(|stage| stage.is_current) {
            stage.at.seconds = latest.map_or(stage.at.seconds, |at| at.max(stage.at.seconds));
        }
    }

    fn clear(&mut self) {
        let (mut customer, mut stages) = (
            std::mem::take(&mut self.customer),
            std::mem::take(&mut self.stages),
        );
        customer.clear();
        stages.clear();
        *self = Self {
            customer,
            stages,
            ..Self::default()
        };
    }
}

impl Plan {
    /// Reads a row into `record`. What cannot be used goes to `notice`; the rest of the row still counts.
    pub(crate) fn read<'a>(
        &mut self,
        row: Row<'a>,
        times: &mut Times,
        record: &mut Record<'a>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        record.clear();
        let meets = |(column, texts): &(u32, Vec<String>)| {
            let text = row.cell(*column);
            if is_lost(text) {
                notice(Notice::lost(None, *column));
            }
            holds_one_of(text, texts)
        };
        if !self.only.iter().all(meets) {
            record.left_out = Some(LeftOut::Only);
            return;
        }
        if self.consents(row, notice) {
            return self.read_sound(row, times, record, notice);
        }
        if self.is_snapshot {
            // Its stage is only to be known, so what is wrong with it does not matter.
            self.read_sound(row, times, record, &mut |_| ());
            record.skipped_stages = 0;
        }
        record.left_out = Some(LeftOut::Consent);
    }

    fn read_sound<'a>(
        &mut self,
        row: Row<'a>,
        times: &mut Times,
        record: &mut Record<'a>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        self.read_customer(row, record, notice);
        self.read_event_fields(row, times, record, notice);
        self.read_stages(row, times, record, notice);
        if self.is_snapshot {
            record.place_current(times.default.now());
        }
        record.stages.sort_by_key(|stage| stage.at.seconds);
    }

    /// Whether the lead's consent is given, or not asked for.
    fn consents(&self, row: Row<'_>, notice: &mut dyn FnMut(Notice<'_>)) -> bool {
        let Some((field, columns)) = self
            .event_fields
            .iter()
            .find(|(field, _)| *field == Field::Consent)
        else {
            return true;
        };
        let Some((text, column)) = filled(row, *field, columns, notice) else {
            return false;
        };
        let answer = answers::consents(text);
        if answer.is_none() {
            notice(Notice::of(Code::ConsentUnclear, *field, column));
        }
        answer == Some(true)
    }

    fn read_customer<'a>(
        &self,
        row: Row<'a>,
        record: &mut Record<'a>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        for &(field, column) in &self.customer {
            let text = row.cell(column);
            let is_code = self.calling_codes.contains(&column);
            let cell = Cell {
                field,
                column,
                text: if is_code {
                    calling_code(text).unwrap_or(text)
                } else {
                    text
                },
            };
            if is_lost(cell.text) {
                notice(Notice::lost(Some(field), column));
                continue;
            }
            match record.customer.last_mut() {
                _ if cell.text.is_empty() => {}
                // Of several columns for one value the first that says something counts.
                Some(last) if last.field == field && !holds_several(&Target::Field(field)) => {
                    if is_nothing(last.text) {
                        *last = cell;
                    }
                }
                _ => record.customer.push(cell),
            }
        }
        if !self.calling_codes.is_empty() {
            self.forget_lone_codes(record);
        }
    }

    /// A calling code without a number is nobody's phone.
    fn forget_lone_codes(&self, record: &mut Record<'_>) {
        let is_phone = |cell: &Cell<'_>| cell.field == Field::Phone;
        let is_code = |cell: &Cell<'_>| is_phone(cell) && self.calling_codes.contains(&cell.column);
        let is_number =
            |cell: &Cell<'_>| is_phone(cell) && !is_code(cell) && !is_nothing(cell.text);
        if !record.customer.iter().any(is_number) {
            record.customer.retain(|cell| !is_code(cell));
        }
    }

    fn read_event_fields<'a>(
        &self,
        row: Row<'a>,
        times: &mut Times,
        record: &mut Record<'a>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        let mut clicked_ms = None;
        let mut created_ms = None;
        for (field, columns) in &self.event_fields {
            let Some((text, column)) = filled(row, *field, columns, notice) else {
                continue;
            };
            match field {
                Field::CreatedTime | Field::ClickTime | Field::ExportedTime => {
                    let clock = clock_behind(row, columns, column);
                    let reading = match times.read_with(column, text, clock) {
                        Ok(Some(reading)) => reading,
                        Ok(None) => continue,
                        Err(code) => {
                            notice(Notice::of(code, *field, column));
                            continue;
                        }
                    };
                    match field {
                        Field::CreatedTime => {
                            record.created = Some(reading.moment);
                            created_ms = Some(reading.millis);
                        }
                        Field::ClickTime => clicked_ms = Some(reading.millis),
                        _ => record.exported = Some(reading.moment),
                    }
                }
                Field::EventId if is_rounded(text) => {
                    notice(Notice::of(Code::EventIdPrecisionLost, *field, column))
                }
                Field::EventId => record.event_id = Some(text.trim()),
                Field::Value => record.value = Some((text, column)),
                Field::Currency => record.currency = Some((text, column)),
                Field::OrderId => record.order_id = Some((text.trim(), column)),
                Field::OptOut => match answers::yes_or_no(text) {
                    Some(answer) => record.opt_out = Some(answer),
                    None => notice(Notice::of(Code::OptOutUnclear, *field, column)),
                },
                _ => {}
            }
        }
        record.first_seen_ms = clicked_ms.or(created_ms);
    }

    fn read_stages<'a>(
        &mut self,
        row: Row<'a>,
        times: &mut Times,
        record: &mut Record<'a>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        let (names, is_snapshot) = (&mut self.names, self.is_snapshot);
        let mut has_history = false;
        for source in &self.sources {
            // A record's own history tells more than where it stands now.
            if has_history && matches!(source, EventSource::Cells { .. }) {
                continue;
            }
            let Some(found) = source.find(row, notice) else {
                continue;
            };
            has_history |= matches!(source, EventSource::Group { .. });
            let column = found.time.unwrap_or(found.stage);
            let text = found.time.map_or("", |time| row.cell(time));
            if is_lost(text) {
                notice(Notice::lost(Some(Field::EventTime), column));
                continue;
            }
            let is_current = is_snapshot && found.is_current && is_nothing(text);
            if is_nothing(text) && !found.needs_time {
                continue;
            }
            if let (true, Named::Cell(_, column)) = (is_current, &found.name) {
                record.current = Some(row.cell(*column).trim());
            }
            let Some((name, worth)) = named(found.name, column, names, record, notice) else {
                record.is_elsewhere |= is_current;
                continue;
            };
            if is_current {
                let exported = record.exported.map(|moment| moment.seconds);
                record.stages.push(Stage {
                    name,
                    at: Moment {
                        seconds: exported.unwrap_or(times.exported),
                        precision: Precision::Second,
                    },
                    id_time: 0,
                    column: found.stage,
                    is_joined: false,
                    is_current,
                    worth,
                });
                continue;
            }
            let mut note = |code| notice(Notice::of(code, Field::EventTime, column));
            match times.read_with(column, text, found.clock) {
                Ok(Some(reading)) => {
                    reading.notes.codes().for_each(&mut note);
                    record.stages.push(Stage {
                        name,
                        at: reading.moment,
                        id_time: reading.uncapped,
                        column,
                        is_joined: false,
                        is_current,
                        worth,
                    });
                }
                Ok(None) => note(Code::TimeMissing),
                Err(code) => note(code),
            }
        }
    }
}

/// What a source says of a row.
struct Found<'a> {
    name: Named<'a>,
    /// The column of the time, where there is one.
    time: Option<u32>,
    /// The time of day, where it stands in a column of its own.
    clock: Option<&'a str>,
    /// The column that names the stage.
    stage: u32,
    /// Whether it is the stage the lead is in now.
    is_current: bool,
    /// A stage without a time is a mistake where the cell names the stage, and none where the column does.
    needs_time: bool,
}

impl EventSource {
    /// Where the row says that a stage was reached; none where it does not.
    fn find<'a>(&'a self, row: Row<'a>, notice: &mut dyn FnMut(Notice<'_>)) -> Option<Found<'a>> {
        let dated = |name, stage, time, needs_time| Found {
            name,
            time: Some(time),
            clock: None,
            stage,
            is_current: false,
            needs_time,
        };
        Some(match self {
            EventSource::Column { time, name, worth } => {
                dated(Named::Event(*name, *worth), *time, *time, false)
            }
            EventSource::Heading { time, stage } => {
                dated(Named::Heading(stage), *time, *time, false)
            }
            EventSource::Group { stage, time, only } => {
                let text = row.cell(*stage);
                if is_lost(text) {
                    notice(Notice::lost(Some(Field::EventName), *stage));
                }
                let is_stage = only
                    .iter()
                    .all(|(column, texts)| holds_one_of(row.cell(*column), texts));
                if !is_stage || is_nothing(text) {
                    return None;
                }
                dated(Named::Cell(text.trim(), *stage), *stage, *time, true)
            }
            EventSource::Cells { stage, time } => {
                let mut is_any_lost = false;
                let found = filled(row, Field::EventName, stage, &mut |lost| {
                    is_any_lost = true;
                    notice(lost);
                });
                let Some((text, stage)) = found else {
                    if !is_any_lost {
                        notice(Notice::of(Code::StageMissing, Field::EventName, stage[0]));
                    }
                    return None;
                };
                let column = first_filled(row, Field::EventTime, time).map(|(_, column)| column);
                Found {
                    name: Named::Cell(text.trim(), stage),
                    time: column.or(time.first().copied()),
                    clock: column.and_then(|column| clock_behind(row, time, column)),
                    stage,
                    is_current: true,
                    needs_time: true,
                }
            }
        })
    }
}

/// The event name of a stage; none for one that is not sent, with the reason counted or noticed.
fn named(
    name: Named<'_>,
    time: u32,
    names: &mut EventNames,
    record: &mut Record<'_>,
    notice: &mut dyn FnMut(Notice<'_>),
) -> Option<(NameId, Option<WorthId>)> {
    let (stage, column) = match name {
        Named::Event(name, worth) => return Some((name, worth)),
        Named::Heading(stage) => (stage, time),
        Named::Cell(stage, column) => {
            let is_personal = match names.seen(stage) {
                Some((likeness, _)) => likeness.is_of_the_lead(&record.customer),
                None => personal::is_of_the_lead(stage, &record.customer),
            };
            if is_personal && !names.lists(stage) {
                notice(Notice::of(
                    Code::EventNamePersonal,
                    Field::EventName,
                    column,
                ));
                record.has_refused_stage = true;
                return None;
            }
            (stage, column)
        }
    };
    match names.resolve(stage) {
        StageName::Send(found) => {
            if found.is_negative {
                notice(Notice::of(Code::StageNegative, Field::EventName, column));
            }
            Some((found.name, found.worth))
        }
        StageName::Skip => {
            record.skipped_stages += 1;
            None
        }
        StageName::Unlisted => {
            record.has_refused_stage = true;
            notice(Notice {
                stage: Some(DatedStage { name: stage, time }),
                ..Notice::of(Code::StageUnlisted, Field::EventName, column)
            });
            None
        }
    }
}

/// How a source names what happened.
enum Named<'a> {
    /// By the event's own name.
    Event(NameId, Option<WorthId>),
    /// By the CRM's stage, in a heading.
    Heading(&'a str),
    /// By the CRM's stage, in a cell of this column.
    Cell(&'a str, u32),
}

impl Plan {
    /// The `custom_data` of a row. A value needs a currency: its own, that of its column, or that of the settings.
    pub(crate) fn custom_data<'a>(
        &'a self,
        row: Row<'a>,
        record: &Record<'a>,
        amounts: &Amounts,
        notice: &mut dyn FnMut(Code, Option<Field>, u32),
    ) -> CustomData<'a> {
        let mut data = CustomData::with_room(self.custom.len());
        if let Some((text, column)) = record.order_id {
            if !self.allows_personal_order_id && personal::looks_personal(text, &record.customer) {
                notice(Code::CustomPersonal, Some(Field::OrderId), column);
            } else {
                data.order_id = Some(text);
            }
        }
        for Custom {
            key,
            column,
            allows_personal,
        } in &self.custom
        {
            let text = row.cell(*column);
            match CustomValue::of(text) {
                None if is_lost(text) => notice(Code::CellLost, None, *column),
                None => {}
                Some(_) if !allows_personal && personal::looks_personal(text, &record.customer) => {
                    notice(Code::CustomPersonal, None, *column);
                }
                Some(value) => data.add(key, value),
            }
        }
        if let Some((text, column)) = record.value {
            data.value = currency_of_row(record, notice).ok().and_then(|of_row| {
                let around = (of_row.or(amounts.currency), amounts.mark_of(column));
                value(text, column, around, notice)
            });
        }
        data
    }

    /// What a stage of the row is worth that is worth something of its own. The stage's currency goes before the row's,
    /// and that before the one of the settings.
    pub(crate) fn worth(
        &self,
        id: WorthId,
        row: Row<'_>,
        record: &Record<'_>,
        amounts: &Amounts,
        notice: &mut dyn FnMut(Code, Option<Field>, u32),
    ) -> Option<(Amount, Currency)> {
        let Worth { amount, currency } = &self.worths[id.0 as usize];
        let column = match amount {
            Sum::Fixed(amount) => return Some((*amount, currency.or(amounts.currency)?)),
            Sum::Column(column) => *column,
        };
        let text = row.cell(column);
        if is_lost(text) {
            notice(Code::CellLost, Some(Field::Value), column);
            return None;
        }
        if is_nothing(text) {
            return None;
        }
        let currency = match currency {
            Some(currency) => Some(*currency),
            None => currency_of_row(record, notice).ok()?.or(amounts.currency),
        };
        value(text, column, (currency, amounts.mark_of(column)), notice)
    }
}

/// The currency a row names in a column of its own.
///
/// # Errors
/// It cannot be read, which is noticed.
fn currency_of_row(
    record: &Record<'_>,
    notice: &mut dyn FnMut(Code, Option<Field>, u32),
) -> Result<Option<Currency>, ()> {
    let Some((text, column)) = record.currency else {
        return Ok(None);
    };
    currency(text).map_err(|code| notice(code, Some(Field::Currency), column))
}

/// An amount with its currency: its own, or the one given. The decimal mark given is its column's.
fn value(
    text: &str,
    column: u32,
    (other, mark): (Option<Currency>, Option<DecimalMark>),
    notice: &mut dyn FnMut(Code, Option<Field>, u32),
) -> Option<(Amount, Currency)> {
    let joined = money(text, other, mark)
        .and_then(|money| money.map(|money| money.in_currency(other)).transpose());
    joined.unwrap_or_else(|code| {
        notice(code, Some(Field::Value), column);
        None
    })
}

/// The first of a field's columns that says something. A value that is lost is noticed, and passed over.
fn filled<'a>(
    row: Row<'a>,
    field: Field,
    columns: &[u32],
    notice: &mut dyn FnMut(Notice<'_>),
) -> Option<(&'a str, u32)> {
    let found = first_filled(row, field, columns);
    if found.is_none() {
        let lost = columns.iter().find(|column| is_lost(row.cell(**column)));
        if let Some(column) = lost {
            notice(Notice::lost(Some(field), *column));
        }
    }
    found
}

/// Whether a spreadsheet wrote an id as the rounded number it took it for: `1.00235E+15`. Ids of letters and digits may
/// look like `7e12`.
fn is_rounded(text: &str) -> bool {
    let id = text.trim();
    is_scientific(id) && id.contains(['.', ',', '+'])
}

/// A time of day alone is no time of an event.
fn first_filled<'a>(row: Row<'a>, field: Field, columns: &[u32]) -> Option<(&'a str, u32)> {
    let is_alone = |text: &str| columns.len() > 1 && holds_time(field) && is_clock(text);
    columns
        .iter()
        .map(|&column| (row.cell(column), column))
        .find(|(text, _)| !text.is_empty() && !is_nothing(text) && !is_alone(text))
}

/// The time of day in the column that is named next after that of the date.
fn clock_behind<'a>(row: Row<'a>, columns: &[u32], date: u32) -> Option<&'a str> {
    let at = columns.iter().position(|column| *column == date)?;
    let text = row.cell(*columns.get(at + 1)?);
    is_clock(text).then_some(text)
}

/// Whether a field holds times.
const fn holds_time(field: Field) -> bool {
    matches!(
        field,
        Field::EventTime | Field::CreatedTime | Field::ClickTime | Field::ExportedTime
    )
}

fn holds_one_of(text: &str, texts: &[String]) -> bool {
    let found = canonical(text);
    texts
        .iter()
        .any(|wanted| text == wanted || canonical(wanted) == found)
}
