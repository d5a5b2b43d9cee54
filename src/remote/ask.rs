//! Puts the questions to Meta.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::answers::{self, Count, Counter, Dataset, Quality};
use super::{Hours, Told};
use crate::ask::{Asker, Failure};
use crate::deliver::Interrupt;
use crate::graph::Fault;
use crate::graph::client::{ClientError, Endpoint, Reader};
use crate::graph::served::Served;

/// Somebody waits for the answer: so long it is asked for again.
const PATIENCE: Duration = Duration::from_secs(10);
const DATASET_FIELDS: &str =
    "id,name,last_fired_time,is_unavailable,is_crm,is_consolidated_container,creation_time";
const QUALITY_FIELDS: &str = "web{event_name,event_match_quality{composite_score,match_key_feedback{identifier,\
     coverage{percentage}},diagnostics{name,description,solution,percentage}},data_freshness{upload_frequency,description}}";

/// Asks about one dataset.
pub(crate) struct Inquiry {
    asker: Asker,
    token: SecretString,
    dataset: String,
    /// Only what this partner agent sent.
    agent: Option<String>,
    interrupt: watch::Receiver<Interrupt>,
    /// Why a question got no answer: the others would not either, each after the same wait.
    unreachable: Option<String>,
}

/// Why there is no answer.
enum Refused {
    MayNot(Fault),
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
    pub(crate) fn new(
        endpoint: &Endpoint,
        agent: Option<String>,
        interrupt: watch::Receiver<Interrupt>,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            asker: Asker::new(Reader::new(endpoint)?, PATIENCE, interrupt.clone()),
            unreachable: None,
            token: endpoint.token.clone(),
            dataset: endpoint.dataset_id.clone(),
            agent,
            interrupt,
        })
    }

    /// Whether somebody asked to leave, so that what is not known says nothing of Meta.
    pub(crate) fn was_interrupted(&self) -> bool {
        *self.interrupt.borrow() != Interrupt::None
    }

    /// What was counted of the events in these hours. `stages` are asked for by name where an hour has too many names.
    pub(crate) async fn counts(&mut self, hours: Hours, stages: &[&str]) -> Told<Vec<Count>> {
        let all = async {
            let (counts, is_cut) = self.stats("event", hours, None, stages).await?;
            if !is_cut {
                return Ok((!counts.is_empty()).then_some(counts));
            }
            let mut named = Vec::new();
            for stage in stages {
                let (counts, _) = self.stats("event", hours, Some(stage), stages).await?;
                named.extend(counts.into_iter().filter(|count| count.name == *stage));
            }
            Ok(Some(named))
        };
        all.await.into()
    }

    /// How many events carried each customer parameter.
    pub(crate) async fn match_keys(&mut self, hours: Hours) -> Told<BTreeMap<String, u64>> {
        let counts = self.stats("match_keys", hours, None, &[]).await;
        counts
            .map(|(counts, _)| (!counts.is_empty()).then(|| answers::sums(&counts)))
            .into()
    }

    /// What there is to tell of the dataset itself.
    pub(crate) async fn dataset(&mut self) -> Told<Dataset> {
        let dataset = self.dataset.clone();
        let answer = self.get(&[&dataset], &[("fields", DATASET_FIELDS)]).await;
        answer.map(|answer| Some(answers::dataset(&answer))).into()
    }

    /// What Meta thinks of the events.
    pub(crate) async fn quality(&mut self) -> Told<Vec<Quality>> {
        let (dataset, agent) = (self.dataset.clone(), self.agent.clone());
        let mut query = vec![("dataset_id", &*dataset), ("fields", QUALITY_FIELDS)];
        query.extend(agent.as_deref().map(|agent| ("agent_name", agent)));
        let answer = self.get(&["dataset_quality"], &query).await;
        answer
            .map(|answer| Some(answers::quality(&answer)).filter(|quality| !quality.is_empty()))
            .into()
    }

    /// Which version answered, and whether a sandbox did.
    pub(crate) fn served(&self) -> (Served, bool) {
        let (served, is_sandbox) = self.asker.served();
        (served.clone(), is_sandbox)
    }

    async fn stats(
        &mut self,
        aggregation: &str,
        hours: Hours,
        event: Option<&str>,
        own: &[&str],
    ) -> Result<(Vec<Count>, bool), Refused> {
        let (from, until) = hours.seconds();
        let mut query: Vec<(&str, String)> = vec![
            ("aggregation", aggregation.to_owned()),
            ("event_source", "SERVER_ONLY".to_owned()),
            ("start_time", from.to_string()),
            ("end_time", until.to_string()),
        ];
        query.extend(event.map(|event| ("event", event.to_owned())));
        query.extend(self.agent.iter().map(|agent| ("agent", agent.clone())));
        let query: Vec<(&str, &str)> = query
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        self.is_reachable()?;
        let (mut counts, mut is_cut) = (Counter::default(), false);
        let mut take = |page: Vec<Value>| {
            let (more, was_cut) = answers::buckets(&page);
            let in_time = more.into_iter().filter(|it| hours.contains(it.hour));
            in_time.for_each(|count| counts.add(count, own));
            is_cut |= was_cut;
            Ok::<_, Failure>(())
        };
        let path = [&*self.dataset, "stats"];
        let asked = self
            .asker
            .each_page(&path, &query, &self.token, &mut take)
            .await;
        match asked {
            Ok(()) => Ok((counts.finish(), is_cut)),
            Err(failure) => Err(self.refused(failure)),
        }
    }

    async fn get(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Map<String, Value>, Refused> {
        self.is_reachable()?;
        let answer = self.asker.get(path, query, &self.token).await;
        answer.map_err(|failure| self.refused(failure))
    }

    fn is_reachable(&self) -> Result<(), Refused> {
        match &self.unreachable {
            Some(why) => Err(Refused::NoAnswer(why.clone())),
            None => Ok(()),
        }
    }

    fn refused(&mut self, failure: Failure) -> Refused {
        match failure {
            Failure::Refused(fault) => Refused::MayNot(fault),
            Failure::Stopped(stop) => Refused::MayNot(stop.fault),
            Failure::Unreachable { cause, help } => {
                let help = help.map(|help| format!("; {help}")).unwrap_or_default();
                let why = format!("{}: {cause}{help}", self.asker.host());
                self.unreachable = Some(why.clone());
                Refused::NoAnswer(why)
            }
            Failure::NoList => {
                Refused::NoAnswer(format!("{}: an answer without data", self.asker.host()))
            }
            Failure::Circle => Refused::NoAnswer("Meta's pages lead in a circle".to_owned()),
            Failure::Interrupted => Refused::NoAnswer("interrupted".to_owned()),
        }
    }
}
