//! The report as one page for a browser: a file that needs no script and no network, to be mailed and printed.
//!
//! Every value goes through `maud`, which escapes it, and every name out of a file through [`harmless`]. Charts are SVG
//! whose places are percentages and whose text has a fixed size, so that they fit a phone and a sheet of paper alike;
//! what a chart shows stands in a table too.

mod chart;
mod coverage;
mod days;
mod frame;
mod funnel;
mod match_keys;
mod problems;
mod reading;
pub(crate) mod status;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use maud::{Markup, html};

use super::phrases::{amount, capital, other_stages, outcomes, passed_over, valued};
use super::{untold, verdict};
use crate::report::exit::ExitStatus;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::{Destination, Summary};
use crate::text::{counted, harmless, list, plural, thousands};
pub(super) use frame::begins_page;
use frame::{number, page, right, scroll};

/// Writes the page.
pub(super) fn write(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let facts = verdict(summary);
    let title = format!("crm2capi {}: {facts}", summary.command);
    let body = html! {
        header { (headline(summary, &facts)) }
        main id="main" {
            (figures(summary))
            (ended(summary))
            (stages(summary))
            (values(summary))
            @if let Some(funnel) = &summary.funnel { (funnel::section(funnel)) }
            (match_keys::section(summary))
            @if let Some(coverage) = &summary.lead_coverage { (coverage::section(coverage)) }
            (days::section(summary))
            (problems::section(summary))
            (messages(summary))
            (reading::section(summary))
        }
        (footer(summary))
    };
    out.write_all(page(&title, &body).into_string().as_bytes())
}

/// Whether all went well, what happened in a sentence, where and when.
fn headline(summary: &Summary, facts: &str) -> Markup {
    let (class, state) = match summary.exit_status {
        ExitStatus::Done => ("good", "✓ All done"),
        ExitStatus::Problems => ("warning", "! Done, with problems"),
        ExitStatus::Interrupted => ("warning", "! Interrupted"),
        ExitStatus::Usage => ("wrong", "✗ Nothing sent"),
        ExitStatus::Refused | ExitStatus::NotDone => ("wrong", "✗ Not done"),
    };
    let planned = matches!(summary.counts.sending, Sending::Planned { .. });
    // A check finds problems; it is not stopped by them.
    let state = if planned && summary.exit_status == ExitStatus::Done {
        "✓ Ready to send"
    } else {
        state
    };
    html! {
        p.quiet { "crm2capi " (summary.command) (destination(summary)) }
        h1 { (capital(facts)) }
        p {
            span class={ "state " (class) } { (state) }
            @if let Some(finished) = summary.finished {
                span.quiet { " · " time datetime=(finished) { (finished.strftime("%-d %B %Y, %H:%M UTC")) } }
            }
        }
    }
}

fn destination(summary: &Summary) -> String {
    let at = |host: &Option<String>| {
        host.as_ref()
            .map(|host| format!(" at {}", harmless(host)))
            .unwrap_or_default()
    };
    let planned = matches!(summary.counts.sending, Sending::Planned { .. });
    let note = match planned && summary.command == "upload" {
        true => ", dry run: nothing was sent",
        false => "",
    };
    let target = match &summary.destination {
        Some(Destination::Dataset { dataset_id, host }) => {
            format!(" to dataset {}{}", harmless(dataset_id), at(host))
        }
        Some(Destination::TestEvents {
            dataset_id, host, ..
        }) => format!(
            " to dataset {}{}, as test events",
            harmless(dataset_id),
            at(host)
        ),
        Some(Destination::Sandbox) => " to the sandbox".to_owned(),
        None => String::new(),
    };
    format!("{target}{note}")
}

/// The numbers of the run, first in words.
fn figures(summary: &Summary) -> Markup {
    let counts = &summary.counts;
    let mut cards = vec![
        (
            plural(summary.rows, "row").to_owned() + " read",
            summary.rows,
        ),
        (
            plural(counts.events, "event").to_owned() + " in them",
            counts.events,
        ),
    ];
    cards.extend(
        outcomes(counts)
            .into_iter()
            .map(|outcome| (outcome.heading.to_owned(), (outcome.number)(counts))),
    );
    if summary.rows_invalid > 0 {
        cards.push((
            plural(summary.rows_invalid, "row") + " to correct",
            summary.rows_invalid,
        ));
    }
    html! {
        p { (in_words(summary)) }
        dl.figures {
            @for (name, count) in cards {
                div { dt { (name) } dd { (thousands(count)) } }
            }
        }
    }
}

fn in_words(summary: &Summary) -> String {
    let counts = &summary.counts;
    let was = |count: u64| if count == 1 { "was" } else { "were" };
    let is = |count: u64| if count == 1 { "is" } else { "are" };
    let (accepted, rejected, undelivered, uncertain) = counts.done();
    let would_send = match counts.sending {
        Sending::Planned { would_send } => would_send,
        Sending::Done { .. } => 0,
    };
    let (before, old) = (counts.skipped_delivered, counts.skipped_old);
    let elsewhere = counts.in_flight_elsewhere;
    let parts = [
        (
            would_send,
            format!("{} would be sent", thousands(would_send)),
        ),
        (
            accepted,
            format!("{} {} accepted", thousands(accepted), was(accepted)),
        ),
        (
            rejected,
            format!("{} {} refused by Meta", thousands(rejected), was(rejected)),
        ),
        (
            undelivered,
            format!("{} {} not sent", thousands(undelivered), was(undelivered)),
        ),
        (
            uncertain,
            format!(
                "{} {} sent without a receipt",
                thousands(uncertain),
                was(uncertain)
            ),
        ),
        (
            before,
            format!("{} had been delivered before", thousands(before)),
        ),
        (
            elsewhere,
            format!(
                "{} {} in another run's hands",
                thousands(elsewhere),
                is(elsewhere)
            ),
        ),
        (
            old,
            format!(
                "{} {} older than the 7 days Meta takes",
                thousands(old),
                is(old)
            ),
        ),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, words)| words)
        .collect();
    let gives = if summary.rows == 1 { "gives" } else { "give" };
    let rows = counted(summary.rows, "row");
    let events = match parts.is_empty() {
        true => format!("{rows} {gives} no events."),
        false => format!(
            "{rows} {gives} {}: {}.",
            counted(counts.events, "event"),
            list(&parts)
        ),
    };
    match passed_over(summary) {
        passed if passed.is_empty() => events,
        passed => format!("{events} Besides: {}.", harmless(&passed.join("; "))),
    }
}

fn ended(summary: &Summary) -> Markup {
    html! {
        @if let Some(ended) = untold(summary) {
            section.note.error aria-labelledby="ended" {
                h2 id="ended" hidden { "Why the run ended early" }
                p { strong { (harmless(&ended.reason)) } }
                @if let Some(help) = &ended.help { p.cure { (harmless(help)) } }
            }
        }
    }
}

fn stages(summary: &Summary) -> Markup {
    let columns = outcomes(&summary.counts);
    let row = |name: Markup, counts: &Counts| {
        html! {
            th scope="row" { (name) }
            (number(counts.events))
            @for column in &columns { (number((column.number)(counts))) }
        }
    };
    html! {
        @if summary.counts.events > 0 {
            section aria-labelledby="stages" {
                h2 id="stages" { "Events by stage" }
                (scroll("Events by stage", &html! {
                    table {
                        thead { tr {
                            th scope="col" { "Stage" }
                            th.number scope="col" { "events" }
                            @for column in &columns { th.number scope="col" { (column.heading) } }
                        } }
                        tbody {
                            @for (name, counts) in &summary.stages {
                                tr { (row(html! { bdi { (harmless(name)) } }, counts)) }
                            }
                            @if summary.stages.len() != 1 {
                                tr.all { (row(html! { "all stages" }, &summary.counts)) }
                            }
                        }
                    }
                }))
                @if let Some(others) = other_stages(summary) { p.quiet.small { (others) "." } }
            }
        }
    }
}

/// What the leads are worth, by stage: no total, as several stages may stand for one sale.
fn values(summary: &Summary) -> Markup {
    html! {
        @if !summary.values.is_empty() {
            section aria-labelledby="values" {
                h2 id="values" { "Value by stage" }
                p { "What the leads are worth, " (valued(summary)) ". Stages are not added up, because several may belong to one sale." }
                (scroll("Value by stage", &html! {
                    table {
                        thead { tr {
                            th scope="col" { "Stage" }
                            th.number scope="col" { "events with a value" }
                            th.number scope="col" { "value" }
                        } }
                        tbody {
                            @for value in &summary.values {
                                tr {
                                    th scope="row" { bdi { (harmless(&value.event_name)) } }
                                    (number(value.events))
                                    (right(&amount(value)))
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn messages(summary: &Summary) -> Markup {
    html! {
        @if !summary.messages.is_empty() {
            section aria-labelledby="messages" {
                h2 id="messages" { "What Meta says" }
                @for message in &summary.messages { p { bdi { (harmless(message)) } } }
            }
        }
    }
}

fn footer(summary: &Summary) -> Markup {
    let traffic: Vec<_> = [
        (summary.batches, "batch"),
        (summary.requests, "request"),
        (summary.retries, "retry"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| counted(count, noun))
    .collect();
    let last = &summary.fbtrace_ids[summary.fbtrace_ids.len().saturating_sub(3)..];
    html! {
        footer.quiet.small {
            p {
                "crm2capi " (summary.version)
                @if let Some(seconds) = summary.duration_seconds { " · took " (format!("{seconds:.1}")) " s" }
                @if !traffic.is_empty() { " · " (traffic.join(" · ")) }
            }
            @if !last.is_empty() { p { "Trace ids for Meta's support: " code { (harmless(&last.join(" "))) } } }
            p { "This page holds counts, columns and row numbers, and no value of any person." }
        }
    }
}
