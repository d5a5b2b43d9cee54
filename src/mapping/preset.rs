//! Known export layouts, kept as TOML files beside this one and compiled in.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::columns::Columns;
use super::layout::{History, Layout, Mapped, OneOrMany, Ordered, Target, Unlisted};
use super::pattern::is_pattern;
use crate::field::Field;
use crate::source::Header;
use crate::text::nearest;

/// How an export tells of stages, as far as it is known from its layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shape {
    /// Not known from the layout.
    #[default]
    Unknown,
    /// One row a lead with the stage it is in now: earlier stages are lost.
    CurrentStage,
    /// Every stage has its own time.
    EveryStage,
}

/// A known export layout.
#[derive(Clone, Debug)]
pub(crate) struct Preset {
    /// The name `--preset` takes.
    pub name: String,
    /// The CRM's name, sent as `lead_event_source`.
    pub crm: Option<String>,
    /// How the export tells of stages.
    pub shape: Shape,
    /// The time zone such exports are always in.
    pub timezone: Option<String>,
    /// What to export besides, where such exports lack a person or a time.
    pub advice: Option<String>,
    layout: Layout,
    detect: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetFile {
    preset: About,
    #[serde(default)]
    columns: Ordered<OneOrMany, Target>,
    #[serde(default)]
    stages: Ordered<String>,
    #[serde(default)]
    stage_columns: Ordered<String>,
    history: Option<History>,
    #[serde(default)]
    only: Ordered<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    name: String,
    crm: Option<String>,
    #[serde(default)]
    shape: Shape,
    timezone: Option<String>,
    advice: Option<String>,
    unlisted_stages: Option<Unlisted>,
    #[serde(default)]
    detect: Vec<Vec<String>>,
}

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("presets/", $name, ".toml")))),+] };
}

/// Every preset: the ones of products first, the guess by common headings last.
const FILES: &[(&str, &str)] = embedded![
    "hubspot",
    "hubspot-deals",
    "hubspot-history",
    "salesforce",
    "salesforce-history",
    "meta-lead-ads",
    "meta-lead-forms",
    "zoho",
    "pipedrive",
    "dynamics",
    "highlevel",
    "kommo",
    "bitrix24",
    "salesforce-deals",
    "salesforce-warehouse",
    "hubspot-contacts",
    "hubspot-deals-api",
    "hubspot-webhook",
    "meta-leads-center",
    "zoho-api",
    "pipedrive-api",
    "dynamics-api",
    "highlevel-api",
    "kommo-api",
    "bitrix24-api",
    "activecampaign",
    "activecampaign-deals",
    "close",
    "close-status-changes",
    "creatio",
    "espocrm",
    "follow-up-boss",
    "freshsales",
    "google-ads-lead-form",
    "leadsquared",
    "odoo",
    "monday",
    "airtable-api",
    "sap-sales-cloud",
    "suitecrm",
    "generic",
];

impl Preset {
    /// The names `--preset` takes.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// Reads the preset of this name.
    ///
    /// # Errors
    /// There is no such preset; the message names the ones there are.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let (name, text) = FILES
            .iter()
            .find(|(known, _)| *known == name)
            .with_context(|| {
                let known = Self::names().collect::<Vec<_>>().join(", ");
                let near = nearest(name, Self::names());
                let near = near.map_or(String::new(), |near| format!(", did you mean {near}?"));
                format!(
                    "unknown preset {name:?}{near}; there are {known}, and `none` to use no preset"
                )
            })?;
        Self::parse(text).with_context(|| format!("the built-in preset {name} is damaged"))
    }

    /// What it says about columns, before any header is seen.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The preset whose telling columns the header has; of several the one that more of them speak for.
    pub(crate) fn guess(header: &Header) -> Result<Option<Self>> {
        let columns = Columns::new(header);
        let mut best: Option<(usize, &Self)> = None;
        for preset in Self::all()? {
            let score = preset
                .detect
                .iter()
                .filter(|all| all.iter().all(|name| is_there(&columns, name)))
                .map(Vec::len);
            let Some(score) = score.max() else { continue };
            if best.as_ref().is_none_or(|(other, _)| score > *other) {
                best = Some((score, preset));
            }
        }
        Ok(best.map(|(_, preset)| preset.clone()))
    }

    /// Every preset, read once: whoever gets one record at a time guesses each time.
    fn all() -> Result<&'static [Self]> {
        static ALL: OnceLock<Vec<Preset>> = OnceLock::new();
        if let Some(all) = ALL.get() {
            return Ok(all);
        }
        let all = FILES.iter().map(|(_, text)| Self::parse(text));
        let all = all.collect::<Result<_>>()?;
        Ok(ALL.get_or_init(|| all))
    }

    fn parse(text: &str) -> Result<Self> {
        let file: PresetFile = toml::from_str(text)?;
        let columns = file.columns.0.into_iter().map(|(target, names)| Mapped {
            target,
            columns: names.into_vec(),
        });
        Ok(Self {
            name: file.preset.name,
            crm: file.preset.crm,
            shape: file.preset.shape,
            timezone: file.preset.timezone,
            advice: file.preset.advice,
            detect: file.preset.detect,
            layout: Layout {
                columns: columns.collect(),
                stages: file.stages.0,
                worths: Vec::new(),
                unlisted: file.preset.unlisted_stages,
                stage_columns: file.stage_columns.0,
                history: file.history,
                only: file
                    .only
                    .0
                    .into_iter()
                    .map(|(column, texts)| (column, texts.into_vec()))
                    .collect(),
                allow_personal: Vec::new(),
                stage_time: None,
                sends_again: Vec::new(),
            },
        })
    }

    /// The columns of a header that hold a field.
    pub(crate) fn columns_of(&self, field: Field, columns: &Columns<'_>) -> Vec<u32> {
        let layout = self.present_in(columns);
        let mapped = layout
            .columns
            .iter()
            .filter(|mapped| mapped.target == Target::Field(field));
        mapped
            .flat_map(|mapped| &mapped.columns)
            .filter_map(|name| columns.find(name))
            .collect()
    }

    /// Every heading it knows, by what stands under it.
    pub(crate) fn headings(&self) -> &[Mapped] {
        &self.layout.columns
    }

    /// The same layout with no stage named.
    pub(crate) fn without_stages(&self) -> Self {
        let mut preset = self.clone();
        preset.layout.stages.clear();
        preset
    }

    /// The layout, less what this header does not have: a preset names every spelling it knows, an export has some.
    /// A field that holds one value takes the first of its columns that is there.
    pub(crate) fn present_in(&self, columns: &Columns<'_>) -> Layout {
        let mut layout = self.layout.clone();
        for mapped in &mut layout.columns {
            let found = mapped
                .columns
                .iter()
                .flat_map(|name| spelt_out(columns, name));
            mapped.columns = found.collect();
            if !holds_several(&mapped.target) {
                mapped.columns.truncate(1);
            }
        }
        layout.columns.retain(|mapped| !mapped.columns.is_empty());
        let mut taken = Vec::new();
        layout
            .stage_columns
            .retain(|(name, _)| match columns.find(name) {
                _ if is_pattern(name) => !columns.matching(name).is_empty(),
                Some(column) if !taken.contains(&column) => {
                    taken.push(column);
                    true
                }
                _ => false,
            });
        layout.only.retain(|(name, _)| columns.find(name).is_some());
        layout.history = layout.history.filter(|history| {
            let found = |patterns: &OneOrMany| {
                patterns
                    .as_slice()
                    .iter()
                    .any(|p| !columns.matching(p).is_empty())
            };
            found(&history.stage) && found(&history.time)
        });
        layout
    }
}

/// The columns a name stands for: itself if it is there, or all that fit it, if it is a pattern.
fn spelt_out(columns: &Columns<'_>, name: &str) -> Vec<String> {
    match columns.find(name) {
        Some(_) => vec![name.to_owned()],
        None if is_pattern(name) => {
            let found = columns.matching(name).into_iter();
            found
                .filter_map(|(column, _)| columns.name_of(column))
                .collect()
        }
        None => Vec::new(),
    }
}

fn is_there(columns: &Columns<'_>, name: &str) -> bool {
    if is_pattern(name) {
        !columns.matching(name).is_empty()
    } else {
        columns.find(name).is_some()
    }
}

/// Whether Meta takes several values of a field and CRMs have several columns for it.
pub(crate) fn holds_several(target: &Target) -> bool {
    matches!(
        target,
        Target::Field(Field::Email | Field::Phone | Field::ExternalId)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_carries_its_file_name() {
        for (name, text) in FILES {
            assert_eq!(Preset::parse(text).unwrap().name, *name);
        }
    }

    #[test]
    fn a_header_that_nobody_knows_is_not_guessed() {
        let header = Header {
            columns: vec!["a".into(), "b".into()],
        };
        assert!(Preset::guess(&header).unwrap().is_none());
    }
}
