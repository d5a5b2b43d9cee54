//! How a run ends, as the number cron jobs and pipelines see.

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
    /// Not done: Meta was unreachable or throttling for too long, refused for a reason that is not the events', the input
    /// changed or ended early, or another run holds the ledger. Running again loses nothing.
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
