//! Draws a report: as a page for people, as JSON, and in the forms other systems read.
//!
//! In: a [`Summary`], which holds codes, columns, rows and counts and no person's value. Out: text. Collects nothing.

mod file;
pub(crate) mod github;
pub(crate) mod html;
mod human;
mod json;
mod junit;
mod markdown;
pub(crate) mod metrics;
mod own;
mod phrases;
mod sarif;
mod verdict;

use std::io::{self, Write};

pub(crate) use file::{FileFormat, write_file};
pub(crate) use human::layout::{cut, wrap};
pub(crate) use own::is_of_others;
pub(crate) use phrases::how_it_ended;
pub(crate) use verdict::{complaint, untold, verdict};

use crate::report::Summary;

/// The shape of the report on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// A page for people.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// Annotations for GitHub Actions.
    Github,
}

/// Writes how the page for people begins: where events go and what was read, which is known before anything is sent.
pub(crate) fn opening(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    human::write_opening(summary, out, width)
}

/// Writes the rest of the page that [`opening`] began.
pub(crate) fn outcome(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    human::write_outcome(summary, out, width)
}

/// Writes the report. `width` is the terminal's, in columns; only the page for people depends on it. Colour is written
/// as escape sequences, so `out` must strip them where they cannot be shown.
pub(crate) fn render(
    summary: &Summary,
    format: Format,
    out: &mut dyn Write,
    width: usize,
) -> io::Result<()> {
    match format {
        Format::Human => human::write(summary, out, width),
        Format::Json => json::write(summary, out),
        Format::Github => github::write(summary, out),
    }
}
