//! The HTTP server under the sandbox: accepts connections, bounds how long a request may take to arrive, and ends in
//! an orderly way.
//!
//! In: a listener and what answers a request. Out: nothing, once it was told to stop and the requests under way are
//! answered. It knows nothing of what the requests are about.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::endpoint::Endpoint;

/// How long to wait when no connection can be accepted, as when all file descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

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
