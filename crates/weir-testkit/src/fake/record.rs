//! What the provider saw: the last requests and a few counters.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use parking_lot::Mutex;
use serde::Serialize;

use crate::english::English;

/// How many requests are kept.
const KEPT: usize = 1000;

/// One request as it came, and what became of its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Method, upper case.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query without the `?`; empty when there is none.
    pub query: String,
    /// Headers, names in lower case; repeated ones joined by `, `.
    pub headers: HashMap<String, String>,
    /// Body as text (invalid UTF-8 replaced).
    pub body: String,
    /// Arrival, microseconds since 1970.
    pub at_us: u64,
    /// The behaviour's `key`.
    pub key: String,
    /// The model without its behaviour.
    pub model: String,
    /// The client closed the connection before the answer had ended.
    pub disconnected: bool,
    /// The answer has been given to its end, or was broken off on purpose.
    pub finished: bool,
    /// Content chunks given to the connection.
    pub chunks_sent: u64,
}

/// The counters. They count while recording is off, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests received, control requests apart.
    pub requests: u64,
    /// Requests answered by a stream.
    pub streams: u64,
    /// Requests whose answer has not ended.
    pub open: u64,
    /// The most requests open at one time.
    pub peak_open: u64,
    /// Answers that the client did not wait for.
    pub disconnects: u64,
    /// TCP connections accepted.
    pub connections: u64,
}

#[derive(Debug)]
struct Entry {
    parts: Parts,
    body: Bytes,
    at_us: u64,
    key: String,
    model: String,
    disconnected: AtomicBool,
    finished: AtomicBool,
    chunks_sent: AtomicU64,
}

/// Everything the server keeps.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    quiet: bool,
    /// What `vary` draws from.
    pub(crate) english: English,
    entries: Mutex<VecDeque<Arc<Entry>>>,
    faults: Mutex<HashMap<String, u64>>,
    requests: AtomicU64,
    streams: AtomicU64,
    open: AtomicU64,
    peak_open: AtomicU64,
    disconnects: AtomicU64,
    connections: AtomicU64,
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

impl Ledger {
    pub(crate) fn new(quiet: bool, english: English) -> Self {
        Self { quiet, english, ..Self::default() }
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// Begins a request; what it returns must live until the answer has ended.
    pub(crate) fn begin(self: &Arc<Self>, request: (Parts, Bytes), key: &str, model: &str) -> Call {
        let sequence = self.requests.fetch_add(1, Relaxed);
        let open = self.open.fetch_add(1, Relaxed) + 1;
        self.peak_open.fetch_max(open, Relaxed);
        let entry = (!self.quiet).then(|| {
            let (parts, body) = request;
            let entry = Arc::new(Entry {
                parts,
                body,
                at_us: now_us(),
                key: key.to_owned(),
                model: model.to_owned(),
                disconnected: AtomicBool::new(false),
                finished: AtomicBool::new(false),
                chunks_sent: AtomicU64::new(0),
            });
            let mut entries = self.entries.lock();
            if entries.len() == KEPT {
                entries.pop_front();
            }
            entries.push_back(Arc::clone(&entry));
            entry
        });
        Call { ledger: Arc::clone(self), entry, sequence, ended: false }
    }

    /// True when this request of `key` is among the first `times`; counts it.
    pub(crate) fn within(&self, key: &str, times: u64) -> bool {
        let mut faults = self.faults.lock();
        let seen = faults.entry(key.to_owned()).or_insert(0);
        *seen += 1;
        *seen <= times
    }

    pub(crate) fn recorded(&self, key: Option<&str>) -> Vec<Recorded> {
        let entries: Vec<_> = self.entries.lock().iter().cloned().collect();
        entries.iter().filter(|entry| key.is_none_or(|key| key == entry.key)).map(|entry| entry.show()).collect()
    }

    /// Forgets the recorded requests and how often each key has failed. The counters stay.
    pub(crate) fn clear(&self) {
        self.entries.lock().clear();
        self.faults.lock().clear();
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            requests: self.requests.load(Relaxed),
            streams: self.streams.load(Relaxed),
            open: self.open.load(Relaxed),
            peak_open: self.peak_open.load(Relaxed),
            disconnects: self.disconnects.load(Relaxed),
            connections: self.connections.load(Relaxed),
        }
    }
}

impl Entry {
    fn show(&self) -> Recorded {
        let mut headers: HashMap<String, String> = HashMap::new();
        for (name, value) in &self.parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|joined| {
                    joined.push_str(", ");
                    joined.push_str(&value);
                })
                .or_insert_with(|| value.to_string());
        }
        Recorded {
            method: self.parts.method.to_string(),
            path: self.parts.uri.path().to_owned(),
            query: self.parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body: String::from_utf8_lossy(&self.body).into_owned(),
            at_us: self.at_us,
            key: self.key.clone(),
            model: self.model.clone(),
            disconnected: self.disconnected.load(Relaxed),
            finished: self.finished.load(Relaxed),
            chunks_sent: self.chunks_sent.load(Relaxed),
        }
    }
}

/// One request being answered. Dropped before [`Call::end`], it tells that the client went away: hyper
/// drops the service's future or the body when the connection closes.
#[derive(Debug)]
pub(crate) struct Call {
    ledger: Arc<Ledger>,
    entry: Option<Arc<Entry>>,
    /// Number of the request, from 0.
    pub(crate) sequence: u64,
    ended: bool,
}

impl Call {
    pub(crate) fn streams(&self) {
        self.ledger.streams.fetch_add(1, Relaxed);
    }

    pub(crate) fn sent(&self, chunks: u64) {
        if let Some(entry) = &self.entry {
            entry.chunks_sent.fetch_add(chunks, Relaxed);
        }
    }

    /// The answer has ended as the behaviour wanted it to.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        if let Some(entry) = &self.entry {
            entry.finished.store(true, Relaxed);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ledger.open.fetch_sub(1, Relaxed);
        if !self.ended {
            self.ledger.disconnects.fetch_add(1, Relaxed);
            if let Some(entry) = &self.entry {
                entry.disconnected.store(true, Relaxed);
            }
        }
    }
}
