//! What was delivered lately, from the ledger, as a page.

use std::io::{self, Write};

use jiff::Timestamp;
use maud::{Markup, html};

use super::chart::{self, Series};
use super::frame::{number, page, scroll};
use crate::ledger::{PastRun, Status};
use crate::render::phrases::how_it_ended;
use crate::text::{harmless, thousands};

const SECONDS_A_DAY: i64 = 86_400;
/// Days that are shown, today included.
const DAYS: i64 = 14;

/// Writes the page. `now` is in Unix seconds; `is_late` says whether the last success is longer ago than was allowed, where a
/// limit was given.
pub(crate) fn write(
    status: &Status,
    now: i64,
    is_late: Option<bool>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let headline = match status.last_success {
        Some(last) => format!("Last successful upload: {}", moment(last)),
        None => "No successful upload yet".to_owned(),
    };
    let (class, state) = match is_late {
        Some(true) => ("wrong", "✗ Too long ago"),
        _ if status.last_success.is_none() => ("warning", "! Nothing delivered"),
        Some(false) => ("good", "✓ In time"),
        None => ("quiet", "No limit was asked for"),
    };
    let body = html! {
        header {
            p.quiet { "crm2capi status" }
            h1 { (headline) }
            p { span class={ "state " (class) } { (state) } span.quiet { " · as of " (moment(now)) } }
        }
        main id="main" {
            (open_ends(status))
            (delivered(status, now))
            (runs(status))
        }
        footer.quiet.small { p { "From the ledger on this machine. This page holds counts and stage names, and no personal data; keep the ledger itself as private as the export." } }
    };
    out.write_all(page("crm2capi status", &body).into_string().as_bytes())
}

fn open_ends(status: &Status) -> Markup {
    let cards = [
        (
            "refused by Meta, not tried again unless they change",
            status.refused,
        ),
        ("uncertain, sent again by the next upload", status.uncertain),
        ("resting; --retry-uncertain sends them", status.resting),
        (
            "uncertain until they were too old to be sent again",
            status.expired,
        ),
    ];
    let total: u64 = status.delivered.iter().map(|it| it.count).sum();
    html! {
        dl.figures {
            div { dt { "delivered in " (DAYS) " days" } dd { (thousands(total)) } }
            @for (name, count) in cards.iter().filter(|(_, count)| *count > 0) {
                div { dt { (name) } dd { (thousands(*count)) } }
            }
        }
    }
}

fn delivered(status: &Status, now: i64) -> Markup {
    let today = now.div_euclid(SECONDS_A_DAY);
    let days: Vec<i64> = (today - DAYS + 1..=today).collect();
    let labels: Vec<String> = days.iter().map(|day| date(*day)).collect();
    let mut names: Vec<&str> = status.delivered.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let count = |name: &str, day: i64| -> u64 {
        let of_both = status
            .delivered
            .iter()
            .filter(|it| it.name == name && it.day == day);
        of_both.map(|it| it.count).sum()
    };
    let series = [Series {
        class: "accepted",
        name: "delivered",
    }];
    html! {
        @if !names.is_empty() {
            section aria-labelledby="days" {
                h2 id="days" { "Delivered by day" }
                p { "By the UTC day of the upload." }
                @for name in &names {
                    @let values: Vec<_> = days.iter().map(|day| vec![count(name, *day)]).collect();
                    figure { (chart::columns(name, &labels, &series, &values)) }
                }
                details {
                    summary { "The same as a table" }
                    (scroll("Delivered by day", &html! {
                        table {
                            thead { tr {
                                th scope="col" { "Day" }
                                @for name in &names { th.number scope="col" { bdi { (harmless(name)) } } }
                            } }
                            tbody {
                                @for (day, label) in days.iter().zip(&labels) {
                                    tr { th scope="row" { (label) } @for name in &names { (number(count(name, *day))) } }
                                }
                            }
                        }
                    }))
                }
            }
        }
    }
}

fn runs(status: &Status) -> Markup {
    let headings = [
        "accepted",
        "refused",
        "not sent",
        "no receipt",
        "sent before",
    ];
    html! {
        @if !status.runs.is_empty() {
            section aria-labelledby="runs" {
                h2 id="runs" { "Last runs" }
                (scroll("Last runs", &html! {
                    table {
                        thead { tr {
                            th scope="col" { "Started" }
                            th scope="col" { "Ended" }
                            @for heading in headings { th.number scope="col" { (heading) } }
                        } }
                        tbody { @for run in &status.runs { (row(run)) } }
                    }
                }))
            }
        }
    }
}

fn row(run: &PastRun) -> Markup {
    let counts = &run.counts;
    html! {
        tr {
            th scope="row" { (moment(run.started)) }
            td { (how_it_ended(run)) }
            @for count in [counts.accepted, counts.rejected, counts.undelivered, counts.uncertain, counts.skipped_delivered] {
                (number(count))
            }
        }
    }
}

fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map(|at| at.strftime("%-d %B %Y, %H:%M UTC").to_string())
        .unwrap_or_default()
}

fn date(day: i64) -> String {
    Timestamp::from_second(day.saturating_mul(SECONDS_A_DAY))
        .map(|at| at.strftime("%F").to_string())
        .unwrap_or_default()
}
