//! Connections: accepted up to a bound, served with time limits, ended gracefully.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::HeaderName;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use weir_gateway::exchange::request_id;

use crate::config::ServerConfig;

/// Largest request line and headers together.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a client may take nothing of its answer; without a bound it would hold its upstream call for ever.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause after the system had no more descriptors or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until a signal, then lets calls under way, and what else `stopping` has to wait for, end within the bound.
pub(super) async fn run<E: Future<Output = ()>>(
    listener: TcpListener,
    router: Router,
    config: &ServerConfig,
    head_timeout: Duration,
    stopping: impl FnOnce() -> E,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(config.max_connections.max(1)));
    let mut ended = std::pin::pin!(signalled());
    let mut connections = JoinSet::new();

    loop {
        let accepted = tokio::select! {
            () = &mut ended => break,
            Some(_) = connections.join_next() => continue,
            accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        let (Ok(place), accepted) = accepted else { break };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let service = identified(router.clone());
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        connections.spawn(async move {
            // A client that breaks off is its own affair.
            let _ = connection.await;
            drop(place);
        });
    }
    let others = stopping();
    drop(listener);
    tracing::info!(within = %config.shutdown_timeout, "stopping: calls under way may end");
    let ended = futures_util::future::join(graceful.shutdown(), others);
    tokio::select! {
        ended = tokio::time::timeout(config.shutdown_timeout.0, ended) => if ended.is_err() {
            tracing::warn!("some calls did not end in time and are cut off");
        },
        () = signalled() => tracing::warn!("told to stop again: calls under way are cut off"),
    }
    // Ends what is left, so that it is recorded before the journal is drained.
    connections.shutdown().await;
}

/// The router behind a request id: every request has one, the caller's or a new one, and every answer carries it.
fn identified(
    router: Router,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Body>, Infallible>> + Send,
> {
    service_fn(move |mut request: Request<Incoming>| {
        let id = request_id(request.headers());
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            let mut response = answer.await?;
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
            Ok(response)
        }
    })
}

/// Resolves at the first SIGTERM or SIGINT.
async fn signalled() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
