//! Tells a person or a machine what happened.
//!
//! In: what the stages counted and found, gathered by [`tally`], [`stages`], [`match_keys`] and [`funnel`] in bounded
//! memory and put together as one [`Summary`]. Out: that summary as a page, as JSON, and in the forms other systems
//! read. Holds codes, columns, rows and counts; a person's value never gets here.

pub mod exit;
mod file;
pub mod funnel;
pub mod github;
mod human;
mod json;
mod junit;
mod markdown;
pub mod match_keys;
pub mod metrics;
pub mod names;
mod phrases;
pub mod refusal;
#[cfg(test)]
mod samples;
mod sarif;
pub mod stages;
pub mod summary;
pub mod tally;
mod verdict;
mod words;

use std::io::{self, Write};

pub use exit::ExitStatus;
pub use file::{FileFormat, UnknownExtension, write_file};
pub use summary::Summary;
pub use tally::Problems;
pub use verdict::verdict;

/// The shape of the report on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A page for people.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// Annotations for GitHub Actions.
    Github,
}

/// Writes the report. `width` is the terminal's, in columns; only the page for people depends on it. Colour is written
/// as escape sequences, so `out` must strip them where they cannot be shown.
pub fn render(
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
