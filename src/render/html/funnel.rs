//! How leads move through the stages, beside what Meta expects.

use maud::{Markup, html};

use super::frame::{number, percentage, right, scroll, short};
use crate::render::phrases::{capital, leads_of};
use crate::report::funnel::{Funnel, MAX_DAYS, MAX_RATE, MIN_RATE, Stage, is_raw_lead};
use crate::text::{counted, harmless, percent};

/// From one stage's top to the next one's, in pixels.
const STEP: usize = 72;
const BAR: usize = 24;

pub(super) fn section(funnel: &Funnel) -> Markup {
    html! {
        section aria-labelledby="funnel" {
            h2 id="funnel" { "Funnel" }
            p { (leads_of(funnel)) }
            figure {
                (chart(funnel))
                figcaption { (caption(funnel)) }
            }
            p.quiet.small {
                "Days are those in which half of the leads got there; “9 of 10” those in which nine of ten did."
                @if funnel.stages.iter().any(|it| it.days_median.is_none()) {
                    " Where none are given, the export does not tell them."
                }
            }
            (table(funnel))
            @for warning in &funnel.warnings {
                div.note.warning {
                    p { (capital(&harmless(&warning.message))) }
                    p.cure { (warning.help) }
                }
            }
        }
    }
}

fn caption(funnel: &Funnel) -> Markup {
    if funnel.is_snapshot() {
        return html! { "Each bar is the share of leads that are in that stage today. The export does not tell how many passed through it." };
    }
    html! {
        "Between the dashed lines lie " (percent(MAX_RATE)) " of the leads. Green: a stage Meta can optimise for, which "
        (percent(MIN_RATE)) " to " (percent(MAX_RATE)) " of the leads reach, and half of those that do within "
        (MAX_DAYS) " days. Blue: the leads as they come in."
    }
}

/// Centred bars that narrow from stage to stage.
fn chart(funnel: &Funnel) -> Markup {
    let height = STEP * funnel.stages.len() - (STEP - BAR - 26);
    let guide = MAX_RATE * 50.0;
    html! {
        svg role="img" width="100%" height=(height) aria-label=(in_words(funnel)) {
            @for (index, stage) in funnel.stages.iter().enumerate() {
                @let top = index * STEP;
                @let width = (stage.of_leads.clamp(0.0, 1.0) * 100.0).max(0.6);
                text.name x="0" y=(top + 14) { (short(&stage.event_name)) }
                text x="100%" y=(top + 14) text-anchor="end" {
                    (counted(stage.leads, "lead")) " · " (percent(stage.of_leads))
                }
                rect.track x="0" y=(top + 22) width="100%" height=(BAR) rx="3" {}
                rect class=(class(judgement(stage, funnel))) x=(percentage(50.0 - width / 2.0)) y=(top + 22) width=(percentage(width)) height=(BAR) rx="3" {}
                @if !funnel.is_snapshot() {
                    @for side in [50.0 - guide, 50.0 + guide] {
                        line.guide x1=(percentage(side)) x2=(percentage(side)) y1=(top + 22) y2=(top + 22 + BAR) {}
                    }
                }
                @if let Some(step) = funnel.stages.get(index + 1).and_then(step) {
                    text.quiet x="50%" y=(top + 62) text-anchor="middle" { "↓ " (step) }
                }
            }
        }
    }
}

/// How many go on to a stage, and after how long, where that is known.
fn step(stage: &Stage) -> Option<String> {
    let share = percent(stage.from_previous?);
    Some(match stage.days_from_previous {
        Some(wait) if wait <= 0.0 => format!("{share} go on, at least half of these at once"),
        Some(wait) => format!("{share} go on, half of these within {}", days(wait)),
        None => format!("{share} go on"),
    })
}

fn in_words(funnel: &Funnel) -> String {
    let stage = |stage: &Stage| {
        let name = harmless(&stage.event_name).into_owned();
        format!("{name}: {} of the leads", percent(stage.of_leads))
    };
    let stages: Vec<_> = funnel.stages.iter().map(stage).collect();
    format!(
        "Funnel of {}. {}",
        counted(funnel.leads, "lead"),
        stages.join("; ")
    )
}

fn table(funnel: &Funnel) -> Markup {
    let some = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let has_steps = funnel.stages.iter().any(|it| it.from_previous.is_some());
    scroll(
        "Funnel",
        &html! {
            table {
                thead { tr {
                    th scope="col" { "Stage" }
                    th.number scope="col" { "leads" }
                    th.number scope="col" { "of all leads" }
                    @if has_steps {
                        th.number scope="col" { "of the stage before" }
                        th.number scope="col" { "days from the stage before" }
                    }
                    th.number scope="col" { "days from the lead" }
                    th.number scope="col" { "9 of 10" }
                    th scope="col" { "Meta’s " (percent(MIN_RATE)) "–" (percent(MAX_RATE)) " in " (MAX_DAYS) " days" }
                } }
                tbody {
                    @for stage in &funnel.stages {
                        tr {
                            th scope="row" { bdi { (harmless(&stage.event_name)) } }
                            (number(stage.leads))
                            (right(&percent(stage.of_leads)))
                            @if has_steps {
                                (right(&some(stage.from_previous.map(percent))))
                                (right(&some(stage.days_from_previous.map(days))))
                            }
                            (right(&some(stage.days_median.map(days))))
                            (right(&some(stage.days_p90.map(days))))
                            td { (judgement(stage, funnel)) }
                        }
                    }
                }
            }
        },
    )
}

fn class(judgement: &str) -> &'static str {
    match judgement {
        RAW_LEAD => "raw",
        FITS => "fits",
        _ => "misses",
    }
}

const RAW_LEAD: &str = "the lead itself";
const FITS: &str = "✓ fits";

/// What Meta will say of a stage, as [`Funnel::warnings`] has it, as far as the export tells.
fn judgement(stage: &Stage, funnel: &Funnel) -> &'static str {
    match stage.days_median {
        _ if is_raw_lead(stage) => RAW_LEAD,
        _ if funnel.is_snapshot() => "not known",
        _ if stage.of_leads < MIN_RATE => "too few reach it",
        _ if stage.of_leads > MAX_RATE => "too many reach it",
        Some(days) if days > MAX_DAYS => "too late",
        Some(_) => FITS,
        None => "share fits, days not known",
    }
}

fn days(days: f64) -> String {
    match days {
        ..=0.0 => "–".to_owned(),
        ..0.05 => "< 0.1 days".to_owned(),
        ..9.95 => format!("{days:.1} days"),
        _ => format!("{days:.0} days"),
    }
}
