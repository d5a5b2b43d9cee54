//! The settings file as text: every finding of `init` in it, each with how sure it is, to be corrected by hand.

use std::fmt::Write;
use std::path::Path;

use super::evidence::Kind;
use super::proposal::{Confidence, Taken};
use super::request::Decided;
use super::understanding::Understanding;
use crate::field::Field;
use crate::mapping::{OneOrMany, Ordered, Target, sounds_negative};
use crate::report::names::MAX_NAMES;
use crate::time::Settled;

/// Where editors find the schema of the settings.
pub(crate) const CONFIG_URL: &str =
    "https://raw.githubusercontent.com/crm2capi/crm2capi/main/schemas/config.json";

/// Writes the settings.
pub(super) fn text(found: &Understanding<'_>, decided: &Decided) -> String {
    let mut page = Page {
        text: String::new(),
        found,
        decided,
    };
    page.head();
    page.meta();
    page.crm();
    page.columns();
    page.stages();
    page.stage_columns();
    page.history();
    page.origin();
    page.input();
    page.text
}

/// A key as TOML takes it: bare where it can be.
pub(super) fn key(text: &str) -> String {
    let is_bare = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A basic string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            _ if letter.is_control() => _ = write!(out, "\\u{:04X}", u32::from(letter)),
            _ => out.push(letter),
        }
    }
    out + "\""
}

/// One text, or a list of them.
pub(super) fn list(texts: &[String]) -> String {
    match texts {
        [one] => quoted(one),
        many => format!(
            "[{}]",
            many.iter()
                .map(|text| quoted(text))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

/// Text in a comment: it ends with its line, and may hold no control characters.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

struct Page<'a> {
    text: String,
    found: &'a Understanding<'a>,
    decided: &'a Decided,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A setting, or the same as a comment where nothing was decided.
    fn setting(&mut self, name: &str, value: Option<&str>, example: &str) {
        match value {
            Some(value) => self.line(&format!("{name} = {}", quoted(value))),
            None => self.line(&format!("# {name} = {}", quoted(example))),
        }
    }

    fn head(&mut self) {
        self.line(&format!("#:schema {CONFIG_URL}"));
        let name = Path::new(&self.found.name)
            .file_name()
            .map(|name| name.to_string_lossy());
        let name = plain(&name.unwrap_or_default());
        self.line(&format!(
            "# Settings of crm2capi for exports such as {name}, as `crm2capi init` understood it."
        ));
        self.line("# Each column says how sure that is; look at every \"guess\". Then: crm2capi validate FILE");
    }

    fn meta(&mut self) {
        self.line("\n[meta]");
        self.line("# The dataset's id; Events Manager shows it below the dataset's name.");
        self.setting(
            "dataset_id",
            self.decided.dataset_id.as_deref(),
            "123456789012345",
        );
    }

    fn crm(&mut self) {
        self.line("\n[crm]");
        self.line("# Sent as lead_event_source.");
        self.setting("name", Some(&self.decided.crm), "");
        match &self.found.product {
            Some(preset) => {
                self.line(
                    "# A known layout. A field below goes before the preset's columns for it; [] uses none of them.",
                );
                self.setting("preset", Some(preset), "");
            }
            None => {
                self.line("# No preset: only what stands here counts.");
                self.setting("preset", Some("none"), "");
            }
        }
        self.time_zone();
        self.date_order();
        self.country();
        if !self.found.story.stages.is_empty() {
            self.line("# A stage that is not under [stages]: \"error\" refuses its rows, \"send\" sends it as it is called, \"skip\" skips it.");
            let unlisted = if self.has_too_many_stages() {
                "send"
            } else {
                "error"
            };
            self.setting("unlisted_stages", Some(unlisted), "");
        }
        self.stage_time();
    }

    /// That stages count when they are first seen, or that they could where nothing tells their time.
    fn stage_time(&mut self) {
        let found = self.found;
        if found.proposal.rest.is_snapshot() {
            self.line("# A stage counts as reached when an export first shows it: the ledger remembers the stages of each lead.");
            self.setting("stage_time", Some("first-seen"), "");
        } else if let Some(name) = found.time_of_the_record() {
            let name = quoted(&name);
            self.line(&format!(
                "# {} is when the record was made, whatever the stage. To count a stage as reached when an export first",
                plain(&name)
            ));
            self.line(&format!(
                "# shows it, take the # away, delete event_time below, and write {name} = \"Lead\" under [stage_columns]."
            ));
            self.setting("stage_time", None, "first-seen");
        }
    }

    /// Whether there are more stages than are told apart.
    fn has_too_many_stages(&self) -> bool {
        self.found.story.withheld > 0 && self.found.story.stages.len() >= MAX_NAMES
    }

    fn time_zone(&mut self) {
        let comment = format!(
            "# Zone of times that name none: {}.",
            self.found.zone_in_words(self.decided.timezone.as_deref())
        );
        self.line(&comment);
        self.setting(
            "timezone",
            self.decided.timezone.as_deref(),
            "America/New_York",
        );
    }

    fn date_order(&mut self) {
        let comment = format!(
            "# Order of dates such as 03/04/2026 (mdy, dmy): {}.",
            self.found.order_in_words()
        );
        self.line(&comment);
        let example = match self.found.feed.order.settles() {
            Settled::Order(order) => order.name(),
            _ => "mdy",
        };
        self.setting(
            "date_order",
            self.decided.date_order.map(|order| order.name()),
            example,
        );
    }

    fn country(&mut self) {
        let lacking = self.found.phones_without_country();
        let comment = match lacking {
            Some((lacking, phones)) => {
                format!(
                    "# Country of phones and rows that name none; {lacking} of the {phones} phones looked at do not."
                )
            }
            None => "# Country of phones and rows that name none.".to_owned(),
        };
        self.line(&comment);
        self.setting(
            "default_country",
            self.decided.default_country.as_deref(),
            "US",
        );
    }

    fn columns(&mut self) {
        let found = self.found;
        self.line("\n# Field = column, or a list of columns.");
        self.line("[columns]");
        let mut done: Vec<&Target> = Vec::new();
        for taken in &found.proposal.taken {
            if done.contains(&&taken.target) {
                continue;
            }
            done.push(&taken.target);
            let same: Vec<&Taken> = found
                .proposal
                .taken
                .iter()
                .filter(|other| other.target == taken.target)
                .collect();
            let names: Vec<String> = same
                .iter()
                .filter_map(|taken| found.columns.name_of(taken.column))
                .collect();
            let least = same
                .iter()
                .map(|taken| taken.confidence)
                .min()
                .unwrap_or(Confidence::Guess);
            let why = same
                .iter()
                .find(|taken| taken.confidence == least)
                .map(|taken| found.reads_in_words(taken));
            let why = why
                .flatten()
                .map(|why| format!(", {why}"))
                .unwrap_or_default();
            self.line(&format!(
                "{} = {}  # {}{why}",
                key(&taken.target.to_string()),
                list(&names),
                least.name()
            ));
        }
        let lead_id = found.proposal.column_of(Field::LeadId);
        let has_lost_ids = lead_id
            .is_some_and(|column| found.evidence[column as usize].count(Kind::LostLeadId) > 0);
        for guess in &found.proposal.guesses {
            let Some(name) = found.columns.name_of(guess.column) else {
                continue;
            };
            let why = found.evidence[guess.column as usize].doubt(&guess.target);
            let field = key(&guess.target.to_string());
            self.line(&format!(
                "# {field} = {}  # guess: {why}; not used unless you take the # away",
                quoted(&name)
            ));
        }
        if has_lost_ids {
            self.line("\n# Rows whose lead id a spreadsheet rounded are refused; with this they go by email and phone alone.");
            self.line("# [fields]");
            self.line("# lead_id = \"omit\"");
        }
    }

    fn stages(&mut self) {
        let (found, story) = (self.found, &self.found.story);
        if story.stages.is_empty() {
            return;
        }
        let order = match story.is_order_known {
            true => "in the order leads seem to pass them",
            false => "in no known order",
        };
        self.line(&format!(
            "\n# CRM stage = event name, {order}. An empty event name never sends the stage."
        ));
        self.line("[stages]");
        if story.withheld > 0 {
            self.line(
                "# Some texts in the stage's column are not listed: too many, or they look like values of people.",
            );
        }
        let mut done: Vec<String> = Vec::new();
        for (stage, count) in &story.stages {
            if done.contains(stage) {
                continue;
            }
            done.push(stage.clone());
            let sent = found.sent_as(stage);
            let verdict = match sent.event_name.is_empty() {
                true => "not sent: ",
                false => "",
            };
            let why = sent.why.map(|why| format!(", {verdict}{why}"));
            let why = why.unwrap_or_default();
            self.line(&format!(
                "{} = {}  # {count}{why}",
                quoted(stage),
                quoted(&sent.event_name)
            ));
        }
    }

    fn stage_columns(&mut self) {
        let stages = &self.found.proposal.stage_columns;
        if stages.is_empty() {
            return;
        }
        self.line("\n# Column = event name: a date in the column is one event.");
        self.line("[stage_columns]");
        let is_only_negative = stages
            .iter()
            .all(|stage| sounds_negative(&stage.event_name));
        for stage in stages {
            let is_left_out = sounds_negative(&stage.event_name) && !is_only_negative;
            let (sign, why) = match is_left_out && self.found.product.is_none() {
                true => ("# ", "not sent: sounds as if the lead came to nothing"),
                false => ("", stage.confidence.name()),
            };
            self.line(&format!(
                "{sign}{} = {}  # {why}",
                quoted(&stage.name),
                quoted(&stage.event_name)
            ));
        }
    }

    fn history(&mut self) {
        let rest = &self.found.proposal.rest;
        if let Some(history) = &rest.history {
            self.line("\n# Repeated columns or records, one a stage change; {n} is their number, * is anything.");
            self.line("[history]");
            self.line(&format!("stage = {}", list(history.stage.as_slice())));
            self.line(&format!("time = {}", list(history.time.as_slice())));
            self.conditions("history.only", &history.only);
        }
        if !rest.only.is_empty() {
            self.line(
                "\n# Only rows in which the column holds one of these texts are stage changes.",
            );
            let only = rest
                .only
                .iter()
                .map(|(column, texts)| (column.clone(), OneOrMany::Many(texts.clone())));
            self.conditions("only", &Ordered(only.collect()));
        }
    }

    /// Rows that did not come from Meta: the condition that leaves them out, for a person to switch on.
    fn origin(&mut self) {
        let Some(origin) = self.found.origin() else {
            return;
        };
        if origin.of_meta.is_empty() || !self.found.proposal.rest.only.is_empty() {
            return;
        }
        let Some(name) = self.found.columns.name_of(origin.column) else {
            return;
        };
        self.line("\n# Only leads that came from Meta belong into what is sent: take both # away where this is right.");
        self.line("# [only]");
        self.line(&format!(
            "# {} = [{}]",
            quoted(&name),
            origin
                .of_meta
                .iter()
                .map(|text| quoted(text))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }

    fn conditions(&mut self, table: &str, only: &Ordered<OneOrMany>) {
        if only.0.is_empty() {
            return;
        }
        self.line(&format!("[{table}]"));
        for (column, texts) in &only.0 {
            self.line(&format!("{} = {}", quoted(column), list(texts.as_slice())));
        }
    }

    fn input(&mut self) {
        let given = &self.decided.input;
        if given.is_empty() {
            return;
        }
        self.line("\n[input]");
        for (name, value) in given {
            self.line(&format!("{name} = {}", quoted(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_reads_back_from_toml() {
        for text in [
            "a",
            "a b",
            "",
            "\"q\" \\ 'x'",
            "line\nbreak\ttab\u{1}\u{7f}",
            "Größe = #1",
            "[x].y",
        ] {
            let parsed: toml::Table =
                toml::from_str(&format!("{} = {}", key(text), quoted(text))).unwrap();
            assert_eq!(parsed[text].as_str().unwrap(), text);
        }
    }

    #[test]
    fn a_comment_stays_on_its_line() {
        assert_eq!(plain("a\nb\u{7f}c"), "a b c");
    }
}
