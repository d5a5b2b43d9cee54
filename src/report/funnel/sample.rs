//! Which leads reached which stage when, in bounded memory.
//!
//! In: one call per event, from any number of workers. Every lead is kept while they are few; then only those whose
//! hash begins with a zero bit, then with two, and so on. That is a uniform sample of whole leads, so rates and times
//! computed from it hold for all of them, however the rows of a lead are spread over the input.

use std::sync::Arc;

use crate::report::names::OTHERS;

/// Touches held at most: 4 MB, which is every lead of a file with some 50,000 of them.
const MAX_TOUCHES: usize = 1 << 18;

/// So many event names are told apart.
pub(super) const MAX_STAGES: usize = 256;

/// Stands for every stage past those: their leads count, too.
const OTHER: u16 = u16::MAX - 1;

/// The stage that stands for the creation of the lead.
pub(super) const CREATED: u16 = u16::MAX;

/// A lead reached a stage. Ordered by lead, then stage, then time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Touch {
    pub lead: u64,
    pub stage: u16,
    /// Unix seconds: 32 bits last until 2106, and no lead is older than 1970.
    pub time: u32,
    pub has_lead_id: bool,
}

/// What is known of one event for the funnel.
#[derive(Clone, Copy, Debug)]
pub struct Reached<'a> {
    /// A hash of the lead, the same for all its events.
    pub lead: u64,
    /// The stage.
    pub event_name: &'a str,
    /// When, in Unix seconds.
    pub time: i64,
    /// When the lead was created, in Unix seconds, if the export says so.
    pub created: Option<i64>,
    /// Whether Meta's lead id is known.
    pub has_lead_id: bool,
}

/// A uniform sample of the leads of an input.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    names: Vec<Arc<str>>,
    /// So many of the names stand in the order the settings give.
    ordered: usize,
    touches: Vec<Touch>,
    halvings: u32,
}

impl Sample {
    /// A sample without leads yet, of stages that the settings list in this order.
    pub fn of_stages(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut sample = Sample::default();
        // Stages that occur and are not listed need room, too.
        for name in names.into_iter().take(MAX_STAGES / 2) {
            sample.stage(&name);
        }
        sample.ordered = sample.names.len();
        sample
    }

    /// How many of the names come first because the settings list them, in their order.
    pub(super) fn ordered(&self) -> usize {
        self.ordered
    }

    /// Takes note of an event.
    pub fn add(&mut self, reached: Reached<'_>) {
        let lead = spread(reached.lead);
        if lead.leading_zeros() < self.halvings {
            return;
        }
        let stage = self.stage(reached.event_name);
        let touch = |stage, time| Touch {
            lead,
            stage,
            time: seconds(time),
            has_lead_id: reached.has_lead_id,
        };
        self.push(touch(stage, reached.time));
        if let Some(created) = reached.created {
            self.push(touch(CREATED, created));
        }
    }

    /// Adds the sample of another part of the input.
    pub fn merge(&mut self, other: Sample) {
        self.halvings = self.halvings.max(other.halvings);
        let halvings = self.halvings;
        self.touches
            .retain(|touch| touch.lead.leading_zeros() >= halvings);
        let stages: Vec<_> = other.names.iter().map(|name| self.stage(name)).collect();
        for touch in other.touches {
            let known = stages.get(usize::from(touch.stage));
            let stage = known.copied().unwrap_or(touch.stage);
            if touch.lead.leading_zeros() >= self.halvings {
                self.push(Touch { stage, ..touch });
            }
        }
    }

    /// The stages' names, the touches sorted and without repetitions (the earliest of each lead and stage), and how
    /// many leads one lead of the sample stands for. What stands for the stages past the bound is the last name.
    pub(super) fn finish(mut self) -> (Vec<Arc<str>>, Vec<Touch>, f64) {
        self.sort();
        let last = self.names.len() as u16;
        let others = self.touches.iter_mut().filter(|it| it.stage == OTHER);
        let mut has_others = false;
        for touch in others {
            touch.stage = last;
            has_others = true;
        }
        self.names.extend(has_others.then(|| OTHERS.into()));
        (self.names, self.touches, 2f64.powi(self.halvings as i32))
    }

    fn stage(&mut self, name: &str) -> u16 {
        let known = self.names.iter().position(|known| **known == *name);
        let index = known.or_else(|| {
            (self.names.len() < MAX_STAGES).then(|| {
                self.names.push(name.into());
                self.names.len() - 1
            })
        });
        index.map_or(OTHER, |index| index as u16)
    }

    fn push(&mut self, touch: Touch) {
        self.touches.push(touch);
        if self.touches.len() >= MAX_TOUCHES {
            self.shrink();
        }
    }

    /// Halves the sample until half the memory is free. It ends: a lead has at most `MAX_STAGES + 2` touches, and at
    /// most one lead survives 64 halvings.
    fn shrink(&mut self) {
        self.sort();
        while self.touches.len() > MAX_TOUCHES / 2 {
            self.halvings += 1;
            let halvings = self.halvings;
            self.touches
                .retain(|touch| touch.lead.leading_zeros() >= halvings);
        }
    }

    fn sort(&mut self) {
        self.touches.sort_unstable();
        self.touches.dedup_by(|later, kept| {
            let same = (later.lead, later.stage) == (kept.lead, kept.stage);
            kept.has_lead_id |= same && later.has_lead_id;
            same
        });
    }
}

/// Spreads hashes that are weak in their leading bits; no two leads become one.
fn spread(lead: u64) -> u64 {
    lead.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn seconds(time: i64) -> u32 {
    time.clamp(0, i64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(lead: u64, event_name: &str, time: i64) -> Reached<'_> {
        Reached {
            lead,
            event_name,
            time,
            created: None,
            has_lead_id: lead.is_multiple_of(2),
        }
    }

    #[test]
    fn the_earliest_time_of_a_repeated_stage_counts() {
        let mut sample = Sample::default();
        for time in [300, 100, 200] {
            sample.add(reached(7, "Lead", time));
        }
        let (_, touches, scale) = sample.finish();
        assert_eq!((touches.len(), touches[0].time, scale), (1, 100, 1.0));
    }

    #[test]
    fn memory_is_bounded_and_whole_leads_are_kept() {
        let mut sample = Sample::default();
        let leads = 600_000;
        for pass in 0..3 {
            for lead in 0..leads {
                sample.add(reached(
                    lead,
                    ["Lead", "Qualified", "Customer"][pass],
                    pass as i64,
                ));
            }
        }
        assert!(sample.touches.capacity() <= 2 * MAX_TOUCHES);
        let (_, touches, scale) = sample.finish();
        assert!(
            touches
                .chunks(3)
                .all(|lead| lead.len() == 3 && lead[0].lead == lead[2].lead)
        );
        let estimate = touches.len() as f64 / 3.0 * scale;
        assert!((estimate / leads as f64 - 1.0).abs() < 0.02, "{estimate}");
        let with_id =
            touches.iter().filter(|touch| touch.has_lead_id).count() as f64 / touches.len() as f64;
        assert!((with_id - 0.5).abs() < 0.02, "{with_id}");
    }

    #[test]
    fn parts_in_any_order_give_the_same_sample_as_one_pass() {
        let (mut whole, mut parts) = (Sample::default(), [Sample::default(), Sample::default()]);
        for lead in 0..400_000 {
            let name = if lead % 3 == 0 { "Customer" } else { "Lead" };
            whole.add(reached(lead, name, 5));
            parts[usize::from(lead % 5 == 0)].add(reached(lead, name, 5));
        }
        let [mut first, second] = parts;
        first.merge(second);
        let leads = |sample: Sample, halvings: u32| {
            let (names, touches, _) = sample.finish();
            let kept = touches
                .into_iter()
                .filter(|touch| touch.lead.leading_zeros() >= halvings);
            kept.map(|touch| (touch.lead, names[usize::from(touch.stage)].clone()))
                .collect::<Vec<_>>()
        };
        let halvings = whole.halvings.max(first.halvings);
        assert!(halvings > 0);
        assert_eq!(leads(whole, halvings), leads(first, halvings));
    }

    #[test]
    fn stages_past_the_bound_are_one_also_after_merging() {
        let mut sample = Sample::default();
        for part in 0..3 {
            let mut later = Sample::default();
            for index in 0..300 {
                later.add(reached(1, &format!("stage {part} {index}"), index));
            }
            sample.merge(later);
        }
        let (names, touches, _) = sample.finish();
        assert_eq!(
            (names.len(), touches.len()),
            (MAX_STAGES + 1, MAX_STAGES + 1)
        );
        assert_eq!(names.last().map(|name| &**name), Some(OTHERS));
    }
}
