//! How a run ends, as the number cron jobs and pipelines see.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The exit status of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Not done: Meta was unreachable or throttling for too long, refused for a reason that is not the events', the input
    /// changed or ended early, or another run holds the ledger. Running again loses nothing.
    NotDone = 4,
    /// Interrupted; what was accepted is in the ledger.
    Interrupted = 130,
}

impl ExitStatus {
    /// Every status, the worst last.
    pub(crate) const ALL: [Self; 6] = [
        Self::Done,
        Self::Problems,
        Self::Usage,
        Self::Refused,
        Self::NotDone,
        Self::Interrupted,
    ];

    /// What the status says, and what to do about it.
    pub(crate) const fn about(self) -> (&'static str, &'static str) {
        match self {
            Self::Done => (
                "all done: every event that should go went or, where nothing is sent, would go",
                "nothing to do",
            ),
            Self::Problems => (
                "done, but rows were refused here or by Meta or, with --strict, warned about; status --max-age: the last \
                 success is too long ago; check: something is wrong; normalize: the value cannot be used",
                "the report lists the problems by their codes; --rejects FILE keeps the rows for a second try",
            ),
            Self::Usage => (
                "wrong usage, settings, mapping or unreadable input; nothing was sent",
                "the error names the option, the line or the column; fix it and run again",
            ),
            Self::Refused => (
                "Meta refused the token, the permission or the dataset; nothing more was sent, and no event is marked",
                "crm2capi check says what is wrong; fix it and run the same command again",
            ),
            Self::NotDone => (
                "not done: Meta was unreachable or throttling for too long, refused for a reason that is not the events', \
                 the input changed or ended early, or another run holds the ledger",
                "run the same command again later; accepted events are not resent, and nothing is lost",
            ),
            Self::Interrupted => (
                "interrupted; accepted events are in the ledger",
                "run the same command again",
            ),
        }
    }

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
        json_schema!({ "type": "integer", "enum": Self::ALL.map(ExitStatus::code) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_shows_the_number() {
        assert_eq!(
            serde_json::to_string(&ExitStatus::Interrupted).unwrap(),
            "130"
        );
    }
}
