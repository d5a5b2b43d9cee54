//! A row read by its plan: the customer's cells as they are, and the stages with their times.

use super::columns::canonical;
use super::event_names::{NameId, StageName};
use super::layout::Target;
use super::plan::{EventSource, Plan};
use super::preset::holds_several;
use crate::custom_data::{Currency, CustomData, CustomValue, currency, money};
use crate::customer::{Cell, is_nothing};
use crate::field::Field;
use crate::problem::Code;
use crate::source::Row;
use crate::time::{Moment, Reading, TimeReader};

/// A stage that a lead reached.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// The event's name.
    pub name: NameId,
    /// When it was reached.
    pub at: Moment,
    /// The Unix seconds that ids are made from: the same at every hour of the day.
    pub id_time: i64,
    /// The column of the time.
    pub column: u32,
}

/// What a row says of a lead. Cells are borrowed from the row.
#[derive(Debug, Default)]
pub struct Record<'a> {
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
    /// The order's id.
    pub order_id: Option<&'a str>,
    /// The stages reached, in the order of their times.
    pub stages: Vec<Stage>,
    /// Stages that the settings skip.
    pub skipped_stages: u64,
}

/// Something a row has that cannot be used, or only with an assumption.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// What it is.
    pub code: Code,
    /// The field it is about.
    pub field: Field,
    /// The column it stands in.
    pub column: u32,
    /// The stage it is about, where the stage is the problem. Stages are no personal data.
    pub stage: Option<&'a str>,
}

/// Reads times, each column in its own zone.
#[derive(Clone, Debug)]
pub struct Times {
    /// For columns whose heading names no zone.
    pub default: TimeReader,
    /// For columns whose heading does.
    pub of_columns: Vec<(u32, TimeReader)>,
}

impl Times {
    /// Reads a cell of a column, as [`TimeReader::read`] does.
    ///
    /// # Errors
    /// The time cannot be read.
    pub fn read(&mut self, column: u32, text: &str) -> Result<Option<Reading>, Code> {
        let own = self
            .of_columns
            .iter_mut()
            .find(|(with_zone, _)| *with_zone == column);
        own.map_or(&mut self.default, |(_, reader)| reader)
            .read(text)
    }
}

impl<'a> Record<'a> {
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
    pub fn read<'a>(
        &mut self,
        row: Row<'a>,
        times: &mut Times,
        record: &mut Record<'a>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        record.clear();
        if !self
            .only
            .iter()
            .all(|(column, texts)| holds_one_of(row.cell(*column), texts))
        {
            return;
        }
        self.read_customer(row, record);
        self.read_event_fields(row, times, record, notice);
        self.read_stages(row, times, record, notice);
        record.stages.sort_by_key(|stage| stage.at.seconds);
    }

    fn read_customer<'a>(&self, row: Row<'a>, record: &mut Record<'a>) {
        for &(field, column) in &self.customer {
            let cell = Cell {
                field,
                column,
                text: row.cell(column),
            };
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
            let Some((text, column)) = first_filled(row, columns) else {
                continue;
            };
            match field {
                Field::CreatedTime | Field::ClickTime => {
                    let reading = match times.read(column, text) {
                        Ok(Some(reading)) => reading,
                        Ok(None) => continue,
                        Err(code) => {
                            notice(Notice {
                                code,
                                field: *field,
                                column,
                                stage: None,
                            });
                            continue;
                        }
                    };
                    if *field == Field::CreatedTime {
                        record.created = Some(reading.moment);
                        created_ms = Some(reading.millis);
                    } else {
                        clicked_ms = Some(reading.millis);
                    }
                }
                Field::EventId => record.event_id = Some(text.trim()),
                Field::Value => record.value = Some((text, column)),
                Field::Currency => record.currency = Some((text, column)),
                Field::OrderId => record.order_id = Some(text.trim()),
                Field::OptOut => match yes_or_no(text) {
                    Some(answer) => record.opt_out = Some(answer),
                    None => notice(Notice {
                        code: Code::OptOutUnclear,
                        field: *field,
                        column,
                        stage: None,
                    }),
                },
                _ => {}
            }
        }
        record.first_seen_ms = clicked_ms.or(created_ms);
    }

    fn read_stages(
        &mut self,
        row: Row<'_>,
        times: &mut Times,
        record: &mut Record<'_>,
        notice: &mut dyn FnMut(Notice<'_>),
    ) {
        let Plan { sources, names, .. } = self;
        let mut has_history = false;
        for source in sources.iter() {
            // A stage without a time is a mistake where the cell names the stage, and none where the column does.
            let (named, time, needs_time) = match source {
                EventSource::Column { time, name } => (Named::Event(*name), *time, false),
                EventSource::Heading { time, stage } => (Named::Stage(stage), *time, false),
                EventSource::Group { stage, time, only } => {
                    let text = row.cell(*stage);
                    let is_stage = only
                        .iter()
                        .all(|(column, texts)| holds_one_of(row.cell(*column), texts));
                    if !is_stage || is_nothing(text) {
                        continue;
                    }
                    has_history = true;
                    (Named::Stage(text.trim()), *time, true)
                }
                // A record's own history tells more than where it stands now.
                EventSource::Cells { .. } if has_history => continue,
                EventSource::Cells { stage, time } => {
                    let Some((text, _)) = first_filled(row, stage) else {
                        let (code, column) = (Code::StageMissing, stage[0]);
                        notice(Notice {
                            code,
                            field: Field::EventName,
                            column,
                            stage: None,
                        });
                        continue;
                    };
                    let column = first_filled(row, time).map_or(time[0], |(_, column)| column);
                    (Named::Stage(text.trim()), column, true)
                }
            };
            let text = row.cell(time);
            if is_nothing(text) && !needs_time {
                continue;
            }
            let name = match named {
                Named::Event(name) => name,
                Named::Stage(stage) => match names.resolve(stage) {
                    StageName::Send(name) => name,
                    StageName::Skip => {
                        record.skipped_stages += 1;
                        continue;
                    }
                    StageName::Unlisted => {
                        let (code, field) = (Code::StageUnlisted, Field::EventName);
                        notice(Notice {
                            code,
                            field,
                            column: time,
                            stage: Some(stage),
                        });
                        continue;
                    }
                },
            };
            let mut note = |code| {
                notice(Notice {
                    code,
                    field: Field::EventTime,
                    column: time,
                    stage: None,
                })
            };
            match times.read(time, text) {
                Ok(Some(reading)) => {
                    reading.notes.codes().for_each(&mut note);
                    record.stages.push(Stage {
                        name,
                        at: reading.moment,
                        id_time: reading.uncapped,
                        column: time,
                    });
                }
                Ok(None) => note(Code::TimeMissing),
                Err(code) => note(code),
            }
        }
    }
}

/// How a source names what happened.
enum Named<'a> {
    /// By the event's own name.
    Event(NameId),
    /// By the CRM's stage.
    Stage(&'a str),
}

impl Plan {
    /// The `custom_data` of a row. A value needs a currency: its own, that of its column, or that of the settings.
    pub fn custom_data<'a>(
        &'a self,
        row: Row<'a>,
        record: &Record<'a>,
        constant: Option<Currency>,
        notice: &mut dyn FnMut(Code, Field, u32),
    ) -> CustomData<'a> {
        let mut data = CustomData::default();
        data.order_id = record.order_id;
        for (key, column) in &self.custom {
            if let Some(value) = CustomValue::of(row.cell(*column)) {
                data.add(key, value);
            }
        }
        if let Some((text, column)) = record.value {
            let of_row = match record
                .currency
                .map(|(text, column)| (currency(text), column))
            {
                Some((Ok(found), _)) => found,
                Some((Err(code), column)) => {
                    notice(code, Field::Currency, column);
                    return data;
                }
                None => None,
            };
            let of_row = of_row.or(constant);
            match money(text, None, of_row)
                .and_then(|money| money.map(|money| money.in_currency(of_row)).transpose())
            {
                Ok(value) => data.value = value,
                Err(code) => notice(code, Field::Value, column),
            }
        }
        data
    }
}

fn first_filled<'a>(row: Row<'a>, columns: &[u32]) -> Option<(&'a str, u32)> {
    columns
        .iter()
        .map(|&column| (row.cell(column), column))
        .find(|(text, _)| !text.is_empty() && !is_nothing(text))
}

fn holds_one_of(text: &str, texts: &[String]) -> bool {
    let found = canonical(text);
    texts
        .iter()
        .any(|wanted| text == wanted || canonical(wanted) == found)
}

/// What a tick box says, in the words exports use.
fn yes_or_no(text: &str) -> Option<bool> {
    match canonical(text).as_str() {
        "true" | "yes" | "y" | "1" | "x" | "on" | "ja" | "oui" | "sí" | "si" | "sì" | "sim"
        | "optedout" => Some(true),
        "false" | "no" | "n" | "0" | "off" | "nein" | "non" | "não" | "nao" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_boxes_are_read_in_the_words_of_exports() {
        assert_eq!(yes_or_no(" TRUE "), Some(true));
        assert_eq!(yes_or_no("Não"), Some(false));
        assert_eq!(yes_or_no("maybe"), None);
    }
}
