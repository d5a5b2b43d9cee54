//! Answers to questions about what was received: `GET /{dataset}/stats`, `/{dataset}` and `/dataset_quality`.
//!
//! In: the path and the parameters of a GET. Out: a JSON body, or a refusal. A score is Meta's own judgement, so there
//! is none here.
//! <https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/ads-pixel/stats>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::request::Parameters;
use super::tally::{Entry, Numbers, Tally};

/// Hours of a page.
const PAGE: usize = 24;
/// Names an hour tells of.
const MAX_NAMES: usize = 100;
/// So far back statistics reach.
const REACH_SECONDS: i64 = 7 * 86_400;

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a path asks about a dataset.
pub(super) fn is_asked_for(path: &[&str]) -> bool {
    match path {
        ["dataset_quality"] => true,
        [id] | [id, "stats"] => is_id(id),
        _ => false,
    }
}

/// The answer to a question about a dataset. Nothing when the path asks about something else.
pub(super) fn answer(
    path: &[&str],
    parameters: &Parameters,
    tally: &Tally,
    now: i64,
) -> Option<Result<Value, Refusal>> {
    match path {
        [id, "stats"] if is_id(id) => Some(stats(parameters, tally, now)),
        ["dataset_quality"] => Some(quality(parameters, tally)),
        [id] if is_id(id) => Some(Ok(dataset(id, parameters, tally))),
        _ => None,
    }
}

fn stats(parameters: &Parameters, tally: &Tally, now: i64) -> Result<Value, Refusal> {
    let aggregation = parameters.text("aggregation").unwrap_or("event");
    if !["event", "match_keys"].contains(&aggregation) {
        return Err(Refusal::unreadable(
            "The sandbox counts by the aggregations event and match_keys only.",
        ));
    }
    let time = |name: &str, default: i64| match parameters.text(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::unreadable("A time must be given in Unix seconds.")),
    };
    let from = time("start_time", now - 86_400)?.max(now - REACH_SECONDS);
    let until = time("end_time", now)?;
    let (shown, _) = tally.shown();
    let mut hours: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
    for (entry, numbers) in shown
        .iter()
        .filter(|(entry, _)| is_counted(entry, parameters))
    {
        if !(from..until).contains(&(entry.hour * 3_600)) {
            continue;
        }
        let hour = hours.entry(entry.hour).or_default();
        match aggregation {
            "event" => *hour.entry(entry.name.clone()).or_default() += numbers.events,
            _ => add(hour, &numbers.keys),
        }
    }
    Ok(page(&hours, aggregation, parameters.text("after")))
}

fn add(sums: &mut BTreeMap<String, u64>, keys: &BTreeMap<String, u64>) {
    for (key, count) in keys {
        *sums.entry(key.clone()).or_default() += count;
    }
}

fn is_counted(entry: &Entry, parameters: &Parameters) -> bool {
    let fits = |name: &str, value: &str| parameters.text(name).is_none_or(|asked| asked == value);
    fits("agent", &entry.agent) && fits("event", &entry.name)
}

/// A page of hours, the earliest first; a cursor is the hour it begins at.
fn page(
    hours: &BTreeMap<i64, BTreeMap<String, u64>>,
    aggregation: &str,
    after: Option<&str>,
) -> Value {
    let start = after
        .and_then(|after| after.parse().ok())
        .unwrap_or(i64::MIN);
    let mut rest = hours.range(start..);
    let buckets: Vec<Value> = rest
        .by_ref()
        .take(PAGE)
        .map(|(hour, counts)| {
            let mut counts: Vec<_> = counts.iter().collect();
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let counts = counts.iter().take(MAX_NAMES);
            json!({
                "start_time": graph_time(hour * 3_600),
                "aggregation": aggregation,
                "data": counts.map(|(name, count)| json!({"value": name, "count": count})).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut answer = json!({"data": buckets});
    if let Some((next, _)) = rest.next() {
        answer["paging"] = json!({
            "cursors": {"after": next.to_string()},
            // Meta's leads to its own host and holds the token; whoever follows it leaves this one.
            "next": "https://graph.facebook.com/sandbox?access_token=TOKEN",
        });
    }
    answer
}

fn dataset(id: &str, parameters: &Parameters, tally: &Tally) -> Value {
    let (_, last) = tally.shown();
    let all = json!({
        "id": id, "name": "Sandbox", "last_fired_time": graph_time(last), "is_unavailable": false, "is_crm": true,
        "is_consolidated_container": false, "creation_time": graph_time(0),
    });
    let fields = parameters.text("fields").unwrap_or("id,name");
    let asked = fields.split(',').map(str::trim);
    let known = asked.filter_map(|field| Some((field.to_owned(), all.get(field)?.clone())));
    Value::Object(known.chain([("id".to_owned(), id.into())]).collect())
}

fn quality(parameters: &Parameters, tally: &Tally) -> Result<Value, Refusal> {
    if parameters.text("dataset_id").is_none() {
        return Err(Refusal::unreadable("Param dataset_id is required."));
    }
    let agent = parameters.text("agent_name");
    let (shown, _) = tally.shown();
    let mut events: BTreeMap<String, Numbers> = BTreeMap::new();
    for (entry, numbers) in shown {
        if agent.is_none_or(|agent| agent == entry.agent) {
            let sum = events.entry(entry.name).or_default();
            sum.events += numbers.events;
            add(&mut sum.keys, &numbers.keys);
        }
    }
    let web = events.iter().map(|(name, numbers)| {
        let share = |count: u64| count as f64 * 100.0 / numbers.events as f64;
        let keys = numbers.keys.iter();
        let feedback = keys.map(|(key, count)| json!({"identifier": key, "coverage": {"percentage": share(*count)}}));
        json!({"event_name": name, "event_match_quality": {"match_key_feedback": feedback.collect::<Vec<_>>()}})
    });
    Ok(json!({"web": web.collect::<Vec<_>>()}))
}

/// As Graph writes times.
fn graph_time(seconds: i64) -> String {
    let at = Timestamp::from_second(seconds).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}
