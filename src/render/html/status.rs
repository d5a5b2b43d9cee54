//! What was delivered lately, from the ledger, as a page.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use maud::{Markup, html};

use super::chart::{self, Series};
use super::frame::{number, page, scroll};
use crate::ledger::{Delivered, PastRun, Status};
use crate::render::phrases::how_it_ended;
use crate::text::{harmless, thousands};

const SECONDS_A_DAY: i64 = 86_400;
/// So many stages have a chart of their own.
const MAX_STAGES: usize = 24;
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
    let (shown, others) = names(status);
    let is_in_row = |it: &Delivered, row: Option<&str>| match row {
        Some(name) => it.name == name,
        None => !shown.contains(&it.name.as_str()),
    };
    let count = |row: Option<&str>, day: i64| -> u64 {
        let of_both = (status.delivered.iter()).filter(|it| it.day == day && is_in_row(it, row));
        of_both.map(|it| it.count).sum()
    };
    let rest = (others > 0).then(|| format!("{} other stages", thousands(others as u64)));
    let rows: Vec<(&str, Option<&str>)> = (shown.iter().map(|name| (*name, Some(*name))))
        .chain(rest.as_deref().map(|rest| (rest, None)))
        .collect();
    let series = [Series {
        class: "accepted",
        name: "delivered",
    }];
    html! {
        @if !rows.is_empty() {
            section aria-labelledby="days" {
                h2 id="days" { "Delivered by day" }
                p { "By the UTC day of the upload." }
                @for (name, row) in &rows {
                    @let values: Vec<_> = days.iter().map(|day| vec![count(*row, *day)]).collect();
                    figure { (chart::columns(name, &labels, &series, &values)) }
                }
                details {
                    summary { "The same as a table" }
                    (scroll("Delivered by day", &html! {
                        table {
                            thead { tr {
                                th scope="col" { "Day" }
                                @for (name, _) in &rows { th.number scope="col" { bdi { (harmless(name)) } } }
                            } }
                            tbody {
                                @for (day, label) in days.iter().zip(&labels) {
                                    tr { th scope="row" { (label) } @for (_, row) in &rows { (number(count(*row, *day))) } }
                                }
                            }
                        }
                    }))
                }
            }
        }
    }
}

/// The names of the stages that have a chart of their own, by name, and how many have none: of many the most frequent.
fn names(status: &Status) -> (Vec<&str>, usize) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for it in &status.delivered {
        *counts.entry(&it.name).or_default() += it.count;
    }
    let mut names: Vec<&str> = counts.keys().copied().collect();
    names.sort_by_key(|name| Reverse(counts[name]));
    let others = names.len().saturating_sub(MAX_STAGES);
    names.truncate(MAX_STAGES);
    names.sort_unstable();
    (names, others)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_hundreds_of_stages_the_most_frequent_have_a_chart_and_the_rest_one_together() {
        let delivered = |number: u64| Delivered {
            day: 20_000,
            name: format!("Stage {number:03}"),
            count: 1 + number,
        };
        let status = Status {
            delivered: (0..300).map(delivered).collect(),
            ..Status::default()
        };
        let mut page = Vec::new();
        write(&status, 20_000 * SECONDS_A_DAY, None, &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert_eq!(page.matches("<figure>").count(), MAX_STAGES + 1);
        assert!(page.contains("Stage 276") && !page.contains("Stage 275"));
        assert!(page.contains("276 other stages") && page.contains("38,226"));
    }
}
