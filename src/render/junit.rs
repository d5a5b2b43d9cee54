//! The report as JUnit XML, for systems that show test results: a test case for each kind of problem, and one for the
//! run as a whole.
//!
//! Errors fail their case, warnings skip it. Written to satisfy the strict schema of Ant's task as well as the looser
//! one of Jenkins.

use std::io::{self, Write};

use super::phrases::{extent, names, rows, sentence};
use super::verdict::verdict;
use crate::problem::Severity;
use crate::report::exit::ExitStatus;
use crate::report::summary::Summary;
use crate::report::tally::Problem;
use crate::text::quoted;

/// How every document begins, up to the name of the suite.
pub(super) const BEGINS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite id="0" package="crm2capi" name=""#;

/// Writes the document.
pub(super) fn write(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let problems: Vec<_> = summary
        .problems
        .iter()
        .filter(|problem| problem.severity != Severity::Info)
        .collect();
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let run = Outcome::of(summary);
    let failures = count(Severity::Error) + usize::from(run == Outcome::Failure);
    let class = format!("crm2capi.{}", summary.command);
    let finished = summary.finished.unwrap_or_default();
    writeln!(
        out,
        r#"{BEGINS}{class}" timestamp="{}" hostname="localhost" tests="{}" failures="{failures}" errors="{}" skipped="{}" time="{:.3}">"#,
        finished.strftime("%Y-%m-%dT%H:%M:%S"),
        problems.len() + 1,
        usize::from(run == Outcome::Error),
        count(Severity::Warning),
        summary.duration_seconds.unwrap_or_default(),
    )?;
    writeln!(out, "    <properties/>")?;
    for problem in problems {
        case(problem, &class, out)?;
    }
    whole_run(summary, run, &class, out)?;
    writeln!(
        out,
        "    <system-out>{}</system-out>",
        escaped(&verdict(summary))
    )?;
    writeln!(out, "    <system-err/>")?;
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

/// What the case for the whole run says. Refused rows already fail the cases of their problems.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failure,
    Error,
}

impl Outcome {
    fn of(summary: &Summary) -> Self {
        match summary.exit_status {
            ExitStatus::Done => Self::Passed,
            ExitStatus::Problems => Self::Failure,
            ExitStatus::Usage
            | ExitStatus::Refused
            | ExitStatus::NotDone
            | ExitStatus::Interrupted => Self::Error,
        }
    }
}

fn case(problem: &Problem, class: &str, out: &mut dyn Write) -> io::Result<()> {
    let code = problem.code.name();
    let about = match (&problem.column, &problem.meta) {
        (Some(column), _) => format!("{code} in column {}", quoted(column)),
        (None, Some(meta)) => format!("{code} with {}", meta.codes()),
        (None, None) => code.to_owned(),
    };
    writeln!(
        out,
        r#"    <testcase classname="{class}" name="{}" time="0">"#,
        escaped(&about)
    )?;
    let message = escaped(&format!("{}: {}", extent(problem), sentence(problem)));
    let lines: Vec<_> = [
        names(problem),
        rows(problem, true),
        Some(problem.help.to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let details = escaped(&lines.join("\n"));
    match problem.severity {
        Severity::Error => writeln!(
            out,
            r#"      <failure type="{code}" message="{message}">{details}</failure>"#
        )?,
        _ => writeln!(out, r#"      <skipped message="{message}"/>"#)?,
    }
    writeln!(out, "    </testcase>")
}

fn whole_run(
    summary: &Summary,
    outcome: Outcome,
    class: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let element = match outcome {
        Outcome::Passed => {
            return writeln!(
                out,
                r#"    <testcase classname="{class}" name="run" time="0"/>"#
            );
        }
        Outcome::Failure => "failure",
        Outcome::Error => "error",
    };
    let status = summary.exit_status.code();
    let help = summary
        .ended
        .as_ref()
        .and_then(|ended| ended.help.as_deref())
        .unwrap_or_default();
    writeln!(
        out,
        r#"    <testcase classname="{class}" name="run" time="0">"#
    )?;
    writeln!(
        out,
        r#"      <{element} type="exit-status-{status}" message="{}">{}</{element}>"#,
        escaped(&verdict(summary)),
        escaped(help)
    )?;
    writeln!(out, "    </testcase>")
}

/// Text for an element or an attribute. Characters XML cannot hold at all are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn document(summary: &Summary) -> String {
        let mut out = Vec::new();
        write(summary, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn problems_are_cases_that_fail_or_are_skipped() {
        insta::assert_snapshot!(document(&samples::uploaded_with_problems()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites>
      <testsuite id="0" package="crm2capi" name="crm2capi.upload" timestamp="2026-11-22T00:00:00" hostname="localhost" tests="5" failures="4" errors="0" skipped="1" time="1.250">
        <properties/>
        <testcase classname="crm2capi.upload" name="event-before-created in column &quot;Create Date&quot;" time="0">
          <failure type="event-before-created" message="7 rows: the stage was reached before the lead was created (column &quot;Create Date&quot;)">leads.csv rows 7, 9, 10, 11, 12 and 2 more
    check which column is mapped to created_time, and that both columns are in the same time zone</failure>
        </testcase>
        <testcase classname="crm2capi.upload" name="stage-unlisted in column &quot;Lifecycle Stage&quot;" time="0">
          <failure type="stage-unlisted" message="3 rows: the stage is not listed in [stages] (column &quot;Lifecycle Stage&quot;)">&quot;Nurture | cold&quot; 2× and &quot;Archived&quot; 1×
    more leads.xlsx rows 4, 5, 6
    list it in [stages] (an empty event name skips it), or set unlisted_stages to &quot;send&quot; or &quot;skip&quot;</failure>
        </testcase>
        <testcase classname="crm2capi.upload" name="meta-refused with code 100, subcode 2804036" time="0">
          <failure type="meta-refused" message="1 row: Meta refused the event: ID contatto non valido (code 100, subcode 2804036, trace id A6UyEgg_HdoiRX9duxcBOjb)">leads.csv row 8
    check the lead id against Meta's lead download; leave it empty for leads that were deleted or came from elsewhere</failure>
        </testcase>
        <testcase classname="crm2capi.upload" name="customer-too-broad in column &quot;Phone, 100%: &quot;main&quot;&quot;" time="0">
          <skipped message="1 row: what identifies the lead is too broad for Meta to match (column &quot;Phone, 100%: &quot;main&quot;&quot;)"/>
        </testcase>
        <testcase classname="crm2capi.upload" name="run" time="0">
          <failure type="exit-status-1" message="11 events accepted, 1 refused by Meta, 10 rows need attention"></failure>
        </testcase>
        <system-out>11 events accepted, 1 refused by Meta, 10 rows need attention</system-out>
        <system-err/>
      </testsuite>
    </testsuites>
    "#);
    }

    #[test]
    fn a_run_without_problems_is_one_passed_case() {
        insta::assert_snapshot!(document(&samples::validated()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites>
      <testsuite id="0" package="crm2capi" name="crm2capi.validate" timestamp="2026-11-22T00:00:00" hostname="localhost" tests="1" failures="0" errors="0" skipped="0" time="1.250">
        <properties/>
        <testcase classname="crm2capi.validate" name="run" time="0"/>
        <system-out>21 events would be sent</system-out>
        <system-err/>
      </testsuite>
    </testsuites>
    "#);
    }

    #[test]
    fn a_run_that_ended_early_is_an_error() {
        let document = document(&samples::refused());
        assert!(
            document.contains(r#"tests="1" failures="0" errors="1" skipped="0""#),
            "{document}"
        );
        assert!(document.contains(
            r#"<error type="exit-status-3" message="stopped by Meta: no event accepted"#
        ));
    }

    #[test]
    fn what_xml_cannot_hold_is_escaped_or_replaced() {
        assert_eq!(
            escaped("<a b=\"c\">&\u{1b}\u{ffff}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}\u{fffd}"
        );
    }
}
