//! The drawing of the funnel: centred bars that narrow from stage to stage, rates and days beside them.

use std::io::{self, Write};

use super::layout::{Align, BAR, DIM, Table, WARNING, wrap};
use super::{advice, section};
use crate::render::phrases::leads_of;
use crate::report::funnel::Funnel;
use crate::text::{harmless, percent, thousands};

const BAR_WIDTH: usize = 16;

pub(super) fn write(funnel: &Funnel, out: &mut dyn Write, width: usize) -> io::Result<()> {
    section(out, "Funnel", &leads_of(funnel), width)?;
    let stages = &funnel.stages;
    let has_steps = stages.iter().any(|stage| stage.from_previous.is_some());
    let has_days = stages.iter().any(|stage| stage.days_p90 > Some(0.0));
    let columns = match (has_steps, has_days) {
        (true, true) => &["", "", "leads", "of all", "step", "50 % in", "90 % in"][..],
        (true, false) => &["", "", "leads", "of all", "step"],
        (false, _) => &["", "", "leads", "of all"],
    };
    let mut aligns = vec![Align::Right; columns.len()];
    aligns[..2].fill(Align::Left);
    let mut table = Table::new(&aligns);
    table.headings(columns.iter().copied());
    for stage in stages {
        let cells = [
            harmless(&stage.event_name).into_owned(),
            centred(stage.of_leads),
            thousands(stage.leads),
            percent(stage.of_leads),
            stage.from_previous.map(percent).unwrap_or_default(),
            stage.days_median.map(days).unwrap_or_default(),
            stage.days_p90.map(days).unwrap_or_default(),
        ];
        let styles = (0..columns.len()).map(|column| (column == 1).then_some(BAR));
        table.styled(cells.into_iter().zip(styles));
    }
    table.write(out, width)?;
    if !has_days && stages.len() > 1 {
        let says = "how long leads take from stage to stage the export does not tell";
        for line in wrap(says, width - 2) {
            writeln!(out, "  {DIM}{line}{DIM:#}")?;
        }
    }
    for warning in &funnel.warnings {
        for (index, line) in wrap(&warning.message, width - 4).iter().enumerate() {
            let mark = if index == 0 { "!" } else { " " };
            writeln!(out, "  {WARNING}{mark}{WARNING:#} {line}")?;
        }
        let mut indented = Vec::new();
        advice(&mut indented, warning.help, width - 2)?;
        for line in String::from_utf8_lossy(&indented).lines() {
            writeln!(out, "  {DIM}{line}{DIM:#}")?;
        }
    }
    Ok(())
}

/// A bar with as much room on either side.
fn centred(share: f64) -> String {
    let filled = ((share * BAR_WIDTH as f64 / 2.0).round() as usize * 2).clamp(1, BAR_WIDTH);
    let side = " ".repeat((BAR_WIDTH - filled) / 2);
    format!(
        "{side}{}{side}",
        if share > 0.0 { "█" } else { " " }.repeat(filled)
    )
}

/// A decimal under ten days, none above, nothing at the start.
fn days(days: f64) -> String {
    match days {
        0.0 => String::new(),
        ..9.95 => format!("{days:.1} d"),
        _ => format!("{days:.0} d"),
    }
}
