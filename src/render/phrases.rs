//! What every report meant to be read says in the same words: a problem, an outcome, how an input was read.

use crate::ledger::PastRun;
use crate::report::ExitStatus;
use crate::report::coverage::LeadCoverage;
use crate::report::funnel::Funnel;
use crate::report::names::OTHERS;
use crate::report::snapshot::Snapshot;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Guess, Input, Summary};
use crate::report::tally::{Named, Problem};
use crate::report::values::StageValue;
use crate::text::{counted, harmless, list, percent, quoted, source, thousands};

/// `3 rows`, or `5 times in 3 rows`.
pub(super) fn extent(problem: &Problem) -> String {
    let rows = counted(problem.rows, "row");
    if problem.rows == 0 {
        counted(problem.count, "time")
    } else if problem.count == problem.rows {
        rows
    } else {
        format!("{} in {rows}", counted(problem.count, "time"))
    }
}

/// The message with the column it is about, and Meta's numbers.
pub(super) fn sentence(problem: &Problem) -> String {
    let column = problem
        .column
        .as_ref()
        .map(|column| format!(" (column {})", quoted(column)));
    let field = || problem.field.map(|field| format!(" ({field})"));
    let meta = problem.meta.as_ref().map(|meta| {
        let trace = meta
            .fbtrace_id
            .as_ref()
            .map(|id| format!(", trace id {}", harmless(id)));
        format!(" ({}{})", meta.codes(), trace.unwrap_or_default())
    });
    let about = column.or_else(field).or(meta).unwrap_or_default();
    format!("{}{about}", harmless(&problem.message))
}

/// How many leads a funnel is made of, and what is known of them.
pub(super) fn leads_of(funnel: &Funnel) -> String {
    let mut facts = vec![counted(funnel.leads, "lead")];
    if let Some(rate) = funnel.leads_per_month.filter(|rate| *rate >= 1.0) {
        facts.push(format!("about {} a month", thousands(rate.round() as u64)));
    }
    facts.push(format!("{} with a lead id", percent(funnel.with_lead_id)));
    if let Some(share) = funnel.sampled {
        facts.push(format!("judged by {} of them", percent(share)));
    }
    if funnel.more_stages > 0 {
        let more = counted(funnel.more_stages, "more stage");
        facts.push(format!("{more} that fewer leads reach"));
    }
    facts.join(" · ")
}

/// What the values of a run are values of.
pub(super) fn valued(summary: &Summary) -> &'static str {
    match summary.counts.sending {
        Sending::Planned { .. } => "of the events that would be sent",
        Sending::Done { .. } => "of the events that were accepted",
    }
}

/// `1,234.50 USD`.
pub(super) fn amount(value: &StageValue) -> String {
    let cents = (value.value * 100.0).round() as u64;
    let fraction = match cents % 100 {
        0 => String::new(),
        cents => format!(".{cents:02}"),
    };
    format!("{}{fraction} {}", thousands(cents / 100), value.currency)
}

/// What the row of all other stages stands for.
pub(super) fn other_stages(summary: &Summary) -> Option<String> {
    (summary.other_stages > 0).then(|| {
        format!(
            "{OTHERS}: {} less frequent than those above, or like a person's value",
            counted(summary.other_stages, "stage")
        )
    })
}

/// A sentence as one begins.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// How rows came to their lead ids.
pub(super) fn joined_rows(coverage: &LeadCoverage) -> String {
    let rows = &coverage.rows;
    let parts = [
        (rows.by_email, "got a lead id by email"),
        (rows.by_phone, "got a lead id by phone"),
        (rows.own, "had one of these leads' ids"),
        (rows.own_elsewhere, "had another lead id"),
        (rows.ambiguous, "fit two leads equally"),
        (rows.none, "match none of Meta's leads"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{} {what}", counted(count, "row")))
        .collect();
    match parts.is_empty() {
        true => "no row has an event".to_owned(),
        false => parts.join(" · "),
    }
}

/// The stages it is about.
pub(super) fn names(problem: &Problem) -> Option<String> {
    let one = |it: &Named| format!("{} {}×", quoted(&it.name), thousands(it.count));
    let mut names: Vec<_> = problem.names.iter().map(one).collect();
    if problem.names_withheld > 0 {
        names.push(match names.len() {
            0 => "values too many or too personal to show; is this the column of the stage?"
                .to_owned(),
            _ => format!("{} more", thousands(problem.names_withheld)),
        });
    }
    (!names.is_empty()).then(|| list(&names))
}

/// `rows 7, 9 and 3 more`, by file where there are several.
pub(super) fn rows(problem: &Problem, several_inputs: bool) -> Option<String> {
    if problem.examples.is_empty() {
        return None;
    }
    let files = problem
        .examples
        .chunk_by(|a, b| a.path == b.path)
        .map(|examples| {
            let rows: Vec<_> = examples
                .iter()
                .map(|example| example.row.to_string())
                .collect();
            let path = if several_inputs {
                format!("{} ", source(&examples[0].path))
            } else {
                String::new()
            };
            format!(
                "{path}{} {}",
                if rows.len() == 1 { "row" } else { "rows" },
                rows.join(", ")
            )
        });
    let shown: Vec<_> = files.collect();
    let more = problem.rows.saturating_sub(problem.examples.len() as u64);
    let more = if more > 0 {
        format!(" and {} more", thousands(more))
    } else {
        String::new()
    };
    Some(format!("{}{more}", shown.join("; ")))
}

/// A heading and the number below it.
type Column = (&'static str, fn(&Counts) -> u64);

/// Something that may become of events, as a column of a table.
pub(super) struct Outcome {
    pub heading: &'static str,
    pub number: fn(&Counts) -> u64,
}

/// What became of any of the events.
pub(super) fn outcomes(counts: &Counts) -> Vec<Outcome> {
    let all: [Column; 8] = [
        ("accepted", Counts::accepted),
        ("would be sent", |counts| match counts.sending {
            Sending::Planned { would_send } => would_send,
            Sending::Done { .. } => 0,
        }),
        ("refused", Counts::rejected),
        ("not sent", |counts| match counts.sending {
            Sending::Done { undelivered, .. } => undelivered,
            Sending::Planned { .. } => 0,
        }),
        ("no receipt", |counts| match counts.sending {
            Sending::Done { uncertain, .. } => uncertain,
            Sending::Planned { .. } => 0,
        }),
        ("sent before", |counts| counts.skipped_delivered),
        ("in flight elsewhere", |counts| counts.in_flight_elsewhere),
        ("too old", |counts| counts.skipped_old),
    ];
    all.into_iter()
        .filter(|(_, number)| number(counts) > 0)
        .map(|(heading, number)| Outcome { heading, number })
        .collect()
}

/// What became of rows and stages that gave no events.
pub(super) fn passed_over(summary: &Summary) -> Vec<String> {
    [
        (summary.rows_invalid, "row", "cannot be used"),
        (
            summary.rows_ignored,
            "more row",
            "ignored, blank or no lead",
        ),
        (
            summary.skipped_stage,
            "stage change",
            "skipped as the settings say",
        ),
        (summary.skipped_only, "row", "skipped by [only]"),
        (summary.skipped_consent, "row", "skipped without consent"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, noun, what)| format!("{} {what}", counted(count, noun)))
    .chain(summary.snapshot.as_ref().into_iter().flat_map(snapshot))
    .collect()
}

/// What a snapshot's stages came to that are no events.
fn snapshot(snapshot: &Snapshot) -> Vec<String> {
    let are = |count, what| {
        let verb = if count == 1 { "is" } else { "are" };
        format!("{} {verb} {what}", counted(count, "stage"))
    };
    let mut notes = Vec::new();
    if snapshot.is_first_run {
        let recorded = are(snapshot.recorded, "recorded and not sent");
        notes.push(format!(
            "first run: {recorded}, because the times they were reached are not known; the next one sends each stage that a lead \
             has newly reached by then"
        ));
    } else if snapshot.recorded > 0 {
        notes.push(are(snapshot.recorded, "recorded and not sent"));
    }
    if snapshot.overdue > 0 {
        notes.push(format!(
            "{} of earlier exports, not delivered then: taken up again, and counted below",
            counted(snapshot.overdue, "event")
        ));
    }
    if snapshot.unchanged > 0 {
        let what = "unchanged since an earlier run recorded them";
        notes.push(are(snapshot.unchanged, what));
    }
    notes
}

/// How an input was read, what was guessed marked so.
pub(super) fn how(input: &Input) -> String {
    let mut parts = Vec::new();
    let mut part = |text: Option<String>, guess: Option<Guess>| {
        let guessed = guess.is_some_and(|guess| input.guessed.contains(&guess));
        parts.extend(text.map(|text| {
            if guessed {
                format!("{text} (guessed)")
            } else {
                text
            }
        }));
    };
    part(input.format.as_deref().map(format_name), None);
    part(input.encoding.clone(), Some(Guess::Encoding));
    part(input.delimiter.map(delimiter_name), Some(Guess::Delimiter));
    part(
        input
            .sheet
            .as_deref()
            .map(|sheet| format!("sheet {}", harmless(sheet))),
        Some(Guess::Sheet),
    );
    part(
        input
            .preset
            .as_deref()
            .map(|preset| format!("preset {preset}")),
        Some(Guess::Preset),
    );
    part(
        input
            .date_order
            .as_deref()
            .map(|order| format!("dates {order}")),
        Some(Guess::DateOrder),
    );
    parts.join(", ")
}

fn format_name(format: &str) -> String {
    if format == "ndjson" {
        "NDJSON".to_owned()
    } else {
        format.to_uppercase()
    }
}

fn delimiter_name(delimiter: char) -> String {
    match delimiter {
        ',' => "comma".to_owned(),
        ';' => "semicolon".to_owned(),
        '\t' => "tab".to_owned(),
        '|' => "pipe".to_owned(),
        other => format!("delimiter {}", harmless(&other.to_string())),
    }
}

/// How an earlier run ended: `status 1, done with problems`.
pub(crate) fn how_it_ended(run: &PastRun) -> String {
    let mut how = match run.exit_status {
        Some(status) => format!("status {status}{}", in_a_word(status)),
        None => "did not end: it runs still, or was killed".to_owned(),
    };
    if run.is_rehearsal {
        how.push_str("; a rehearsal: it went to a sandbox, not to Meta");
    }
    how
}

fn in_a_word(status: u8) -> &'static str {
    match ExitStatus::ALL.iter().find(|it| it.code() == status) {
        Some(ExitStatus::Done) => ", all done",
        Some(ExitStatus::Problems) => ", done with problems",
        Some(ExitStatus::Usage) => ", nothing sent",
        Some(ExitStatus::Refused) => ", stopped by Meta",
        Some(ExitStatus::NotDone) => ", not done",
        Some(ExitStatus::Interrupted) => ", interrupted",
        None => "",
    }
}

/// Which settings the inputs were read by; none where the command line and presets told all.
pub(crate) fn settings_used(summary: &Summary) -> Option<String> {
    let is_guessed = |input: &Input| input.guessed.contains(&Guess::Columns);
    match &summary.settings_file {
        Some(path) => Some(format!("settings: {}", harmless(path))),
        None if summary.inputs.iter().any(is_guessed) => Some(
            "no settings: columns and stages as crm2capi init FILE would write them down"
                .to_owned(),
        ),
        None => None,
    }
}
