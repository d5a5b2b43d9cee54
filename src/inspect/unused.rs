//! Why columns are not used, in a few words that many columns share.

use super::evidence::{Evidence, Kind};
use super::proposal::Proposal;
use super::words::TimeKind;
use crate::field::Field;
use crate::mapping::Columns;
use crate::source::Header;

/// The columns that are not used and not told as guesses, by the reason why.
pub(super) fn by_reason(
    proposal: &Proposal,
    header: &Header,
    evidence: &[Evidence],
) -> Vec<(&'static str, Vec<usize>)> {
    let used = proposal.used(&Columns::new(header));
    let guessed = |column: usize| {
        let guesses = &proposal.guesses;
        guesses.iter().any(|guess| guess.column as usize == column)
    };
    let mut reasons: Vec<(&'static str, Vec<usize>)> = Vec::new();
    for (column, (heading, evidence)) in header.columns.iter().zip(evidence).enumerate() {
        let is_known = used.contains(&(column as u32)) || guessed(column);
        if is_known || heading.is_empty() {
            continue;
        }
        let reason = reason(evidence, proposal);
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, columns)) => columns.push(column),
            None => reasons.push((reason, vec![column])),
        }
    }
    reasons
}

fn reason(column: &Evidence, proposal: &Proposal) -> &'static str {
    let heading = &column.heading;
    let is_taken = |field| {
        let is_in_parts = field == Field::FullName && proposal.column_of(Field::LastName).is_some();
        is_in_parts || proposal.column_of(field).is_some()
    };
    let of_field = |field| heading.says(field).is_some();
    let fields = [
        Field::LeadId,
        Field::Email,
        Field::Phone,
        Field::City,
        Field::State,
        Field::Zip,
        Field::Country,
        Field::FirstName,
        Field::LastName,
        Field::FullName,
    ];
    let of_place = [Field::City, Field::State, Field::Zip, Field::Country]
        .into_iter()
        .any(of_field);
    let has_times = column.holds_times() || column.holds_named_times();
    match () {
        () if column.filled == 0 => "empty in the rows looked at",
        () if heading.is_system() => "kept by the system for itself",
        () if heading.is_other_person() => "about somebody or something else than the lead",
        () if has_times && heading.is_other_time() => "planned, or the date of something else",
        () if has_times && heading.time_kind(None) == Some(TimeKind::Unknown) => {
            "times, but the heading does not say of what; name those of stages with --stage-column \"COLUMN=Event name\""
        }
        () if has_times
            && !is_taken(Field::EventName)
            && heading.time_kind(None) >= Some(TimeKind::Plain) =>
        {
            "times that may be the stage's, once its column is known"
        }
        () if has_times => "times, though not of the stage or of the lead",
        () if heading.is_source() => "where the lead comes from, which is not sent",
        () if column.share(Kind::Link) >= 0.5 => "links",
        () if heading.stage_rank() > 0 => "could be a stage, but another column fits better",
        () if of_place && (heading.is_of_another_place() || heading.is_of_a_property()) => {
            "about another place than the lead's home"
        }
        () if fields
            .into_iter()
            .any(|field| of_field(field) && is_taken(field)) =>
        {
            "another column for the same fits better"
        }
        () if fields.into_iter().any(of_field) => {
            "the heading names a field, but its values do not fit"
        }
        () if column.share(Kind::Email) >= 0.5 || column.share(Kind::LeadId) >= 0.5 => {
            "values of a lead, but the heading does not say whose"
        }
        () if column.share(Kind::Number) >= 0.8 => "numbers that the heading does not explain",
        () => "nothing that Meta matches leads or measures events by",
    }
}
