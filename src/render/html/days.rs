//! What became of the events of each stage, day by day.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};

use super::chart::{self, Series};
use super::frame::{number, scroll};
use crate::render::phrases::{Outcome, outcomes};
use crate::report::stages::DayCounts;
use crate::report::summary::Summary;
use crate::text::{counted, harmless, thousands};

/// Days a chart shows, up to the last one with an event.
const SHOWN: i32 = 35;
/// Stages with a chart of their own, the most frequent.
const CHARTS: usize = 12;

pub(super) fn section(summary: &Summary) -> Markup {
    let columns = outcomes(&summary.counts);
    let Some(dates) = dates(&summary.days) else {
        return html! {};
    };
    let series: Vec<_> = columns.iter().map(series).collect();
    let earlier: u64 = summary
        .days
        .iter()
        .filter(|it| it.day.is_none_or(|day| day < dates[0]))
        .map(|it| it.counts.events)
        .sum();
    let labels: Vec<_> = dates.iter().map(Date::to_string).collect();
    html! {
        section aria-labelledby="days" {
            h2 id="days" { "Events by day" }
            p { "By the UTC day on which the lead reached the stage." }
            (chart::legend(&series))
            @for (name, _) in summary.stages.iter().take(CHARTS) {
                figure { (chart::columns(name, &labels, &series, &values(summary, name, &dates, &columns))) }
            }
            @if summary.stages.len() > CHARTS {
                p.quiet { (thousands((summary.stages.len() - CHARTS) as u64)) " more stages are in the table." }
            }
            @if earlier > 0 {
                p.quiet { (counted(earlier, "event")) " of earlier days are only in the table." }
            }
            details {
                summary { "The same as a table" }
                (table(&summary.days, &columns))
            }
        }
    }
}

/// Every day from the first that is shown to the last.
fn dates(days: &[DayCounts]) -> Option<Vec<Date>> {
    let known: BTreeSet<Date> = days.iter().filter_map(|it| it.day).collect();
    let last = *known.last()?;
    let start = last.checked_sub((SHOWN - 1).days()).unwrap_or(Date::MIN);
    let first = *known.range(start..).next()?;
    Some(
        first
            .series(1.day())
            .take_while(|day| *day <= last)
            .collect(),
    )
}

fn values(summary: &Summary, name: &str, dates: &[Date], columns: &[Outcome]) -> Vec<Vec<u64>> {
    let of_day = |date: &Date| {
        let found = summary
            .days
            .iter()
            .find(|it| it.event_name == name && it.day == Some(*date));
        let count = |column: &Outcome| found.map_or(0, |it| (column.number)(&it.counts));
        columns.iter().map(count).collect()
    };
    dates.iter().map(of_day).collect()
}

fn series(outcome: &Outcome) -> Series {
    Series {
        name: outcome.heading,
        class: match outcome.heading {
            "accepted" | "would be sent" => "accepted",
            "sent before" => "before",
            "refused" => "refused",
            "too old" => "old",
            _ => "unsettled",
        },
    }
}

fn table(days: &[DayCounts], columns: &[Outcome]) -> Markup {
    scroll(
        "Events by stage and day",
        &html! {
            table {
                thead { tr {
                    th scope="col" { "Stage" }
                    th scope="col" { "Day" }
                    th.number scope="col" { "events" }
                    @for column in columns { th.number scope="col" { (column.heading) } }
                } }
                tbody {
                    @for it in days {
                        tr {
                            th scope="row" { bdi { (harmless(&it.event_name)) } }
                            td { @match it.day { Some(day) => (day), None => "earlier" } }
                            (number(it.counts.events))
                            @for column in columns { (number((column.number)(&it.counts))) }
                        }
                    }
                }
            }
        },
    )
}
