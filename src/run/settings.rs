//! What a run can be told: resolved, whoever resolved it.
//!
//! `config` makes these from the command line, the environment, the settings file and the preset; a program that uses
//! the library makes them itself. Nothing here reads a file or the environment.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::custom_data::Currency;
use crate::customer::Country;
use crate::deliver;
use crate::event::Constants;
use crate::field::Field;
use crate::graph::Endpoint;
use crate::ledger::LedgerTarget;
use crate::mapping::{Layout, Preset, Target};
use crate::problem::Severity;
use crate::source::Input;
use crate::time::{Clock, DateOrder};

/// Which preset is taken.
#[derive(Clone, Debug)]
pub(crate) enum PresetChoice {
    /// The one the header speaks for.
    Guess,
    /// None.
    None,
    /// The one that was asked for.
    Named(Box<Preset>),
}

/// What upload, validate and build share: what to read and how to understand it.
#[derive(Clone, Debug)]
pub(crate) struct ReadSettings {
    /// The exports, in the order given.
    pub inputs: Vec<Input>,
    /// How to open them.
    pub source: crate::source::Settings,
    /// Columns and stages as command line and settings have them.
    pub given: Layout,
    /// Which preset stands below them.
    pub preset: PresetChoice,
    /// The CRM's name, if one was given.
    pub crm: Option<String>,
    /// The zone of times without one, if one was given.
    pub zone: Option<TimeZone>,
    /// How to read numeric dates, if it was said.
    pub date_order: Option<DateOrder>,
    /// The country of rows without one.
    pub default_country: Option<Country>,
    /// The clock of the 7-day window, read again for each chunk of rows.
    pub clock: Clock,
    /// What a value that cannot be used does to its row.
    pub unusable: Unusable,
    /// Constants of every event.
    pub constants: Constants,
    /// The currency of values that come without one.
    pub currency: Option<Currency>,
    /// What rows are joined with.
    pub join: JoinSettings,
    /// Where refused rows go.
    pub rejects: Option<PathBuf>,
    /// The share of rows that may be unusable before nothing is sent, in percent.
    pub max_invalid_percent: f64,
    /// So many of the first events are shown one by one.
    pub preview: usize,
    /// Whether warnings fail the run.
    pub strict: bool,
    /// Worker threads.
    pub threads: usize,
    /// The settings file these came from, for the report.
    pub settings_file: Option<PathBuf>,
    /// Whether nobody named the columns and the preset, which are guessed from the first input.
    pub is_guessed: bool,
    /// The columns that file names, each with its line.
    pub column_lines: Vec<(String, usize)>,
    /// Where the settings file names the stages that may come back, for errors.
    pub sends_again_at: String,
}

/// Meta's own leads, and what is made of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct JoinSettings {
    /// The files they are in; none, and no row is joined.
    pub inputs: Vec<Input>,
    /// The event that a row without a raw lead gets at the time of Meta's clock.
    pub raw_lead: Option<String>,
    /// Where those go that no row is.
    pub missing: Option<PathBuf>,
}

/// What a value that cannot be used does to its row.
#[derive(Clone, Debug)]
pub(crate) struct Unusable(pub Vec<(Target, OnUnusable)>);

impl Unusable {
    /// The weight of a problem with a field: an error where the row is refused for it.
    pub(crate) fn severity(&self, field: Field) -> Severity {
        let chosen = self
            .0
            .iter()
            .find(|(target, _)| *target == Target::Field(field))
            .map(|(_, choice)| *choice);
        match chosen.unwrap_or(if field == Field::LeadId {
            OnUnusable::Reject
        } else {
            OnUnusable::Omit
        }) {
            OnUnusable::Reject => Severity::Error,
            OnUnusable::Omit => Severity::Warning,
        }
    }
}

/// What happens when a value of a field cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnUnusable {
    /// The row is refused.
    Reject,
    /// The value is left out.
    Omit,
}

/// How to send.
#[derive(Clone, Debug)]
pub(crate) struct SendSettings {
    /// Batches, lanes and patience.
    pub delivery: deliver::Settings,
    /// Where what was accepted is remembered.
    pub ledger: LedgerTarget,
    /// How long to wait for another run that holds the ledger.
    pub wait: Duration,
    /// Whether events that Meta refused in an earlier run are tried again.
    pub retry_rejected: bool,
    /// Whether events that rest after three uncertain runs are sent again.
    pub retry_uncertain: bool,
}

/// What earlier runs know, for a command that only looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// The ledger; it may not be there.
    pub ledger: LedgerTarget,
    /// The dataset's id; empty when none is named.
    pub dataset: String,
}

/// An upload: what to read, how to send it, and where to.
#[derive(Debug)]
pub(crate) struct UploadSettings {
    /// What to read.
    pub read: ReadSettings,
    /// How to send.
    pub send: SendSettings,
    /// Where to.
    pub endpoint: Endpoint,
    /// Whether the endpoint is the stand-in on this machine, whose answers count for nothing.
    pub is_sandbox: bool,
    /// What Ctrl-C and signals to terminate do.
    pub signals: Signals,
}

/// What Ctrl-C and signals to terminate do to an upload.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signals {
    /// Nothing: the program has handlers of its own.
    Unheeded,
    /// They end the run: once it sends, in good order, and before that, when there is nothing to bring to an end, by this
    /// function, which ends the process.
    EndTheRun {
        /// Says that nothing was sent, and ends the process.
        before_sending: fn(),
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_id_refuses_its_row_unless_told_otherwise() {
        let told = Unusable(vec![
            (Target::Field(Field::LeadId), OnUnusable::Omit),
            (Target::Field(Field::Email), OnUnusable::Reject),
        ]);
        assert_eq!(
            Unusable(Vec::new()).severity(Field::LeadId),
            Severity::Error
        );
        assert_eq!(
            Unusable(Vec::new()).severity(Field::Email),
            Severity::Warning
        );
        assert_eq!(told.severity(Field::LeadId), Severity::Warning);
        assert_eq!(told.severity(Field::Email), Severity::Error);
    }
}
