//! A problem in words, for every report meant to be read: how often, what, about which stages, in which rows.

use crate::report::coverage::LeadCoverage;
use crate::report::tally::{Named, Problem};
use crate::text::{counted, harmless, list, quoted, source, thousands};

/// `3 rows`, or `5 times in 3 rows`.
pub(super) fn extent(problem: &Problem) -> String {
    let rows = counted(problem.rows, "row");
    if problem.count == problem.rows {
        rows
    } else {
        format!("{} in {rows}", counted(problem.count, "time"))
    }
}

/// The message with the column it is about, and Meta's numbers.
pub(super) fn sentence(problem: &Problem) -> String {
    let column = problem
        .column
        .as_ref()
        .map(|column| format!(" (column {})", quoted(column)));
    let field = || problem.field.map(|field| format!(" ({field})"));
    let meta = problem.meta.as_ref().map(|meta| {
        let trace = meta
            .fbtrace_id
            .as_ref()
            .map(|id| format!(", trace id {}", harmless(id)));
        format!(" ({}{})", meta.codes(), trace.unwrap_or_default())
    });
    let about = column.or_else(field).or(meta).unwrap_or_default();
    format!("{}{about}", harmless(&problem.message))
}

/// How rows came to their lead ids.
pub(super) fn joined_rows(coverage: &LeadCoverage) -> String {
    let rows = &coverage.rows;
    let parts = [
        (rows.by_email, "got a lead id by email"),
        (rows.by_phone, "got a lead id by phone"),
        (rows.own, "had one of these leads' ids"),
        (rows.own_elsewhere, "had another lead id"),
        (rows.ambiguous, "fit two leads equally"),
        (rows.none, "fit none of Meta's leads"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{} {what}", counted(count, "row")))
        .collect();
    match parts.is_empty() {
        true => "no row has an event".to_owned(),
        false => parts.join(" · "),
    }
}

/// The stages it is about.
pub(super) fn names(problem: &Problem) -> Option<String> {
    let one = |it: &Named| format!("{} {}×", quoted(&it.name), thousands(it.count));
    let mut names: Vec<_> = problem.names.iter().map(one).collect();
    if problem.names_withheld > 0 {
        names.push(match names.len() {
            0 => "values too many or too personal to show; is this the column of the stage?"
                .to_owned(),
            _ => format!("{} more", thousands(problem.names_withheld)),
        });
    }
    (!names.is_empty()).then(|| list(&names))
}

/// `rows 7, 9 and 3 more`, by file where there are several.
pub(super) fn rows(problem: &Problem, several_inputs: bool) -> Option<String> {
    if problem.examples.is_empty() {
        return None;
    }
    let files = problem
        .examples
        .chunk_by(|a, b| a.path == b.path)
        .map(|examples| {
            let rows: Vec<_> = examples
                .iter()
                .map(|example| example.row.to_string())
                .collect();
            let path = if several_inputs {
                format!("{} ", source(&examples[0].path))
            } else {
                String::new()
            };
            format!(
                "{path}{} {}",
                if rows.len() == 1 { "row" } else { "rows" },
                rows.join(", ")
            )
        });
    let shown: Vec<_> = files.collect();
    let more = problem.rows.saturating_sub(problem.examples.len() as u64);
    let more = if more > 0 {
        format!(" and {} more", thousands(more))
    } else {
        String::new()
    };
    Some(format!("{}{more}", shown.join("; ")))
}
