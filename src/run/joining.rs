//! Joins one row with Meta's leads.
//!
//! Input: what the row has. Output: how it came to its lead id, and what there is to say about it. A row's own id wins.

use crate::customer::UserData;
use crate::join::{By, Join, LeadNumber, Match};
use crate::mapping::{NameId, Record, Stage, WorthId};
use crate::problem::Code;
use crate::time::{Moment, Precision};

/// How a row came to its lead id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Link {
    /// It has none.
    #[default]
    None,
    /// It has none, since two of Meta's leads fit equally.
    Ambiguous,
    /// It came with one, which is this one of Meta's leads, or none of them.
    Own(Option<LeadNumber>),
    /// By its email.
    ByEmail(LeadNumber),
    /// By its phone.
    ByPhone(LeadNumber),
}

impl Link {
    /// Which of Meta's leads it is.
    pub(crate) fn lead(self) -> Option<LeadNumber> {
        match self {
            Self::None | Self::Ambiguous => None,
            Self::Own(lead) => lead,
            Self::ByEmail(lead) | Self::ByPhone(lead) => Some(lead),
        }
    }
}

/// The event of a raw lead.
#[derive(Clone, Copy)]
pub(super) struct RawLead {
    pub name: NameId,
    /// What it is worth, where the settings say.
    pub worth: Option<WorthId>,
}

/// Gives a row without a lead id that of its person's lead, and the times that only Meta's clock knows. `raw_lead` is the
/// event that a row gets at that time, when it has none of that name.
pub(super) fn join(
    join: &Join,
    user_data: &mut UserData,
    record: &mut Record<'_>,
    raw_lead: Option<RawLead>,
    now: i64,
) -> (Link, Option<Code>) {
    let present = Moment {
        seconds: now,
        precision: Precision::Second,
    };
    // A record that a lead made is created after the lead, and its stages are later still; the one that is earlier says
    // more, since a stage's time may be that of the export, and a creation may stand for when the record was imported.
    let first_stage = record.stages.first().map(|stage| stage.at);
    let first_stage = first_stage.or(record.created).unwrap_or(present);
    let was_there = [record.created.unwrap_or(first_stage), first_stage];
    let leads = &join.leads;
    if let Some(id) = user_data.lead_id() {
        let lead = leads.by_id(id);
        let is_strange = lead.is_none()
            && (leads.spans(was_there[0].seconds)
                || leads.of(user_data, &was_there) != Match::None);
        if let Some(lead) = lead {
            tell_time(join, lead, record, raw_lead);
        }
        return (Link::Own(lead), is_strange.then_some(Code::LeadIdUnknown));
    }
    match leads.of(user_data, &was_there) {
        Match::None => (Link::None, None),
        Match::Ambiguous => (Link::Ambiguous, Some(Code::LeadIdAmbiguous)),
        Match::One(lead, by) => {
            user_data.set_joined_lead_id(leads.get(lead).id);
            tell_time(join, lead, record, raw_lead);
            let link = match by {
                By::Email => Link::ByEmail(lead),
                By::Phone => Link::ByPhone(lead),
            };
            (link, None)
        }
    }
}

/// Fills in when the lead was created, where the row does not know it.
fn tell_time(join: &Join, lead: LeadNumber, record: &mut Record<'_>, raw_lead: Option<RawLead>) {
    let seconds = join.leads.get(lead).created;
    let created = Moment {
        seconds,
        precision: Precision::Second,
    };
    let first_stage = record.stages.first().map(|stage| stage.at.seconds);
    // Two clocks differ: a stage that seems to come before its lead is not refused for what only the join knows.
    if record.created.is_none() && first_stage.is_none_or(|first| seconds <= first) {
        record.created = Some(created);
    }
    if let Some(RawLead { name, worth }) = raw_lead
        && record.stages.iter().all(|stage| stage.name != name)
    {
        record.stages.push(Stage {
            name,
            at: created,
            id_time: seconds,
            column: 0,
            is_joined: true,
            is_current: false,
            worth,
        });
        record.stages.sort_by_key(|stage| stage.at.seconds);
    }
}
