//! Which of Meta's leads the rows of a run are, and which of them no row is.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::joining::Link;
use super::rows::PreparedEvent;
use crate::customer::Key;
use crate::files::{Readers, write_whole};
use crate::join::{Form, Lead, LeadNumber, Leads};
use crate::report::coverage::{
    Covered, FormCoverage, GOAL, JoinedRows, LeadCoverage, WeekCoverage,
};

const DAY_SECONDS: i64 = 86_400;

/// What a file of the leads that no row is begins with.
pub(crate) const MISSING_LEADS_BEGIN: &str = "lead_id,created_time,form_id,form_name\n";

/// Counts as events come in.
pub(super) struct Coverage {
    leads: Arc<Leads>,
    files: Vec<String>,
    /// A bit for each lead that has an event.
    covered: Vec<u64>,
    rows: JoinedRows,
    own: u64,
    with: u64,
    /// The input and the row that was counted last.
    last_row: Option<(u32, u64)>,
    /// The first stage of the export.
    first: Option<i64>,
}

impl Coverage {
    pub(super) fn new(leads: Arc<Leads>, files: Vec<String>) -> Self {
        Self {
            covered: vec![0; leads.len().div_ceil(64)],
            leads,
            files,
            rows: JoinedRows::default(),
            own: 0,
            with: 0,
            last_row: None,
            first: None,
        }
    }

    /// Counts an event, whatever becomes of it: also one that is too old says that the CRM knows the lead.
    pub(super) fn add(&mut self, input: u32, event: &PreparedEvent) {
        // A contact may be older than anything the export tells of, and a raw lead is as old as its lead.
        if !event.is_joined {
            self.first = Some(self.first.map_or(event.time, |it| it.min(event.time)));
        }
        if let Some(LeadNumber(number)) = event.link.lead() {
            self.covered[number as usize / 64] |= 1 << (number % 64);
        }
        if self.last_row.replace((input, event.row)) == Some((input, event.row)) {
            return;
        }
        let count = match event.link {
            Link::Own(Some(_)) => &mut self.rows.own,
            Link::Own(None) => &mut self.rows.own_elsewhere,
            Link::ByEmail(_) => &mut self.rows.by_email,
            Link::ByPhone(_) => &mut self.rows.by_phone,
            Link::Ambiguous => &mut self.rows.ambiguous,
            Link::None => &mut self.rows.none,
        };
        *count += 1;
    }

    /// Counts the keys of an event that is in the count of match keys.
    pub(super) fn add_keys(&mut self, event: &PreparedEvent) {
        self.own += u64::from(matches!(event.link, Link::Own(_)));
        self.with += u64::from(event.keys.contains(Key::LeadId));
    }

    /// From when on leads are counted, Unix seconds: the beginning of the day of the first stage, in UTC.
    fn since(&self) -> Option<i64> {
        self.first
            .map(|first| first.div_euclid(DAY_SECONDS) * DAY_SECONDS)
    }

    /// The leads of the window, each with whether it has an event.
    fn window(&self) -> impl Iterator<Item = (&Lead, &Form, bool)> {
        let since = self.since().unwrap_or(i64::MAX);
        let leads = self
            .leads
            .iter()
            .filter(move |(_, lead, _)| lead.created >= since);
        leads.map(|(LeadNumber(number), lead, form)| {
            let is_covered = self.covered[number as usize / 64] & 1 << (number % 64) != 0;
            (lead, form, is_covered)
        })
    }

    /// The account for the report.
    pub(super) fn finish(&self) -> LeadCoverage {
        let mut all = [0, 0];
        let mut forms: BTreeMap<&str, (&str, [u64; 2])> = BTreeMap::new();
        let mut weeks: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
        for (lead, form, is_covered) in self.window() {
            // The epoch was a Thursday.
            let week = (lead.created.div_euclid(DAY_SECONDS) + 3).div_euclid(7);
            let of_form = &mut forms.entry(&form.id).or_insert((&form.name, [0, 0])).1;
            for counts in [&mut all, of_form, weeks.entry(week).or_default()] {
                counts[0] += 1;
                counts[1] += u64::from(is_covered);
            }
        }
        let of = |counts: [u64; 2]| Covered::of(counts[0], counts[1]);
        let forms = forms.into_iter().map(|(id, (name, counts))| FormCoverage {
            form_id: id.to_owned(),
            name: name.to_owned(),
            leads: of(counts),
        });
        let mut forms: Vec<FormCoverage> = forms.collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.leads.in_window));
        let weeks = weeks.into_iter().filter_map(|(week, counts)| {
            let monday = Timestamp::from_second((week * 7 - 3) * DAY_SECONDS).ok()?;
            Some(WeekCoverage {
                week: monday.to_zoned(TimeZone::UTC).date(),
                leads: of(counts),
            })
        });
        LeadCoverage {
            files: self.files.clone(),
            leads: self.leads.len() as u64,
            rows: self.rows,
            lead_id_without_join: self.own,
            lead_id_with_join: self.with,
            since: self
                .since()
                .and_then(|since| Timestamp::from_second(since).ok()),
            all: of(all),
            goal: GOAL,
            forms,
            weeks: weeks.collect(),
        }
    }

    /// Writes the leads of the window that no row is, as CSV, for whoever owns the file alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write_missing(&self, path: &Path) -> Result<()> {
        let missing = || self.window().filter(|(.., is_covered)| !is_covered);
        let written = write_whole(path, Readers::Owner, |out| {
            out.write_all(MISSING_LEADS_BEGIN.as_bytes())?;
            let mut lines = csv::WriterBuilder::new()
                .has_headers(false)
                .from_writer(out);
            for (lead, form, _) in missing() {
                let created = Timestamp::from_second(lead.created).map_err(io::Error::other)?;
                // The prefix keeps spreadsheets from rounding it, as in Meta's own download.
                let id = format!("l:{}", lead.id);
                lines.write_record([&id, &created.to_string(), &form.id, &form.name])?;
            }
            lines.flush()
        });
        written.with_context(|| format!("cannot write the missing leads {}", path.display()))
    }
}
