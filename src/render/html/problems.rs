//! What is wrong, where, and what to do about it: errors first.

use maud::{Markup, html};

use crate::problem::Severity;
use crate::render::phrases::{extent, names, rows, sentence};
use crate::report::summary::Summary;
use crate::report::tally::Problem;
use crate::text::counted;

pub(super) fn section(summary: &Summary) -> Markup {
    let groups = [
        (
            Severity::Error,
            "errors",
            "Rows and events that do not go until they are corrected.",
        ),
        (
            Severity::Warning,
            "warnings",
            "Worth a look. What became of the rows, each says.",
        ),
        (Severity::Info, "notes", "Nothing to be done."),
    ];
    html! {
        @if !summary.problems.is_empty() {
            section aria-labelledby="problems" {
                h2 id="problems" { "Problems" }
                @for (severity, name, meaning) in groups {
                    @let group: Vec<_> = summary.problems.iter().filter(|it| it.severity == severity).collect();
                    @if !group.is_empty() {
                        p.quiet { strong { (counted(group.len() as u64, &name[..name.len() - 1])) ". " } (meaning) }
                        @for problem in group { (one(problem, summary.inputs.len() > 1)) }
                    }
                }
            }
        }
    }
}

fn one(problem: &Problem, several_inputs: bool) -> Markup {
    html! {
        article class={ "note " (problem.severity.name()) } {
            h3 { code { (problem.code.name()) } span.quiet { " · " (extent(problem)) } }
            p { bdi { (sentence(problem)) } }
            @if let Some(names) = names(problem) { p { bdi { (names) } } }
            @if let Some(rows) = rows(problem, several_inputs) { p.quiet.small { (rows) } }
            @if problem.severity != Severity::Info { p.cure { (problem.help) } }
        }
    }
}
