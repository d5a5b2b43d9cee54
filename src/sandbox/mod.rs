//! A local stand-in for Meta's events endpoint, for trying things out and for tests: no account, no internet.
//!
//! In: HTTP requests as Graph takes them. Out: the answers Graph would give by Meta's published rules, and what was
//! accepted: under `GET /sandbox/events` as NDJSON, under `GET /` as a page. With a file of leads it plays the reading of
//! Pages, forms and leads too. Every answer says that it is a sandbox's,
//! so that nobody takes its receipts for Meta's. It judges the bytes that arrive and uses none of the uploader's own rules
//! and types, or it would agree with the uploader's mistakes. It sends nothing anywhere and writes no file.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api>

mod answer;
mod counted;
mod endpoint;
mod judge;
mod leads;
mod page;
mod pieces;
mod request;
mod store;
mod tally;
mod values;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::answer::TraceIds;
use self::endpoint::{Endpoint, Timeouts};
pub(crate) use self::leads::LeadsFile;
use self::store::Store;
use self::tally::Tally;
use crate::listen::{self, Bounds, Guard};

/// How many bytes of accepted events a sandbox of its own keeps for `GET /sandbox/events`: about 300,000 events.
pub(crate) const DEFAULT_KEEP_BYTES: usize = 256 << 20;

/// More connections wait until others end: what a test's clients would never need.
const MAX_CONNECTIONS: usize = 4_096;

/// How long requests under way may take when the sandbox stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// How a sandbox is set up.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The time it judges by, Unix seconds; without one, the clock at each request.
    pub now: Option<i64>,
    /// Lead ids to refuse as invalid or deleted, though they look right.
    pub bad_lead_ids: Vec<u64>,
    /// The Pages, forms and leads it plays besides; none, and it knows only events.
    pub leads: Option<LeadsFile>,
    /// How many bytes of accepted events to keep for `GET /sandbox/events`, before the oldest make room.
    /// With 0 it keeps none.
    pub keep_bytes: usize,
    /// How long after its acceptance an event shows in what `GET /{dataset}/stats` counts.
    pub count_delay: Duration,
    /// Names it is reached by besides `localhost`; a request for another host is refused.
    pub hosts: Vec<String>,
    /// Whether to log a line per request.
    pub log_requests: bool,
}

impl Settings {
    /// Of one in this process, for its own uploads: on a free port, with no Pages, and it says nothing.
    pub(crate) fn in_process(now: Option<i64>, keep_bytes: usize) -> Self {
        Self {
            listen: ([127, 0, 0, 1], 0).into(),
            now,
            bad_lead_ids: Vec::new(),
            leads: None,
            keep_bytes,
            count_delay: Duration::ZERO,
            hosts: Vec::new(),
            log_requests: false,
        }
    }
}

/// A running sandbox. It stops listening when it is dropped.
#[derive(Debug)]
pub(crate) struct Sandbox {
    address: SocketAddr,
    server: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Sandbox {
    /// Binds and serves from now on, as a task of the current Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) async fn start(settings: Settings) -> io::Result<Self> {
        Self::start_with(settings, Timeouts::default()).await
    }

    async fn start_with(settings: Settings, timeouts: Timeouts) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let endpoint = Arc::new(Endpoint {
            now: settings.now,
            bad_lead_ids: settings.bad_lead_ids.into_iter().collect(),
            leads: settings.leads,
            guard: Guard {
                listen: address,
                hosts: settings.hosts,
            },
            log_requests: settings.log_requests,
            timeouts,
            store: Store::new(settings.keep_bytes),
            // What is not kept nobody can ask about.
            tally: (settings.keep_bytes > 0).then(|| Tally::new(settings.count_delay)),
            trace_ids: TraceIds::default(),
        });
        let (stop, stopped) = oneshot::channel();
        Ok(Self {
            address,
            server: tokio::spawn(listen::serve(
                listener,
                Arc::clone(&endpoint),
                Bounds {
                    connections: MAX_CONNECTIONS,
                    head: endpoint.timeouts.head,
                },
                stopped,
            )),
            stop,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stands in for `https://graph.facebook.com`, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `shutdown` is done, then lets the requests under way finish for a moment.
    pub(crate) async fn serve_until(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        drop(self.stop);
        // Whoever has not got an answer by then will not get one.
        let _ = tokio::time::timeout(STOP_GRACE, self.server).await;
    }
}

#[cfg(test)]
mod tests;
