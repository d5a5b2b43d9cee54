//! Takes stage changes over HTTP as they happen: what is answered with 202 is on disk, hashed, and will be delivered once or
//! reported.
//!
//! In: requests. Out: answers, and events in the [`Outbox`], which somebody else delivers. Records go through the steps of
//! an export's, so whatever is said of exports holds for them. No personal value reaches the disk or the log in the clear.

mod answer;
mod auth;
mod endpoint;
mod fetcher;
mod leadgen;
mod metrics;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) use auth::Keys;
pub(crate) use fetcher::{LeadCounts, LeadFetcher, LeadReader};
pub(crate) use leadgen::LeadgenKeys;

use crate::listen::{self, Bounds, Guard};
use crate::run::{BodyReader, Outbox};
use endpoint::{Endpoint, State};
use metrics::Metrics;

/// How long requests under way may take when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(40);
/// What waits is counted so often, and where counting takes long, so many times less often than it takes, within limits.
const COUNT_EVERY: Duration = Duration::from_secs(1);
const COUNT_SHARE: u32 = 20;
const COUNT_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// How a server is set up.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Who may post.
    pub keys: Keys,
    /// What Meta's webhook of leads is held against, where it is taken.
    pub leadgen: Option<LeadgenKeys>,
    /// Events that may wait to be delivered; more are turned away.
    pub max_queue: u64,
    /// Connections at a time.
    pub max_connections: usize,
    /// How long the head of a request may take to arrive.
    pub head_timeout: Duration,
    /// The same of its body.
    pub body_timeout: Duration,
}

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
    serving: JoinHandle<()>,
    stop: oneshot::Sender<()>,
    counting: JoinHandle<()>,
}

impl Server {
    /// Binds and serves from now on, as a task of the current Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) async fn start(
        settings: Settings,
        reader: BodyReader,
        outbox: Outbox,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let endpoint = Arc::new(Endpoint {
            reader: Arc::new(reader),
            outbox: outbox.clone(),
            keys: settings.keys,
            leadgen: settings.leadgen,
            leads: Arc::default(),
            guard: Guard {
                listen: address,
                hosts: Vec::new(),
            },
            body_timeout: settings.body_timeout,
            max_queue: settings.max_queue,
            state: State::new(),
            metrics: Metrics::default(),
            room: endpoint::room(),
        });
        let bounds = Bounds {
            connections: settings.max_connections,
            head: settings.head_timeout,
        };
        let (stop, stopped) = oneshot::channel();
        count(&endpoint, &outbox).await;
        Ok(Self {
            address,
            serving: tokio::spawn(listen::serve(
                listener,
                Arc::clone(&endpoint),
                bounds,
                stopped,
            )),
            counting: tokio::spawn(keep_count(Arc::clone(&endpoint), outbox)),
            endpoint,
            stop,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What became of leads that Meta's webhook told of, for who reads them.
    pub(crate) fn lead_counts(&self) -> Arc<LeadCounts> {
        Arc::clone(&self.endpoint.leads)
    }

    /// Serves until `shutdown` is done, then lets the requests under way finish.
    pub(crate) async fn serve_until(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        self.endpoint.state.stop();
        drop(self.stop);
        // Whoever has not got an answer by then will not get one.
        let _ = tokio::time::timeout(STOP_GRACE, self.serving).await;
        self.counting.abort();
    }
}

/// Counts what waits, again and again.
async fn keep_count(endpoint: Arc<Endpoint>, outbox: Outbox) {
    loop {
        let took = count(&endpoint, &outbox).await;
        let pause = (took * COUNT_SHARE).clamp(COUNT_EVERY, COUNT_AT_LEAST_EVERY);
        tokio::time::sleep(pause).await;
    }
}

/// Counts what waits, and gives how long that took.
async fn count(endpoint: &Arc<Endpoint>, outbox: &Outbox) -> Duration {
    let started = Instant::now();
    let (endpoint, outbox) = (Arc::clone(endpoint), outbox.clone());
    let counting = tokio::task::spawn_blocking(move || {
        // What cannot be counted now is counted the next time; whoever posts is told of a ledger that fails.
        if let Ok(queue) = outbox.queue() {
            endpoint.state.note_queue(queue);
        }
    });
    let _ = counting.await;
    started.elapsed()
}

#[cfg(test)]
mod tests;
