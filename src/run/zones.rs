//! Compares the zone that times without one are read in with that of the upload before: in another zone the same stage has
//! another time, another id, and is an event that nobody has sent yet.

use anyhow::Result;

use super::Feed;
use super::account::Account;
use crate::field::Field;
use crate::ledger::{LedgerTarget, Notices};
use crate::problem::{Code, Finding, Severity};

/// Where the ledger keeps it, beside what receivers of notifications were told.
const CHANNEL: &str = "time zone";

const CHANGED: Finding = Finding {
    code: Code::TimeZoneChanged,
    severity: Severity::Warning,
    row: 1,
    field: Some(Field::EventTime),
    column: None,
};

/// The zones of a run's inputs: of the exports of each CRM that has times without a zone.
pub(super) struct Zones {
    notices: Option<Notices>,
    read: Vec<(String, String)>,
}

impl Zones {
    /// Warns of inputs whose times are read otherwise than by the upload before.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn compare(
        feeds: &[Feed],
        dataset: &str,
        target: &LedgerTarget,
        account: &mut Account,
    ) -> Result<Self> {
        let mut zones = Self {
            notices: None,
            read: Vec::new(),
        };
        for (index, feed) in feeds.iter().enumerate() {
            let Some(zone) = feed.zone_of_ids() else {
                continue;
            };
            if zones.notices.is_none() {
                zones.notices = Notices::open(target)?;
            }
            let Some(notices) = &zones.notices else {
                return Ok(zones);
            };
            let subject = format!("{dataset}/{}", feed.lead_event_source);
            let before = notices.told(&subject, CHANNEL)?;
            if !before.is_empty() && before != zone {
                tracing::warn!(
                    "{}: times without a zone were read as {before} by the last upload, now as {zone}: events uploaded \
                     already get other ids and are counted twice; --timezone {before} reads them as before",
                    feed.input
                );
                account.note(index, feed, &[CHANGED]);
            }
            zones.read.push((subject, zone));
        }
        Ok(zones)
    }

    /// Remembers them for the next upload. What was sent is sent, so nothing is lost over this but a warning.
    pub(super) fn remember(self, now: i64) {
        let Some(notices) = self.notices else { return };
        for (subject, zone) in &self.read {
            if let Err(error) = notices.remember(subject, CHANNEL, zone, now) {
                tracing::warn!("the time zone of this upload is not remembered: {error}");
            }
        }
    }
}
