//! The run in one sentence: the last line of the page, the headline of a job summary.

use crate::problem::{Code, Severity};
use crate::report::exit::ExitStatus;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Destination, Ended, Summary};
use crate::text::{counted, harmless, list, plural, thousands};

/// What became of the run, in words.
pub(crate) fn verdict(summary: &Summary) -> String {
    sentence(summary, facts(summary))
}

/// The same for who only hears of what went wrong: it begins with that.
pub(crate) fn complaint(summary: &Summary) -> String {
    let (good, wrong) = facts_of(summary);
    let facts: Vec<String> = match wrong.is_empty() {
        true => vec![good],
        false => vec![wrong.join(", "), good],
    };
    sentence(summary, facts.join("; "))
}

fn sentence(summary: &Summary, facts: String) -> String {
    let reason = || {
        summary
            .ended
            .as_ref()
            .map(|ended| harmless(&ended.reason).into_owned())
    };
    match summary.exit_status {
        ExitStatus::Done => facts,
        ExitStatus::Problems if summary.ended.is_some() => {
            format!("{facts}; {}", reason().unwrap_or_default())
        }
        ExitStatus::Problems
            if summary.findings(Severity::Error) + summary.counts.rejected() == 0 =>
        {
            format!(
                "{facts}, {} under --strict",
                counted(summary.findings(Severity::Warning), "warning")
            )
        }
        ExitStatus::Problems => facts,
        ExitStatus::Usage => {
            let planned = matches!(summary.counts.sending, Sending::Planned { .. });
            let nothing = if planned {
                "nothing would be sent"
            } else {
                "nothing was sent"
            };
            format!("{nothing}: {}", reason().unwrap_or(facts))
        }
        ExitStatus::Refused => format!("stopped by Meta: {facts}"),
        ExitStatus::NotDone => {
            let help = summary
                .ended
                .as_ref()
                .and_then(|ended| ended.help.as_deref());
            let help = help.unwrap_or("run the same command again later; nothing is lost");
            format!("{facts}; {help}")
        }
        ExitStatus::Interrupted => {
            format!("interrupted: {facts}; run the same command again for the rest")
        }
    }
}

/// Why a run ended early and what to do about it, unless the verdict says both.
pub(crate) fn untold(summary: &Summary) -> Option<&Ended> {
    let ended = summary.ended.as_ref();
    ended.filter(|_| summary.exit_status != ExitStatus::Interrupted)
}

fn facts(summary: &Summary) -> String {
    let (good, wrong) = facts_of(summary);
    let mut facts = vec![good];
    facts.extend(wrong);
    facts.join(", ")
}

/// What was done, and what went wrong.
fn facts_of(summary: &Summary) -> (String, Vec<String>) {
    let mut wrong = Vec::new();
    let good = match &summary.counts.sending {
        Sending::Planned { would_send: 0 } => nothing("would be sent", summary),
        Sending::Planned { would_send } => {
            format!("{} would be sent", counted(*would_send, "event"))
        }
        Sending::Done {
            accepted: 0,
            rejected: 0,
            undelivered: 0,
            uncertain: 0,
        } => nothing("to send", summary),
        Sending::Done {
            accepted,
            rejected,
            undelivered,
            uncertain,
        } => {
            let unrecorded = summary.count_of(Code::AcceptedUnrecorded);
            let others = [
                (*rejected, "refused by Meta"),
                (*undelivered, "not sent"),
                (uncertain.saturating_sub(unrecorded), "without a receipt"),
                (
                    unrecorded,
                    "accepted by Meta but not recorded in the ledger, so that the next run sends them again",
                ),
            ];
            wrong.extend(
                others
                    .iter()
                    .filter(|(n, _)| *n > 0)
                    .map(|(n, what)| format!("{} {what}", thousands(*n))),
            );
            match accepted {
                0 => "no event accepted".to_owned(),
                accepted => format!("{} accepted{}", counted(*accepted, "event"), by(summary)),
            }
        }
    };
    if summary.rows_invalid > 0 {
        let verb = if summary.rows_invalid == 1 {
            "needs"
        } else {
            "need"
        };
        wrong.push(format!(
            "{} {verb} attention",
            counted(summary.rows_invalid, "row")
        ));
    }
    let expired = summary.count_of(Code::UncertainExpired);
    if expired > 0 {
        wrong.push(format!(
            "{} too old to be sent again and never known to have arrived",
            counted(expired, "event")
        ));
    }
    (good, wrong)
}

fn by(summary: &Summary) -> &'static str {
    match summary.destination {
        Some(Destination::Sandbox) => " by the sandbox",
        Some(Destination::TestEvents { .. }) => " as test events",
        Some(Destination::Dataset { .. }) | None => "",
    }
}

/// "nothing to send", and why.
fn nothing(what: &str, summary: &Summary) -> String {
    let Counts {
        events,
        skipped_old,
        skipped_delivered,
        in_flight_elsewhere,
        ..
    } = summary.counts;
    let why = if summary.rows == 0 {
        "the input has no data rows".to_owned()
    } else if events == 0 {
        "no row has an event to send".to_owned()
    } else if in_flight_elsewhere > 0 {
        let are = if in_flight_elsewhere == 1 {
            "is"
        } else {
            "are"
        };
        format!(
            "{} {are} in the hands of another run that uploads at the same time, which will tell what became of {}",
            counted(in_flight_elsewhere, "event"),
            if in_flight_elsewhere == 1 {
                "it"
            } else {
                "them"
            }
        )
    } else {
        let were = if events == 1 { "was" } else { "were" };
        let are = if events == 1 { "is" } else { "are" };
        match (skipped_delivered, skipped_old) {
            (_, 0) => format!("{} {were} delivered before", all(events)),
            (0, _) => format!("{} {are} older than 7 days", all(events)),
            (delivered, old) => list(&[
                format!(
                    "{} {} delivered before",
                    counted(delivered, "event"),
                    if delivered == 1 { "was" } else { "were" }
                ),
                format!(
                    "{} {} older than 7 days",
                    thousands(old),
                    if old == 1 { "is" } else { "are" }
                ),
            ]),
        }
    };
    format!("nothing {what}: {why}")
}

fn all(events: u64) -> String {
    match events {
        1 => "the only event".to_owned(),
        2 => "both events".to_owned(),
        _ => format!("all {} {}", thousands(events), plural(events, "event")),
    }
}
