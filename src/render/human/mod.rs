//! The report for people: a page on the terminal, from what was read to a verdict in words.
//!
//! A section with nothing to say is not printed. Styles are always written; the stream they go to strips them where
//! they cannot be shown.

mod coverage;
mod funnel;
pub(crate) mod layout;
mod preview;
mod problems;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use layout::{Align, BOLD, DIM, GOOD, HEADING, Table, WARNING, WRONG, flow, wrap};
use unicode_width::UnicodeWidthStr;

use crate::render::phrases::{
    amount, how, other_stages, outcomes, passed_over, settings_used, valued,
};
use crate::render::verdict::{untold, verdict};
use crate::report::exit::ExitStatus;
use crate::report::match_keys::field_name;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Destination, Guess, Summary};
use crate::text::{counted, harmless, percent, source, thousands};

/// Narrower than this, words do not fit; wider than this, lines are hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 30..=100;

fn fit(width: usize) -> usize {
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// Writes the page for a terminal of `width` columns.
pub(super) fn write(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    write_opening(summary, out, width)?;
    write_outcome(summary, out, width)
}

/// Writes how the page begins: where events go and what was read, which is known before anything is sent.
pub(super) fn write_opening(
    summary: &Summary,
    out: &mut dyn Write,
    width: usize,
) -> io::Result<()> {
    let width = fit(width);
    title(summary, out, width)?;
    read(summary, out, width)?;
    columns(summary, out, width)
}

/// Writes the rest of the page: what became of it all.
pub(super) fn write_outcome(
    summary: &Summary,
    out: &mut dyn Write,
    width: usize,
) -> io::Result<()> {
    let width = fit(width);
    left_out(summary, out, width)?;
    preview::write(summary, out, width)?;
    events(summary, out, width)?;
    values(summary, out, width)?;
    match_keys(summary, out, width)?;
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
    last_line(summary, out, width)
}

fn title(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
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
    let heading = format!("crm2capi {}", summary.command);
    for (index, line) in wrap(&format!("{heading}{target}{note}"), width)
        .iter()
        .enumerate()
    {
        match line.strip_prefix(&heading) {
            Some(rest) if index == 0 => writeln!(out, "{HEADING}{heading}{HEADING:#}{rest}")?,
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

fn read(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if summary.inputs.is_empty() {
        return Ok(());
    }
    section(out, "Read", "", width)?;
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Left]);
    for input in &summary.inputs {
        table.row([source(&input.path), counted(input.rows, "row"), how(input)]);
    }
    table.write(out, width)?;
    if let Some(settings) = settings_used(summary) {
        for line in wrap(&settings, width - 2) {
            writeln!(out, "  {DIM}{line}{DIM:#}")?;
        }
    }
    Ok(())
}

/// Which column feeds which field, once for inputs that have the same.
fn columns(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    for (index, input) in summary.inputs.iter().enumerate() {
        let is_new = index == 0 || summary.inputs[index - 1].columns != input.columns;
        if !is_new || input.columns.is_empty() {
            continue;
        }
        let mut aside = Vec::new();
        if summary.inputs.len() > 1 {
            aside.push(format!("of {}", source(&input.path)));
        }
        if input.guessed.contains(&Guess::Columns) {
            aside.push("guessed".to_owned());
        }
        section(out, "Columns", &aside.join(", "), width)?;
        let mut table = Table::new(&[Align::Left, Align::Left]);
        for same in input.columns.chunk_by(|a, b| a.field == b.field) {
            let mut names: Vec<_> = same.iter().map(|it| harmless(&it.column)).collect();
            names.dedup();
            table.row([harmless(&same[0].field).into_owned(), names.join(", ")]);
        }
        table.write(out, width)?;
    }
    Ok(())
}

/// Rows and stages that gave no event.
fn left_out(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    let notes = passed_over(summary);
    if !notes.is_empty() {
        section(out, "Left out", "", width)?;
    }
    for line in flow(notes, width - 2) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn events(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
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
    section(out, "Events", &traffic.join(" · "), width)?;
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
    table.write(out, width)?;
    for line in other_stages(summary)
        .iter()
        .flat_map(|text| wrap(text, width - 2))
    {
        writeln!(out, "  {DIM}{line}{DIM:#}")?;
    }
    Ok(())
}

/// What the leads are worth, by stage: no total, as several stages may stand for one sale.
fn values(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if summary.values.is_empty() {
        return Ok(());
    }
    section(out, "Value", valued(summary), width)?;
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right]);
    for value in &summary.values {
        table.row([
            harmless(&value.event_name).into_owned(),
            counted(value.events, "event"),
            amount(value),
        ]);
    }
    table.write(out, width)
}

fn match_keys(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if summary.match_keys.is_empty() || summary.counts.events == 0 {
        return Ok(());
    }
    section(
        out,
        "Match keys",
        "share of events that carry them, the strongest first",
        width,
    )?;
    let share = |(key, count): (&'static str, u64)| {
        let share = count as f64 / summary.counts.events as f64;
        format!("{} {}", field_name(key), percent(share))
    };
    for line in flow(summary.match_keys.iter().map(share), width - 2) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn messages(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if !summary.messages.is_empty() {
        section(out, "Meta says", "", width)?;
    }
    for message in &summary.messages {
        for line in wrap(&harmless(message), width - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

fn ended(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if let Some(ended) = untold(summary) {
        section(out, "Ended early", "", width)?;
        for line in wrap(&harmless(&ended.reason), width - 2) {
            writeln!(out, "  {line}")?;
        }
        if let Some(help) = &ended.help {
            advice(out, &harmless(help), width)?;
        }
    }
    if summary.ended.is_some() && !summary.fbtrace_ids.is_empty() {
        let last = &summary.fbtrace_ids[summary.fbtrace_ids.len().saturating_sub(3)..];
        let ids = format!(
            "trace ids for Meta's support: {}",
            harmless(&last.join(" "))
        );
        for line in wrap(&ids, width - 2) {
            writeln!(out, "  {DIM}{line}{DIM:#}")?;
        }
    }
    Ok(())
}

fn last_line(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    let (mark, style) = match summary.exit_status {
        ExitStatus::Done => ("✓", GOOD),
        ExitStatus::Problems | ExitStatus::Interrupted => ("!", WARNING),
        ExitStatus::Usage | ExitStatus::Refused | ExitStatus::NotDone => ("✗", WRONG),
    };
    writeln!(out)?;
    for (index, line) in wrap(&verdict(summary), width - 2).iter().enumerate() {
        let mark = if index == 0 { mark } else { " " };
        writeln!(out, "{style}{mark}{style:#} {BOLD}{line}{BOLD:#}")?;
    }
    Ok(())
}

/// A heading and, dimmed beside it or below it, what helps to read the section.
fn section(out: &mut dyn Write, heading: &str, aside: &str, width: usize) -> io::Result<()> {
    writeln!(out)?;
    write!(out, "{HEADING}{heading}{HEADING:#}")?;
    let has_room = heading.width() + 2 + aside.width() <= width;
    match aside {
        "" => writeln!(out),
        _ if has_room => writeln!(out, "  {DIM}{aside}{DIM:#}"),
        _ => {
            writeln!(out)?;
            let mut lines = wrap(aside, width - 2).into_iter();
            lines.try_for_each(|line| writeln!(out, "  {DIM}{line}{DIM:#}"))
        }
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
