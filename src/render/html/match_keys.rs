//! Which customer parameters the events carry, by how much Meta's matching gives for each.
//!
//! Source of the priorities: <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters>

use maud::{Markup, html};

use super::frame::{percentage, right};
use crate::report::match_keys::field_name;
use crate::report::summary::Summary;
use crate::text::{percent, thousands};

/// The parameters by Meta's priority; what is not named is of medium priority.
const HIGHEST: [&str; 3] = ["lead_id", "fbc", "em"];
const HIGH: [&str; 1] = ["ph"];

/// The parameters, those of the two highest priorities first, there or not.
fn keys(summary: &Summary) -> Vec<(&'static str, u64, &'static str)> {
    let found: Vec<_> = summary.match_keys.iter().collect();
    let count = |key: &str| found.iter().find(|(it, _)| *it == key).map_or(0, |it| it.1);
    let first = HIGHEST.map(|key| (key, count(key), "highest"));
    let second = HIGH.map(|key| (key, count(key), "high"));
    let is_other = |key: &&str| !HIGHEST.contains(key) && !HIGH.contains(key);
    let others = found.iter().filter(|(key, _)| is_other(key));
    let others = others.map(|(key, count)| (*key, *count, "medium"));
    first.into_iter().chain(second).chain(others).collect()
}

pub(super) fn section(summary: &Summary) -> Markup {
    html! {
        @if summary.counts.events > 0 && !summary.match_keys.is_empty() {
            section aria-labelledby="keys" {
                h2 id="keys" { "Match keys" }
                p { "How many events carry what Meta finds a person by, and the priority Meta gives it when it looks for that person." }
                table {
                    thead { tr {
                        th scope="col" { "Key" }
                        th scope="col" { "Share of events" }
                        th.number scope="col" { "%" }
                        th.number scope="col" { "events" }
                        th scope="col" { "Priority" }
                    } }
                    tbody {
                        @for (key, count, priority) in keys(summary) {
                            (row(key, count, priority, summary.counts.events))
                        }
                    }
                }
            }
        }
    }
}

fn row(key: &'static str, count: u64, priority: &str, events: u64) -> Markup {
    let share = count as f64 / events as f64;
    html! {
        tr {
            th scope="row" { code { (field_name(key)) } }
            td.bar {
                svg width="100%" height="12" aria-hidden="true" {
                    rect.track width="100%" height="12" rx="2" {}
                    @if count > 0 { rect.raw width=(percentage((share * 100.0).max(0.6))) height="12" rx="2" {} }
                }
            }
            (right(&percent(share)))
            (right(&thousands(count)))
            td { (priority) }
        }
    }
}
