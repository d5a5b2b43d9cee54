//! Puts the questions to Meta: pages by pages, a few times when an answer fails to come.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::answers::{self, Count, Dataset, Quality};
use super::{Hours, Told};
use crate::graph::client::{ClientError, Endpoint, Reader};
use crate::graph::served::Served;
use crate::graph::verdict::{Reading, is_rehearsal, judge_reading};

/// How often a question is put.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// A week has 168 hours; so many pages no answer has.
const MAX_PAGES: usize = 1_000;
const DATASET_FIELDS: &str =
    "id,name,last_fired_time,is_unavailable,is_crm,is_consolidated_container,creation_time";
const QUALITY_FIELDS: &str = "web{event_name,event_match_quality{composite_score,match_key_feedback{identifier,\
     coverage{percentage}},diagnostics{name,description,solution,percentage}},data_freshness{upload_frequency,description}}";

/// Asks about one dataset.
pub(crate) struct Inquiry {
    reader: Reader,
    token: SecretString,
    dataset: String,
    /// Only what this partner agent sent.
    agent: Option<String>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    served: Served,
    is_sandbox: bool,
}

type Query<'a> = Vec<(&'a str, String)>;

/// Why there is no answer.
enum Refused {
    MayNot(crate::graph::Fault),
    NoAnswer(String),
}

impl<T> From<Result<Option<T>, Refused>> for Told<T> {
    fn from(result: Result<Option<T>, Refused>) -> Self {
        match result {
            Ok(Some(known)) => Told::Known(known),
            Ok(None) => Told::Nothing,
            Err(Refused::MayNot(fault)) => Told::MayNot(fault),
            Err(Refused::NoAnswer(why)) => Told::NoAnswer(why),
        }
    }
}

impl Inquiry {
    /// Prepares to ask; nothing is sent yet.
    pub(crate) fn new(endpoint: &Endpoint, agent: Option<String>) -> Result<Self, ClientError> {
        Ok(Self {
            reader: Reader::new(endpoint)?,
            token: endpoint.token.clone(),
            dataset: endpoint.dataset_id.clone(),
            agent,
            seen: Mutex::default(),
        })
    }

    /// What was counted of the events in these hours. `stages` are asked for by name where an hour has too many names.
    pub(crate) async fn counts(&self, hours: Hours, stages: &[&str]) -> Told<Vec<Count>> {
        let all = async {
            let (counts, is_cut) = self.stats("event", hours, None).await?;
            if !is_cut {
                return Ok((!counts.is_empty()).then_some(counts));
            }
            let mut named = Vec::new();
            for stage in stages {
                let (counts, _) = self.stats("event", hours, Some(stage)).await?;
                named.extend(counts.into_iter().filter(|count| count.name == *stage));
            }
            Ok(Some(named))
        };
        all.await.into()
    }

    /// How many events carried each customer parameter.
    pub(crate) async fn match_keys(&self, hours: Hours) -> Told<BTreeMap<String, u64>> {
        let counts = self.stats("match_keys", hours, None).await;
        counts
            .map(|(counts, _)| (!counts.is_empty()).then(|| answers::sums(&counts)))
            .into()
    }

    /// What there is to tell of the dataset itself.
    pub(crate) async fn dataset(&self) -> Told<Dataset> {
        let query = vec![("fields", DATASET_FIELDS.to_owned())];
        let answer = self.get(&[&self.dataset], &query).await;
        answer.map(|answer| Some(answers::dataset(&answer))).into()
    }

    /// What Meta thinks of the events.
    pub(crate) async fn quality(&self) -> Told<Vec<Quality>> {
        let mut query = vec![
            ("dataset_id", self.dataset.clone()),
            ("fields", QUALITY_FIELDS.to_owned()),
        ];
        query.extend(self.agent.iter().map(|agent| ("agent_name", agent.clone())));
        let answer = self.get(&["dataset_quality"], &query).await;
        answer
            .map(|answer| Some(answers::quality(&answer)).filter(|quality| !quality.is_empty()))
            .into()
    }

    /// Which version answered, and whether a sandbox did.
    pub(crate) async fn served(&self) -> (Served, bool) {
        let seen = self.seen.lock().await.clone();
        (seen.served, seen.is_sandbox)
    }

    async fn stats(
        &self,
        aggregation: &str,
        hours: Hours,
        event: Option<&str>,
    ) -> Result<(Vec<Count>, bool), Refused> {
        let (from, until) = hours.seconds();
        let mut query: Query<'_> = vec![
            ("aggregation", aggregation.to_owned()),
            ("event_source", "SERVER_ONLY".to_owned()),
            ("start_time", from.to_string()),
            ("end_time", until.to_string()),
        ];
        query.extend(event.map(|event| ("event", event.to_owned())));
        query.extend(self.agent.iter().map(|agent| ("agent", agent.clone())));
        let (mut counts, mut is_cut, mut cursors) = (Vec::new(), false, HashSet::new());
        for _ in 0..MAX_PAGES {
            let page = self.get(&[&self.dataset, "stats"], &query).await?;
            let (more, was_cut) = answers::buckets(&page);
            counts.extend(more.into_iter().filter(|count| hours.contains(count.hour)));
            is_cut |= was_cut;
            let Some(after) = answers::after(&page).map(str::to_owned) else {
                return Ok((counts, is_cut));
            };
            if !cursors.insert(after.clone()) {
                break;
            }
            query.retain(|(name, _)| *name != "after");
            query.push(("after", after));
        }
        Err(Refused::NoAnswer(
            "Meta's pages lead in a circle".to_owned(),
        ))
    }

    async fn get(&self, path: &[&str], query: &Query<'_>) -> Result<Map<String, Value>, Refused> {
        let query: Vec<(&str, &str)> = query
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let mut tries = 1;
        loop {
            let result = self.reader.get(path, &query, &self.token).await;
            if let Ok(answer) = &result {
                let mut seen = self.seen.lock().await;
                seen.served.read(&answer.headers);
                seen.is_sandbox |= is_rehearsal(&answer.headers);
            }
            match judge_reading(&result) {
                Reading::Found(found) => return Ok(found),
                Reading::Refused(fault) => return Err(Refused::MayNot(fault)),
                Reading::Stop(stop) => return Err(Refused::MayNot(stop.fault)),
                Reading::Retry(retry) if tries == TRIES => {
                    let host = self.reader.host();
                    return Err(Refused::NoAnswer(format!("{host}: {}", retry.cause)));
                }
                Reading::Retry(_) => {}
            }
            tokio::time::sleep(PAUSE * tries).await;
            tries += 1;
        }
    }
}
