//! What each stage of an export is sent as: by its preset's name, as the raw lead, not at all, or as it is called.

use super::understanding::Understanding;
use super::words::sounds_like_the_raw_lead;
use crate::mapping::sounds_negative;
use crate::report::names_raw_lead;

/// The event of a stage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its name; empty where the stage is never sent.
    pub event_name: String,
    /// Why that is not simply the stage's name.
    pub why: Option<&'static str>,
}

/// The event that stands for the lead as it came in.
const RAW_LEAD: &str = "Lead";

impl Understanding<'_> {
    /// What a stage is sent as.
    pub(super) fn sent_as(&self, stage: &str) -> Sent {
        let event_name = self.event_name(stage);
        // A preset knows its product's stages, and what runs without settings should not change with them.
        let is_known = event_name != stage || self.product.is_some();
        let (event_name, why) = match () {
            () if is_known => (event_name, None),
            // Meta learns to find more people like those that are sent.
            () if sounds_negative(stage) => {
                (String::new(), Some("sounds as if the lead came to nothing"))
            }
            () if self.raw_lead_stage() == Some(stage) => (
                RAW_LEAD.to_owned(),
                Some("sounds like the stage that leads begin in"),
            ),
            () => (event_name, None),
        };
        Sent { event_name, why }
    }

    /// The one stage that leads begin in, where none is called so already.
    fn raw_lead_stage(&self) -> Option<&str> {
        if self.product.is_some() || self.has_raw_lead_by_name() {
            return None;
        }
        let names = self.story.stages.iter().map(|(name, _)| name.as_str());
        let mut begins = names.filter(|name| sounds_like_the_raw_lead(name));
        begins.next().filter(|_| begins.next().is_none())
    }

    /// Whether an event is called as the raw lead is, before anything is renamed.
    fn has_raw_lead_by_name(&self) -> bool {
        let stages = self.story.stages.iter();
        let mut columns = self.proposal.stage_columns.iter();
        stages
            .map(|(name, _)| self.event_name(name))
            .any(|name| names_raw_lead(&name))
            || columns.any(|column| names_raw_lead(&column.event_name))
    }

    /// Whether nothing stands for the raw lead.
    pub(super) fn lacks_raw_lead(&self) -> bool {
        !self.has_raw_lead_by_name() && self.raw_lead_stage().is_none()
    }
}
