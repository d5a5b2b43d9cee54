//! What a stage is worth, where the settings say so: a sum, or a column of its own.

use crate::custom_data::{Amount, Currency};

/// The value of a stage, as settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Worth<C = String> {
    /// How much.
    pub amount: Sum<C>,
    /// Of what, whatever the row says; none where the row or `[event]` says it.
    pub currency: Option<Currency>,
}

/// How much a stage is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sum<C> {
    /// The same for every lead.
    Fixed(Amount),
    /// What a column says.
    Column(C),
}

/// One of the values of a plan, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorthId(pub u16);
