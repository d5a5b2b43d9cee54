//! What may become of an event, and how many events it became of.

use std::ops::AddAssign;

/// What became of an event built from a valid row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Older than Meta takes.
    Old,
    /// Accepted in an earlier run.
    Delivered,
    /// Accepted in this run.
    Accepted,
    /// Refused by Meta for good.
    Rejected,
    /// Not sent, or known not to have arrived.
    Undelivered,
    /// Sent, but there is no receipt.
    Uncertain,
    /// In the hands of another run that uploads at the same time.
    Elsewhere,
}

/// How many events met each [`Fate`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fates([u64; 7]);

impl Fates {
    pub(super) fn add(&mut self, fate: Fate) {
        self.0[fate as usize] += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn of(&self, fate: Fate) -> u64 {
        self.0[fate as usize]
    }
}

impl AddAssign for Fates {
    fn add_assign(&mut self, other: Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}
