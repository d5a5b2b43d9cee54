//! The report as Markdown, for the page of a CI job and for `--report FILE.md`.

use std::io::{self, Write};

use super::phrases::{
    amount, extent, joined_rows, leads_of, names, other_stages, passed_over, rows, sentence, valued,
};
use super::verdict::{untold, verdict};
use crate::report::coverage::{Covered, LeadCoverage};
use crate::report::exit::ExitStatus;
use crate::report::funnel::Funnel;
use crate::report::match_keys::field_name;
use crate::report::stages::{Counts, Sending};
use crate::report::summary::Summary;
use crate::text::{counted, harmless, percent, source, thousands};

const BEGINS: &str = "## crm2capi ";

/// What stands before the sentence: all done, with problems, not done.
const MARKS: [&str; 3] = ["✅", "⚠️", "❌"];

/// Whether a report begins so: a heading of one word, and a marked sentence in bold.
pub(super) fn begins(start: &str) -> bool {
    let rest = start.strip_prefix(BEGINS);
    let sentence = rest.and_then(|rest| rest.split_once("\n\n"));
    sentence.is_some_and(|(command, sentence)| {
        let is_marked = |mark: &&str| {
            let text = sentence.strip_prefix(*mark);
            text.is_some_and(|text| text.starts_with(" **"))
        };
        !command.contains(char::is_whitespace) && MARKS.iter().any(is_marked)
    })
}

/// Writes the report.
pub(super) fn write(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let mark = match summary.exit_status {
        ExitStatus::Done => MARKS[0],
        ExitStatus::Problems | ExitStatus::Interrupted => MARKS[1],
        ExitStatus::Usage | ExitStatus::Refused | ExitStatus::NotDone => MARKS[2],
    };
    writeln!(
        out,
        "{BEGINS}{}\n\n{mark} **{}**",
        summary.command,
        text(&verdict(summary))
    )?;
    if let Some(ended) = untold(summary) {
        writeln!(out, "\n> {}", text(&ended.reason))?;
        if let Some(help) = &ended.help {
            writeln!(out, ">\n> {}", text(help))?;
        }
    }
    inputs(summary, out)?;
    stages(summary, out)?;
    values(summary, out)?;
    problems(summary, out)?;
    match_keys(summary, out)?;
    if let Some(coverage) = &summary.lead_coverage {
        lead_coverage(coverage, out)?;
    }
    summary
        .funnel
        .as_ref()
        .map_or(Ok(()), |funnel| self::funnel(funnel, out))
}

fn values(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.values.is_empty() {
        return Ok(());
    }
    let heading = format!("Value {}", valued(summary));
    table(out, &heading, &["Stage", "Events", "Value"], "lrr")?;
    for value in &summary.values {
        let cells = [
            text(&value.event_name),
            thousands(value.events),
            amount(value),
        ];
        row(out, &cells)?;
    }
    Ok(())
}

fn inputs(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.inputs.is_empty() {
        return Ok(());
    }
    table(out, "Input", &["File", "Rows", "Format", "Preset"], "lrll")?;
    for input in &summary.inputs {
        let or_nothing =
            |text: &Option<String>| text.as_deref().map(self::text).unwrap_or_default();
        let cells = [
            text(&source(&input.path)),
            thousands(input.rows),
            or_nothing(&input.format),
            or_nothing(&input.preset),
        ];
        row(out, &cells)?;
    }
    let rows = counted(summary.rows, "row");
    let passed = match passed_over(summary) {
        passed if passed.is_empty() => String::new(),
        passed => format!(": {}", passed.join("; ")),
    };
    writeln!(out, "\n{rows}{}.", text(&passed))
}

fn stages(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.counts.events == 0 {
        return Ok(());
    }
    let planned = matches!(summary.counts.sending, Sending::Planned { .. });
    if planned {
        table(
            out,
            "Stages",
            &["Stage", "Events", "Would be sent", "Sent before", "Too old"],
            "lrrrr",
        )?;
    } else {
        let headings = [
            "Stage",
            "Events",
            "Accepted",
            "Refused",
            "Not sent",
            "No receipt",
            "Sent before",
            "Too old",
        ];
        table(out, "Stages", &headings, "lrrrrrrr")?;
    }
    for (name, counts) in &summary.stages {
        row(out, &stage(&text(name), counts))?;
    }
    row(out, &stage("**all**", &summary.counts))?;
    match other_stages(summary) {
        Some(others) => writeln!(out, "\n{}.", text(&others)),
        None => Ok(()),
    }
}

fn stage(name: &str, counts: &Counts) -> Vec<String> {
    let mut numbers = vec![counts.events];
    match counts.sending {
        Sending::Planned { would_send } => numbers.push(would_send),
        Sending::Done {
            accepted,
            rejected,
            undelivered,
            uncertain,
        } => {
            numbers.extend([accepted, rejected, undelivered, uncertain]);
        }
    }
    numbers.extend([counts.skipped_delivered, counts.skipped_old]);
    std::iter::once(name.to_owned())
        .chain(numbers.into_iter().map(thousands))
        .collect()
}

fn problems(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.problems.is_empty() {
        return Ok(());
    }
    table(
        out,
        "Problems",
        &["", "Problem", "Found", "Where", "What to do"],
        "lllll",
    )?;
    for problem in &summary.problems {
        let names = names(problem)
            .map(|names| format!(": {names}"))
            .unwrap_or_default();
        let what = format!(
            "`{}`<br>{}",
            problem.code.name(),
            text(&format!("{}{names}", sentence(problem)))
        );
        let place = rows(problem, true)
            .map(|rows| text(&rows))
            .unwrap_or_default();
        row(
            out,
            &[
                problem.severity.name().to_owned(),
                what,
                extent(problem),
                place,
                text(problem.help),
            ],
        )?;
    }
    Ok(())
}

fn match_keys(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    if summary.match_keys.is_empty() || summary.counts.events == 0 {
        return Ok(());
    }
    table(out, "Match keys", &["Key", "Events", "Share"], "lrr")?;
    for (key, count) in summary.match_keys.iter() {
        let share = count as f64 / summary.counts.events as f64;
        row(
            out,
            &[
                format!("`{}`", field_name(key)),
                thousands(count),
                percent(share),
            ],
        )?;
    }
    Ok(())
}

fn lead_coverage(coverage: &LeadCoverage, out: &mut dyn Write) -> io::Result<()> {
    table(
        out,
        "Meta's leads",
        &["", "Leads", "With an event", "Coverage"],
        "lrrr",
    )?;
    let mut line = |name: String, leads: &Covered| {
        let cells = [
            name,
            thousands(leads.in_window),
            thousands(leads.covered),
            percent(leads.share),
        ];
        row(out, &cells)
    };
    for form in &coverage.forms {
        let name = if form.name.is_empty() {
            &form.form_id
        } else {
            &form.name
        };
        line(format!("form {}", text(name)), &form.leads)?;
    }
    for week in &coverage.weeks {
        line(format!("week of {}", week.week), &week.leads)?;
    }
    line("**all**".to_owned(), &coverage.all)?;
    writeln!(
        out,
        "\n{}. Events with a lead id: {} without the join, {} with it. Meta asks for a coverage of {}.",
        text(&joined_rows(coverage)),
        thousands(coverage.lead_id_without_join),
        thousands(coverage.lead_id_with_join),
        percent(coverage.goal)
    )
}

fn funnel(funnel: &Funnel, out: &mut dyn Write) -> io::Result<()> {
    let headings = [
        "Stage",
        "Leads",
        "Of all",
        "Of the stage before",
        "Days, median",
        "Days, 9 of 10 within",
    ];
    table(out, "Funnel", &headings, "lrrrrr")?;
    for stage in &funnel.stages {
        let cells = [
            text(&stage.event_name),
            thousands(stage.leads),
            percent(stage.of_leads),
            stage.from_previous.map(percent).unwrap_or_default(),
            days(stage.days_median),
            days(stage.days_p90),
        ];
        row(out, &cells)?;
    }
    writeln!(out, "\n{}", text(&leads_of(funnel)))?;
    if !funnel.warnings.is_empty() {
        writeln!(out)?;
    }
    for warning in &funnel.warnings {
        writeln!(out, "- {} → {}", text(&warning.message), text(warning.help))?;
    }
    Ok(())
}

fn days(days: Option<f64>) -> String {
    days.map(|days| format!("{days:.1}")).unwrap_or_default()
}

/// A heading and the head of a table; `aligns` has an `l` or an `r` for each column.
fn table(out: &mut dyn Write, heading: &str, columns: &[&str], aligns: &str) -> io::Result<()> {
    writeln!(out, "\n### {heading}\n\n| {} |", columns.join(" | "))?;
    let rule = aligns
        .chars()
        .map(|align| if align == 'r' { "--:|" } else { ":--|" });
    writeln!(out, "|{}", rule.collect::<String>())
}

fn row(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

/// Text that means nothing to Markdown or HTML, on one line.
fn text(plain: &str) -> String {
    let mut text = String::with_capacity(plain.len());
    for c in harmless(plain).chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '@' => {
                text.extend(['\\', c])
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn page(summary: &Summary) -> String {
        let mut out = Vec::new();
        write(summary, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_validation_is_a_page_of_tables() {
        insta::assert_snapshot!(page(&samples::validated()), @r#"
    ## crm2capi validate

    ✅ **21 events would be sent**

    ### Input

    | File | Rows | Format | Preset |
    |:--|--:|:--|:--|
    | leads.csv | 12 | csv | hubspot |

    12 rows.

    ### Stages

    | Stage | Events | Would be sent | Sent before | Too old |
    |:--|--:|--:|--:|--:|
    | Lead | 12 | 10 | 0 | 2 |
    | Marketing Qualified Lead | 9 | 9 | 0 | 0 |
    | Customer | 2 | 2 | 0 | 0 |
    | **all** | 23 | 21 | 0 | 2 |

    ### Match keys

    | Key | Events | Share |
    |:--|--:|--:|
    | `lead_id` | 23 | 100 % |
    | `email` | 21 | 91 % |
    | `phone` | 20 | 87 % |
    | `first_name` | 12 | 52 % |
    | `last_name` | 12 | 52 % |
    | `country` | 1 | 4.3 % |

    ### Funnel

    | Stage | Leads | Of all | Of the stage before | Days, median | Days, 9 of 10 within |
    |:--|--:|--:|--:|--:|--:|
    | Lead | 12 | 100 % |  | 0.0 | 0.0 |
    | Marketing Qualified Lead | 9 | 75 % | 75 % | 1.2 | 1.3 |
    | Customer | 2 | 17 % | 22 % | 8.0 | 8.0 |

    12 leads · about 36 a month · 92 % with a lead id

    - outside of 1 % to 40 %: "Marketing Qualified Lead" (75 % of the leads) → optimise for a stage that 1 % to 40 % of the leads reach
    - about 36 leads a month → Meta learns from about 200 leads a month; send the leads of all forms to one dataset
    "#);
    }

    #[test]
    fn an_upload_with_problems_says_what_to_do() {
        insta::assert_snapshot!(page(&samples::uploaded_with_problems()), @r#"
    ## crm2capi upload

    ⚠️ **11 events accepted, 1 refused by Meta, 10 rows need attention**

    ### Input

    | File | Rows | Format | Preset |
    |:--|--:|:--|:--|
    | leads.csv | 12 | csv | hubspot |
    | more leads.xlsx | 1,204 | xlsx |  |

    1,216 rows: 10 rows cannot be used; 2 more rows ignored, blank or no lead; 1 stage change skipped as the settings say.

    ### Stages

    | Stage | Events | Accepted | Refused | Not sent | No receipt | Sent before | Too old |
    |:--|--:|--:|--:|--:|--:|--:|--:|
    | Lead | 11 | 6 | 0 | 0 | 0 | 5 | 0 |
    | Marketing Qualified Lead | 9 | 5 | 1 | 0 | 0 | 0 | 3 |
    | **all** | 20 | 11 | 1 | 0 | 0 | 5 | 3 |

    ### Problems

    |  | Problem | Found | Where | What to do |
    |:--|:--|:--|:--|:--|
    | error | `event-before-created`<br>the stage was reached before the lead was created (column "Create Date") | 7 rows | leads.csv rows 7, 9, 10, 11, 12 and 2 more | check which column is mapped to created\_time, and that both columns are in the same time zone |
    | error | `stage-unlisted`<br>the stage is not listed in \[stages\] (column "Lifecycle Stage"): "Nurture \| cold" 2× and "Archived" 1× | 3 rows | more leads.xlsx rows 4, 5, 6 | list it in \[stages\] (an empty event name skips it), or set unlisted\_stages to "send" or "skip" |
    | error | `meta-refused`<br>Meta refused the event: ID contatto non valido (code 100, subcode 2804036, trace id A6UyEgg\_HdoiRX9duxcBOjb) | 1 row | leads.csv row 8 | check the lead id against Meta's lead download; leave it empty for leads that were deleted or came from elsewhere |
    | warning | `customer-too-broad`<br>what identifies the lead is too broad for Meta to match (column "Phone, 100%: "main"") | 1 row | leads.csv row 3 | add lead\_id, email, phone, or first and last name together |
    | info | `event-too-old`<br>the event is more than 7 days old, and Meta does not accept those | 3 times in 1 row | leads.csv row 2 | upload at least once a day; nothing can be done for older stages, and shifting their time would be wrong |

    ### Match keys

    | Key | Events | Share |
    |:--|--:|--:|
    | `lead_id` | 20 | 100 % |
    | `email` | 18 | 90 % |
    | `phone` | 18 | 90 % |
    | `first_name` | 10 | 50 % |
    | `last_name` | 10 | 50 % |
    | `country` | 1 | 5 % |
    "#);
    }

    #[test]
    fn an_early_end_is_quoted_on_top() {
        let expected = "❌ **stopped by Meta: no event accepted, 12 not sent**\n\n> Meta refused the access token \
                        (code 190, subcode 463): Session has expired\n>\n> create a new token";
        assert!(page(&samples::refused()).contains(expected));
    }

    #[test]
    fn names_out_of_a_file_are_only_text() {
        assert_eq!(
            text("<img src=x>|`a`\n[b](c)"),
            "&lt;img src=x&gt;\\|\\`a\\`\\\\n\\[b\\](c)"
        );
        let mut summary = samples::validated();
        summary.stages[0].0 = "a | b\n\n# c".to_owned();
        assert!(page(&summary).contains("| a \\| b\\\\n\\\\n\\# c | 12 |"));
    }
}
