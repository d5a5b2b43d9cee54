//! A local stand-in for Meta's events endpoint, for trying things out and for tests: no account, no internet.
//!
//! In: HTTP requests as Graph takes them. Out: the answers Graph would give by Meta's published rules, and under
//! `GET /sandbox/events` what was accepted. It judges the bytes that arrive and uses none of the uploader's own rules
//! and types, or it would agree with the uploader's mistakes. It sends nothing anywhere and writes no file.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>

mod answer;
mod judge;
mod request;
mod store;

use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::answer::{Refusal, TraceIds};
use self::judge::Judge;
use self::request::Parameters;
use self::store::Store;

/// How many bytes of accepted events a sandbox of its own keeps for `GET /sandbox/events`: about 300,000 events.
pub const DEFAULT_KEEP_BYTES: usize = 256 << 20;

/// The largest body it reads; a full batch is about 1 MB.
const MAX_BODY_BYTES: usize = 16 << 20;

/// Past this much of a body that is too large the connection is cut instead of answered.
const MAX_DRAINED_BYTES: usize = 128 << 20;

/// How long requests under way may take when the sandbox stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

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

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The time it judges by, Unix seconds; without one, the clock at each request.
    pub now: Option<i64>,
    /// Lead ids to refuse as invalid or deleted, though they look right.
    pub bad_lead_ids: Vec<u64>,
    /// How many bytes of accepted events to keep for `GET /sandbox/events`, before the oldest make room.
    /// With 0 it keeps none.
    pub keep_bytes: usize,
}

/// A running sandbox. It stops listening when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
    stop: oneshot::Sender<()>,
}

impl Sandbox {
    /// Binds and serves from now on, as a task of the current Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(settings: Settings) -> io::Result<Sandbox> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let endpoint = Arc::new(Endpoint {
            now: settings.now,
            bad_lead_ids: settings.bad_lead_ids.into_iter().collect(),
            store: Store::new(settings.keep_bytes),
            trace_ids: TraceIds::default(),
        });
        // The limit is kept by `read_body`, so that its answer is Graph's.
        let router = Router::new()
            .fallback(serve)
            .layer(DefaultBodyLimit::disable())
            .with_state(endpoint);

        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // An error means that the sandbox was dropped, which stops it just as well.
            let _ = stopped.await;
        });
        Ok(Sandbox {
            address,
            server: tokio::spawn(serving.into_future()),
            stop,
        })
    }

    /// What stands in for `https://graph.facebook.com`, without a slash at the end.
    pub fn base_url(&self) -> String {
        let mut address = self.address;
        match address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
                address.set_ip(Ipv4Addr::LOCALHOST.into())
            }
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                address.set_ip(Ipv6Addr::LOCALHOST.into())
            }
            _ => {}
        }
        format!("http://{address}")
    }

    /// Serves until `shutdown` is done, then lets the requests under way finish for a moment.
    ///
    /// # Errors
    /// When the server itself fails before that.
    pub async fn serve_until(mut self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        tokio::select! {
            ended = &mut self.server => return ended?,
            () = shutdown => {}
        }
        drop(self.stop);
        match tokio::time::timeout(STOP_GRACE, self.server).await {
            Ok(ended) => ended?,
            Err(_) => Ok(()),
        }
    }
}

/// What all requests share.
#[derive(Debug)]
struct Endpoint {
    now: Option<i64>,
    bad_lead_ids: HashSet<u64>,
    store: Store,
    trace_ids: TraceIds,
}

async fn serve(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    if request.method() == Method::GET && segments == ["sandbox", "events"] {
        return endpoint.accepted_events();
    }
    let fbtrace_id = endpoint.trace_ids.next();
    match endpoint.receive(&segments, request).await {
        Ok(events_received) => answer::receipt(events_received, &fbtrace_id),
        Err(refusal) => refusal.into_answer(&fbtrace_id),
    }
}

impl Endpoint {
    fn accepted_events(&self) -> Response {
        let (lines, events_dropped) = self.store.ndjson();
        let headers = [
            (
                header::CONTENT_TYPE.as_str(),
                "application/x-ndjson".to_owned(),
            ),
            ("x-sandbox-events-dropped", events_dropped.to_string()),
        ];
        (headers, lines).into_response()
    }

    /// Takes a whole request or nothing of it; gives the number of events taken.
    async fn receive(&self, segments: &[&str], request: Request) -> Result<usize, Refusal> {
        let (head, body) = request.into_parts();
        let body = read_body(body).await?;
        let now = self.now.unwrap_or_else(clock);

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
        let events = parameters.into_events()?;
        Judge {
            now,
            bad_lead_ids: &self.bad_lead_ids,
        }
        .judge(&events)?;
        self.store.keep(&events);
        Ok(events.len())
    }
}

/// A version that is served now. Graph takes what is no version at all for the id of something.
fn require_version(version: &str, now: i64, method: &Method) -> Result<(), Refusal> {
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

/// Reads the whole body. The rest of one that is too large is read and thrown away: a client that is still writing
/// would see a broken connection instead of the answer.
async fn read_body(mut body: Body) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Refusal::unreadable("The request body is broken off."))?;
        let Ok(part) = frame.into_data() else {
            continue;
        };
        length += part.len();
        if length <= MAX_BODY_BYTES {
            bytes.extend_from_slice(&part);
        } else if length > MAX_DRAINED_BYTES {
            break;
        }
    }
    if length > MAX_BODY_BYTES {
        Err(answer::TOO_LARGE)
    } else {
        Ok(bytes.into())
    }
}

fn clock() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
