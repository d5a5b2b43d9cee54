//! Which share of Meta's leads has an event, where Meta's leads were joined.

use maud::{Markup, html};

use super::frame::{number, percentage, right, scroll};
use crate::render::phrases::joined_rows;
use crate::report::coverage::{Covered, FormCoverage, LeadCoverage};
use crate::text::{counted, harmless, percent, thousands};

pub(super) fn section(coverage: &LeadCoverage) -> Markup {
    html! {
        section aria-labelledby="coverage" {
            h2 id="coverage" { "Meta’s leads" }
            p { (counted(coverage.leads, "lead")) " of Meta’s were read: " (joined_rows(coverage)) "." }
            p {
                "Events with a lead id: " (thousands(coverage.lead_id_without_join)) " without the join, "
                (thousands(coverage.lead_id_with_join)) " with it."
            }
            @if let Some(since) = coverage.since {
                (table(coverage, &since.strftime("%F").to_string()))
                @if coverage.meets_goal() {
                    p.quiet.small { "The dashed lines mark the " (percent(coverage.goal)) " that Meta asks for." }
                } @else {
                    div.note.warning {
                        p { "Meta asks for events of at least " (percent(coverage.goal)) " of its leads, marked by the dashed lines." }
                        p.cure { code { "--leads-missing FILE" } " lists the others." }
                    }
                }
            }
        }
    }
}

fn table(coverage: &LeadCoverage, since: &str) -> Markup {
    let name = |form: &FormCoverage| match form.name.is_empty() {
        true => harmless(&form.form_id).into_owned(),
        false => harmless(&form.name).into_owned(),
    };
    scroll(
        "Meta’s leads",
        &html! {
            table {
                thead { tr {
                    th scope="col" { "Leads" }
                    th scope="col" { "Coverage" }
                    th.number scope="col" { "%" }
                    th.number scope="col" { "with an event" }
                    th.number scope="col" { "leads" }
                } }
                tbody {
                    @for form in &coverage.forms { tr { (row(&html! { "form " bdi { (name(form)) } }, &form.leads, coverage.goal)) } }
                    @for week in &coverage.weeks { tr { (row(&html! { "week of " (week.week) }, &week.leads, coverage.goal)) } }
                    tr.all { (row(&html! { "all since " (since) }, &coverage.all, coverage.goal)) }
                }
            }
        },
    )
}

fn row(name: &Markup, leads: &Covered, goal: f64) -> Markup {
    let goal = percentage(goal * 100.0);
    html! {
        th scope="row" { (name) }
        td.bar {
            svg width="100%" height="12" aria-hidden="true" {
                rect.track width="100%" height="12" rx="2" {}
                @if leads.covered > 0 { rect.raw width=(percentage(leads.share * 100.0)) height="12" rx="2" {} }
                line.guide x1=(goal) x2=(goal) y1="0" y2="12" {}
            }
        }
        (right(&percent(leads.share)))
        (number(leads.covered))
        (number(leads.in_window))
    }
}
