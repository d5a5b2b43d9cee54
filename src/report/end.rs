//! What brought a run to its end, in words, and the exit status that follows.
//!
//! [`decide`] is a pure function from the few facts that matter to one status, so that every command ends by the same
//! rule. It knows nothing of how the facts came about.

use super::exit::ExitStatus;
use crate::text::{counted, thousands};

/// What brought the run to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// Every row was worked on, every event tried.
    #[default]
    Complete,
    /// More rows than allowed were unusable, so nothing was sent.
    TooManyInvalid {
        /// Unusable rows.
        invalid: u64,
        /// All rows.
        rows: u64,
        /// How many were allowed, in percent.
        limit: String,
    },
    /// Nearly every event has a stage of its own, as where a column of people's names is taken for the stage.
    StagesOfPeople {
        /// Different stages that the settings do not list.
        stages: u64,
        /// Events with one of them.
        events: u64,
    },
    /// The ledger could not be written.
    LedgerLost {
        /// Why.
        error: String,
        /// Whether anything was sent by then.
        after_sending: bool,
    },
    /// The input could not be read to its end.
    InputLost {
        /// Why.
        error: String,
        /// Whether anything was sent by then.
        after_sending: bool,
    },
    /// The input changed while it was being read.
    InputChanged(String),
    /// The refused rows could not be written to their file.
    RejectsLost(String),
    /// Meta's leads that no row is could not be written to their file.
    MissingLost(String),
    /// Meta refused so many events for one reason that the fault is hardly theirs.
    TooManyRefused(String),
    /// Meta refused the token, the permission or the dataset.
    AccessRefused {
        /// What Meta said.
        reason: String,
        /// What to do about it.
        help: String,
    },
    /// Meta could not be reached, or throttled for too long.
    Unreachable(String),
    /// The way to Meta is blocked by something that does not pass by waiting.
    Blocked {
        /// The host and what is wrong.
        reason: String,
        /// What to do about it.
        help: String,
    },
    /// Everything was worked on, and all that is open are so many events that rest after several runs without a receipt.
    Resting(u64),
    /// Ctrl-C or a signal to terminate.
    Interrupted,
}

impl End {
    /// Why the run ended before all was done; nothing when it did not.
    pub(crate) fn reason(&self) -> Option<String> {
        Some(match self {
            Self::Complete => return None,
            Self::TooManyInvalid {
                invalid,
                rows,
                limit,
            } => format!("{invalid} of {rows} rows are unusable, more than {limit} %"),
            Self::StagesOfPeople { stages, events } => format!(
                "{} have {} different stages, as where names of people are taken for stages",
                counted(*events, "event"),
                thousands(*stages)
            ),
            Self::LedgerLost { error, .. }
            | Self::InputLost { error, .. }
            | Self::InputChanged(error)
            | Self::RejectsLost(error)
            | Self::MissingLost(error) => error.clone(),
            Self::TooManyRefused(fault) => {
                format!("Meta refused too many events for the same reason: {fault}")
            }
            Self::AccessRefused { reason, .. } | Self::Blocked { reason, .. } => reason.clone(),
            Self::Unreachable(cause) => cause.clone(),
            Self::Resting(events) => {
                format!(
                    "{} without a receipt after several runs, and not sent again",
                    counted(*events, "event")
                )
            }
            Self::Interrupted => "interrupted".to_owned(),
        })
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::Complete => return None,
            Self::TooManyInvalid { .. } => {
                "correct the mapping or the rows, or allow more with --max-invalid PERCENT"
            }
            Self::StagesOfPeople { .. } => {
                "map event_name to the column of the stage; if these are stages, list them under [stages]"
            }
            Self::LedgerLost { .. } => {
                "run again when the ledger can be written; uncertain events are resent"
            }
            Self::InputLost { .. } => {
                "run again when the input can be read to its end; accepted events are not resent"
            }
            Self::InputChanged(_) => {
                "run again when the export is complete; accepted events are not resent"
            }
            Self::RejectsLost(_) => {
                "run again with another --rejects file: it will hold the same rows, and nothing is sent twice"
            }
            Self::MissingLost(_) => {
                "run again with another --leads-missing file: it will hold the same leads, and nothing is sent twice"
            }
            Self::TooManyRefused(_) => {
                "fix the cause, then run again: that sends the undelivered events, and with --retry-rejected also the refused ones"
            }
            Self::AccessRefused { help, .. } | Self::Blocked { help, .. } => help,
            Self::Unreachable(_) => "run the same command again later; nothing is lost",
            Self::Resting(_) => {
                "look in Events Manager whether they were counted; --retry-uncertain sends them once more, and after 7 days they are too old"
            }
            Self::Interrupted => "run the same command again: it sends the rest",
        };
        Some(help.to_owned())
    }
}

/// Whether warnings fail the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Warnings are only shown.
    #[default]
    Lenient,
    /// `--strict`: a warning weighs as much as a refused row.
    Strict,
}

/// What the exit status depends on besides the end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// Whether warnings fail the run.
    pub strictness: Strictness,
    /// Findings of severity error, Meta's refusals included.
    pub errors: u64,
    /// Findings of severity warning.
    pub warnings: u64,
    /// Events that are neither accepted nor refused: not sent, or sent without a receipt.
    pub unsettled: u64,
}

/// The status of a run. Why it ended weighs more than what it met on the way.
pub(crate) fn decide(end: &End, facts: &Facts) -> ExitStatus {
    match end {
        End::Interrupted => ExitStatus::Interrupted,
        End::AccessRefused { .. } => ExitStatus::Refused,
        End::Unreachable(_)
        | End::Blocked { .. }
        | End::TooManyRefused(_)
        | End::Resting(_)
        | End::InputChanged(_) => ExitStatus::NotDone,
        End::TooManyInvalid { .. } | End::StagesOfPeople { .. } => ExitStatus::Usage,
        End::LedgerLost { after_sending, .. } | End::InputLost { after_sending, .. } => {
            match after_sending {
                true => ExitStatus::NotDone,
                false => ExitStatus::Usage,
            }
        }
        _ if facts.unsettled > 0 => ExitStatus::NotDone,
        End::RejectsLost(_) | End::MissingLost(_) => ExitStatus::Problems,
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

    fn status(end: &End, strictness: Strictness, counts: [u64; 3]) -> u8 {
        let [errors, warnings, unsettled] = counts;
        let facts = Facts {
            strictness,
            errors,
            warnings,
            unsettled,
        };
        decide(end, &facts).code()
    }

    #[test]
    fn a_complete_run_is_judged_by_what_it_met() {
        use Strictness::*;
        let table = [
            (Lenient, [0, 0, 0], 0),
            (Lenient, [0, 3, 0], 0),
            (Strict, [0, 0, 0], 0),
            (Strict, [0, 3, 0], 1),
            (Lenient, [1, 0, 0], 1),
            (Strict, [1, 1, 0], 1),
            (Lenient, [0, 0, 1], 4),
            (Lenient, [5, 0, 1], 4),
        ];
        for (strictness, counts, expected) in table {
            let found = status(&End::Complete, strictness, counts);
            assert_eq!(found, expected, "{strictness:?} {counts:?}");
        }
    }

    #[test]
    fn an_early_end_decides_the_status_whatever_was_met() {
        let text = String::new;
        let invalid = End::TooManyInvalid {
            invalid: 9,
            rows: 10,
            limit: "50".into(),
        };
        let refused = End::AccessRefused {
            reason: text(),
            help: text(),
        };
        let lost = |after_sending| End::InputLost {
            error: text(),
            after_sending,
        };
        let ledger = |after_sending| End::LedgerLost {
            error: text(),
            after_sending,
        };
        let table = [
            (invalid, 2),
            (ledger(false), 2),
            (ledger(true), 4),
            (lost(false), 2),
            (lost(true), 4),
            (End::InputChanged(text()), 4),
            (End::TooManyRefused(text()), 4),
            (refused, 3),
            (End::Unreachable(text()), 4),
            (End::Interrupted, 130),
        ];
        for (end, expected) in table {
            for counts in [[0, 0, 0], [4, 4, 20]] {
                assert_eq!(
                    status(&end, Strictness::Strict, counts),
                    expected,
                    "{end:?}"
                );
            }
            assert!(end.reason().is_some() && end.help().is_some());
        }
        let rejects = End::RejectsLost(text());
        assert_eq!(status(&rejects, Strictness::Lenient, [0, 0, 0]), 1);
        assert_eq!(status(&rejects, Strictness::Lenient, [0, 0, 9]), 4);
    }
}
