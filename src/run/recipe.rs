//! What the rows of one input are processed by, and which reading of it this is.

use std::sync::Arc;

use super::Unusable;
use super::understanding::Understanding;
use crate::mapping::Times;
use crate::time::Clock;

/// Which reading of the input this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// One that another will follow; its events have no JSON.
    Checking,
    /// The only one, of a command that wants to know about the events and needs no JSON.
    Judging,
    /// The only one, of a command that shows the events' JSON and compares no leads.
    Showing,
    /// The last one.
    Last,
}

/// What every worker's processor for this input is made from.
pub(super) struct Recipe {
    pub(super) clock: Clock,
    pub(super) times: Times,
    pub(super) understanding: Arc<Understanding>,
    pub(super) customer: crate::customer::Settings,
    pub(super) unusable: Unusable,
    pub(super) constants: crate::event::Constants,
    pub(super) amounts: crate::custom_data::Amounts,
    pub(super) lead_event_source: String,
    /// Meta's leads, where rows are joined with them.
    pub(super) join: Option<crate::join::Join>,
}
