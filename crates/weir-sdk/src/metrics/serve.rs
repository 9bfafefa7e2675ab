//! A small HTTP server for the page of metrics.
//!
//! Invariants: a scraper that is slow or sends nonsense holds one of its threads for seconds at most; nothing of it
//! touches the program beside it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::SdkError;

/// Scrapers that are answered at the same time.
const THREADS: usize = 2;
/// Longest head of a request.
const MAX_HEAD: usize = 16 << 10;
/// How long a scraper may take to send its request, and each piece of the answer to leave.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server of the page of metrics; it stops when it is dropped.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let server = logger.serve_metrics("127.0.0.1:0")?;
/// let scrape_this = format!("http://{}/metrics", server.address());
/// # drop(scrape_this);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the server stops when this is dropped"]
#[derive(Debug)]
pub struct MetricsServer {
    address: SocketAddr,
    pid: u32,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl MetricsServer {
    /// Where it listens.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// let server = logger.serve_metrics(("127.0.0.1", 0))?;
    /// assert_ne!(server.address().port(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets it serve until the process ends.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let logger = weir_sdk::ObservabilityLogger::open(folder.path().join("my.db"))?;
    /// logger.serve_metrics("127.0.0.1:0")?.detach();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detach(mut self) {
        self.threads.clear();
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        // Detached, or inherited through a fork, which takes no threads along.
        if self.threads.is_empty() || self.pid != std::process::id() {
            return;
        }
        self.stopping.store(true, Ordering::SeqCst);
        let mut at = self.address;
        if at.ip().is_unspecified() {
            at.set_ip(if at.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
        }
        for _ in 0..self.threads.len() {
            _ = TcpStream::connect_timeout(&at, Duration::from_millis(200));
        }
        // Not joined: one may be with a slow scraper. They hold nothing but the page.
    }
}

/// Starts it; `page` gives content type and text for an `Accept` header.
pub(crate) fn start(
    address: impl ToSocketAddrs,
    page: impl Fn(Option<&str>) -> (&'static str, String) + Send + Sync + 'static,
) -> Result<MetricsServer, SdkError> {
    let cannot = |e: std::io::Error| SdkError::Settings(format!("the metrics cannot be served there: {e}"));
    let listener = TcpListener::bind(address).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let stopping = Arc::new(AtomicBool::new(false));
    let page = Arc::new(page);
    let mut threads = Vec::new();
    for _ in 0..THREADS {
        let (listener, page, stopping) =
            (listener.try_clone().map_err(cannot)?, Arc::clone(&page), Arc::clone(&stopping));
        let run = move || {
            while let Ok((stream, _)) = accept(&listener) {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                // A scraper that went away needs no answer.
                _ = answer(stream, page.as_ref());
            }
        };
        threads.push(std::thread::Builder::new().name("weir-metrics".to_owned()).spawn(run).map_err(cannot)?);
    }
    Ok(MetricsServer { address, pid: std::process::id(), stopping, threads })
}

/// Waits for a connection; goes on after what concerns one connection only, or passes.
fn accept(listener: &TcpListener) -> std::io::Result<(TcpStream, SocketAddr)> {
    let mut failures = 0;
    loop {
        match listener.accept() {
            Err(_) if failures < 100 => {
                failures += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}

fn answer(mut stream: TcpStream, page: &impl Fn(Option<&str>) -> (&'static str, String)) -> std::io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = read_head(&mut stream)?;
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let mut request = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
    let accept = lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    let path = target.split('?').next().unwrap_or_default();
    let plain = "text/plain; charset=utf-8";
    let (status, (content_type, body)) = match (method, path) {
        ("GET" | "HEAD", "/" | "/metrics") => ("200 OK", page(accept.map(|(_, value)| value.trim()))),
        ("GET" | "HEAD", _) => ("404 Not Found", (plain, "the metrics are at /metrics\n".to_owned())),
        _ => ("405 Method Not Allowed", (plain, "GET /metrics\n".to_owned())),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if method != "HEAD" {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

/// The head of a request, up to the empty line.
fn read_head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut piece = [0; 2_048];
    while !head.ends_with(b"\r\n\r\n") && memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > MAX_HEAD {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => head.extend_from_slice(piece.get(..n).unwrap_or_default()),
        }
    }
    Ok(head)
}
