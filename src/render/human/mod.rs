//! The report for people: a page on the terminal, from what was read to a verdict in words.
//!
//! A section with nothing to say is not printed. Styles are always written; the stream they go to strips them where
//! they cannot be shown.

mod coverage;
mod funnel;
mod layout;
mod problems;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use layout::{Align, BAR, BOLD, DIM, GOOD, HEADING, Table, WARNING, WRONG, bar, wrap};

use crate::render::verdict::verdict;
use crate::report::exit::ExitStatus;
use crate::report::match_keys::field_name;
use crate::report::snapshot::Snapshot;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Destination, Guess, Input, Summary};
use crate::text::{counted, harmless, percent, source, thousands};

/// Writes the page for a terminal of `width` columns.
pub(super) fn write(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    let width = width.clamp(60, 100);
    title(summary, out)?;
    read(summary, out, width)?;
    events(summary, out)?;
    match_keys(summary, out)?;
    if let Some(coverage) = &summary.lead_coverage {
        coverage::write(coverage, out, width)?;
    }
    if let Some(funnel) = &summary.funnel {
        funnel::write(funnel, out, width)?;
    }
    problems::write(summary, out, width)?;
    messages(summary, out, width)?;
    ended(summary, out, width)?;
    last_line(summary, out)
}

fn title(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let at = |host: &Option<String>| {
        host.as_ref()
            .map(|host| format!(" at {}", harmless(host)))
            .unwrap_or_default()
    };
    let target = match &summary.destination {
        Some(Destination::Dataset { dataset_id, host }) => {
            format!(" to dataset {}{}", harmless(dataset_id), at(host))
        }
        Some(Destination::TestEvents {
            dataset_id,
            test_event_code,
            host,
        }) => {
            format!(
                " to dataset {}{}, as test events {}",
                harmless(dataset_id),
                at(host),
                harmless(test_event_code)
            )
        }
        Some(Destination::Sandbox) => " to the sandbox".to_owned(),
        None => String::new(),
    };
    let pretend = matches!(summary.counts.sending, Sending::Planned { .. });
    let note = if pretend && summary.command == "upload" {
        ", dry run: nothing is sent"
    } else {
        ""
    };
    writeln!(
        out,
        "{HEADING}crm2capi {}{HEADING:#}{target}{note}",
        summary.command
    )
}

fn read(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if summary.inputs.is_empty() {
        return Ok(());
    }
    section(out, "Read", "")?;
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Left]);
    for input in &summary.inputs {
        table.row([source(&input.path), counted(input.rows, "row"), how(input)]);
    }
    table.write(out, width)?;
    for (index, input) in summary.inputs.iter().enumerate() {
        let is_new = index == 0 || summary.inputs[index - 1].columns != input.columns;
        if is_new && !input.columns.is_empty() {
            let mapped = |it: &crate::report::summary::MappedColumn| {
                format!("{} ← {}", it.field, harmless(&it.column))
            };
            let mapped: Vec<_> = input.columns.iter().map(mapped).collect();
            let guessed = if input.guessed.contains(&Guess::Columns) {
                "columns guessed: "
            } else {
                "columns: "
            };
            let of = if summary.inputs.len() > 1 {
                format!("{}, ", source(&input.path))
            } else {
                String::new()
            };
            for line in wrap(&format!("{of}{guessed}{}", mapped.join(" · ")), width - 2) {
                writeln!(out, "  {DIM}{line}{DIM:#}")?;
            }
        }
    }
    if let Some(path) = &summary.settings_file {
        writeln!(out, "  {DIM}settings: {}{DIM:#}", harmless(path))?;
    }
    let notes = notes(summary);
    if !notes.is_empty() {
        for line in wrap(&notes.join(" · "), width - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// What became of rows and stages that gave no events.
fn notes(summary: &Summary) -> Vec<String> {
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
        (summary.skipped_only, "row", "passed over by [only]"),
        (
            summary.skipped_consent,
            "row",
            "passed over without consent",
        ),
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
            "first run: {recorded}, as nobody knows when they were reached; the next one sends each stage that a lead \
             has newly reached by then"
        ));
    } else if snapshot.recorded > 0 {
        notes.push(are(snapshot.recorded, "recorded and not sent"));
    }
    if snapshot.unchanged > 0 {
        let what = "unchanged since an earlier run recorded what was there";
        notes.push(are(snapshot.unchanged, what));
    }
    notes
}

/// How an input was read, what was guessed marked so.
fn how(input: &Input) -> String {
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

/// The columns of the table of events: heading, and the number in it.
type EventColumn = (&'static str, fn(&Counts) -> u64);

fn events(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.counts.events == 0 {
        return Ok(());
    }
    let traffic = [
        (summary.batches, "batch"),
        (summary.requests, "request"),
        (summary.retries, "retry"),
    ];
    let traffic: Vec<_> = traffic
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, noun)| counted(*n, noun))
        .collect();
    section(out, "Events", &traffic.join(" · "))?;
    let columns: [EventColumn; 7] = [
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
        ("too old", |counts| counts.skipped_old),
    ];
    let columns: Vec<_> = columns
        .into_iter()
        .filter(|(_, number)| number(&summary.counts) > 0)
        .collect();
    let mut aligns = vec![Align::Left, Align::Right];
    aligns.extend(columns.iter().map(|_| Align::Right));
    let mut table = Table::new(&aligns);
    let headings = ["", "events"]
        .into_iter()
        .chain(columns.iter().map(|(heading, _)| *heading));
    table.headings(headings);
    let mut row = |name: &str, counts: &Counts| {
        let dash = |number: u64| {
            if number == 0 {
                "–".to_owned()
            } else {
                thousands(number)
            }
        };
        let numbers = columns.iter().map(|(_, number)| dash(number(counts)));
        table.row(
            [harmless(name).into_owned(), thousands(counts.events)]
                .into_iter()
                .chain(numbers),
        );
    };
    for (name, counts) in &summary.stages {
        row(name, counts);
    }
    if summary.stages.len() != 1 {
        row("all stages", &summary.counts);
    }
    table.write(out, usize::MAX)
}

fn match_keys(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.match_keys.is_empty() || summary.counts.events == 0 {
        return Ok(());
    }
    section(
        out,
        "Match keys",
        "share of events that carry them, the strongest first",
    )?;
    let mut table = Table::new(&[Align::Left, Align::Left, Align::Right]);
    for (key, count) in summary.match_keys.iter() {
        let share = count as f64 / summary.counts.events as f64;
        table.styled(
            [field_name(key).to_owned(), bar(share, 24), percent(share)],
            [None, Some(BAR), None],
        );
    }
    table.write(out, usize::MAX)
}

fn messages(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if !summary.messages.is_empty() {
        section(out, "Meta says", "")?;
    }
    for message in &summary.messages {
        for line in wrap(&harmless(message), width - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

fn ended(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if let Some(ended) = &summary.ended {
        section(out, "Ended early", "")?;
        for line in wrap(&harmless(&ended.reason), width - 2) {
            writeln!(out, "  {line}")?;
        }
        if let Some(help) = &ended.help {
            advice(out, &harmless(help), width)?;
        }
    }
    if summary.ended.is_some() && !summary.fbtrace_ids.is_empty() {
        let last = &summary.fbtrace_ids[summary.fbtrace_ids.len().saturating_sub(3)..];
        writeln!(
            out,
            "  {DIM}trace ids for Meta's support: {}{DIM:#}",
            harmless(&last.join(" "))
        )?;
    }
    Ok(())
}

fn last_line(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let (mark, style) = match summary.exit_status {
        ExitStatus::Done => ("✓", GOOD),
        ExitStatus::Problems | ExitStatus::Interrupted => ("!", WARNING),
        ExitStatus::Usage | ExitStatus::Refused | ExitStatus::Unreachable => ("✗", WRONG),
    };
    writeln!(out)?;
    writeln!(
        out,
        "{style}{mark}{style:#} {BOLD}{}{BOLD:#}",
        verdict(summary)
    )
}

/// A heading and, dimmed beside it, what helps to read the section.
fn section(out: &mut dyn Write, heading: &str, aside: &str) -> io::Result<()> {
    writeln!(out)?;
    match aside {
        "" => writeln!(out, "{HEADING}{heading}{HEADING:#}"),
        _ => writeln!(out, "{HEADING}{heading}{HEADING:#}  {DIM}{aside}{DIM:#}"),
    }
}

/// What to do, marked with an arrow.
fn advice(out: &mut dyn Write, text: &str, width: usize) -> io::Result<()> {
    for (index, line) in wrap(text, width - 4).iter().enumerate() {
        let mark = if index == 0 { "→" } else { " " };
        writeln!(out, "  {mark} {line}")?;
    }
    Ok(())
}
