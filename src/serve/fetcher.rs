//! Reads the leads that Meta's webhook told of, and puts each into the outbox as the event of a raw lead.
//!
//! In: what waits in the ledger. Out: events. A lead is forgotten once its event is kept, so that whatever ends the program
//! loses none; what cannot be read is tried again until it is too old to be sent, and then dropped, aloud.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::sync::watch;

use crate::ask::{Asker, Failure};
use crate::deliver::Interrupt;
use crate::deliver::interrupt::reaches;
use crate::graph::client::Reader;
use crate::graph::{Client, Endpoint};
use crate::leads::{Fetched, Forms, fetch, said, said_of_stop};
use crate::ledger::DueLead;
use crate::rules;
use crate::run::{BodyReader, Outbox};
use crate::time::Clock;

/// How often it is looked whether something is due that nobody has told of.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Meta is asked for so long at a stretch.
const STRETCH: Duration = Duration::from_secs(10);
/// How long a lead waits that could not be read, and at most, as this doubles each time.
const FIRST_WAIT_SECONDS: i64 = 15;
const LONGEST_WAIT_SECONDS: i64 = 1_800;
/// That leads cannot be read is said so often.
const SAY_EVERY: Duration = Duration::from_secs(600);

/// What became of leads since the program started.
#[derive(Debug, Default)]
pub(crate) struct LeadCounts {
    /// Meta told of them, and they were not known.
    pub told: AtomicU64,
    /// Their events are in the outbox, or were.
    pub kept: AtomicU64,
    /// Meta's own tests, and what is no lead.
    pub passed_over: AtomicU64,
    /// They could not be read, or not be used, and were dropped.
    pub dropped: AtomicU64,
}

/// How leads are read.
pub(crate) struct LeadReader {
    /// Makes events of leads.
    pub reader: BodyReader,
    /// Where to read them; asked for anew each time, as the token may have been replaced.
    pub endpoint: Box<dyn Fn() -> Result<Endpoint> + Send + Sync>,
    /// The clock of the 7-day window.
    pub clock: Clock,
}

/// Reads leads.
pub(crate) struct LeadFetcher {
    pub outbox: Outbox,
    pub reader: LeadReader,
    pub counts: Arc<LeadCounts>,
    pub interrupt: watch::Receiver<Interrupt>,
}

/// Why a lead is to be tried again, and whether the next one is worth a try now.
struct Again {
    why: String,
    goes_on: bool,
}

impl LeadFetcher {
    /// Reads leads until it is interrupted.
    pub(crate) async fn run(self) {
        let mut forms = Forms::default();
        let mut said: Option<Instant> = None;
        while *self.interrupt.borrow() < Interrupt::Finish {
            match self.read_due(&mut forms).await {
                Ok(true) => {
                    said = None;
                    continue;
                }
                Ok(false) => {}
                Err(error) => {
                    if said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
                        tracing::error!("{error:#}; Meta's leads wait and are tried again");
                        said = Some(Instant::now());
                    }
                }
            }
            tokio::select! {
                () = self.outbox.leads_told() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = reaches(self.interrupt.clone(), Interrupt::Finish) => {}
            }
        }
    }

    /// Reads the leads that are due; says whether there were any.
    async fn read_due(&self, forms: &mut Forms) -> Result<bool> {
        let due = self.outbox.take_leads().await?;
        if due.is_empty() {
            return Ok(false);
        }
        let mut asker = None;
        let mut failed = None;
        let mut due = due.into_iter();
        while let Some(lead) = due.next() {
            let again = match self.read(&lead, &mut asker, forms).await {
                Ok(()) => continue,
                Err(again) => again,
            };
            self.put_off(&lead).await?;
            failed.get_or_insert(again.why);
            if !again.goes_on {
                for other in due.by_ref() {
                    self.put_off(&other).await?;
                }
            }
        }
        match failed {
            Some(why) => Err(anyhow!(why)),
            None => Ok(true),
        }
    }

    async fn put_off(&self, lead: &DueLead) -> Result<()> {
        let doubled = FIRST_WAIT_SECONDS << lead.attempts.min(10);
        let until = Clock::System.now() + doubled.min(LONGEST_WAIT_SECONDS);
        Ok(self.outbox.put_lead_off(&lead.told.id, until).await?)
    }

    /// Reads one lead and keeps its event.
    async fn read(
        &self,
        lead: &DueLead,
        asker: &mut Option<(Asker, Endpoint)>,
        forms: &mut Forms,
    ) -> Result<(), Again> {
        let id = &lead.told.id;
        if lead.told.created < rules::oldest(self.reader.clock.now()) {
            let says = "could not be read before it grew too old to be sent";
            return self.drop_lead(id, says).await;
        }
        let (asker, endpoint) = match asker {
            Some(asker) => asker,
            None => asker.insert(self.asker().map_err(Again::of_all)?),
        };
        match fetch(asker, forms, id, &endpoint.token).await {
            Ok(Fetched::Lead(record)) => self.keep(id, record).await,
            Ok(Fetched::Test) => {
                self.counts.passed_over.fetch_add(1, Ordering::Relaxed);
                tracing::info!("lead {id} is one of Meta's tests and was passed over");
                self.forget(id).await
            }
            Ok(Fetched::Unusable) => self.drop_lead(id, "has no id or no time").await,
            Err(Failure::Refused(fault)) => Err(Again {
                why: format!("lead {id} cannot be read: {}", said(&fault)),
                goes_on: true,
            }),
            Err(failure) => {
                let why = match failure {
                    Failure::Stopped(stop) => said_of_stop(&stop),
                    Failure::Unreachable { cause, .. } => format!("{}: {cause}", asker.host()),
                    _ => "interrupted".to_owned(),
                };
                Err(Again {
                    why: format!("Meta's leads cannot be read: {why}"),
                    goes_on: false,
                })
            }
        }
    }

    fn asker(&self) -> Result<(Asker, Endpoint)> {
        let endpoint = (self.reader.endpoint)()?;
        // What is wrong with the address is said as an upload says it.
        Client::new(&endpoint)?;
        let reader = Reader::new(&endpoint)?;
        Ok((
            Asker::new(reader, STRETCH, self.interrupt.clone()),
            endpoint,
        ))
    }

    /// Puts the event of a lead into the outbox.
    async fn keep(&self, id: &str, record: bytes::Bytes) -> Result<(), Again> {
        let body = match self.reader.reader.read(record) {
            Ok(body) => body,
            Err(error) => {
                return self
                    .drop_lead(id, &format!("cannot be used: {error}"))
                    .await;
            }
        };
        if body.events.is_empty() {
            let codes: Vec<&str> = body
                .findings
                .iter()
                .map(|found| found.code.name())
                .collect();
            let says = format!("gives no event ({})", codes.join(", "));
            return self.drop_lead(id, &says).await;
        }
        let kept = self.outbox.keep(body.events).await;
        kept.map_err(|error| Again::of_all(error.into()))?;
        self.counts.kept.fetch_add(1, Ordering::Relaxed);
        self.forget(id).await
    }

    /// Gives up a lead, aloud.
    async fn drop_lead(&self, id: &str, says: &str) -> Result<(), Again> {
        tracing::error!("lead {id}, which Meta's webhook told of, {says}; it was dropped");
        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        self.forget(id).await
    }

    async fn forget(&self, id: &str) -> Result<(), Again> {
        let forgotten = self.outbox.forget_lead(id).await;
        forgotten.map_err(|error| Again::of_all(error.into()))
    }
}

impl Again {
    /// What is in the way of every lead.
    fn of_all(error: anyhow::Error) -> Self {
        Self {
            why: format!("{error:#}"),
            goes_on: false,
        }
    }
}
