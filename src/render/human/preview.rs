//! The first events, one a line: stage, time, value and which match keys, and nobody's values.

use std::io::{self, Write};

use super::layout::{Align, Table};
use super::section;
use crate::report::match_keys::field_name;
use crate::report::preview::PreviewedEvent;
use crate::report::summary::Summary;
use crate::text::{counted, harmless};

pub(super) fn write(summary: &Summary, out: &mut dyn Write, width: usize) -> io::Result<()> {
    if summary.preview.is_empty() {
        return Ok(());
    }
    let count = counted(summary.preview.len() as u64, "event");
    let aside = format!("the first {count}, leaving out those too old; times in UTC");
    section(out, "Preview", &aside, width)?;
    let mut table = Table::new(&[
        Align::Right,
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Left,
    ]);
    table.headings(["row", "event", "time", "value", "match keys"]);
    for event in &summary.preview {
        let keys = event.match_keys.iter().map(|key| field_name(key));
        table.row([
            event.row.to_string(),
            harmless(&event.event_name).into_owned(),
            event.event_time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            value(event),
            keys.collect::<Vec<_>>().join(" "),
        ]);
    }
    table.write(out, width)
}

/// `1234.5 USD`.
fn value(event: &PreviewedEvent) -> String {
    match (event.value, &event.currency) {
        (Some(value), Some(currency)) => format!("{value} {}", harmless(currency)),
        (Some(value), None) => value.to_string(),
        (None, _) => "–".to_owned(),
    }
}
