//! What speaks against the integration learning from a funnel: Meta's published expectations, one check each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::super::names::WITHHELD;
use super::{Funnel, Stage};
use crate::mapping::canonical_stage;
use crate::text::{counted, list, percent, quoted};

const MIN_STAGES: usize = 2;
const MIN_LEADS_A_MONTH: f64 = 200.0;
const MIN_LEAD_ID_SHARE: f64 = 0.6;
/// The share of the leads that reach the stage to optimise for, at least.
pub(crate) const MIN_RATE: f64 = 0.01;
/// And at most.
pub(crate) const MAX_RATE: f64 = 0.4;
/// Days in which most leads that reach it do.
pub(crate) const MAX_DAYS: f64 = 28.0;

/// An expectation of Meta's that the export does not meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// Which expectation; `crm2capi help problems` explains each.
    #[serde(rename = "code", serialize_with = "code")]
    #[schemars(with = "String", regex(pattern = "^funnel(-[a-z0-9]+)+$"))]
    pub kind: Kind,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

/// Meta's expectations of a funnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fewer than two stages.
    StagesTooFew,
    /// No stage stands for the raw lead.
    NoRawLead,
    /// Stages that differ only in case, spaces and punctuation.
    StagesAlike,
    /// No lead has two stages.
    Snapshot,
    /// A stage converts less than 1 % or more than 40 % of the leads.
    RateOutside,
    /// A stage is mostly reached later than 28 days after the lead.
    TooLate,
    /// Fewer than 200 leads a month.
    LeadsTooFew,
    /// Fewer than 60 % of the leads have a lead id.
    LeadIdsMissing,
}

impl Kind {
    /// Every kind, in the order they are told.
    pub const ALL: [Kind; 8] = [
        Kind::StagesTooFew,
        Kind::NoRawLead,
        Kind::StagesAlike,
        Kind::Snapshot,
        Kind::RateOutside,
        Kind::TooLate,
        Kind::LeadsTooFew,
        Kind::LeadIdsMissing,
    ];

    /// The stable kebab-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::StagesTooFew => "funnel-stages-too-few",
            Kind::NoRawLead => "funnel-no-raw-lead",
            Kind::StagesAlike => "funnel-stages-alike",
            Kind::Snapshot => "funnel-snapshot",
            Kind::RateOutside => "funnel-rate-outside",
            Kind::TooLate => "funnel-too-late",
            Kind::LeadsTooFew => "funnel-leads-too-few",
            Kind::LeadIdsMissing => "funnel-lead-ids-missing",
        }
    }

    /// What is not as Meta expects it, whatever the export.
    pub const fn message(self) -> &'static str {
        match self {
            Kind::StagesTooFew => "the export has fewer than two stages",
            Kind::NoRawLead => "no stage stands for the raw lead",
            Kind::StagesAlike => {
                "stages differ only in case, spaces or punctuation, and count as different stages"
            }
            Kind::Snapshot => "no lead has two stages, so the export shows where leads are today",
            Kind::RateOutside => "fewer than 1 % or more than 40 % of the leads reach a stage",
            Kind::TooLate => "a stage is mostly reached more than 28 days after the lead",
            Kind::LeadsTooFew => "the export has fewer than 200 leads a month",
            Kind::LeadIdsMissing => "fewer than 60 % of the leads have a lead id",
        }
    }

    /// What to do about it.
    pub const fn help(self) -> &'static str {
        match self {
            Kind::StagesTooFew => {
                "send every stage a lead goes through, at least two and better three or more"
            }
            Kind::NoRawLead => {
                "send the raw lead as a stage too, for example from the column of its creation date"
            }
            Kind::StagesAlike => {
                "list one of the spellings under [stages], which stands for all of them"
            }
            Kind::Snapshot => {
                "export the history of stages, or a date column for each stage; a stage left between two exports is lost"
            }
            Kind::RateOutside => "optimise for a stage that 1 % to 40 % of the leads reach",
            Kind::TooLate => "optimise for an earlier stage, reached within 28 days of the lead",
            Kind::LeadsTooFew => {
                "Meta learns from about 200 leads a month; send the leads of all forms to one dataset"
            }
            Kind::LeadIdsMissing => {
                "bring Meta's lead id into the CRM with each lead; Meta expects at least 60 % of its leads to have a matching event"
            }
        }
    }
}

fn code<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

/// The expectations a funnel does not meet. What follows from another warning is not said twice.
pub(super) fn judge(funnel: &Funnel, is_snapshot: bool) -> Vec<Warning> {
    Kind::ALL
        .into_iter()
        .filter_map(|kind| check(kind, funnel, is_snapshot))
        .collect()
}

fn check(kind: Kind, funnel: &Funnel, is_snapshot: bool) -> Option<Warning> {
    let past_raw_lead = || funnel.stages.iter().filter(|stage| !is_raw_lead(stage));
    let message = match kind {
        Kind::StagesTooFew => (funnel.stages.len() < MIN_STAGES).then(|| {
            format!(
                "the export has only the stage {}",
                names(funnel.stages.iter(), |_| String::new())
            )
        }),
        Kind::NoRawLead => (!funnel.stages.iter().any(is_raw_lead))
            .then(|| "no stage stands for the raw lead".to_owned()),
        Kind::StagesAlike => some_alike(funnel)
            .map(|stages| format!("the same but for case, spaces or punctuation: {stages}")),
        Kind::Snapshot => is_snapshot.then(|| {
            "every lead has only one stage, so this shows where leads are today".to_owned()
        }),
        Kind::RateOutside if !is_snapshot => {
            let outside = |stage: &&Stage| !(MIN_RATE..=MAX_RATE).contains(&stage.of_leads);
            some(past_raw_lead().filter(outside), |stage| {
                format!(" ({} of the leads)", outside_share(stage.of_leads))
            })
            .map(|stages| format!("outside of 1 % to 40 %: {stages}"))
        }
        Kind::TooLate => some(
            past_raw_lead().filter(|stage| stage.days_median.is_some_and(|days| days > MAX_DAYS)),
            |stage| {
                format!(
                    " ({:.0} days in the middle)",
                    stage.days_median.unwrap_or_default()
                )
            },
        )
        .map(|stages| format!("mostly reached more than 28 days after the lead: {stages}")),
        Kind::LeadsTooFew => funnel
            .leads_per_month
            .filter(|rate| *rate < MIN_LEADS_A_MONTH)
            .map(rate_of),
        Kind::LeadIdsMissing => (funnel.with_lead_id < MIN_LEAD_ID_SHARE).then(|| {
            format!(
                "{} of the leads have a lead id",
                percent(funnel.with_lead_id)
            )
        }),
        Kind::RateOutside => None,
    };
    message.map(|message| Warning {
        kind,
        message,
        help: kind.help(),
    })
}

fn rate_of(leads_a_month: f64) -> String {
    match leads_a_month < 1.0 {
        true => "fewer than one lead a month".to_owned(),
        false => format!(
            "about {} a month",
            counted(leads_a_month.round() as u64, "lead")
        ),
    }
}

/// The stages that are spelt in several ways, those of one stage beside each other.
fn some_alike(funnel: &Funnel) -> Option<String> {
    let mut spellings: BTreeMap<String, Vec<&Stage>> = BTreeMap::new();
    // Of names that are withheld nothing is known but that they are.
    let named = (funnel.stages.iter()).filter(|stage| stage.event_name != WITHHELD);
    for stage in named {
        let name = canonical_stage(&stage.event_name);
        spellings.entry(name).or_default().push(stage);
    }
    let several = spellings.into_values().filter(|stages| stages.len() > 1);
    some(several.flatten(), |_| String::new())
}

/// A share beyond a limit, which rounding must not hide.
fn outside_share(share: f64) -> String {
    match percent(share) {
        text if share > MAX_RATE && text == percent(MAX_RATE) => format!("just over {text}"),
        text if share < MIN_RATE && text == percent(MIN_RATE) => format!("just under {text}"),
        text => text,
    }
}

/// Whether a stage is the lead as it came in: named so, whatever the CRM calls the rest.
pub(crate) fn is_raw_lead(stage: &Stage) -> bool {
    names_raw_lead(&stage.event_name)
}

/// Whether events of this name stand for the lead as it came in.
pub(crate) fn names_raw_lead(event_name: &str) -> bool {
    let name: String = event_name
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    const NAMES: [&str; 14] = [
        "lead",
        "leads",
        "newlead",
        "rawlead",
        "leadcreated",
        "leadsubmitted",
        "initiallead",
        "intake",
        "new",
        "created",
        "submitted",
        "submitapplication",
        "open",
        "opennotcontacted",
    ];
    NAMES.contains(&name.as_str())
}

fn some<'a>(
    stages: impl Iterator<Item = &'a Stage>,
    note: impl Fn(&Stage) -> String,
) -> Option<String> {
    let text = names(stages, note);
    (!text.is_empty()).then_some(text)
}

fn names<'a>(stages: impl Iterator<Item = &'a Stage>, note: impl Fn(&Stage) -> String) -> String {
    list(
        &stages
            .map(|stage| format!("{}{}", quoted(&stage.event_name), note(stage)))
            .collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_just_outside_does_not_read_as_if_it_were_inside() {
        assert_eq!(outside_share(0.4003), "just over 40 %");
        assert_eq!(outside_share(0.0099), "just under 1 %");
        assert_eq!(outside_share(0.41), "41 %");
    }

    #[test]
    fn withheld_names_are_not_alike() {
        let stages = |names: [&str; 2]| Funnel {
            leads: 10,
            sampled: None,
            leads_per_month: None,
            with_lead_id: 1.0,
            more_stages: 0,
            stages: names
                .map(|name| Stage {
                    event_name: name.to_owned(),
                    leads: 5,
                    of_leads: 0.5,
                    from_previous: None,
                    days_from_previous: None,
                    days_median: None,
                    days_p90: None,
                })
                .into(),
            warnings: Vec::new(),
        };
        assert_eq!(some_alike(&stages([WITHHELD, WITHHELD])), None);
        assert!(some_alike(&stages(["Won", "won"])).is_some());
    }

    #[test]
    fn a_rate_below_one_lead_a_month_is_not_called_none() {
        assert_eq!(rate_of(0.3), "fewer than one lead a month");
        assert_eq!(rate_of(36.4), "about 36 leads a month");
    }

    #[test]
    fn warnings_name_the_stage_the_number_and_what_to_do() {
        let stage = |event_name: &str, of_leads, days_median| Stage {
            event_name: event_name.to_owned(),
            leads: 10,
            of_leads,
            from_previous: None,
            days_from_previous: None,
            days_median: Some(days_median),
            days_p90: Some(90.0),
        };
        let funnel = Funnel {
            leads: 1_000,
            sampled: None,
            leads_per_month: Some(153.4),
            with_lead_id: 0.42,
            more_stages: 0,
            stages: vec![
                stage("Lead", 1.0, 0.0),
                stage("MQL", 0.66, 2.0),
                stage("Won", 0.2, 3.0),
                stage("WON", 0.2, 3.0),
                stage("Customer", 0.004, 31.0),
            ],
            warnings: Vec::new(),
        };
        let told: Vec<_> = judge(&funnel, false)
            .into_iter()
            .map(|warning| warning.message)
            .collect();
        let expected = [
            r#"the same but for case, spaces or punctuation: "Won" and "WON""#,
            r#"outside of 1 % to 40 %: "MQL" (66 % of the leads) and "Customer" (0.4 % of the leads)"#,
            r#"mostly reached more than 28 days after the lead: "Customer" (31 days in the middle)"#,
            "about 153 leads a month",
            "42 % of the leads have a lead id",
        ];
        assert_eq!(told, expected);
    }
}
