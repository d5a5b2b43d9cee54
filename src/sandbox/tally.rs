//! What the sandbox counted of the events it accepted: by partner agent, name and hour, as Meta's statistics do.
//!
//! A count shows only after a delay, as Meta's do within 20 minutes to an hour. It holds names and numbers and no event,
//! and only so many of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// More names and hours than this are not kept: whoever posts that many wants to fill the memory.
const MAX_ENTRIES: usize = 100_000;
/// Names of customer parameters kept of an entry; Meta knows fewer.
const MAX_KEYS: usize = 40;

/// All that was counted.
#[derive(Debug)]
pub(super) struct Tally {
    delay: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    shown: BTreeMap<Entry, Numbers>,
    /// What does not show yet, the oldest first.
    waiting: VecDeque<(Instant, BTreeMap<Entry, Numbers>)>,
    entries: usize,
    last: i64,
}

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// In hours since 1970, by the event's own time.
    pub(super) hour: i64,
    /// The event name.
    pub(super) name: String,
    /// The partner agent in lower case; empty when there was none.
    pub(super) agent: String,
}

/// What is counted of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Events.
    pub(super) events: u64,
    /// Events that carry each customer parameter.
    pub(super) keys: BTreeMap<String, u64>,
}

impl Numbers {
    fn add(&mut self, other: &Numbers) {
        self.events += other.events;
        for (key, count) in &other.keys {
            *self.keys.entry(key.clone()).or_default() += count;
        }
    }
}

impl Tally {
    pub(super) fn new(delay: Duration) -> Self {
        Self {
            delay,
            kept: Mutex::default(),
        }
    }

    /// Counts an accepted batch.
    pub(super) fn count(&self, agent: &str, events: &[Value]) {
        let mut batch: BTreeMap<Entry, Numbers> = BTreeMap::new();
        let mut last = 0;
        for event in events {
            let time = event["event_time"].as_i64().unwrap_or_default();
            last = last.max(time);
            let entry = Entry {
                hour: time.div_euclid(3_600),
                name: event["event_name"].as_str().unwrap_or_default().to_owned(),
                agent: agent.to_lowercase(),
            };
            let numbers = batch.entry(entry).or_default();
            numbers.events += 1;
            let keys = event["user_data"].as_object();
            for key in keys.into_iter().flat_map(|keys| keys.keys()).take(MAX_KEYS) {
                *numbers.keys.entry(key.clone()).or_default() += 1;
            }
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last = kept.last.max(last);
        if kept.entries + batch.len() <= MAX_ENTRIES {
            kept.entries += batch.len();
            kept.waiting.push_back((Instant::now(), batch));
        }
    }

    /// What shows by now, in the order of the hours; and the time of the latest event, Unix seconds, 0 without any.
    pub(super) fn shown(&self) -> (Vec<(Entry, Numbers)>, i64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept
            .waiting
            .front()
            .is_some_and(|(at, _)| at.elapsed() >= self.delay)
        {
            let (_, batch) = kept
                .waiting
                .pop_front()
                .unwrap_or((Instant::now(), BTreeMap::new()));
            kept.entries -= batch.len();
            for (entry, numbers) in batch {
                kept.shown.entry(entry).or_default().add(&numbers);
            }
        }
        // Of what shows only the newest is kept; the oldest hours go first.
        while kept.shown.len() > MAX_ENTRIES {
            kept.shown.pop_first();
        }
        let shown = kept.shown.iter();
        let shown = shown.map(|(entry, numbers)| (entry.clone(), numbers.clone()));
        (shown.collect(), kept.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_counted_by_agent_name_and_hour() {
        let tally = Tally::new(Duration::ZERO);
        let event = |name: &str, time: i64| json!({"event_name": name, "event_time": time, "user_data": {"em": [], "lead_id": 1}});
        tally.count(
            "Acme",
            &[
                event("Lead", 3_600),
                event("Lead", 7_199),
                event("MQL", 7_200),
            ],
        );
        tally.count("Acme", &[event("Lead", 3_700)]);
        tally.count("", &[event("Lead", 3_700)]);
        let (shown, last) = tally.shown();
        let lines: Vec<_> = shown
            .iter()
            .map(|(e, n)| {
                (
                    e.hour,
                    e.name.as_str(),
                    e.agent.as_str(),
                    n.events,
                    n.keys["em"],
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                (1, "Lead", "", 1, 1),
                (1, "Lead", "acme", 3, 3),
                (2, "MQL", "acme", 1, 1)
            ]
        );
        assert_eq!(last, 7_200);
    }

    #[test]
    fn a_count_shows_after_the_delay() {
        let tally = Tally::new(Duration::from_secs(3_600));
        tally.count("", &[json!({"event_name": "Lead", "event_time": 7})]);
        assert!(tally.shown().0.is_empty());
    }
}
