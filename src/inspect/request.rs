//! What `init` is asked to look at, and what is known of it beforehand.

use std::path::Path;

use anyhow::Result;

use crate::run::ReadSettings;
use crate::source::Input;
use crate::time::DateOrder;

/// What to look at, and what is known already.
pub(crate) struct Request<'a> {
    /// The export.
    pub input: Input,
    /// How people call it.
    pub name: String,
    /// How to read it, with what was said about its columns.
    pub read: ReadSettings,
    /// The CRM's name, if it was said.
    pub crm: Option<String>,
    /// What else was said.
    pub given: Given,
    /// The word for the export on the next command line.
    pub export: String,
    /// Where the settings go.
    pub output: &'a Path,
    /// Whether that is where settings are looked for.
    pub is_usual_place: bool,
    /// Whether somebody is there to be asked.
    pub may_ask: bool,
    /// Whether a text is a dataset's id.
    pub check_dataset_id: &'a dyn Fn(&str) -> Result<()>,
}

/// What was said about the settings besides the columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// The dataset.
    pub dataset_id: Option<String>,
    /// The zone of times without one, by name.
    pub timezone: Option<String>,
    /// How to read numeric dates.
    pub date_order: Option<DateOrder>,
    /// The country of rows without one.
    pub default_country: Option<String>,
    /// What was said about reading, as `[input]` has it.
    pub input: Vec<(&'static str, String)>,
}

/// What goes into the settings besides the columns.
pub(super) struct Decided {
    pub(super) dataset_id: Option<String>,
    pub(super) crm: String,
    pub(super) timezone: Option<String>,
    pub(super) date_order: Option<DateOrder>,
    pub(super) default_country: Option<String>,
    /// What the command line says about reading, as `[input]` has it.
    pub(super) input: Vec<(&'static str, String)>,
}

/// Whether settings can be used as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// They can.
    Complete,
    /// Something is missing, which stands in them as a comment.
    HasGaps,
}

impl Decided {
    pub(super) fn of(given: &Given, crm: String) -> Self {
        let given = given.clone();
        Self {
            dataset_id: given.dataset_id,
            crm,
            timezone: given.timezone,
            date_order: given.date_order,
            default_country: given.default_country,
            input: given.input,
        }
    }
}
