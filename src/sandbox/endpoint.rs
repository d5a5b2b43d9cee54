//! The endpoint itself: one request in, one answer out.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::answer::{self, Answer, Refusal, TraceIds};
use super::counted;
use super::judge::Judge;
use super::leads::{Asked, LeadsFile};
use super::page;
use super::pieces::Pieces;
use super::request::Parameters;
use super::store::Store;
use super::tally::Tally;
use crate::listen::{Answers, BodyLimits, Guard, NoBody, Stranger, read_body};
use crate::text::{counted, harmless};

/// The header of every answer that tells a sandbox from Meta.
const SANDBOX_HEADER: HeaderName = HeaderName::from_static("x-crm2capi-sandbox");

/// The largest body it reads; a full batch is about 1 MB.
pub(super) const MAX_BODY_BYTES: usize = 16 << 20;

/// Past this much of a body that is too large the connection is cut instead of answered.
const MAX_DRAINED_BYTES: usize = 128 << 20;

/// The versions of the Graph API that are served, with the first moment they no longer are, Unix seconds.
/// Older ones have ended. <https://developers.facebook.com/docs/graph-api/changelog/versions>
const VERSIONS: [(&str, i64); 6] = [
    ("v21.0", 1_800_489_600), // 2027-01-21
    ("v22.0", 1_810_771_200), // 2027-05-20
    ("v23.0", 1_822_953_600), // 2027-10-08
    ("v24.0", 1_834_444_800), // 2028-02-18
    ("v25.0", 1_848_441_600), // 2028-07-29
    ("v26.0", i64::MAX),      // not announced
];

/// Those that Meta calls deprecated, though they answer still.
const DEPRECATED: [&str; 3] = ["v21.0", "v22.0", "v23.0"];

/// How long a request may take to arrive. A connection that is quicker to open than to speak costs memory for as long
/// as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// From the first moment of a connection, or the last answer on it, to the end of the next request's head.
    pub(super) head: Duration,
    /// From the end of the head to the end of the body.
    pub(super) body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(60),
        }
    }
}

/// What all requests share.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) now: Option<i64>,
    pub(super) bad_lead_ids: HashSet<u64>,
    pub(super) leads: Option<LeadsFile>,
    pub(super) guard: Guard,
    pub(super) log_requests: bool,
    pub(super) timeouts: Timeouts,
    pub(super) store: Store,
    pub(super) tally: Option<Tally>,
    pub(super) trace_ids: TraceIds,
}

impl Answers for Endpoint {
    type Body = Pieces;

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        Endpoint::answer(self, request).await
    }
}

impl Endpoint {
    /// Answers one request, whatever it is.
    pub(super) async fn answer<B: Body<Data = Bytes> + Unpin>(
        &self,
        request: Request<B>,
    ) -> Answer {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let (mut answer, said) = self.answer_path(&path, request).await;
        answer
            .headers_mut()
            .insert(SANDBOX_HEADER, HeaderValue::from_static("1"));
        answer.headers_mut().extend(served(&path));
        if self.log_requests {
            // The query is left out: it may hold the token.
            let path = harmless(answer::brief(&path));
            let status = answer.status().as_u16();
            tracing::info!("{method} {path} {status} {}", harmless(&said));
        }
        answer
    }

    /// The answer, and what to say of it in the log.
    async fn answer_path<B: Body<Data = Bytes> + Unpin>(
        &self,
        path: &str,
        request: Request<B>,
    ) -> (Answer, String) {
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let (head, body) = request.into_parts();
        let fbtrace_id = self.trace_ids.next();
        let refuse = |refusal: Refusal| {
            let said = refusal.summary();
            (refusal.into_answer(&fbtrace_id), said)
        };
        match self.guard.check(&head) {
            Ok(()) => {}
            Err(Stranger::OtherHost) => return refuse(answer::OTHER_HOST),
            Err(Stranger::CrossSite) => return refuse(answer::CROSS_SITE),
        }
        match (&head.method, segments.as_slice()) {
            (&Method::GET, ["sandbox", "events"]) => return self.accepted_events(),
            (&Method::GET, []) => return self.page(),
            _ => {}
        }
        match self
            .receive(&segments, Request::from_parts(head, body))
            .await
        {
            Ok(Done::Taken(events)) => {
                let said = format!("{} accepted", counted(events as u64, "event"));
                (answer::receipt(events, &fbtrace_id), said)
            }
            Ok(Done::Found(body)) => (answer::found(&body), "told".to_owned()),
            Err(refusal) => refuse(refusal),
        }
    }

    fn accepted_events(&self) -> (Answer, String) {
        let (lines, events_dropped) = self.store.ndjson();
        let bytes: usize = lines.iter().map(Bytes::len).sum();
        let pieces = Pieces::from_iter(lines);
        let mut answer = answer::of_type(StatusCode::OK, "application/x-ndjson", pieces);
        answer
            .headers_mut()
            .insert("x-sandbox-events-dropped", events_dropped.into());
        (answer, counted(bytes as u64, "byte"))
    }

    fn page(&self) -> (Answer, String) {
        let page = page::render(&self.store.newest(page::MAX_EVENTS));
        let mut answer = answer::of_type(
            StatusCode::OK,
            "text/html; charset=utf-8",
            page.into_bytes().into(),
        );
        for (name, value) in page::HEADERS {
            answer
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        (answer, "the page of accepted events".to_owned())
    }

    /// Takes a whole request or nothing of it.
    async fn receive<B: Body<Data = Bytes> + Unpin>(
        &self,
        segments: &[&str],
        request: Request<B>,
    ) -> Result<Done, Refusal> {
        let (head, body) = request.into_parts();
        let body = tokio::time::timeout(self.timeouts.body, whole(body))
            .await
            .map_err(|_| answer::TOO_SLOW)??;
        let now = self.now.unwrap_or_else(clock);

        if let (&Method::GET, Some((version, path))) = (&head.method, segments.split_first())
            && (self.leads.is_some() || counted::is_asked_for(path))
        {
            require_version(version, now, &head.method)?;
            return self.read(path, head, now).await;
        }
        let (version, dataset_id) = match *segments {
            [version, dataset_id, "events"] => (Some(version), dataset_id),
            [dataset_id, "events"] => (None, dataset_id),
            _ => return Err(Refusal::unknown_path(head.uri.path())),
        };
        if let Some(version) = version {
            require_version(version, now, &head.method)?;
        }
        let method = head.method.clone();
        let headers = head.headers.clone();
        let parameters = Parameters::read(head, body).await?;
        parameters.require_token(&headers)?;
        let is_dataset = dataset_id.bytes().all(|byte| byte.is_ascii_digit());
        if method != Method::POST || !is_dataset {
            return Err(Refusal::no_object(method.as_str(), dataset_id));
        }
        parameters.check_options()?;
        let agent = parameters
            .text("partner_agent")
            .unwrap_or_default()
            .to_owned();
        let events = parameters.into_events()?;
        Judge {
            now,
            bad_lead_ids: &self.bad_lead_ids,
        }
        .judge(&events)?;
        self.store.keep(&events);
        if let Some(tally) = &self.tally {
            tally.count(&agent, &events);
        }
        Ok(Done::Taken(events.len()))
    }
}

impl Endpoint {
    /// Answers a GET out of what is played of Pages, forms and leads, and out of what was counted.
    async fn read(
        &self,
        path: &[&str],
        head: hyper::http::request::Parts,
        now: i64,
    ) -> Result<Done, Refusal> {
        let headers = head.headers.clone();
        let parameters = Parameters::read(head, Bytes::new()).await?;
        let asked = Asked {
            token: parameters.token(&headers)?,
            parameters: &parameters,
            now,
        };
        parameters.check_options()?;
        let played = self
            .leads
            .as_ref()
            .and_then(|leads| leads.answer(path, &asked));
        let counted = || counted::answer(path, &parameters, self.tally.as_ref()?, now);
        // Where Pages are played, an id that is none of theirs is nobody's.
        let is_id_alone = self.leads.is_some() && path.len() == 1 && path != ["dataset_quality"];
        let answer = match is_id_alone {
            true => played,
            false => played.or_else(counted),
        };
        let id = path.first().copied().unwrap_or_default();
        answer
            .unwrap_or_else(|| Err(Refusal::no_object("GET", id)))
            .map(Done::Found)
    }
}

/// What a request that is in order came to.
enum Done {
    /// So many events were taken.
    Taken(usize),
    /// This was asked for.
    Found(serde_json::Value),
}

/// The headers by which Graph says which version answered, and that one is called deprecated.
fn served(path: &str) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let asked = path.trim_start_matches('/').split('/').next();
    let mut versions = VERSIONS.into_iter().map(|(version, _)| version);
    let version = versions.find(move |version| asked == Some(version));
    let header = |name, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let is_deprecated = version.is_some_and(|version| DEPRECATED.contains(&version));
    let warning = "The version of this call is deprecated. Upgrade to the latest version.";
    let warning = is_deprecated.then(|| header("x-ad-api-version-warning", warning));
    let version = version.map(|version| header("facebook-api-version", version));
    version.into_iter().chain(warning)
}

/// A version that is served now. Graph takes what is no version at all for the id of something.
pub(super) fn require_version(version: &str, now: i64, method: &Method) -> Result<(), Refusal> {
    let major = || -> Option<u32> {
        let (major, minor) = version.strip_prefix('v')?.split_once('.')?;
        minor.parse::<u32>().ok().and_then(|_| major.parse().ok())
    };
    match VERSIONS.iter().find(|(served, _)| *served == version) {
        Some(&(_, end)) if now < end => Ok(()),
        Some(_) => Err(answer::EXPIRED_VERSION),
        None if major().is_some_and(|major| major < 21) => Err(answer::EXPIRED_VERSION),
        None => Err(Refusal::no_object(method.as_str(), version)),
    }
}

async fn whole(body: impl Body<Data = Bytes> + Unpin) -> Result<Bytes, Refusal> {
    let limits = BodyLimits {
        kept: MAX_BODY_BYTES,
        drained: MAX_DRAINED_BYTES,
    };
    read_body(body, limits).await.map_err(|why| match why {
        NoBody::BrokenOff => Refusal::unreadable("The request body is broken off."),
        NoBody::TooLarge | NoBody::Endless => answer::TOO_LARGE,
    })
}

fn clock() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
