//! What a run over exports that show only current stages did not send, and why.

use schemars::JsonSchema;
use serde::Serialize;

/// Stages that are known and give no event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Snapshot {
    /// Whether nothing is known of earlier exports: then a stage without a time of its own is recorded and not sent.
    pub is_first_run: bool,
    /// Stages recorded in this run and not sent, since nobody knows when they were reached.
    pub recorded: u64,
    /// Events that earlier runs found and could not deliver, taken up again by this one.
    pub overdue: u64,
    /// Stages of leads that are still where an earlier run recorded them.
    pub unchanged: u64,
}
