//! Shows what a run did: on standard output, in the files that were asked for, and in one line of error where it failed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::cli::{PlainFormat, TalkArgs};
use crate::config::ReportTarget;
use crate::problem::Severity;
use crate::render::{self, Format, complaint, metrics};
use crate::report::{ExitStatus, Summary};
use crate::text::harmless;

use super::talk::{self, Signs};

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// What goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All of a report.
    Whole(Format),
    /// How the page for people begins, before anything is sent.
    Opening,
    /// The page from there on.
    RestOfPage,
}

impl Shape {
    fn is_for_programs(self) -> bool {
        matches!(self, Self::Whole(Format::Json | Format::Github))
    }
}

/// Shows what was read, before anything is sent. That it cannot be written is said at the end, when it is tried again.
pub(super) fn show_opening(summary: &Summary) {
    let _ = print(summary, Shape::Opening);
}

/// Shows on standard output what a command found. The status is decided before, and whether standard output takes the page
/// changes nothing in it.
pub(super) fn show_page(format: PlainFormat, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
    let mut page = Vec::new();
    // Writing to memory does not fail.
    let _ = write(&mut page);
    show_text(&mut talk::stdout(format), &page);
}

/// Writes the text, as [`show_page`] does.
pub(super) fn show_text(out: &mut impl Write, text: &[u8]) {
    say_unwritten(out.write_all(text).and_then(|()| out.flush()));
}

/// Says that standard output cannot be written, unless whoever read it has seen enough, as `head` does.
pub(super) fn say_unwritten(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => tracing::error!("cannot write to standard output: {error}"),
        Ok(()) => {}
    }
}

/// Shows the summary everywhere and gives the status the process ends with. The status is about the events: whether
/// standard output takes the report changes nothing, and a file that cannot be written at most turns a success into
/// status 1.
pub(super) fn show(
    summary: &Summary,
    shape: Shape,
    talk: &TalkArgs,
    reports: &ReportTarget,
    is_one_of_several: bool,
) -> ExitStatus {
    let unwritten = write_files(summary, reports);
    let status = summary.exit_status;
    // Quiet, a run in which all went well says nothing to people.
    let is_wanted = shape.is_for_programs() || !talk.quiet || status != ExitStatus::Done;
    if is_wanted && let Err(error) = print(summary, shape) {
        tracing::error!("cannot write the report to standard output: {error}");
    }
    // One line has it all: who watches for errors counts a run that failed once.
    let of_run = (status != ExitStatus::Done).then(|| in_one_line(summary));
    let facts: Vec<String> = of_run.into_iter().chain(unwritten).collect();
    if facts.is_empty() {
        return status;
    }
    let facts = facts.join("; ");
    match &summary.settings_file {
        Some(file) if is_one_of_several => tracing::error!("{}: {facts}", harmless(file)),
        _ => tracing::error!("{facts}"),
    }
    match status {
        ExitStatus::Done => ExitStatus::Problems,
        status => status,
    }
}

/// Writes the summary into files, and says of each that cannot be written why.
pub(super) fn write_files(summary: &Summary, reports: &ReportTarget) -> Vec<String> {
    let mut unwritten = Vec::new();
    let mut note = |what: String, written: io::Result<()>| {
        if let Err(error) = written {
            unwritten.push(format!("cannot write {what}: {error}"));
        }
    };
    if let Some(path) = &reports.metrics {
        let what = format!("the metrics {}", path.display());
        note(what, metrics::write(summary, path));
    }
    for path in &reports.files {
        let what = format!("the report {}", path.display());
        note(what, render::write_file(summary, path));
    }
    unwritten
}

/// Whoever reads our output may have seen enough, as `head` does.
fn print(summary: &Summary, shape: Shape) -> io::Result<()> {
    let mut page = Vec::new();
    let width = talk::width();
    match shape {
        Shape::Whole(format) => render::render(summary, format, &mut page, width)?,
        Shape::Opening => render::opening(summary, &mut page, width)?,
        Shape::RestOfPage => render::outcome(summary, &mut page, width)?,
    }
    if !shape.is_for_programs() {
        let signs = Signs::of(&io::stdout());
        page = signs
            .write(&String::from_utf8_lossy(&page))
            .into_owned()
            .into_bytes();
    }
    let mut out = anstream::stdout().lock();
    let written = out.write_all(&page).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// What went wrong and what to do about it, for a log or the mail of a scheduled job.
pub(super) fn in_one_line(summary: &Summary) -> String {
    let facts = complaint(summary);
    match render::untold(summary) {
        // The verdict has the reason already.
        Some(ended) if facts.contains(&ended.reason) => match &ended.help {
            Some(help) => format!("{facts}; {help}"),
            None => facts,
        },
        Some(ended) => format!("{}: {facts}", ended.reason),
        None => facts,
    }
}

/// A line of what was looked at: whether it is as it should be, what it is, and what was found.
pub(super) fn write_finding(
    out: &mut impl Write,
    ok: bool,
    what: &str,
    says: &str,
) -> io::Result<()> {
    let (style, word) = if ok { (OK, "ok") } else { (BAD, "NO") };
    writeln!(out, "{style}{word}{style:#}  {what} {}", harmless(says))
}

/// Says what was wrong with the rows of a run that has no report.
pub(super) fn note_problems(summary: &Summary) {
    for problem in &summary.problems {
        let line = problem.in_one_line();
        match problem.severity {
            Severity::Error => tracing::error!("{line}"),
            Severity::Warning => tracing::warn!("{line}"),
            Severity::Info => {}
        }
    }
    if let Some(ended) = &summary.ended {
        tracing::error!("{}", ended.reason);
    }
}
