//! How a run ends, as the number cron jobs and pipelines see.
//!
//! [`decide`] is a pure function from the few facts that matter to one status, so that every command ends by the same
//! rule. It knows nothing of how the facts came about.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The exit status of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// All done: every event that should go went or, where nothing is sent, would go.
    #[default]
    Done = 0,
    /// Done, but rows were refused here or by Meta or, with `--strict`, warned about.
    Problems = 1,
    /// Wrong usage, settings, mapping or unreadable input; nothing was sent.
    Usage = 2,
    /// Meta refused the token, the permission or the dataset; nothing more was sent.
    Refused = 3,
    /// Meta was unreachable or throttling for too long, or another run holds the ledger. Running again loses nothing.
    Unreachable = 4,
    /// Interrupted; what was accepted is in the ledger.
    Interrupted = 130,
}

impl ExitStatus {
    /// The number the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

impl Serialize for ExitStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

impl JsonSchema for ExitStatus {
    fn schema_name() -> Cow<'static, str> {
        "ExitStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        use ExitStatus::*;
        let statuses = [Done, Problems, Usage, Refused, Unreachable, Interrupted];
        json_schema!({ "type": "integer", "enum": statuses.map(ExitStatus::code) })
    }
}

/// What brought the run to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// Every row was worked on, every event tried.
    #[default]
    Complete,
    /// More rows than `--max-invalid` were unusable, so nothing was sent.
    TooManyInvalid,
    /// The ledger could not be written, so nothing was sent.
    NotStarted,
    /// The input could not be read to its end, or the rejects not be written.
    InputLost,
    /// The input changed while it was being read.
    InputChanged,
    /// Meta refused so many events for one reason that the rest was left undelivered.
    TooManyRefused,
    /// Meta refused the token, the permission or the dataset.
    AccessRefused,
    /// Meta could not be reached, or throttled for too long.
    Unreachable,
    /// Another run holds the ledger.
    LedgerHeld,
    /// Ctrl-C or a signal to terminate.
    Interrupted,
}

/// Whether warnings fail the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Warnings are only shown.
    #[default]
    Lenient,
    /// `--strict`: a warning weighs as much as a refused row.
    Strict,
}

/// What the exit status depends on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// What brought the run to its end.
    pub end: End,
    /// Whether warnings fail the run.
    pub strictness: Strictness,
    /// Findings of severity error, Meta's refusals included.
    pub errors: u64,
    /// Findings of severity warning.
    pub warnings: u64,
    /// Events that are neither accepted nor refused: not sent, or sent without a receipt.
    pub unsettled: u64,
    /// Whether anything was sent.
    pub has_sent: bool,
}

/// The status of a run. Why it ended weighs more than what it met on the way.
pub fn decide(facts: &Facts) -> ExitStatus {
    match facts.end {
        End::Interrupted => ExitStatus::Interrupted,
        End::AccessRefused => ExitStatus::Refused,
        End::InputLost if !facts.has_sent => ExitStatus::Usage,
        End::Unreachable | End::LedgerHeld | End::InputLost | End::InputChanged => {
            ExitStatus::Unreachable
        }
        End::TooManyInvalid | End::NotStarted => ExitStatus::Usage,
        End::TooManyRefused => ExitStatus::Problems,
        End::Complete if facts.unsettled > 0 => ExitStatus::Unreachable,
        End::Complete if facts.errors > 0 => ExitStatus::Problems,
        End::Complete if facts.warnings > 0 && facts.strictness == Strictness::Strict => {
            ExitStatus::Problems
        }
        End::Complete => ExitStatus::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_from_the_end_and_the_findings() {
        use End::*;
        use Strictness::*;
        let table = [
            // end, strictness, errors, warnings, unsettled, status
            (Complete, Lenient, 0, 0, 0, 0),
            (Complete, Lenient, 0, 3, 0, 0),
            (Complete, Strict, 0, 0, 0, 0),
            (Complete, Strict, 0, 3, 0, 1),
            (Complete, Lenient, 1, 0, 0, 1),
            (Complete, Strict, 1, 1, 0, 1),
            (Complete, Lenient, 0, 0, 1, 4),
            (Complete, Lenient, 5, 0, 1, 4),
            (TooManyInvalid, Lenient, 9, 0, 0, 2),
            (NotStarted, Lenient, 0, 0, 9, 2),
            (InputLost, Lenient, 0, 0, 9, 4),
            (InputChanged, Lenient, 3, 0, 0, 4),
            (TooManyRefused, Lenient, 21, 0, 400, 1),
            (AccessRefused, Lenient, 0, 0, 20, 3),
            (AccessRefused, Strict, 4, 4, 20, 3),
            (Unreachable, Lenient, 4, 0, 20, 4),
            (LedgerHeld, Lenient, 0, 0, 0, 4),
            (Interrupted, Strict, 4, 4, 20, 130),
        ];
        for (end, strictness, errors, warnings, unsettled, status) in table {
            let facts = Facts {
                end,
                strictness,
                errors,
                warnings,
                unsettled,
                has_sent: true,
            };
            assert_eq!(decide(&facts).code(), status, "{facts:?}");
        }
    }

    #[test]
    fn an_input_that_is_lost_before_anything_was_sent_was_unreadable() {
        let facts = Facts {
            end: End::InputLost,
            ..Facts::default()
        };
        assert_eq!(decide(&facts), ExitStatus::Usage);
    }

    #[test]
    fn json_shows_the_number() {
        assert_eq!(
            serde_json::to_string(&ExitStatus::Interrupted).unwrap(),
            "130"
        );
    }
}
