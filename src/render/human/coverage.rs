//! The join with Meta's leads: how rows came to their lead ids, and which share of the leads has an event.

use std::io::{self, Write};

use super::layout::{Align, BAR, Table, WARNING, bar, wrap};
use super::section;
use crate::render::phrases::joined_rows;
use crate::report::coverage::{Covered, LeadCoverage};
use crate::text::{counted, harmless, percent, thousands};

pub(super) fn write(coverage: &LeadCoverage, out: &mut dyn Write, width: usize) -> io::Result<()> {
    section(out, "Meta's leads", &counted(coverage.leads, "lead"), width)?;
    for line in wrap(&joined_rows(coverage), width - 2) {
        writeln!(out, "  {line}")?;
    }
    let with_id = format!(
        "events with a lead id: {} without the join, {} with it",
        thousands(coverage.lead_id_without_join),
        thousands(coverage.lead_id_with_join)
    );
    for line in wrap(&with_id, width - 2) {
        writeln!(out, "  {line}")?;
    }
    let Some(since) = coverage.since else {
        return Ok(());
    };
    let mut table = Table::new(&[
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
    ]);
    table.headings(["", "", "leads", "with an event", "coverage"]);
    let mut row = |name: String, leads: &Covered| {
        table.styled([
            (name, None),
            (bar(leads.share, 16), Some(BAR)),
            (thousands(leads.in_window), None),
            (thousands(leads.covered), None),
            (percent(leads.share), None),
        ]);
    };
    for form in &coverage.forms {
        let name = if form.name.is_empty() {
            &form.form_id
        } else {
            &form.name
        };
        row(format!("form {}", harmless(name)), &form.leads);
    }
    for week in &coverage.weeks {
        row(format!("week of {}", week.week), &week.leads);
    }
    let day = since.to_zoned(jiff::tz::TimeZone::UTC).date();
    row(format!("all since {day}"), &coverage.all);
    table.write(out, width)?;
    if !coverage.meets_goal() {
        let goal = format!(
            "Meta asks for events of at least {} of its leads; --leads-missing FILE lists the others",
            percent(coverage.goal)
        );
        for (index, line) in wrap(&goal, width - 4).iter().enumerate() {
            let mark = if index == 0 { "!" } else { " " };
            writeln!(out, "  {WARNING}{mark}{WARNING:#} {line}")?;
        }
    }
    Ok(())
}
