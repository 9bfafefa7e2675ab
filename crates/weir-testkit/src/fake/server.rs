//! Listening, connections, and stopping.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::record::{Ledger, Recorded, Stats};
use super::service;
use crate::english::English;

/// How to start a provider.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address to listen at; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Record no requests (for benchmarks).
    pub quiet: bool,
    /// What the behaviour `vary` draws from.
    pub english: English,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), quiet: false, english: English::Words }
    }
}

/// A running provider. It stops, and its connections close, when this is dropped.
#[derive(Debug)]
pub struct FakeProvider {
    /// Where it listens.
    pub addr: SocketAddr,
    ledger: Arc<Ledger>,
    task: JoinHandle<()>,
}

impl FakeProvider {
    /// Starts a recording provider at a free port of 127.0.0.1, on the current tokio runtime.
    ///
    /// # Panics
    /// When no port can be had: a test cannot go on without.
    #[expect(clippy::panic, reason = "tests have no use for the error")]
    pub async fn start() -> Self {
        match Self::start_with(Options::default()).await {
            Ok(provider) => provider,
            Err(error) => panic!("the fake provider cannot listen: {error}"),
        }
    }

    /// Starts a provider on the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let ledger = Arc::new(Ledger::new(options.quiet, options.english));
        let task = tokio::spawn(accept(listener, Arc::clone(&ledger)));
        Ok(Self { addr, ledger, task })
    }

    /// `http://ADDRESS` and `path`, which begins with a slash or is empty.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The last requests (at most 1000), oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.ledger.recorded(None)
    }

    /// The last requests whose behaviour had `key=KEY`, oldest first.
    pub fn requests_of(&self, key: &str) -> Vec<Recorded> {
        self.ledger.recorded(Some(key))
    }

    /// Forgets recorded requests and the counts of `times`.
    pub fn clear(&self) {
        self.ledger.clear();
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.ledger.stats()
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, ledger: Arc<Ledger>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of file descriptors, or a client gone already: the next one may do.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    continue;
                };
                ledger.connected();
                connections.spawn(serve(stream, Arc::clone(&ledger)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, ledger: Arc<Ledger>) {
    // Without it each small write would wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let breaker = Arc::new(Breaker::default());
    let wire = Wire { stream, breaker: Arc::clone(&breaker) };
    let service = service_fn(move |request| service::answer(Arc::clone(&ledger), Arc::clone(&breaker), request));
    // Errors are broken connections, which are this server's trade.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
}

/// Tells a connection to end by a TCP reset instead of an orderly close.
#[derive(Debug, Default)]
pub(crate) struct Breaker(AtomicBool);

impl Breaker {
    pub(crate) fn reset(&self) {
        self.0.store(true, Relaxed);
    }
}

#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    breaker: Arc<Breaker>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.breaker.0.load(Relaxed) {
            // Closing with a linger time of zero sends RST.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
