//! What the run read, and what it assumed without being told.

use maud::{Markup, html};

use super::frame::{number, scroll};
use crate::render::phrases::{capital, how, passed_over, settings_used};
use crate::report::summary::{Guess, Input, Summary};
use crate::text::{harmless, source};

pub(super) fn section(summary: &Summary) -> Markup {
    let notes = passed_over(summary);
    html! {
        @if !summary.inputs.is_empty() {
            section aria-labelledby="reading" {
                h2 id="reading" { "What was read, and how" }
                (scroll("Files", &html! {
                    table {
                        thead { tr {
                            th scope="col" { "File" }
                            th.number scope="col" { "rows" }
                            th scope="col" { "Read as" }
                        } }
                        tbody {
                            @for input in &summary.inputs {
                                tr {
                                    th scope="row" { bdi { (source(&input.path)) } }
                                    (number(input.rows))
                                    td { (how(input)) }
                                }
                            }
                        }
                    }
                }))
                @if !notes.is_empty() { ul.plain { @for note in notes { li { (note) } } } }
                (assumed(summary))
                @for (index, input) in summary.inputs.iter().enumerate() {
                    @let is_new = index == 0 || summary.inputs[index - 1].columns != input.columns;
                    @if is_new && !input.columns.is_empty() { (columns(input, summary.inputs.len() > 1)) }
                }
            }
        }
    }
}

fn assumed(summary: &Summary) -> Markup {
    let zone = match &summary.timezone {
        Some(zone) => format!("Times without a zone are those of {}.", harmless(zone)),
        None => "Times without a zone were taken as UTC, because no zone was given.".to_owned(),
    };
    let country = match &summary.default_country {
        Some(country) => format!(
            "Phones in national form are those of {}.",
            harmless(country)
        ),
        None => "Phones in national form need a country in their row; none was assumed.".to_owned(),
    };
    html! {
        ul.plain {
            li { (zone) }
            li { (country) }
            @if let Some(settings) = settings_used(summary) { li { bdi { (capital(&settings)) } } }
        }
    }
}

fn columns(input: &Input, several: bool) -> Markup {
    let guessed = match input.guessed.contains(&Guess::Columns) {
        true => "Columns as they were guessed",
        false => "Columns",
    };
    html! {
        details open {
            summary { (guessed) @if several { " of " bdi { (source(&input.path)) } } }
            (scroll("Columns", &html! {
                table {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Column" } } }
                    tbody {
                        @for it in &input.columns {
                            tr { th scope="row" { code { (harmless(&it.field)) } } td { bdi { (harmless(&it.column)) } } }
                        }
                    }
                }
            }))
        }
    }
}
