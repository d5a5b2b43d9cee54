//! What Meta will say of the funnel, judged from the export alone.
//!
//! In: a [`Sample`] of leads. Out: the [`Funnel`]: stages in the order leads pass them, how many reach each and after
//! how many days, and what speaks against the integration learning from it. Nothing here fails a run.
//! Source of the limits: <https://developers.facebook.com/docs/marketing-api/conversions-api/conversion-leads-integration>

mod sample;
mod warning;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::names::{OTHERS, WITHHELD, looks_personal};
use sample::{CREATED, Touch};
pub(crate) use sample::{Reached, Sample};
pub(crate) use warning::{
    Kind, MAX_DAYS, MAX_RATE, MIN_RATE, Warning, is_raw_lead, names_raw_lead,
};

const SECONDS_A_DAY: f64 = 86_400.0;
const DAYS_A_MONTH: f64 = 30.44;

/// So many stages are shown.
const MAX_SHOWN: usize = 32;

/// A rate a month cannot be told from fewer days.
const MIN_DAYS_FOR_A_RATE: f64 = 7.0;

/// How leads move through the stages of an export.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Funnel {
    /// Leads in the export; an estimate to the nearest per cent when `sampled` is there.
    pub leads: u64,
    /// The share of the leads all other numbers are computed from, when it is not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<f64>,
    /// Leads a month, when the export spans a week or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_per_month: Option<f64>,
    /// The share of leads that have a lead id.
    pub with_lead_id: f64,
    /// Stages in the order most leads pass them: those that most leads reach, 32 at most.
    pub stages: Vec<Stage>,
    /// Stages that fewer leads reach, at least so many.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_stages: u64,
    /// What speaks against the integration learning from this.
    pub warnings: Vec<Warning>,
}

/// One stage of the funnel.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Stage {
    /// The event's name.
    pub event_name: String,
    /// Leads that reached it.
    pub leads: u64,
    /// The share of all leads that reached it.
    pub of_leads: f64,
    /// The share of the leads of the stage before that reached this one too; absent where no lead has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_previous: Option<f64>,
    /// Days from the stage before to this one: half of the leads that reached both took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_from_previous: Option<f64>,
    /// Days from the lead to this stage: half of those that reached it took no longer. Absent where the export does not
    /// tell: neither when leads came in, nor a time of this stage that differs from that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_median: Option<f64>,
    /// Days from the lead to this stage: nine of ten that reached it took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_p90: Option<f64>,
}

impl Funnel {
    /// Whether it shows where leads stand rather than how they got there.
    pub fn is_snapshot(&self) -> bool {
        self.warnings.iter().any(|it| it.kind == Kind::Snapshot)
    }

    /// Judges a sample; nothing when it holds no leads.
    pub fn of(sample: Sample) -> Option<Self> {
        let ordered = sample.ordered();
        let (names, touches, scale) = sample.finish();
        let passage = Passage::of(&names, &touches);
        if passage.leads == 0 {
            return None;
        }
        let estimate = |sampled: u64| (sampled as f64 * scale).round() as u64;
        let share = |part: u64, whole: u64| {
            if whole == 0 {
                0.0
            } else {
                part as f64 / whole as f64
            }
        };
        let shown = passage.most_reached(&names);
        let more_stages = passage.count() - shown.len();
        let order = passage.order(shown, &names, ordered);
        let previous = std::iter::once(None).chain(order.iter().copied().map(Some));
        let steps = steps(&order, &touches);
        let stage = |((&stage, previous), step): ((&usize, Option<usize>), &Vec<u32>)| {
            let reached = passage.reached(stage);
            Stage {
                event_name: if looks_personal(&names[stage], reached) {
                    WITHHELD.to_owned()
                } else {
                    names[stage].to_string()
                },
                leads: estimate(reached),
                of_leads: share(reached, passage.leads),
                from_previous: previous
                    .filter(|&previous| passage.both[stage][previous] > 0)
                    .map(|previous| {
                        share(passage.both[stage][previous], passage.reached(previous))
                    }),
                days_from_previous: step
                    .last()
                    .filter(|longest| **longest > 0)
                    .map(|_| quantile(step, 0.5)),
                days_median: passage.wait(stage, 0.5),
                days_p90: passage.wait(stage, 0.9),
            }
        };
        let mut funnel = Funnel {
            leads: estimate(passage.leads),
            sampled: (scale > 1.0).then(|| 1.0 / scale),
            leads_per_month: passage.leads_per_month(scale),
            with_lead_id: share(passage.with_lead_id, passage.leads),
            stages: order.iter().zip(previous).zip(&steps).map(stage).collect(),
            more_stages: more_stages as u64,
            warnings: Vec::new(),
        };
        funnel.warnings = warning::judge(&funnel, passage.is_snapshot());
        Some(funnel)
    }
}

/// What the touches of all leads add up to; stages by their index.
struct Passage {
    leads: u64,
    with_lead_id: u64,
    first_start: u32,
    last_start: u32,
    /// Which stages stand for the raw lead.
    is_raw: Vec<bool>,
    /// Seconds from the lead to the stage, sorted, of those leads whose beginning is known.
    waits: Vec<Vec<u32>>,
    /// `both[a][b]`: leads that reached both.
    both: Vec<Vec<u64>>,
    /// `before[a][b]`: leads that reached `a` earlier than `b`.
    before: Vec<Vec<u64>>,
}

impl Passage {
    /// `touches` are sorted by lead and stage.
    fn of(names: &[Arc<str>], touches: &[Touch]) -> Self {
        let stages = names.len();
        let square = vec![vec![0; stages]; stages];
        let mut passage = Self {
            leads: 0,
            with_lead_id: 0,
            first_start: u32::MAX,
            last_start: 0,
            is_raw: names.iter().map(|name| names_raw_lead(name)).collect(),
            waits: vec![Vec::new(); stages],
            both: square.clone(),
            before: square,
        };
        for lead in touches.chunk_by(|a, b| a.lead == b.lead) {
            passage.add(lead);
        }
        for waits in &mut passage.waits {
            waits.sort_unstable();
        }
        passage
    }

    fn add(&mut self, lead: &[Touch]) {
        let created = lead.iter().find(|touch| touch.stage == CREATED);
        let is_raw = |touch: &&Touch| self.is_raw[usize::from(touch.stage)];
        let mut stages = lead.iter().filter(|touch| touch.stage != CREATED);
        let begun = created.or_else(|| stages.find(is_raw)).map(|it| it.time);
        let first = lead.iter().map(|touch| touch.time).min();
        let Some(start) = begun.or(first) else { return };
        self.leads += 1;
        self.with_lead_id += u64::from(lead.iter().any(|touch| touch.has_lead_id));
        self.first_start = self.first_start.min(start);
        self.last_start = self.last_start.max(start);
        let stages = || lead.iter().filter(|touch| touch.stage != CREATED);
        for a in stages() {
            let row = usize::from(a.stage);
            self.waits[row].extend(begun.map(|begun| a.time.saturating_sub(begun)));
            for b in stages() {
                let column = usize::from(b.stage);
                self.both[row][column] += 1;
                self.before[row][column] += u64::from(a.time < b.time);
            }
        }
    }

    fn reached(&self, stage: usize) -> u64 {
        self.both[stage][stage]
    }

    /// Days from the lead to a stage, if the export tells. A time that is always that of the lead is most likely a copy of it.
    fn wait(&self, stage: usize, share: f64) -> Option<f64> {
        let waits = &self.waits[stage];
        let longest = waits.last()?;
        (*longest > 0 || self.is_raw[stage]).then(|| quantile(waits, share))
    }

    /// How many stages any lead reaches.
    fn count(&self) -> usize {
        (0..self.both.len())
            .filter(|&stage| self.reached(stage) > 0)
            .count()
    }

    /// The stages that are shown.
    fn most_reached(&self, names: &[Arc<str>]) -> Vec<usize> {
        let mut stages: Vec<usize> = (0..names.len())
            .filter(|&stage| self.reached(stage) > 0 && &*names[stage] != OTHERS)
            .collect();
        stages.sort_by_key(|&stage| std::cmp::Reverse(self.reached(stage)));
        stages.truncate(MAX_SHOWN);
        stages.sort_unstable();
        stages
    }

    /// Stages by how many others they usually come before. Where that says nothing: in the order of the settings, of which
    /// there are `ordered`; then the raw lead first, the earlier, the more frequent.
    fn order(&self, stages: Vec<usize>, names: &[Arc<str>], ordered: usize) -> Vec<usize> {
        let wins: Vec<usize> = (0..names.len())
            .map(|a| {
                let is_after = |&&b: &&usize| self.before[a][b] > self.before[b][a];
                stages.iter().filter(is_after).count()
            })
            .collect();
        let mut order = stages;
        order.sort_by(|&a, &b| {
            let by_wins = wins[b].cmp(&wins[a]);
            let median = |stage: usize| match self.waits[stage].is_empty() {
                true => f64::INFINITY,
                false => quantile(&self.waits[stage], 0.5),
            };
            by_wins
                .then(a.min(ordered).cmp(&b.min(ordered)))
                .then(self.is_raw[b].cmp(&self.is_raw[a]))
                .then(median(a).total_cmp(&median(b)))
                .then(self.reached(b).cmp(&self.reached(a)))
                .then_with(|| names[a].cmp(&names[b]))
        });
        order
    }

    fn leads_per_month(&self, scale: f64) -> Option<f64> {
        let days = f64::from(self.last_start.saturating_sub(self.first_start)) / SECONDS_A_DAY;
        (days >= MIN_DAYS_FOR_A_RATE).then(|| self.leads as f64 * scale / days * DAYS_A_MONTH)
    }

    /// Whether several stages occur and yet no lead has two: the export shows where leads stand, not how they got there.
    fn is_snapshot(&self) -> bool {
        let several = |stage: usize| {
            self.both[stage]
                .iter()
                .enumerate()
                .any(|(other, both)| other != stage && *both > 0)
        };
        self.count() > 1 && !(0..self.both.len()).any(several)
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Seconds from the stage before to each stage of the order, sorted; no time where a lead went the other way.
fn steps(order: &[usize], touches: &[Touch]) -> Vec<Vec<u32>> {
    let mut steps = vec![Vec::new(); order.len()];
    for lead in touches.chunk_by(|a, b| a.lead == b.lead) {
        let time = |stage: usize| {
            let index = lead.binary_search_by_key(&stage, |touch| usize::from(touch.stage));
            index.ok().map(|index| lead[index].time)
        };
        for (index, pair) in order.windows(2).enumerate() {
            if let (Some(before), Some(after)) = (time(pair[0]), time(pair[1])) {
                steps[index + 1].push(after.saturating_sub(before));
            }
        }
    }
    steps.iter_mut().for_each(|steps| steps.sort_unstable());
    steps
}

/// The nearest-rank quantile of sorted seconds, in days.
fn quantile(sorted: &[u32], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    let seconds = sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0);
    f64::from(seconds) / SECONDS_A_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const START: i64 = 1_794_300_000;

    /// `(stage, the share of leads that reach it as 1/n, days after the lead)`
    fn funnel(leads: u64, days: i64, stages: &[(&str, u64, i64)]) -> Funnel {
        let mut sample = Sample::default();
        for lead in 0..leads {
            let created = START + lead as i64 * days * DAY / leads as i64;
            for (event_name, every, after) in stages {
                if lead.is_multiple_of(*every) {
                    let time = created + after * DAY;
                    sample.add(Reached {
                        lead,
                        event_name,
                        time,
                        created: Some(created),
                        has_lead_id: true,
                    });
                }
            }
        }
        Funnel::of(sample).unwrap()
    }

    fn kinds(funnel: &Funnel) -> Vec<Kind> {
        funnel.warnings.iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn stages_come_in_the_order_leads_pass_them_with_rates_and_days() {
        let funnel = funnel(
            1_000,
            60,
            &[("Customer", 20, 9), ("Qualified", 4, 3), ("Lead", 1, 0)],
        );
        let stages: Vec<_> = funnel
            .stages
            .iter()
            .map(|it| (it.event_name.as_str(), it.leads, it.of_leads))
            .collect();
        assert_eq!(
            stages,
            [
                ("Lead", 1_000, 1.0),
                ("Qualified", 250, 0.25),
                ("Customer", 50, 0.05)
            ]
        );
        let steps: Vec<_> = funnel
            .stages
            .iter()
            .map(|it| {
                (
                    it.from_previous,
                    it.days_from_previous,
                    it.days_median,
                    it.days_p90,
                )
            })
            .collect();
        assert_eq!(
            steps,
            [
                (None, None, Some(0.0), Some(0.0)),
                (Some(0.25), Some(3.0), Some(3.0), Some(3.0)),
                (Some(0.2), Some(6.0), Some(9.0), Some(9.0))
            ]
        );
        assert_eq!(
            (funnel.leads, funnel.sampled, funnel.with_lead_id),
            (1_000, None, 1.0)
        );
        assert!(
            (funnel.leads_per_month.unwrap() - 507.0).abs() < 1.0,
            "{:?}",
            funnel.leads_per_month
        );
        assert_eq!(kinds(&funnel), []);
    }

    #[test]
    fn rows_of_a_lead_may_be_far_apart_and_without_a_creation_time() {
        let mut sample = Sample::default();
        for (event_name, after) in [("Customer", 10), ("Lead", 0), ("Qualified", 4)] {
            for lead in 1..=300 {
                let time = START + lead as i64 * DAY / 10 + after * DAY;
                sample.add(Reached {
                    lead,
                    event_name,
                    time,
                    created: None,
                    has_lead_id: lead % 2 == 0,
                });
            }
        }
        let funnel = Funnel::of(sample).unwrap();
        let stages: Vec<_> = funnel
            .stages
            .iter()
            .map(|it| (it.event_name.as_str(), it.days_median))
            .collect();
        let expected = [("Lead", 0.0), ("Qualified", 4.0), ("Customer", 10.0)];
        assert_eq!(stages, expected.map(|(name, days)| (name, Some(days))));
        assert_eq!(kinds(&funnel), [Kind::RateOutside, Kind::LeadIdsMissing]);
    }

    #[test]
    fn every_lead_counts_however_many_stages_there_are() {
        let mut sample = Sample::default();
        for lead in 0..700 {
            let own = format!("own {lead}");
            for (event_name, after) in [("Lead", 0), (&*own, 1)]
                .into_iter()
                .skip((lead % 2) as usize)
            {
                sample.add(Reached {
                    lead,
                    event_name,
                    time: START + after * DAY,
                    created: None,
                    has_lead_id: lead < 70,
                });
            }
        }
        let funnel = Funnel::of(sample).unwrap();
        assert_eq!((funnel.leads, funnel.with_lead_id), (700, 0.1));
        assert_eq!(funnel.stages.len(), MAX_SHOWN);
        let first = &funnel.stages[0];
        assert_eq!(
            (&*first.event_name, first.leads, first.of_leads),
            ("Lead", 350, 0.5)
        );
        assert_eq!(funnel.more_stages, 256 - 32 + 1);
        assert!(!funnel.is_snapshot());
    }

    #[test]
    fn large_exports_are_sampled_and_the_numbers_hold() {
        let funnel = funnel(
            500_000,
            365,
            &[("Lead", 1, 0), ("Qualified", 5, 2), ("Customer", 50, 40)],
        );
        assert!(funnel.sampled.is_some_and(|share| share < 1.0));
        assert!(
            (funnel.leads as f64 / 500_000.0 - 1.0).abs() < 0.02,
            "{}",
            funnel.leads
        );
        let rates: Vec<_> = funnel.stages.iter().map(|stage| stage.of_leads).collect();
        assert!(
            (rates[1] - 0.2).abs() < 0.01 && (rates[2] - 0.02).abs() < 0.003,
            "{rates:?}"
        );
        assert_eq!(funnel.stages[2].days_median, Some(40.0));
        assert_eq!(kinds(&funnel), [Kind::TooLate]);
    }

    #[test]
    fn each_limit_has_its_warning() {
        let warned = |leads, days, stages: &[_]| kinds(&funnel(leads, days, stages));
        assert_eq!(warned(900, 60, &[("Lead", 1, 0)]), [Kind::StagesTooFew]);
        assert_eq!(
            warned(900, 60, &[("Qualified", 1, 0), ("Customer", 10, 5)]),
            [Kind::NoRawLead, Kind::RateOutside]
        );
        assert_eq!(
            warned(900, 60, &[("Lead", 1, 0), ("Customer", 450, 5)]),
            [Kind::RateOutside]
        );
        assert_eq!(
            warned(900, 60, &[("Lead", 1, 0), ("Customer", 10, 29)]),
            [Kind::TooLate]
        );
        assert_eq!(
            warned(300, 60, &[("Lead", 1, 0), ("Customer", 10, 5)]),
            [Kind::LeadsTooFew]
        );
        assert_eq!(
            warned(20, 2, &[("Lead", 1, 0), ("Customer", 10, 5)]),
            [],
            "two days say nothing of a month"
        );
    }

    #[test]
    fn a_snapshot_of_current_stages_is_recognised() {
        let mut sample = Sample::default();
        for lead in 0..40 {
            let event_name = if lead % 4 == 0 { "Qualified" } else { "Lead" };
            sample.add(Reached {
                lead,
                event_name,
                time: START,
                created: None,
                has_lead_id: true,
            });
        }
        assert_eq!(kinds(&Funnel::of(sample).unwrap()), [Kind::Snapshot]);
        assert_eq!(Funnel::of(Sample::default()), None);
    }

    /// `(stage, days after the lead)` of leads in one stage each.
    fn standing(mut sample: Sample, leads: &[(&str, i64)], knows_created: bool) -> Funnel {
        for (lead, (event_name, after)) in leads.iter().enumerate() {
            sample.add(Reached {
                lead: lead as u64,
                event_name,
                time: START + after * DAY,
                created: knows_created.then_some(START),
                has_lead_id: true,
            });
        }
        Funnel::of(sample).unwrap()
    }

    fn order(funnel: &Funnel) -> Vec<&str> {
        let names = funnel.stages.iter().map(|it| it.event_name.as_str());
        names.collect()
    }

    #[test]
    fn days_are_not_known_where_nothing_tells_when_the_lead_came_in() {
        let leads = [("Won", 9), ("Won", 8), ("Contacted", 2)];
        let funnel = standing(Sample::default(), &leads, false);
        assert!(funnel.stages.iter().all(|it| it.days_median.is_none()));
        assert!(funnel.stages.iter().all(|it| it.from_previous.is_none()));
        assert!(funnel.is_snapshot());
        let copied = [("Won", 0), ("Won", 0), ("Contacted", 0), ("Lead", 0)];
        let funnel = standing(Sample::default(), &copied, true);
        let days: Vec<_> = funnel.stages.iter().map(|it| it.days_median).collect();
        assert_eq!(order(&funnel), ["Lead", "Won", "Contacted"]);
        assert_eq!(
            days,
            [Some(0.0), None, None],
            "times copied from the lead's"
        );
    }

    #[test]
    fn stages_whose_order_no_lead_shows_come_by_the_settings_then_by_their_times() {
        let leads = [
            ("Won", 9),
            ("Won", 8),
            ("Lost", 1),
            ("Contacted", 2),
            ("New Lead", 3),
        ];
        let funnel = standing(Sample::default(), &leads, true);
        assert_eq!(order(&funnel), ["New Lead", "Lost", "Contacted", "Won"]);
        let settings = ["Contacted", "Won", "Lost", "Never seen"].map(Arc::from);
        let funnel = standing(Sample::of_stages(settings), &leads, true);
        assert_eq!(order(&funnel), ["Contacted", "Won", "Lost", "New Lead"]);
    }
}
