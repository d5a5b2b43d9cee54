//! What becomes of an export's rows with the settings proposed: the pipeline is asked, as `validate` asks it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::Result;

use crate::problem::{Code, Severity};
use crate::run::{Feed, Pass, workers};

/// So many rows are tried; what they tell holds for the rest.
const TRIED_ROWS: u64 = 20_000;

/// How the rows fared.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// Rows tried.
    pub rows: u64,
    /// Rows that are refused.
    pub refused: u64,
    /// Rows that give an event.
    pub with_events: u64,
    /// Rows that are left out because their lead does not agree.
    pub without_consent: u64,
    /// Why rows are refused: the problem, its column, and the rows that have it; the most frequent first.
    pub causes: Vec<(Code, Option<u32>, u64)>,
}

/// Takes the first rows of an export through the pipeline.
///
/// # Errors
/// The export cannot be read any further.
pub(super) fn of(feed: &mut Feed, threads: usize) -> Result<Trial> {
    let mut trial = Trial::default();
    let mut causes: BTreeMap<(&'static str, Option<u32>), (Code, u64)> = BTreeMap::new();
    workers::run(
        std::slice::from_mut(feed),
        Pass::Judging,
        threads,
        |prepared| {
            trial.rows += prepared.rows;
            trial.refused += prepared.rows_invalid;
            trial.without_consent += prepared.skipped_consent;
            let mut rows: Vec<u64> = prepared.events.iter().map(|event| event.row).collect();
            rows.dedup();
            trial.with_events += rows.len() as u64;
            let errors = prepared
                .findings
                .iter()
                .filter(|finding| finding.severity == Severity::Error);
            for finding in errors {
                let key = (finding.code.name(), finding.column);
                causes.entry(key).or_insert((finding.code, 0)).1 += 1;
            }
            Ok(match trial.rows < TRIED_ROWS {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        },
    )?;
    trial.causes = causes
        .into_iter()
        .map(|((_, column), (code, rows))| (code, column, rows))
        .collect();
    trial
        .causes
        .sort_by_key(|&(.., rows)| std::cmp::Reverse(rows));
    Ok(trial)
}
