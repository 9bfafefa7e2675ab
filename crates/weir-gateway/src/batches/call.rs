//! One request of a batch as a call through the gateway, with the identity of the batch's key.

use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use futures_util::FutureExt;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use weir_core::access::Identity;
use weir_core::error::{Code, Error, Form};
use weir_core::time::{Micros, SECOND};
use weir_store::catalog::BatchProblem;

use super::active::{Answer, Attempt};
use super::finish::read_slot;
use super::validate::Slot;
use super::{line, output, pace};
use crate::doors;
use crate::exchange::{self, OnBehalf};
use crate::gateway::Gateway;

/// Largest answer that is taken; the gateway's own bound on answers is lower unless somebody raised it.
const MAX_ANSWER: usize = 256 << 20;

/// One attempt with all that it needs.
pub(super) struct Task {
    pub gateway: Arc<Gateway>,
    pub batch: String,
    pub owner: String,
    pub endpoint: String,
    pub input: Arc<File>,
    pub slot: Slot,
    pub attempt: Attempt,
    /// Whether an answer that may pass is final.
    pub last: bool,
}

/// What an attempt came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// An answer, good or bad.
    Answered(Answer),
    /// A limit of Weir's own refused it; it counts as no attempt.
    Limited(Micros),
    /// A failure that may pass.
    Passing(Micros),
    /// The batch cannot go on.
    Hopeless(BatchProblem),
    /// The input cannot be read now.
    Unreadable(String),
}

impl Task {
    /// Makes the request. A defect on the way is a failed answer, not the end of the worker.
    pub(super) async fn make(self) -> Outcome {
        let position = self.attempt.position;
        let (input, slot) = (self.input.clone(), self.slot);
        let text = match tokio::task::spawn_blocking(move || read_slot(&input, slot)).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => return Outcome::Unreadable(error.to_string()),
            Err(error) => return Outcome::Unreadable(error.to_string()),
        };
        let line = match line::parse(&text, &self.endpoint) {
            Ok(line) => line,
            Err(problem) => return Outcome::Hopeless(changed(&problem)),
        };
        let Some(identity) = owner(&self.gateway, &self.owner) else { return Outcome::Hopeless(no_key(&self.owner)) };
        let id = output::request_id();
        let made = self.ask(&line, &id, identity);
        let (status, headers, body) = match AssertUnwindSafe(made).catch_unwind().await {
            Ok(answer) => answer,
            Err(_) => {
                let error = Error::new(Code::Internal, "the request met a defect of Weir's; the log has its place");
                (error.code.status(), HeaderMap::new(), error.body(Form::OpenAi, &id).into())
            }
        };
        match verdict(status, &headers) {
            Verdict::Limited(after) => return Outcome::Limited(after),
            Verdict::Passing(named) if !self.last => {
                return Outcome::Passing(pace::before_attempt(self.attempt.tries, named));
            }
            Verdict::Final | Verdict::Passing(_) => {}
        }
        let line = output::answered(&id, &line.custom_id, status.as_u16(), &id, &body);
        let good = status.is_success();
        let tokens = if good { output::tokens(&body) } else { Default::default() };
        Outcome::Answered(Answer { position, line, good, tokens })
    }

    async fn ask(
        &self,
        line: &line::Line<'_>,
        id: &str,
        identity: Arc<Identity>,
    ) -> (StatusCode, HeaderMap, bytes::Bytes) {
        let Some(door) = doors::door_of(&self.endpoint) else {
            return (StatusCode::NOT_FOUND, HeaderMap::new(), bytes::Bytes::new());
        };
        let mut request = Request::new(Body::from(line.body.to_owned()));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::from_str(id) {
            request.headers_mut().insert("x-request-id", id);
        }
        let batch = serde_json::json!({"id": self.batch, "custom_id": line.custom_id}).to_string();
        request.extensions_mut().insert(OnBehalf {
            identity,
            is_for_cache: false,
            tag: format!("batch:{}", self.batch),
            batch: Some(batch),
        });
        let (head, body) = exchange::run(self.gateway.clone(), door, request).await.into_parts();
        match axum::body::to_bytes(body, MAX_ANSWER).await {
            Ok(body) => (head.status, head.headers, body),
            Err(error) => {
                let error = Error::new(Code::UpstreamError, format!("the answer could not be read: {error}"));
                (error.code.status(), head.headers, error.body(door.form, id).into())
            }
        }
    }
}

/// Who a batch's calls are made as: the key is looked up anew each time, so that its limits are those of now.
fn owner(gateway: &Gateway, name: &str) -> Option<Arc<Identity>> {
    let snapshot = gateway.snapshot();
    if snapshot.keyring.is_open() {
        return name.is_empty().then(|| Arc::new(Identity::anonymous()));
    }
    snapshot.keyring.identities().find(|identity| identity.name == name).cloned()
}

fn no_key(name: &str) -> BatchProblem {
    let message = if name.is_empty() {
        "the batch was made when no keys were configured; now calls need one: make the batch again with a key"
            .to_owned()
    } else {
        format!("the key {name:?} that made the batch is not configured any more; its requests cannot be made")
    };
    line::problem("key_not_found", None, message)
}

/// A line that was good when the batch began.
fn changed(now: &BatchProblem) -> BatchProblem {
    line::problem("input_modified", None, format!("the input was changed after the batch began: {}", now.message))
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Final,
    Limited(Micros),
    Passing(Option<Micros>),
}

/// Whether an answer is final, a refusal of Weir's own limits, or a failure of the provider that may pass. Weir's own
/// refusals are known by the absence of a count of attempts.
fn verdict(status: StatusCode, headers: &HeaderMap) -> Verdict {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok().filter(|n| *n >= 0);
    let named = number("retry-after-ms").map(|ms| ms.saturating_mul(1_000));
    let named = named.or_else(|| number("retry-after").map(|s| s.saturating_mul(SECOND)));
    let own = !headers.contains_key("x-weir-attempts");
    match status.as_u16() {
        429 | 503 if own => Verdict::Limited(named.unwrap_or(SECOND)),
        408 | 429 | 500 | 502 | 503 | 504 | 529 => Verdict::Passing(named),
        _ => Verdict::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_limits_are_told_from_a_providers() {
        let headers = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        let is = |status: u16, pairs: &[(&'static str, &str)]| {
            verdict(StatusCode::from_u16(status).unwrap(), &headers(pairs))
        };
        assert_eq!(is(429, &[("retry-after", "3")]), Verdict::Limited(3 * SECOND));
        assert_eq!(is(429, &[("retry-after", "3"), ("retry-after-ms", "2500")]), Verdict::Limited(2_500_000));
        assert_eq!(is(429, &[("x-weir-attempts", "1")]), Verdict::Passing(None));
        assert_eq!(is(503, &[]), Verdict::Limited(SECOND));
        assert_eq!(is(502, &[]), Verdict::Passing(None));
        assert_eq!(is(400, &[]), Verdict::Final);
        assert_eq!(is(200, &[]), Verdict::Final);
    }
}
