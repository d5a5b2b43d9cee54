//! What the settings and a header come to, before any row is looked at; and a memory of it, for whoever reads one record
//! after the other with the same members.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use super::{PresetChoice, ReadSettings};
use crate::mapping::{Layout, MappingError, Plan, Preset, Wanted};
use crate::source::Header;

/// So many different headers are remembered; a sender has a few.
const MAX_REMEMBERED: usize = 64;

/// What the settings and a header come to.
pub(super) struct Understanding {
    columns: Vec<String>,
    pub preset: Option<Preset>,
    /// Whether the preset was guessed from the header.
    pub is_guessed: bool,
    /// Columns and stages as the settings have them.
    pub given: Layout,
    /// The mapping of the header.
    pub plan: Plan,
    /// The headings for which the mapping is compiled again when they come late.
    pub wanted: Wanted,
}

impl Understanding {
    /// Guesses the preset, if it is to be guessed, and compiles the mapping.
    ///
    /// # Errors
    /// The header's columns do not fit the settings.
    pub(super) fn of(reading: &ReadSettings, header: &Header) -> Result<Arc<Self>> {
        let (preset, is_guessed) = match &reading.preset {
            PresetChoice::Named(preset) => (Some(Preset::clone(preset)), reading.is_guessed),
            PresetChoice::Guess => (Preset::guess(header)?, true),
            PresetChoice::None => (None, false),
        };
        let plan = Plan::compile(&reading.given, preset.as_ref(), header)
            .map_err(|error| in_settings(error, reading))?;
        Ok(Arc::new(Self {
            columns: header.columns.clone(),
            wanted: Plan::wanted(&reading.given, preset.as_ref()),
            preset,
            is_guessed,
            given: reading.given.clone(),
            plan,
        }))
    }
}

/// Remembers what headers came to, the ones used last.
#[derive(Default)]
pub(super) struct Understandings(Mutex<VecDeque<Arc<Understanding>>>);

impl Understandings {
    /// As [`Understanding::of`], always by the same settings.
    ///
    /// # Errors
    /// As of that.
    pub(super) fn of(&self, reading: &ReadSettings, header: &Header) -> Result<Arc<Understanding>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.iter().position(|one| one.columns == header.columns);
        let found = place.and_then(|place| known.remove(place));
        let found = match found {
            Some(found) => found,
            None => Understanding::of(reading, header)?,
        };
        known.push_front(Arc::clone(&found));
        known.truncate(MAX_REMEMBERED);
        Ok(found)
    }
}

/// An error about a column that the settings file names, with the place where it does.
fn in_settings(error: MappingError, reading: &ReadSettings) -> anyhow::Error {
    if let MappingError::UnknownAgain { .. } = &error {
        return anyhow::Error::new(error).context(reading.sends_again_at.clone());
    }
    let line = match &error {
        MappingError::MissingColumn { column, .. } => {
            let mut lines = reading.column_lines.iter();
            lines.find(|(name, _)| name == column)
        }
        _ => None,
    };
    match (line, &reading.settings_file) {
        (Some((_, line)), Some(path)) => {
            anyhow::Error::new(error).context(format!("{} line {line}", path.display()))
        }
        _ => error.into(),
    }
}
