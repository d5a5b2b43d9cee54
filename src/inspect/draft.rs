//! What is written and said where an export does not tell enough: the settings with their gaps as comments, each with
//! the columns that might fill it and the line that does.

use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Result, bail};

use super::ask::Dialogue;
use super::evidence::{Evidence, Kind};
use super::proposal::{Proposal, Taken};
use super::request::Decided;
use super::settings::{key, list, quoted};
use super::words::{Party, TimeKind};
use crate::field::Field;
use crate::mapping::{Columns, Layout, Mapped, Preset, Target};

/// So many candidates are named.
const MAX_CANDIDATES: usize = 8;

/// What is known of an export before anything is decided.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub name: &'a str,
    /// The preset of a product, where one fits.
    pub product: Option<&'a Preset>,
    pub columns: &'a Columns<'a>,
    pub evidence: &'a [Evidence],
}

impl<'a> Look<'a> {
    /// The same with what the columns are taken for.
    pub(super) fn draft<'p>(self, proposal: &'p Proposal) -> Draft<'p>
    where
        'a: 'p,
    {
        Draft {
            name: self.name,
            product: self.product,
            proposal,
            columns: self.columns,
            evidence: self.evidence,
        }
    }
}

/// An export that settings may not be drawn up for yet.
pub(super) struct Draft<'a> {
    name: &'a str,
    pub(super) product: Option<&'a Preset>,
    proposal: &'a Proposal,
    columns: &'a Columns<'a>,
    evidence: &'a [Evidence],
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Somebody,
    Stage,
    Time,
}

impl Draft<'_> {
    fn gaps(&self) -> Vec<Gap> {
        let somebody = (!self.proposal.has_somebody()).then_some(Gap::Somebody);
        let event = match self.proposal.has_events() {
            (false, _) => Some(Gap::Stage),
            (true, false) => Some(Gap::Time),
            (true, true) => None,
        };
        somebody.into_iter().chain(event).collect()
    }

    /// What stands in the way of any settings, with what to do about it; none where nothing does.
    pub(super) fn missing(&self) -> Option<String> {
        let gaps = self.gaps();
        let said: Vec<String> = gaps.iter().map(|gap| self.in_words(*gap)).collect();
        let advice = self.product.and_then(|preset| preset.advice.as_deref());
        let advice = advice.map(|advice| format!("; {advice}"));
        (!said.is_empty()).then(|| said.join("; also, ") + &advice.unwrap_or_default())
    }

    fn in_words(&self, gap: Gap) -> String {
        match gap {
            Gap::Somebody => {
                let hint = match self.guesses_of_somebody().next() {
                    Some((guess, name)) => format!("perhaps --map {}={name:?}", guess.target),
                    None => {
                        "name one with --map lead_id=COLUMN, email=COLUMN or phone=COLUMN, or export it too"
                            .to_owned()
                    }
                };
                format!("no column identifies a lead; {hint}")
            }
            Gap::Stage => self.stage_in_words(),
            Gap::Time => {
                let times = self.times();
                match times.as_slice() {
                    [] => "no column says when a stage was reached, as none holds the times of stages or of leads; export the stage's date too, \
                         or count a stage when an export first shows it: --stage-time first-seen"
                        .to_owned(),
                    [first, ..] => format!(
                        "no column says when a stage was reached; name it with --map event_time={first:?}; there are times in {}; \
                         or count a stage when an export first shows it: --stage-time first-seen",
                        named(&times)
                    ),
                }
            }
        }
    }

    fn stage_in_words(&self) -> String {
        let mut words = "no column says which stage a lead is in".to_owned();
        let guess = self.guess_of(Field::EventName);
        let times = self.times();
        let time = self.time_of_any_stage();
        match &guess {
            Some(name) => {
                words.push_str(&format!("; perhaps --map event_name={name:?}"));
                let of_time = |time: &String| format!(" and its time --map event_time={time:?}");
                words.extend(time.as_ref().map(of_time));
            }
            None => words.push_str(&format!(
                "; name it with --map event_name=COLUMN and its time with --map event_time={}",
                time.as_ref()
                    .map_or("COLUMN".to_owned(), |time| format!("{time:?}"))
            )),
        }
        match times.as_slice() {
            [] => words.push_str(
                ", or a date column of a stage with --stage-column \"COLUMN=Event name\"",
            ),
            [_] if time.is_some() => {}
            [one] => words.push_str(&format!(
                ", or say what {one:?} is the date of with --stage-column {}",
                shell(&format!("{one}={}", self.event_of(one)))
            )),
            many => words.push_str(&format!(
                ", or, as {} columns hold dates ({}), say which of them is a stage with --stage-column {}",
                many.len(),
                named(many),
                shell(&format!("{}={}", many[0], self.event_of(&many[0])))
            )),
        }
        words
    }

    /// The column that is called the time of a change or of the row, whatever the stage.
    fn time_of_any_stage(&self) -> Option<String> {
        let kind = |name: &String| {
            let heading = &self.evidence[self.columns.find(name)? as usize].heading;
            let kind = heading
                .time_kind(None)
                .filter(|kind| *kind >= TimeKind::Plain)?;
            (!heading.names_a_stage()).then_some(kind)
        };
        let times = self.times().into_iter();
        let named = times.filter_map(|name| Some((kind(&name)?, name)));
        named.max_by_key(|(kind, _)| *kind).map(|(_, name)| name)
    }

    /// The event a date column may stand for.
    fn event_of(&self, name: &str) -> String {
        let column = self.columns.find(name);
        let kind = column.and_then(|column| self.evidence[column as usize].heading.time_kind(None));
        match kind {
            Some(TimeKind::Created) => "Lead".to_owned(),
            _ => super::words::stage_in_heading(name).unwrap_or_else(|| "Event name".to_owned()),
        }
    }

    /// The columns that hold times and are not those of something planned.
    fn times(&self) -> Vec<String> {
        let used = self.proposal.used(self.columns);
        // The time the lead was made at may be that of its stage too.
        let guesses = self.proposal.guesses.iter();
        let mut of_events = guesses.filter(|guess| guess.target == Target::Field(Field::EventTime));
        let guess = of_events.next().map(|guess| guess.column);
        let holds_times = |column: &u32| {
            let evidence = &self.evidence[*column as usize];
            let kind = evidence.heading.time_kind(None);
            let is_named = kind.is_some_and(|kind| kind > TimeKind::Created);
            let is_poor = is_named && evidence.holds_few_times();
            let is_free = !used.contains(column) || guess == Some(*column);
            (evidence.holds_named_times() || is_poor) && is_free && kind.is_some()
        };
        (0..self.evidence.len() as u32)
            .filter(holds_times)
            .filter_map(|column| self.columns.name_of(column))
            .collect()
    }

    fn guesses_of_somebody(&self) -> impl Iterator<Item = (&Taken, String)> {
        let somebody = [Field::LeadId, Field::Email, Field::Phone];
        self.proposal
            .guesses
            .iter()
            .filter(move |guess| matches!(guess.target, Target::Field(field) if somebody.contains(&field)))
            .filter(|guess| !self.evidence[guess.column as usize].heading.is_other_person())
            .filter_map(|guess| Some((guess, self.columns.name_of(guess.column)?)))
    }

    fn guess_of(&self, field: Field) -> Option<String> {
        let guess = self
            .proposal
            .guesses
            .iter()
            .find(|guess| guess.target == Target::Field(field))?;
        self.columns.name_of(guess.column)
    }

    /// Asks a person for what is missing, and adds the answers to what is given.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn ask<R: BufRead, W: Write>(
        &self,
        dialogue: &mut Dialogue<R, W>,
        given: &mut Layout,
    ) -> Result<()> {
        for gap in self.gaps() {
            match gap {
                Gap::Somebody => {
                    self.ask_column(dialogue, Field::Email, "the lead's email", given)?
                }
                Gap::Time => {
                    let question = "the time the stage was reached";
                    self.ask_column(dialogue, Field::EventTime, question, given)?
                }
                Gap::Stage => {
                    self.ask_column(dialogue, Field::EventName, "the stage", given)?
                        || self.ask_dates(dialogue, given)?
                }
            };
        }
        Ok(())
    }

    /// Asks which column holds something. Whether one does.
    fn ask_column<R: BufRead, W: Write>(
        &self,
        dialogue: &mut Dialogue<R, W>,
        field: Field,
        what: &str,
        given: &mut Layout,
    ) -> Result<bool> {
        let question = format!("Column that holds {what} (empty: none)");
        let is_there = |text: &str| match self.columns.find(text) {
            Some(_) => Ok(()),
            None => bail!("there is no column {text:?}"),
        };
        let guess = self.guess_of(field);
        let answer = dialogue.ask(&question, guess.as_deref(), is_there)?;
        given.columns.extend(answer.clone().map(|column| Mapped {
            target: Target::Field(field),
            columns: vec![column],
        }));
        Ok(answer.is_some())
    }

    /// Asks of each column of dates whether it is that of a stage. Whether one is.
    fn ask_dates<R: BufRead, W: Write>(
        &self,
        dialogue: &mut Dialogue<R, W>,
        given: &mut Layout,
    ) -> Result<bool> {
        for column in self.times().iter().take(MAX_CANDIDATES) {
            let question = format!("Event whose date stands in {column:?} (empty: none)");
            let event = dialogue.ask(&question, None, |_| Ok(()))?;
            given
                .stage_columns
                .extend(event.map(|event| (column.clone(), event)));
        }
        Ok(!given.stage_columns.is_empty())
    }

    /// The settings as far as they are known.
    pub(super) fn text(&self, decided: &Decided) -> String {
        let mut text = String::new();
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        let file = Path::new(self.name).file_name().unwrap_or_default();
        let file: String = file
            .to_string_lossy()
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect();
        line(&format!(
            "# Settings of crm2capi for exports such as {file}, not complete yet."
        ));
        line(
            "# What is missing stands in comments: take the # away where a line is right. Then: crm2capi validate FILE",
        );
        given(decided, self.product, &mut line);
        if self.proposal.rest.is_snapshot() {
            line("stage_time = \"first-seen\"");
        }
        line("\n# Field = column, or a list of columns.\n[columns]");
        for mapped in &self.proposal.layout(self.columns).columns {
            let field = key(&mapped.target.to_string());
            line(&format!("{field} = {}", list(&mapped.columns)));
        }
        for guess in &self.proposal.guesses {
            if let Some(name) = self.columns.name_of(guess.column) {
                let why = self.evidence[guess.column as usize].doubt(&guess.target);
                let field = key(&guess.target.to_string());
                line(&format!("# {field} = {}  # guess: {why}", quoted(&name)));
            }
        }
        for gap in self.gaps() {
            self.gap(gap, &mut line);
        }
        self.stage_columns(&mut line);
        if !decided.input.is_empty() {
            line("\n[input]");
            for (name, value) in &decided.input {
                line(&format!("{name} = {}", quoted(value)));
            }
        }
        text
    }

    /// The columns that each hold the dates of one stage.
    fn stage_columns(&self, line: &mut dyn FnMut(&str)) {
        let stages = &self.proposal.stage_columns;
        if !stages.is_empty() {
            line("\n# Column = event name: a date in the column is one event.\n[stage_columns]");
        }
        for stage in stages {
            let (name, event) = (quoted(&stage.name), quoted(&stage.event_name));
            line(&format!("{name} = {event}"));
        }
    }

    fn gap(&self, gap: Gap, line: &mut dyn FnMut(&str)) {
        match gap {
            Gap::Somebody => {
                line(
                    "# MISSING: nothing identifies a lead. Export an email, a phone or Meta's lead id too:",
                );
                line("# email = \"COLUMN\"");
            }
            Gap::Time => {
                line("# MISSING: when the stage was reached. Columns that hold times:");
                self.candidates(line, |name| format!("# event_time = {}", quoted(name)));
                line(
                    "# Or, where none tells it, in [crm]: a stage counts when an export first shows it.",
                );
                line("# stage_time = \"first-seen\"");
            }
            Gap::Stage => {
                if self.guess_of(Field::EventName).is_none() {
                    line("# MISSING: the stage and its time:");
                    line("# event_name = \"COLUMN\"");
                }
                let time = self.time_of_any_stage();
                let time = time.as_deref().unwrap_or("COLUMN");
                line(&format!("# event_time = {}", quoted(time)));
                line("\n# Or the dates of stages, each in its column. Column = event name.");
                line("# [stage_columns]");
                self.candidates(line, |name| {
                    format!("# {} = {}", quoted(name), quoted(&self.event_of(name)))
                });
            }
        }
    }

    fn candidates(&self, line: &mut dyn FnMut(&str), setting: impl Fn(&str) -> String) {
        for name in self.times().iter().take(MAX_CANDIDATES) {
            line(&setting(name));
        }
    }
}

/// What the command line says, and the preset.
fn given(decided: &Decided, product: Option<&Preset>, line: &mut dyn FnMut(&str)) {
    line("\n[meta]");
    match &decided.dataset_id {
        Some(id) => line(&format!("dataset_id = {}", quoted(id))),
        None => line("# dataset_id = \"123456789012345\""),
    }
    line("\n[crm]");
    line(&format!("name = {}", quoted(&decided.crm)));
    line(&format!(
        "preset = {}",
        quoted(product.map_or("none", |preset| preset.name.as_str()))
    ));
    let order = decided.date_order.map(|order| order.name().to_owned());
    for (name, value) in [
        ("timezone", &decided.timezone),
        ("date_order", &order),
        ("default_country", &decided.default_country),
    ] {
        if let Some(value) = value {
            line(&format!("{name} = {}", quoted(value)));
        }
    }
}

fn named(names: &[String]) -> String {
    let shown = names.iter().take(MAX_CANDIDATES);
    let mut shown: Vec<String> = shown.map(|name| format!("{name:?}")).collect();
    if names.len() > MAX_CANDIDATES {
        shown.push(format!("{} more", names.len() - MAX_CANDIDATES));
    }
    shown.join(", ")
}

/// A text as a shell takes it for one word.
fn shell(text: &str) -> String {
    format!("{text:?}")
}

impl Evidence {
    /// Why a column is not taken for a field without asking.
    pub(super) fn doubt(&self, target: &Target) -> String {
        let Target::Field(field) = target else {
            return "nothing speaks for it but its cells".to_owned();
        };
        let says = self.heading.says(*field).is_some();
        match field {
            _ if self.heading.is_other_person() => {
                "its heading is about somebody else than the lead".to_owned()
            }
            _ if self.heading.has_role() => {
                "it may be about somebody else than who got in touch".to_owned()
            }
            Field::Email | Field::Phone if self.heading.party(*field) == Party::Unknown => {
                "whose it is, is not known".to_owned()
            }
            Field::LeadId => {
                "its values have the form of Meta's lead ids, but its heading does not say so"
                    .to_owned()
            }
            Field::EventName
                if self.heading.stage_rank() >= 3 && self.share(Kind::StageName) >= 0.5 =>
            {
                "it holds stages, but no column says when each was reached".to_owned()
            }
            Field::EventName if self.heading.stage_rank() > 0 => {
                "its heading could be that of a stage, but its texts do not read as stages"
                    .to_owned()
            }
            Field::EventName => {
                "its texts read as stages, but its heading does not say so".to_owned()
            }
            Field::EventTime if self.heading.time_kind(None) == Some(TimeKind::Converted) => {
                "only converted leads have it".to_owned()
            }
            Field::EventTime
                if !matches!(self.heading.time_kind(None), None | Some(TimeKind::Unknown)) =>
            {
                "another column is called the time of the stage, but most of its values are none"
                    .to_owned()
            }
            Field::EventTime => "it holds times, but its heading does not say of what".to_owned(),
            Field::Value => {
                "its heading speaks of a sum, but not that the lead is worth it to you".to_owned()
            }
            Field::Consent => {
                "it tells who agreed to messages; if that covers ads, only those who did are sent"
                    .to_owned()
            }
            Field::OptOut => {
                "it tells who wants no messages; if that covers ads, Meta uses their events for counting alone"
                    .to_owned()
            }
            Field::Email if self.distinct * 10 < self.filled => {
                "few addresses stand there again and again, as those of a team do".to_owned()
            }
            _ if says && self.reads_as(*field).is_some_and(|reads| reads < self.filled) => {
                "not all of its values fit".to_owned()
            }
            _ => "its heading says so only in part".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Settings;
    use crate::inspect::evidence::Sample;
    use crate::source::{Chunk, Header};

    #[test]
    fn of_each_column_of_dates_is_asked_what_it_is_the_date_of() {
        let header = Header {
            columns: ["Email", "Foo", "Bar"].map(str::to_owned).to_vec(),
        };
        let settings = Settings {
            letter_m: crate::customer::LetterM::Man,
            default_country: None,
            date_order: None,
            this_year: 2026,
        };
        let mut sample = Sample::new(&header, &settings, 1_795_305_600);
        let mut chunk = Chunk::default();
        chunk.push(2, None, ["a@example.com", "2026-11-19", "2026-11-20"]);
        sample.observe(&chunk);
        let columns = Columns::new(&header);
        let mut given = Layout::default();
        let proposal = super::super::propose(&given, None, &columns, &sample.columns);
        let draft = Draft {
            name: "leads.csv",
            product: None,
            proposal: &proposal,
            columns: &columns,
            evidence: &sample.columns,
        };
        let mut questions = Vec::new();
        let mut dialogue = Dialogue {
            answers: "Nowhere\n\nVisit\n\n".as_bytes(),
            questions: &mut questions,
        };
        draft.ask(&mut dialogue, &mut given).unwrap();
        assert_eq!(
            given.stage_columns,
            [("Foo".to_owned(), "Visit".to_owned())]
        );
        let asked = String::from_utf8(questions).unwrap();
        assert!(asked.contains("there is no column \"Nowhere\""), "{asked}");
        let proposal = super::super::propose(&given, None, &columns, &sample.columns);
        assert_eq!(proposal.has_events(), (true, true));
    }
}
