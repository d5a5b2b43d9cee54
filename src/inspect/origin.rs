//! Rows of leads that did not come from Meta, as far as a column of sources tells.

use super::evidence::Evidence;
use super::proposal::Proposal;
use super::understanding::Understanding;
use super::words::names_meta;

/// A column that tells where leads come from.
pub(super) struct Origin {
    pub column: u32,
    /// Its texts that name Meta, Facebook or Instagram.
    pub of_meta: Vec<String>,
    /// Rows with another text, and rows with any.
    pub others: (u64, u64),
}

impl Understanding<'_> {
    /// The column of sources, where it tells of leads that are not Meta's.
    pub(super) fn origin(&self) -> Option<Origin> {
        let is_free = |column: &usize| !is_a_condition(&self.proposal, self, *column as u32);
        let all = (0..self.evidence.len()).filter(is_free);
        all.filter_map(|column| of(&self.evidence[column], column as u32))
            .find(|origin| origin.others.0 > 0)
    }
}

/// Whether the rows are chosen by this column already.
fn is_a_condition(proposal: &Proposal, found: &Understanding<'_>, column: u32) -> bool {
    let mut names = proposal.rest.only.iter().map(|(name, _)| name);
    names.any(|name| found.columns.find(name) == Some(column))
}

fn of(evidence: &Evidence, column: u32) -> Option<Origin> {
    // Texts of sources are few; what has many holds addresses or notes.
    if !evidence.heading.is_source() || evidence.distinct > 20 {
        return None;
    }
    let (texts, _) = evidence.texts.shown();
    let total: u64 = texts.iter().map(|(_, count)| count).sum();
    let (of_meta, others): (Vec<_>, Vec<_>) =
        texts.into_iter().partition(|(text, _)| names_meta(text));
    Some(Origin {
        column,
        of_meta: of_meta.into_iter().map(|(text, _)| text).collect(),
        others: (others.iter().map(|(_, count)| count).sum(), total),
    })
}
