//! Handlers asked one by one, without sockets, over the rig's stores.

use std::sync::Arc;

use http::Method;
use serde_json::Value;
use weir_core::access::Identity;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::Clock;

use super::front::Front;
use super::rig::Rig;
use super::routes::endpoint;
use super::wire::Args;

/// What the clock of the rig shows at first, Unix milliseconds.
pub(super) const NOW_MS: i64 = 1_795_780_800_000;

pub(super) struct Server {
    pub(super) front: Arc<Front>,
    pub(super) clock: Clock,
    _rig: Rig,
}

impl Server {
    pub(super) fn start() -> Self {
        let rig = Rig::new();
        Self { front: rig.front.clone(), clock: rig.clock.clone(), _rig: rig }
    }

    /// Stores a span; it is there when this returns.
    pub(super) fn record(&self, span: Span) {
        let receipt = self.front.parts.intake.accept("test", vec![SpanWrite::create(span, 0)]).unwrap();
        receipt.blocking_recv().unwrap();
    }

    /// Status and answer of a request to a path behind the mount; `query` has a GET's arguments.
    #[expect(clippy::needless_pass_by_value, reason = "tests read better")]
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
    #[expect(clippy::needless_pass_by_value, reason = "tests read better")]
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
    #[expect(clippy::needless_pass_by_value, reason = "tests read better")]
    pub(super) fn refused(&self, path: &str, body: Value) -> (String, String) {
        let (status, answer) = self.call(Method::POST, path, &body.to_string());
        assert_ne!(status, 200, "{path}: {answer}");
        (answer["error_code"].as_str().unwrap().to_owned(), answer["message"].as_str().unwrap().to_owned())
    }
}
