//! Collects what happened into the one account of a run.
//!
//! In: what the stages counted and found, gathered by [`tally`], [`stages`], [`match_keys`] and [`funnel`] in bounded
//! memory. Out: one [`Summary`] and the exit status it stands for. Draws nothing; holds codes, columns, rows and
//! counts, and a person's value never gets here.

pub mod end;
pub mod exit;
pub mod funnel;
pub mod match_keys;
pub mod names;
pub mod refusal;
#[cfg(test)]
pub(crate) mod samples;
pub mod stages;
pub mod summary;
pub mod tally;

pub use end::End;
pub use exit::ExitStatus;
pub use summary::Summary;
pub use tally::Problems;
