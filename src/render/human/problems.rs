//! The section on what is wrong: what, how often, in which rows, and what to do about it.

use std::io::{self, Write};

use anstyle::Style;

use super::layout::{BOLD, DIM, WARNING, WRONG, wrap};
use super::{advice, section};
use crate::problem::Severity;
use crate::render::phrases::{extent, names, rows, sentence};
use crate::report::summary::Summary;
use crate::report::tally::Problem;

pub(super) fn write(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if !summary.problems.is_empty() {
        section(out, "Problems", "", width)?;
    }
    for (index, problem) in summary.problems.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        one(problem, summary.inputs.len() > 1, out, width)?;
    }
    Ok(())
}

fn one(
    problem: &Problem,
    several_inputs: bool,
    out: &mut dyn Write,
    width: usize,
) -> io::Result<()> {
    let style = style(problem.severity);
    let severity = match problem.severity {
        Severity::Info => "note",
        other => other.name(),
    };
    let (name, extent) = (problem.code.name(), extent(problem));
    write!(out, "  {style}{severity}{style:#} {BOLD}{name}{BOLD:#}")?;
    match severity.len() + name.len() + extent.len() + 5 <= width {
        true => writeln!(out, "  {extent}")?,
        false => writeln!(out, "\n    {extent}")?,
    }
    for line in wrap(&sentence(problem), width - 4) {
        writeln!(out, "    {line}")?;
    }
    if let Some(names) = names(problem) {
        for line in wrap(&names, width - 4) {
            writeln!(out, "    {line}")?;
        }
    }
    if let Some(rows) = rows(problem, several_inputs) {
        for line in wrap(&rows, width - 4) {
            writeln!(out, "    {DIM}{line}{DIM:#}")?;
        }
    }
    if problem.severity == Severity::Info {
        return Ok(());
    }
    let mut indented = Vec::new();
    advice(&mut indented, problem.help, width - 2)?;
    for line in String::from_utf8_lossy(&indented).lines() {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => WRONG,
        Severity::Warning => WARNING,
        Severity::Info => DIM,
    }
}
