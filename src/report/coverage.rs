//! What the join with Meta's leads came to: who got a lead id, and which share of Meta's leads the export reports on.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The share of its leads that Meta wants to hear of.
/// <https://www.facebook.com/business/help/1082393695635398>
pub(crate) const GOAL: f64 = 0.6;

/// The join with Meta's leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LeadCoverage {
    /// Files of Meta's leads that were read.
    pub files: Vec<String>,
    /// Leads in them, each once.
    pub leads: u64,
    /// Rows with events, by how they came to their lead id.
    pub rows: JoinedRows,
    /// Events that carry a lead id of their row's own.
    pub lead_id_without_join: u64,
    /// Events that carry a lead id now.
    pub lead_id_with_join: u64,
    /// From when on leads are counted: the day of the first stage in the export. Absent without any stage.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// Meta's leads since then, and those of them that have an event.
    #[serde(flatten)]
    pub all: Covered,
    /// The share that Meta asks for.
    pub goal: f64,
    /// The same by form, the largest first.
    pub forms: Vec<FormCoverage>,
    /// The same by week, the earliest first.
    pub weeks: Vec<WeekCoverage>,
}

/// Rows with events, by how they came to their lead id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct JoinedRows {
    /// They had one that is Meta's.
    pub own: u64,
    /// They had one that is not among Meta's leads here.
    pub own_elsewhere: u64,
    /// By their email.
    pub by_email: u64,
    /// By their phone.
    pub by_phone: u64,
    /// Not at all, since two leads fit equally.
    pub ambiguous: u64,
    /// Not at all: they are none of Meta's leads.
    pub none: u64,
}

/// Leads, and how many of them have an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Covered {
    /// Meta's leads.
    pub in_window: u64,
    /// Those that have an event.
    pub covered: u64,
    /// Their share; 0 where there are none.
    pub share: f64,
}

impl Covered {
    /// Of so many leads, so many.
    pub fn of(in_window: u64, covered: u64) -> Self {
        let share = if in_window == 0 {
            0.0
        } else {
            covered as f64 / in_window as f64
        };
        Self {
            in_window,
            covered,
            share,
        }
    }
}

/// The coverage of one form's leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FormCoverage {
    /// The form's id; empty where the leads name none.
    pub form_id: String,
    /// Its name, where the leads name it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its leads.
    #[serde(flatten)]
    pub leads: Covered,
}

/// The coverage of one week's leads.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct WeekCoverage {
    /// The Monday it begins with, in UTC.
    #[schemars(with = "String", extend("format" = "date"))]
    #[serde(serialize_with = "day_as_text")]
    pub week: jiff::civil::Date,
    /// Its leads.
    #[serde(flatten)]
    pub leads: Covered,
}

impl LeadCoverage {
    /// Whether the export reports on as many leads as Meta asks for, as far as there are any.
    pub fn meets_goal(&self) -> bool {
        self.all.in_window == 0 || self.all.share >= self.goal
    }
}

fn as_text<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_string()).serialize(serializer)
}

fn day_as_text<S: Serializer>(day: &jiff::civil::Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&day.to_string())
}
