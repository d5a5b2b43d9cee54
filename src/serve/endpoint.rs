//! The endpoint itself: one request in, one answer out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::answer::{self, Answer, Receipt, Refusal};
use super::auth::Keys;
use super::fetcher::LeadCounts;
use super::leadgen::{self, LeadgenKeys};
use super::metrics::Metrics;
use crate::ledger::{LedgerError, Queue};
use crate::listen::{Answers, BodyLimits, Guard, NoBody, read_body};
use crate::run::{Body, BodyError, BodyReader, Outbox};
use crate::text::{counted, harmless};

/// The largest body that is taken.
pub(super) const MAX_BODY_BYTES: usize = 5 << 20;
/// So much of a body that is too large is read, so that its sender gets to read the answer.
const MAX_DRAINED_BYTES: usize = 32 << 20;
/// The bodies that are read at a time have no more bytes together; in KiB, as they are handed out.
const ROOM_KIB: usize = 64 << 10;
/// From a body of this size on it is worth another thread to take it apart.
const LARGE_BODY_BYTES: usize = 64 << 10;
/// How long after the ledger could not be written requests are sent elsewhere, where there is one.
const LEDGER_PAUSE: Duration = Duration::from_secs(10);

/// What all requests share.
pub(super) struct Endpoint {
    pub reader: Arc<BodyReader>,
    pub outbox: Outbox,
    pub keys: Keys,
    /// What Meta's webhook of leads is held against, where it is taken.
    pub leadgen: Option<LeadgenKeys>,
    pub leads: Arc<LeadCounts>,
    /// Keeps off web pages where there are no keys.
    pub guard: Guard,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Events that may wait to be delivered.
    pub max_queue: u64,
    pub state: State,
    pub metrics: Metrics,
    pub room: Semaphore,
}

/// How the server is.
#[derive(Debug)]
pub(super) struct State {
    started: Instant,
    is_stopping: AtomicBool,
    /// What waits: as last counted, and what came since.
    waiting: AtomicU64,
    /// Unix seconds; 0 when nothing waits.
    waiting_since: AtomicU64,
    /// Leads that are to be read.
    waiting_leads: AtomicU64,
    /// When the ledger could not be written last, in milliseconds since the start, from 1.
    failed: AtomicU64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            is_stopping: AtomicBool::new(false),
            waiting: AtomicU64::new(0),
            waiting_since: AtomicU64::new(0),
            waiting_leads: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Notes what waits, as it was counted.
    pub(super) fn note_queue(&self, queue: Queue) {
        self.waiting.store(queue.events, Ordering::Relaxed);
        let since = queue.since.and_then(|since| since.try_into().ok());
        self.waiting_since
            .store(since.unwrap_or(0), Ordering::Relaxed);
        self.waiting_leads.store(queue.leads, Ordering::Relaxed);
    }

    fn queue(&self) -> Queue {
        let since = self.waiting_since.load(Ordering::Relaxed);
        Queue {
            events: self.waiting.load(Ordering::Relaxed),
            since: i64::try_from(since).ok().filter(|since| *since > 0),
            leads: self.waiting_leads.load(Ordering::Relaxed),
        }
    }

    fn note_kept(&self, events: u64) {
        self.waiting.fetch_add(events, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
    }

    fn note_failure(&self) {
        let since_start = self.started.elapsed().as_millis() as u64;
        self.failed.store(since_start.max(1), Ordering::Relaxed);
    }

    /// Whether the ledger failed so lately that it is not worth trying. After a while it is.
    fn has_just_failed(&self) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        let now = self.started.elapsed().as_millis() as u64;
        failed > 0 && now.saturating_sub(failed) < LEDGER_PAUSE.as_millis() as u64
    }
}

impl Answers for Endpoint {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let is_read = [Method::GET, Method::HEAD].contains(&method);
        let (answer, says) = match (path.as_str(), is_read) {
            ("/healthz", true) => (plain(StatusCode::OK, "ok"), String::new()),
            ("/readyz", true) => (self.ready(), String::new()),
            ("/metrics", true) => (self.measured(), String::new()),
            ("/events", _) if method == Method::POST => {
                let (answer, says) = match self.take(&head, body).await {
                    Ok(receipt) => {
                        let says = receipt.says();
                        (receipt.into_answer(), says)
                    }
                    Err(refusal) => {
                        let says = refusal.says().to_owned();
                        (refusal.into_answer(), says)
                    }
                };
                self.metrics
                    .count(answer.status().as_u16(), started.elapsed());
                (answer, says)
            }
            ("/leadgen", _) if method == Method::POST => {
                let (answer, says) = match self.take_leads(&head, body).await {
                    Ok(says) => (plain(StatusCode::OK, "ok"), says),
                    Err(refusal) => {
                        let says = refusal.says().to_owned();
                        (refusal.into_answer(), says)
                    }
                };
                self.metrics
                    .count(answer.status().as_u16(), started.elapsed());
                (answer, says)
            }
            ("/leadgen", true) => match self.shake(&head) {
                Ok(challenge) => (
                    plain(StatusCode::OK, challenge.as_str()),
                    "the handshake of Meta's webhook".to_owned(),
                ),
                Err(refusal) => {
                    let says = refusal.says().to_owned();
                    (refusal.into_answer(), says)
                }
            },
            ("/events", _) => {
                let says = "records are posted here";
                let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, says).allowing("POST");
                (refusal.into_answer(), says.to_owned())
            }
            ("/healthz" | "/readyz" | "/metrics", _) => {
                let says = "this can only be read";
                let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, says);
                (refusal.allowing("GET, HEAD").into_answer(), says.to_owned())
            }
            _ => {
                let says = "there is nothing here; records are posted to /events";
                let refusal = Refusal::new(StatusCode::NOT_FOUND, says);
                (refusal.into_answer(), says.to_owned())
            }
        };
        let status = answer.status().as_u16();
        // The query is left out: it may hold what is nobody's business.
        tracing::debug!("{method} {} {status} {}", harmless(&path), harmless(&says));
        answer
    }
}

fn plain(status: StatusCode, text: &str) -> Answer {
    answer::of_type(
        status,
        "text/plain; charset=utf-8",
        format!("{text}\n").into(),
    )
}

impl Endpoint {
    /// Why nothing is taken now.
    fn obstacle(&self) -> Option<Refusal> {
        let unavailable = |says: &str, seconds| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, says).retry_after(seconds)
        };
        if self.state.is_stopping.load(Ordering::Relaxed) {
            return Some(unavailable("the server is being stopped", 5).closing());
        }
        (self.state.queue().events >= self.max_queue).then(|| {
            unavailable(
                "too many events wait to be delivered; nothing of this body was taken",
                30,
            )
        })
    }

    fn ready(&self) -> Answer {
        match self.obstacle() {
            Some(refusal) => plain(StatusCode::SERVICE_UNAVAILABLE, refusal.says()),
            None if self.state.has_just_failed() => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "the ledger could not be written",
            ),
            None => match self.outbox.counted.says_of_resting() {
                Some(says) => plain(StatusCode::OK, &format!("ready; {says}")),
                None => plain(StatusCode::OK, "ready"),
            },
        }
    }

    fn measured(&self) -> Answer {
        let now = unix_milliseconds() / 1_000;
        let leads = self.leadgen.as_ref().map(|_| &*self.leads);
        let delivered = (&*self.outbox.counted, leads);
        let text = self.metrics.text(self.state.queue(), delivered, now);
        answer::of_type(StatusCode::OK, "text/plain; version=0.0.4", text.into())
    }

    /// Takes a body: what is sound in it is on disk when this returns.
    async fn take(&self, head: &Parts, body: Incoming) -> Result<Receipt, Refusal> {
        if self.keys.are_none() && self.guard.check(head).is_err() {
            let says = "without a token the server takes nothing from web pages or under other names than its own";
            return Err(Refusal::new(StatusCode::FORBIDDEN, says).closing());
        }
        let claim = self
            .keys
            .claim(head, unix_milliseconds())
            .ok_or_else(|| Refusal::unauthorized().closing())?;
        if let Some(obstacle) = self.obstacle() {
            return Err(obstacle.closing());
        }
        let room = self.room_for(&body)?;
        let body = self.arrived(body).await?;
        if !self.keys.verify(&claim, head, &body) {
            return Err(Refusal::unauthorized());
        }
        let read = self.read(body).await?;
        let receipt = self.keep(read).await;
        drop(room);
        receipt
    }

    fn shake(&self, head: &Parts) -> Result<String, Refusal> {
        self.leadgen().and_then(|keys| keys.shake(head))
    }

    fn leadgen(&self) -> Result<&LeadgenKeys, Refusal> {
        self.leadgen.as_ref().ok_or_else(|| {
            let says = "Meta's webhook of leads is not set up here: set CRM2CAPI_SERVE_LEADGEN_SECRET and \
                        CRM2CAPI_SERVE_VERIFY_TOKEN";
            Refusal::new(StatusCode::NOT_FOUND, says)
        })
    }

    /// Takes what Meta's webhook tells: the leads are noted on disk when this returns.
    async fn take_leads(&self, head: &Parts, body: Incoming) -> Result<String, Refusal> {
        let keys = self.leadgen()?;
        let unsigned = || {
            let says = "Meta signs what it posts (X-Hub-Signature-256) with the app's secret; what came is not signed so";
            Refusal::new(StatusCode::UNAUTHORIZED, says)
        };
        let signature = LeadgenKeys::signature(head).ok_or_else(|| unsigned().closing())?;
        if let Some(obstacle) = self.obstacle() {
            return Err(obstacle.closing());
        }
        let _room = self.room_for(&body)?;
        let body = self.arrived(body).await?;
        if !keys.verify(&signature, &body) {
            return Err(unsigned());
        }
        let told = leadgen::told(&body, unix_milliseconds() / 1_000)?;
        let (count, others) = (told.leads.len(), told.others);
        let new = match count {
            0 => 0,
            _ => self
                .outbox
                .note_leads(told.leads)
                .await
                .map_err(|error| self.not_written(&error))?,
        };
        self.leads.told.fetch_add(new, Ordering::Relaxed);
        self.leads.passed_over.fetch_add(others, Ordering::Relaxed);
        Ok(format!(
            "{} told, {new} of them new",
            counted(count as u64, "lead")
        ))
    }

    /// A body, once all of it is there.
    async fn arrived(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let arrived = tokio::time::timeout(self.body_timeout, whole(body)).await;
        arrived.map_err(|_| {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long").closing()
        })?
    }

    /// Notes that the ledger cannot be written.
    fn not_written(&self, error: &LedgerError) -> Refusal {
        if !self.state.has_just_failed() {
            tracing::error!("{error}; posts are refused until that is fixed");
        }
        self.state.note_failure();
        let says = "the ledger cannot be written; nothing of this body was taken";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, says).retry_after(5)
    }

    /// Room for a body, if there is any.
    fn room_for(&self, body: &Incoming) -> Result<SemaphorePermit<'_>, Refusal> {
        let bytes = body.size_hint().upper().unwrap_or(MAX_BODY_BYTES as u64);
        if bytes > MAX_DRAINED_BYTES as u64 {
            return Err(too_large().closing());
        }
        let kib = bytes.min(MAX_BODY_BYTES as u64).div_ceil(1 << 10) as u32;
        self.room.try_acquire_many(kib).map_err(|_| {
            let says = "too many requests at a time; nothing of this body was taken";
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, says)
                .retry_after(1)
                .closing()
        })
    }

    /// Takes a body apart.
    async fn read(&self, body: Bytes) -> Result<Body, Refusal> {
        let read = match body.len() < LARGE_BODY_BYTES {
            true => self.reader.read(body),
            false => {
                let reader = Arc::clone(&self.reader);
                let reading = tokio::task::spawn_blocking(move || reader.read(body));
                reading.await.map_err(|_| {
                    let says = "the body could not be taken apart";
                    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, says)
                })?
            }
        };
        read.map_err(|error| {
            let status = match error {
                BodyError::NotJson => StatusCode::BAD_REQUEST,
                BodyError::Hollow | BodyError::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
            };
            Refusal::new(status, error.to_string())
        })
    }

    /// Puts the events of a body on disk.
    async fn keep(&self, mut body: Body) -> Result<Receipt, Refusal> {
        let events = std::mem::take(&mut body.events);
        let kept = match events.is_empty() {
            true => Vec::new(),
            false => {
                let kept = self.outbox.keep(events).await;
                kept.map_err(|error| self.not_written(&error))?
            }
        };
        let receipt = Receipt::of(body, &kept);
        self.state.note_kept(receipt.queued());
        let add = |counter: &AtomicU64, number| counter.fetch_add(number, Ordering::Relaxed);
        let (records, refused) = (receipt.records(), receipt.records_invalid());
        add(&self.metrics.records_accepted, records - refused);
        add(&self.metrics.records_refused, refused);
        add(&self.metrics.events_queued, receipt.queued());
        add(&self.metrics.events_known, receipt.known());
        Ok(receipt)
    }
}

pub(super) fn room() -> Semaphore {
    Semaphore::new(ROOM_KIB)
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is larger than 5 MB; post the records in several, or upload them as a file",
    )
}

async fn whole(body: Incoming) -> Result<Bytes, Refusal> {
    let limits = BodyLimits {
        kept: MAX_BODY_BYTES,
        drained: MAX_DRAINED_BYTES,
    };
    read_body(body, limits).await.map_err(|why| match why {
        NoBody::BrokenOff => {
            Refusal::new(StatusCode::BAD_REQUEST, "the body is broken off").closing()
        }
        NoBody::TooLarge => too_large(),
        NoBody::Endless => too_large().closing(),
    })
}

fn unix_milliseconds() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
