//! A front over stores of its own in a temporary folder, for tests of handlers: real stores, no sockets.

use std::sync::Arc;

use http::Method;
use serde_json::Value;
use weir_core::access::Identity;
use weir_core::merge::SpanWrite;
use weir_core::observe::Unobserved;
use weir_core::price::PriceTable;
use weir_core::record::{RecordConfig, RecordPolicy};
use weir_core::span::Span;
use weir_core::time::Clock;
use weir_store::ingest::{Ingest, IngestOptions};
use weir_store::journal::Journal;
use weir_store::sqlite::{SqliteCatalog, SqliteStore};

use super::front::{Front, Parts};
use super::routes::endpoint;
use super::wire::Args;
use crate::intake::{Intake, Terms};

/// What the clock of a test's front shows at first, Unix milliseconds.
pub(super) const NOW_MS: i64 = 1_750_000_000_000;

struct Plain(RecordPolicy, Arc<PriceTable>);

impl Terms for Plain {
    fn policy(&self) -> &RecordPolicy {
        &self.0
    }
    fn prices(&self) -> &PriceTable {
        &self.1
    }
    fn project(&self) -> &'static str {
        "default"
    }
}

pub(super) struct Server {
    pub(super) front: Front,
    pub(super) clock: Clock,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(NOW_MS * 1_000);
        let store = SqliteStore::open(folder.path()).unwrap();
        let journal = Arc::new(Journal::open(folder.path(), 1 << 30).unwrap());
        let options = IngestOptions::default();
        let ingest = Ingest::start(Arc::new(store.clone()), journal, Arc::new(Unobserved), options).unwrap();
        let terms: Arc<dyn Terms> =
            Arc::new(Plain(RecordPolicy::new(&RecordConfig::default()).unwrap(), PriceTable::builtin()));
        let catalog = Arc::new(SqliteCatalog::open(folder.path()).unwrap());
        let front = Front::new(Parts {
            prompts: Arc::new(super::rig::Stored(catalog.clone())),
            catalog,
            telemetry: Arc::new(store.clone()),
            traces: Arc::new(store.clone()),
            scores: Arc::new(store),
            intake: Arc::new(Intake::new(Arc::new(ingest), Arc::new(move || terms.clone()))),
            clock: clock.clone(),
        });
        Self { front, clock, _folder: folder }
    }

    /// Stores a span; it is there when this returns.
    pub(super) fn record(&self, span: Span) {
        let receipt = self.front.parts.intake.accept("test", vec![SpanWrite::create(span, 0)]).unwrap();
        receipt.blocking_recv().unwrap();
    }

    /// Status and answer of a request to a path behind the mount; `query` has a GET's arguments.
    pub(super) fn call(&self, method: Method, path: &str, input: &str) -> (u16, Value) {
        let endpoint = endpoint(&method, path).unwrap_or_else(|| panic!("no endpoint {method} {path}"));
        let caller = Arc::new(Identity::anonymous());
        let args = match method {
            Method::GET => Ok(Args::of_query(input, Vec::new(), caller)),
            _ => Args::of_body(input.as_bytes(), Vec::new(), caller),
        };
        match args.and_then(|args| (endpoint.handle)(&self.front, &args)) {
            Ok(reply) => (200, serde_json::from_slice(reply.body()).unwrap()),
            Err(refused) => {
                let form = serde_json::json!({"error_code": refused.code.as_str(), "message": refused.message});
                (refused.code.status().as_u16(), form)
            }
        }
    }

    /// A POST that must be answered.
    pub(super) fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, &body.to_string());
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A GET that must be answered.
    pub(super) fn get(&self, path: &str, query: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, query);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Error code and message of a POST that must be refused.
    pub(super) fn refused(&self, path: &str, body: Value) -> (String, String) {
        let (status, answer) = self.call(Method::POST, path, &body.to_string());
        assert_ne!(status, 200, "{path}: {answer}");
        (answer["error_code"].as_str().unwrap().to_owned(), answer["message"].as_str().unwrap().to_owned())
    }
}
