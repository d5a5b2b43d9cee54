//! From rows to lead records: which column holds what.
//!
//! In go a header and the layouts of command line, settings and preset; out comes a [`Plan`], a list of column
//! indexes that reads any row of that header. A column that is not there is an error that names the nearest ones.

mod answers;
mod calling_code;
mod columns;
mod event_names;
mod failure;
mod layout;
mod pattern;
mod personal;
mod plan;
mod preset;
mod record;
pub(crate) mod words;
mod worth;

pub(crate) use answers::{consents, yes_or_no};
pub(crate) use calling_code::{speaks_of_area_codes, speaks_of_calling_codes};
pub(crate) use columns::Wanted;
pub(crate) use columns::{Columns, canonical};
pub(crate) use event_names::{NameId, canonical_stage};
pub(crate) use failure::sounds_negative;
pub(crate) use layout::{
    History, Layout, Mapped, OneOrMany, Ordered, StageTime, Target, Unlisted, nearest_field,
};
pub(crate) use pattern::is_pattern;
pub(crate) use plan::{MappingError, Plan};
pub(crate) use preset::{Preset, Shape, holds_several};
pub(crate) use record::{LeftOut, Notice, Record, Stage, Times};
pub(crate) use worth::{Sum, Worth, WorthId};
