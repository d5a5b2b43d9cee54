//! All that was understood of an export, and what it says about dates, zones and phones in words.

use super::evidence::{Evidence, Kind};
use super::proposal::{Proposal, Taken};
use super::stages::Story;
use super::trial::Trial;
use crate::field::Field;
use crate::mapping::canonical;
use crate::mapping::{Columns, Target};
use crate::run::Feed;
use crate::source::Header;
use crate::time::{DateOrder, Settled};

/// What there is to know of an export.
pub(super) struct Understanding<'a> {
    /// What the export is called.
    pub name: String,
    pub feed: Feed,
    pub header: &'a Header,
    pub columns: &'a Columns<'a>,
    pub evidence: Vec<Evidence>,
    /// The preset of a product, where one fits.
    pub product: Option<String>,
    pub proposal: Proposal,
    pub story: Story,
    pub trial: Trial,
}

impl Understanding<'_> {
    /// The column the stage's time is taken from, where that is the time its record was made.
    pub(super) fn time_of_the_record(&self) -> Option<String> {
        let column = self.proposal.column_of(Field::EventTime)?;
        self.evidence[column as usize]
            .heading
            .says(Field::CreatedTime)?;
        self.columns.name_of(column)
    }

    /// The order that the dates settle, unless dates of birth are written the other way.
    pub(super) fn settled_order(&self) -> Option<DateOrder> {
        let Settled::Order(order) = self.story.order.settles() else {
            return None;
        };
        (!matches!(self.story.births.settles(), Settled::Order(other) if other != order))
            .then_some(order)
    }

    /// Whether there are dates that nothing in the export settles.
    pub(super) fn order_is_open(&self) -> bool {
        matches!(
            self.story.order.settles(),
            Settled::Ambiguous | Settled::Contradicted
        )
    }

    pub(super) fn order_in_words(&self) -> String {
        let order = &self.story.order;
        let only = |row: Option<u64>, reading: &str| {
            row.map(|row| format!("row {row} reads only as {reading}"))
        };
        let month_first = only(order.month_first, "month/day");
        let day_first = only(order.day_first, "day/month");
        let seen: Vec<String> = month_first.into_iter().chain(day_first).collect();
        let ambiguous = order
            .ambiguous
            .map(|date| format!("row {}: {date}", date.row));
        let birth = match (self.story.births.settles(), order.settles()) {
            (Settled::Order(birth), Settled::Order(time)) if birth != time => {
                ", and dates of birth the other way"
            }
            _ => "",
        };
        match (order.settles(), ambiguous) {
            (Settled::Order(order), _) => format!("{order}, as {}{birth}", seen.join(", ")),
            (Settled::Ambiguous, Some(date)) => format!("{date}, and no row settles it"),
            (Settled::Contradicted, Some(date)) => format!("{}, {date}", seen.join(", ")),
            _ if seen.is_empty() => "no date here needs it".to_owned(),
            _ => format!("{}, and no date reads both ways", seen.join(", ")),
        }
    }

    /// Whether a zone has to be given for times to be read right.
    pub(super) fn needs_zone(&self) -> bool {
        self.story.times_without_zone > 0
            || self.story.times_with_zone == 0 && !self.proposal.rest.is_snapshot()
    }

    /// What there is to say of zones, where the one of times without one is known or is not.
    pub(super) fn zone_in_words(&self, zone: Option<&str>) -> String {
        let Story {
            times_with_zone: with,
            times_without_zone: without,
            ..
        } = self.story;
        if let Some(zone) = zone.filter(|_| without > 0) {
            return match with {
                0 => format!("no time here names one, so they are read in {zone}"),
                _ => format!(
                    "{without} of {} times name none, and are read in {zone}",
                    with + without
                ),
            };
        }
        match (with, without) {
            (0, 0) if self.proposal.rest.is_snapshot() => {
                "none is needed: a stage's time is that of the export".to_owned()
            }
            (0, 0) => "no time could be read yet".to_owned(),
            (_, 0) => "every time, or its column's heading, names its own".to_owned(),
            (0, _) => {
                "no time here names one, so UTC is assumed until the account's zone stands here"
                    .to_owned()
            }
            _ => format!(
                "{without} of {} times name none, so UTC is assumed until it stands here",
                with + without
            ),
        }
    }

    /// Phones that lack a country no column gives, out of those looked at.
    pub(super) fn phones_without_country(&self) -> Option<(usize, usize)> {
        if self.proposal.column_of(Field::Country).is_some() {
            return None;
        }
        let phones = self
            .proposal
            .taken
            .iter()
            .filter(|taken| taken.target == Target::Field(Field::Phone));
        let has_codes =
            |taken: &Taken| self.evidence[taken.column as usize].share(Kind::CallingCode) >= 0.9;
        if phones.clone().any(has_codes) {
            return None;
        }
        let evidence = phones.map(|taken| &self.evidence[taken.column as usize]);
        let (lacking, all) = evidence.fold((0, 0), |(lacking, all), column| {
            (lacking + column.phones_without_country, all + column.filled)
        });
        (lacking > 0).then_some((lacking, all))
    }

    /// How many of a column's cells read as its field; nothing where all do, or where any text does.
    pub(super) fn reads_in_words(&self, taken: &Taken) -> Option<String> {
        let Target::Field(field) = taken.target else {
            return None;
        };
        let evidence = &self.evidence[taken.column as usize];
        let lost = evidence.count(Kind::LostLeadId);
        match evidence.reads_as(field)? {
            reads if field == Field::LeadId && lost > 0 => Some(format!(
                "{reads} of {} values read as one, and a spreadsheet rounded {lost}",
                evidence.filled
            )),
            _ if evidence.filled == 0 => Some("empty in the rows looked at".to_owned()),
            0 => Some("none of its values reads as one".to_owned()),
            reads if reads < evidence.filled => {
                Some(format!("{reads} of {} values read as one", evidence.filled))
            }
            _ => None,
        }
    }

    pub(super) fn event_name(&self, stage: &str) -> String {
        event_name(&self.proposal.rest.stages, stage)
    }
}

/// What a preset calls the event of a stage; the stage's own name where it says nothing.
fn event_name(stages: &[(String, String)], stage: &str) -> String {
    let wanted = canonical(stage);
    let known = stages
        .iter()
        .find(|(known, _)| known == stage || !wanted.is_empty() && canonical(known) == wanted);
    known.map_or_else(|| stage.to_owned(), |(_, event_name)| event_name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_called_as_the_preset_has_it() {
        let stages = [("marketingqualifiedlead".to_owned(), "MQL".to_owned())];
        assert_eq!(event_name(&stages, "Marketing Qualified Lead"), "MQL");
        assert_eq!(event_name(&stages, "!!"), "!!");
    }
}
