//! The HTTP server under the sandbox: accepts connections, bounds how long a request may take to arrive, and ends in
//! an orderly way.
//!
//! In: a listener and what answers a request. Out: nothing, once it was told to stop and the requests under way are
//! answered. It knows nothing of what the requests are about.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Endpoint;

/// How long to wait when no connection can be accepted, as when all file descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

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

/// Serves until `stop` is sent or dropped, then until the requests under way are answered.
pub(super) async fn serve(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    stop: oneshot::Receiver<()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(endpoint.timeouts.head);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let endpoint = Arc::clone(&endpoint);
        let service = service_fn(move |request| {
            let endpoint = Arc::clone(&endpoint);
            async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that went away, or took too long: there is nobody to tell.
            let _ = connection.await;
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// The body of an answer, in pieces that may be shared with other answers and are never copied.
#[derive(Debug, Default)]
pub(super) struct Pieces(VecDeque<Bytes>);

impl From<Vec<u8>> for Pieces {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_iter([Bytes::from(bytes)])
    }
}

impl FromIterator<Bytes> for Pieces {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self(
            pieces
                .into_iter()
                .filter(|piece| !piece.is_empty())
                .collect(),
        )
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}
