//! Reads Meta's answers: a part that cannot be read is left out, never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::text::{harmless, without_persons};

/// Events of one name that Meta counted in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// In hours since 1970.
    pub hour: i64,
    /// The event name, or what else is counted.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// What Meta tells of the dataset itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dataset {
    /// Its name.
    pub name: Option<String>,
    /// When it last received anything, Unix seconds; 0 when it never did.
    pub last_fired: Option<i64>,
    /// Whether it was made for CRM events.
    pub is_crm: Option<bool>,
    /// Whether it collects events of all kinds.
    pub is_container: Option<bool>,
    /// Whether it cannot be used.
    pub is_unavailable: Option<bool>,
}

/// What Meta thinks of the events of one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quality {
    /// The event name.
    pub event_name: String,
    /// Of 10.
    pub score: Option<f64>,
    /// Customer parameters and the percentage of events that carry them.
    pub coverage: Vec<(String, f64)>,
    /// What Meta finds wrong.
    pub diagnostics: Vec<String>,
    /// How often events come, in Meta's words.
    pub freshness: Option<String>,
}

/// The buckets of a page: what was counted in which hour. A bucket with a hundred names may have left some out.
pub(super) fn buckets(page: &[Value]) -> (Vec<Count>, bool) {
    let (mut counts, mut is_cut) = (Vec::new(), false);
    for bucket in page {
        let Some(start) = bucket["start_time"].as_str().and_then(time) else {
            continue;
        };
        let entries = array(bucket.get("data"));
        is_cut |= entries.len() >= 100;
        counts.extend(entries.iter().filter_map(|entry| {
            Some(Count {
                hour: start.div_euclid(3_600),
                name: entry["value"].as_str()?.to_owned(),
                count: whole(&entry["count"])?,
            })
        }));
    }
    (counts, is_cut)
}

pub(super) fn dataset(answer: &Map<String, Value>) -> Dataset {
    let flag = |key: &str| answer.get(key).and_then(Value::as_bool);
    Dataset {
        name: answer.get("name").and_then(Value::as_str).map(shown),
        last_fired: answer
            .get("last_fired_time")
            .and_then(Value::as_str)
            .and_then(time),
        is_crm: flag("is_crm"),
        is_container: flag("is_consolidated_container"),
        is_unavailable: flag("is_unavailable"),
    }
}

pub(super) fn quality(answer: &Map<String, Value>) -> Vec<Quality> {
    let events = array(answer.get("web"));
    let read = |event: &Value| {
        let quality = &event["event_match_quality"];
        let coverage = array(quality.get("match_key_feedback"))
            .iter()
            .filter_map(|key| {
                let percentage = key["coverage"]["percentage"].as_f64()?;
                Some((shown(key["identifier"].as_str()?), percentage))
            });
        let diagnostics = array(quality.get("diagnostics"))
            .iter()
            .filter_map(|found| {
                let (name, solution) = (found["name"].as_str()?, found["solution"].as_str());
                Some(shown(&without_persons(&match solution {
                    Some(solution) => format!("{name}: {solution}"),
                    None => name.to_owned(),
                })))
            });
        Some(Quality {
            event_name: event["event_name"].as_str()?.to_owned(),
            score: quality["composite_score"].as_f64(),
            coverage: coverage.collect(),
            diagnostics: diagnostics.collect(),
            freshness: event["data_freshness"]["upload_frequency"]
                .as_str()
                .map(shown),
        })
    };
    events.iter().filter_map(read).collect()
}

/// Adds up over all hours.
pub(super) fn sums(counts: &[Count]) -> BTreeMap<String, u64> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for count in counts {
        let sum = sums.entry(count.name.clone()).or_default();
        *sum = sum.saturating_add(count.count);
    }
    sums
}

/// So many names that are not our own are told apart; what comes after them is counted together.
const MAX_NAMES: usize = 1_000;

/// Stands for all names past those.
const OTHER_NAMES: &str = "(other names)";

/// Counts by hour and name, in bounded memory whatever comes in. What cannot be true stays the greatest number there is.
#[derive(Debug, Default)]
pub(super) struct Counter {
    counts: BTreeMap<(i64, Arc<str>), u64>,
    foreign: BTreeSet<Arc<str>>,
}

impl Counter {
    pub(super) fn add(&mut self, count: Count, own: &[&str]) {
        let name: Arc<str> = count.name.into();
        let is_known = own.contains(&&*name) || self.foreign.contains(&name);
        let name = match is_known || self.foreign.len() < MAX_NAMES {
            true => name,
            false => OTHER_NAMES.into(),
        };
        if !is_known && &*name != OTHER_NAMES {
            self.foreign.insert(name.clone());
        }
        let sum = self.counts.entry((count.hour, name)).or_default();
        *sum = sum.saturating_add(count.count);
    }

    pub(super) fn finish(self) -> Vec<Count> {
        let counts = self.counts.into_iter();
        counts
            .map(|((hour, name), count)| Count {
                hour,
                name: name.to_string(),
                count,
            })
            .collect()
    }
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `2026-11-23T10:00:00+0000`.
fn time(text: &str) -> Option<i64> {
    let at = Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", text).or_else(|_| text.parse());
    at.ok().map(Timestamp::as_second)
}

fn shown(text: &str) -> String {
    harmless(text).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn buckets_are_hours_with_counts() {
        let page = json!([
            {"start_time": "2026-11-23T10:00:00+0000", "aggregation": "event", "data": [
                {"value": "MQL", "count": 4}, {"value": "Lead", "count": "2"}, {"value": "Lead"}, {"count": 3},
            ]},
            {"start_time": "2026-11-23T12:00:00+0100", "data": [{"value": "MQL", "count": 1}]},
            {"start_time": "yesterday", "data": [{"value": "MQL", "count": 100}]},
        ]);
        let (counts, is_cut) = buckets(page.as_array().unwrap());
        assert!(!is_cut);
        let read: Vec<_> = counts
            .iter()
            .map(|c| (c.hour - counts[0].hour, c.name.as_str(), c.count))
            .collect();
        assert_eq!(read, [(0, "MQL", 4), (0, "Lead", 2), (1, "MQL", 1)]);
        assert_eq!(counts[0].hour * 3_600, 1_795_428_000);
        assert_eq!(sums(&counts)["MQL"], 5);
    }

    #[test]
    fn endless_names_and_counts_stay_bounded_and_our_own_are_kept() {
        let mut counter = Counter::default();
        let mut add = |name: String, count| {
            counter.add(
                Count {
                    hour: 1,
                    name,
                    count,
                },
                &["Lead"],
            )
        };
        for index in 0..10_000 {
            add(format!("name {index}"), 1);
        }
        add("Lead".to_owned(), 7);
        add("Lead".to_owned(), u64::MAX);
        let counts = counter.finish();
        assert_eq!(counts.len(), MAX_NAMES + 2);
        let of = |name: &str| counts.iter().find(|it| it.name == name).map(|it| it.count);
        assert_eq!(of(OTHER_NAMES), Some(9_000));
        assert_eq!(of("Lead"), Some(u64::MAX));
        let huge = |count| Count {
            hour: 0,
            name: "em".to_owned(),
            count,
        };
        assert_eq!(sums(&[huge(u64::MAX), huge(5)])["em"], u64::MAX);
    }

    #[test]
    fn what_is_not_told_stays_unknown() {
        assert_eq!(dataset(&map(json!({"id": "1"}))), Dataset::default());
        let told = dataset(&map(
            json!({"is_crm": false, "last_fired_time": "1970-01-01T00:00:00+0000"}),
        ));
        assert_eq!(
            (told.is_crm, told.last_fired, told.is_container),
            (Some(false), Some(0), None)
        );
        assert!(quality(&map(json!({"web": [{"event_match_quality": {}}]}))).is_empty());
        let told = quality(&map(
            json!({"web": [{"event_name": "Lead", "event_match_quality": {"composite_score": 7.5,
            "match_key_feedback": [{"identifier": "email", "coverage": {"percentage": 80.5}}, {"identifier": "phone"}]}}]}),
        ));
        assert_eq!((told[0].score, told[0].coverage.len()), (Some(7.5), 1));
    }
}
