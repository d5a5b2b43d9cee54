//! The report for GitHub Actions: workflow commands that annotate the files, and the job's summary.
//!
//! Every line written is a workflow command, and text of the export stands in none unescaped, so that a stage called
//! `::stop-commands::` stays a stage.
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::markdown;
use super::phrases::{extent, names, sentence};
use super::verdict::verdict;
use crate::problem::Severity;
use crate::report::exit::ExitStatus;
use crate::report::summary::Summary;
use crate::report::tally::{Example, MAX_EXAMPLES, Problem};

/// Writes one command a line. GitHub shows only the first ten of a level, so each problem's first row comes before any
/// problem's second.
pub(crate) fn write(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    for turn in 0..MAX_EXAMPLES {
        for problem in &summary.problems {
            if let Some(example) = problem.examples.get(turn)
                && (turn == 0 || problem.severity != Severity::Info)
            {
                annotate(summary, problem, example, out)?;
            }
        }
    }
    for warning in summary.funnel.iter().flat_map(|funnel| &funnel.warnings) {
        command(
            "notice",
            &[("title", warning.kind.name())],
            &format!("{}\n{}", warning.message, warning.help),
            out,
        )?;
    }
    if let Some(ended) = &summary.ended {
        let help = ended
            .help
            .as_ref()
            .map(|help| format!("\n{help}"))
            .unwrap_or_default();
        command(
            "error",
            &[("title", "ended early")],
            &format!("{}{help}", ended.reason),
            out,
        )?;
    }
    let level = match summary.exit_status {
        ExitStatus::Done => "notice",
        ExitStatus::Interrupted => "warning",
        _ => "error",
    };
    command(
        level,
        &[("title", &format!("crm2capi {}", summary.command))],
        &verdict(summary),
        out,
    )
}

/// Adds the run to the page of the job, the file `$GITHUB_STEP_SUMMARY` names. Earlier steps' text in it stays.
pub(crate) fn append_job_summary(summary: &Summary, path: &Path) -> io::Result<()> {
    let mut page = Vec::new();
    markdown::write(summary, &mut page)?;
    page.push(b'\n');
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)?
        .write_all(&page)
}

fn annotate(
    summary: &Summary,
    problem: &Problem,
    example: &Example,
    out: &mut dyn Write,
) -> io::Result<()> {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let line = example.line.map(|line| line.to_string());
    let mut properties = Vec::new();
    if example.path != "-" {
        properties.push(("file", example.path.as_str()));
        if let (Some(line), true) = (
            &line,
            summary
                .input(&example.path)
                .is_some_and(|input| input.has_lines()),
        ) {
            properties.push(("line", line));
        }
    }
    properties.push(("title", problem.code.name()));
    let names = names(problem)
        .map(|names| format!(": {names}"))
        .unwrap_or_default();
    let (what, found) = (sentence(problem), extent(problem));
    let text = format!(
        "row {}: {what}\n{}\n{found} in all{names}",
        example.row, problem.help
    );
    command(level, &properties, &text, out)
}

fn command(
    level: &str,
    properties: &[(&str, &str)],
    text: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let properties: Vec<_> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    writeln!(out, "::{level} {}::{}", properties.join(","), data(text))
}

/// The text of a command: what would end the line, and the escape character itself.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property's value, where colon and comma mean something too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn lines(summary: &Summary) -> Vec<String> {
        let mut out = Vec::new();
        write(summary, &mut out).unwrap();
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// The syntax as documented: `::name key=value,key=value::data`, escapes undone.
    fn parse(line: &str) -> (String, Vec<(String, String)>, String) {
        let undo = |text: &str| {
            let text = text
                .replace("%2C", ",")
                .replace("%3A", ":")
                .replace("%0A", "\n")
                .replace("%0D", "\r");
            text.replace("%25", "%")
        };
        let (head, data) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (name, properties) = head.split_once(' ').unwrap();
        let pair = |pair: &str| {
            pair.split_once('=')
                .map(|(key, value)| (key.to_owned(), undo(value)))
                .unwrap()
        };
        (
            name.to_owned(),
            properties.split(',').map(pair).collect(),
            undo(data),
        )
    }

    #[test]
    fn each_problem_is_annotated_where_it_stands() {
        insta::assert_snapshot!(lines(&samples::uploaded_with_problems()).join("\n"), @r#"
    ::error file=leads.csv,line=8,title=event-before-created::row 7: the stage was reached before the lead was created (column "Create Date")%0Acheck which column is mapped to created_time, and that both columns are in the same time zone%0A7 rows in all
    ::error file=more leads.xlsx,title=stage-unlisted::row 4: the stage is not listed in [stages] (column "Lifecycle Stage")%0Alist it in [stages] (an empty event name skips it), or set unlisted_stages to "send" or "skip"%0A3 rows in all: "Nurture | cold" 2× and "Archived" 1×
    ::error file=leads.csv,line=9,title=meta-refused::row 8: Meta refused the event: ID contatto non valido (code 100, subcode 2804036, trace id A6UyEgg_HdoiRX9duxcBOjb)%0Acheck the lead id against Meta's lead download; leave it empty for leads that were deleted or came from elsewhere%0A1 row in all
    ::warning file=leads.csv,line=3,title=customer-too-broad::row 3: what identifies the lead is too broad for Meta to match (column "Phone, 100%25: "main"")%0Aadd lead_id, email, phone, or first and last name together%0A1 row in all
    ::notice file=leads.csv,line=2,title=event-too-old::row 2: the event is more than 7 days old, and Meta does not accept those%0Aupload at least once a day; nothing can be done for older stages, and shifting their time would be wrong%0A3 times in 1 row in all
    ::error file=leads.csv,line=10,title=event-before-created::row 9: the stage was reached before the lead was created (column "Create Date")%0Acheck which column is mapped to created_time, and that both columns are in the same time zone%0A7 rows in all
    ::error file=more leads.xlsx,title=stage-unlisted::row 5: the stage is not listed in [stages] (column "Lifecycle Stage")%0Alist it in [stages] (an empty event name skips it), or set unlisted_stages to "send" or "skip"%0A3 rows in all: "Nurture | cold" 2× and "Archived" 1×
    ::error file=leads.csv,line=11,title=event-before-created::row 10: the stage was reached before the lead was created (column "Create Date")%0Acheck which column is mapped to created_time, and that both columns are in the same time zone%0A7 rows in all
    ::error file=more leads.xlsx,title=stage-unlisted::row 6: the stage is not listed in [stages] (column "Lifecycle Stage")%0Alist it in [stages] (an empty event name skips it), or set unlisted_stages to "send" or "skip"%0A3 rows in all: "Nurture | cold" 2× and "Archived" 1×
    ::error file=leads.csv,line=12,title=event-before-created::row 11: the stage was reached before the lead was created (column "Create Date")%0Acheck which column is mapped to created_time, and that both columns are in the same time zone%0A7 rows in all
    ::error file=leads.csv,line=13,title=event-before-created::row 12: the stage was reached before the lead was created (column "Create Date")%0Acheck which column is mapped to created_time, and that both columns are in the same time zone%0A7 rows in all
    ::error title=crm2capi upload::11 events accepted, 1 refused by Meta, 10 rows need attention
    "#);
    }

    #[test]
    fn no_problem_gets_more_than_ten_annotations_and_the_first_of_each_come_first() {
        let lines = lines(&samples::uploaded_with_problems());
        assert!(
            lines
                .iter()
                .filter(|line| line.contains("title=event-before-created"))
                .count()
                <= 10
        );
        let titles = lines[..5]
            .iter()
            .map(|line| parse(line).1.pop().unwrap().1)
            .collect::<std::collections::HashSet<_>>();
        assert_eq!(titles.len(), 5);
    }

    #[test]
    fn hostile_names_stay_inside_their_command() {
        let mut summary = samples::uploaded_with_problems();
        let path = "a,line=1::b%0A\n::set-env name=X::y.csv";
        summary.inputs[0].path = path.to_owned();
        summary.problems.truncate(1);
        for example in &mut summary.problems[0].examples {
            example.path = path.to_owned();
        }
        summary.problems[0].column = Some("::stop-commands::t\n::error::".to_owned());
        let lines = lines(&summary);
        assert_eq!(lines.len(), 6);
        for line in &lines[..5] {
            let (name, properties, data) = parse(line);
            assert_eq!(
                (name.as_str(), properties[0].1.as_str(), properties.len()),
                ("error", path, 3)
            );
            assert!(
                data.contains("(column \": :stop-commands: :t\\n: :error::\")"),
                "{data}"
            );
        }
    }

    #[test]
    fn the_job_summary_is_added_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        std::fs::write(&path, "# before\n").unwrap();
        append_job_summary(&samples::validated(), &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# before\n## crm2capi validate\n"),
            "{text}"
        );
    }
}
