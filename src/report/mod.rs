//! Collects what happened into the one account of a run.
//!
//! In: what the stages counted and found, gathered by [`tally`], [`stages`], [`match_keys`] and [`funnel`] in bounded
//! memory. Out: one [`Summary`] and the exit status it stands for. Draws nothing; holds codes, columns, rows and
//! counts, and a person's value never gets here.

pub(crate) mod coverage;
pub(crate) mod days;
pub(crate) mod end;
pub(crate) mod exit;
pub(crate) mod fates;
pub(crate) mod funnel;
pub(crate) mod match_keys;
pub(crate) mod names;
pub(crate) mod preview;
pub(crate) mod refusal;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod snapshot;
pub(crate) mod stages;
pub(crate) mod summary;
pub(crate) mod tally;
pub(crate) mod values;

pub(crate) use end::End;
pub(crate) use exit::ExitStatus;
pub(crate) use funnel::names_raw_lead;
pub use summary::Summary;
pub(crate) use tally::Problems;
