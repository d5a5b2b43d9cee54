//! What becomes of events, and how a delivery ends.

use std::sync::Arc;

use crate::graph::{Fault, Stop};
use crate::ledger::LedgerError;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Meta took it.
    Accepted,
    /// Meta refused it.
    Rejected(Arc<Fault>),
    /// It was certainly not taken; the next run sends it.
    Undelivered,
    /// It may have been taken or not; the next run sends it again under the same `event_id`.
    Uncertain,
    /// Uncertain, and the only one of its batch that fails: again and again, with an error that Meta does not explain,
    /// while others went through.
    Suspect(Arc<Fault>),
    /// Meta took it, but the ledger could not note it: the next run sends it again.
    Unrecorded,
    /// It grew too old for Meta before it could be sent.
    Old,
    /// This run had it before, or another run delivered it: it was not sent.
    Duplicate,
    /// Another run has it in hand at this moment: it was left to that one.
    Elsewhere,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Every event was sent, and nothing was given up.
    Done,
    /// Somebody asked to end it.
    Interrupted,
    /// Nothing more can be sent before somebody does something.
    Stopped(Stop),
    /// Meta was unreachable or throttling for too long, for this reason.
    Unreachable(String),
    /// The way to Meta is blocked by something that does not pass by waiting.
    Blocked {
        /// The host and what is wrong.
        reason: String,
        /// What to do about it.
        help: &'static str,
    },
    /// Meta refused one event after the other for a reason that does not seem to be the events': the rest was not sent.
    SystematicFault(Fault),
    /// The ledger could not be written. When no request had been made by then, nothing was sent.
    Ledger(LedgerError),
}

/// What a delivery did, besides the outcomes of the events.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Batches that were sent.
    pub batches: u64,
    /// Requests that were made, probes included.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Trace ids of answers, for Meta's support: the first ones, the last, and that of the answer that ended the run.
    pub fbtrace_ids: Vec<String>,
    /// Warnings on receipts, each once; the first 50.
    pub messages: Vec<String>,
    /// Whether a sandbox answered in Meta's place: then nothing counts as delivered.
    pub is_rehearsal: bool,
    /// How it ended.
    pub ended: Ended,
}
