//! The report for people: a page on the terminal, from what was read to a verdict in words.
//!
//! A section with nothing to say is not printed. Styles are always written; the stream they go to strips them where
//! they cannot be shown.

mod coverage;
mod funnel;
pub(super) mod layout;
mod problems;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use layout::{Align, BAR, BOLD, DIM, GOOD, HEADING, Table, WARNING, WRONG, bar, wrap};

use crate::render::phrases::{how, outcomes, passed_over};
use crate::render::verdict::verdict;
use crate::report::exit::ExitStatus;
use crate::report::match_keys::field_name;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Destination, Guess, Summary};
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
    // After a daily upload the numbers of the run matter; the funnel is the same every day.
    if let Some(funnel) = &summary.funnel
        && summary.command == "validate"
    {
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
    let notes = passed_over(summary);
    if !notes.is_empty() {
        for line in wrap(&notes.join(" · "), width - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

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
    let columns = outcomes(&summary.counts);
    let mut aligns = vec![Align::Left, Align::Right];
    aligns.extend(columns.iter().map(|_| Align::Right));
    let mut table = Table::new(&aligns);
    let headings = ["", "events"]
        .into_iter()
        .chain(columns.iter().map(|column| column.heading));
    table.headings(headings);
    let mut row = |name: &str, counts: &Counts| {
        let dash = |number: u64| {
            if number == 0 {
                "–".to_owned()
            } else {
                thousands(number)
            }
        };
        let numbers = columns.iter().map(|column| dash((column.number)(counts)));
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
        ExitStatus::Usage | ExitStatus::Refused | ExitStatus::NotDone => ("✗", WRONG),
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
