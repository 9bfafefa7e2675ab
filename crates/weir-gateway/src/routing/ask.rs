//! One deployment asked once: sent, awaited within its times, judged.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};
use weir_core::error::{Code, Error};

use super::attempt::Attempts;
use super::classify::{self, Verdict};
use super::outcome::{AnswerBody, Cause, Failure, Outcome, Outgoing, broken, own};
use super::plan::Target;
use crate::answer::first_event_error;
use crate::providers::demo;
use crate::sse::Splitter;
use crate::upstream::{UpstreamBody, retry_after};

/// Longest event of a stream.
const MAX_EVENT: usize = 8 << 20;
/// Largest body of a failure that is read.
const MAX_ERROR_BODY: usize = 1 << 20;

/// Asks a deployment.
pub(super) async fn ask(call: &Attempts<'_>, target: &Target, begun: Instant, deadline: Instant) -> Outcome {
    let name = &target.provider.name;
    let request = match (call.build)(target) {
        Ok(Outgoing::Network(request)) => request,
        Ok(Outgoing::Demo(endpoint, body)) => {
            return match demo::answer(endpoint, &target.model, &body, call.stream) {
                Ok(demo::Made::Whole(body)) => match (call.accept)(body) {
                    Ok(body) => answer_json(AnswerBody::Whole(body)),
                    Err(problem) => broken(Code::Internal, format!("the demo provider answered with {problem}"), false),
                },
                Ok(demo::Made::Stream(body)) => {
                    let splitter = Splitter::new(MAX_EVENT);
                    answer_json(AnswerBody::Stream { splitter, pending: Vec::new(), body })
                }
                Err(error) => Outcome::Failure(own(error, Verdict::Fatal)),
            };
        }
        Err(error) => return Outcome::Failure(own(error, Verdict::Fatal)),
    };
    let timeouts = target.provider.timeouts;
    let first_byte = deadline.min(begun + timeouts.first_byte);
    let response = match timeout_at(first_byte, target.provider.client().send(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if timed_out(&error) => {
            let message = format!("provider \"{name}\" could not be connected to in time (connect_timeout)");
            return broken(Code::UpstreamTimeout, message, true);
        }
        Ok(Err(error)) => {
            let what =
                if error.is_connect() { "cannot be reached" } else { "closed the connection before it answered" };
            return broken(Code::UpstreamError, format!("provider \"{name}\" {what}: {}", chain(&error)), true);
        }
        Err(_) => return first_byte_timeout(name, begun),
    };
    let (head, body) = response.into_parts();
    let body = UpstreamBody::Network(body);
    if !head.status.is_success() {
        return refused(call, target, head.status, head.headers, body, deadline).await;
    }
    if call.stream && is_event_stream(&head.headers) {
        return first_event(target, head.status, head.headers, body, begun, deadline).await;
    }
    match whole(body, call.max_response, timeouts.idle, deadline).await {
        Ok(_) if is_web_page(&head.headers) => {
            let message = format!("provider \"{name}\" answered with a web page instead of JSON; check its base_url");
            broken(Code::UpstreamError, message, true)
        }
        Ok(bytes) => match (call.accept)(bytes) {
            Ok(body) => Outcome::Answer(head.status, head.headers, AnswerBody::Whole(body)),
            Err(problem) => broken(Code::UpstreamError, format!("provider \"{name}\" answered with {problem}"), true),
        },
        Err(Broke::Late) => {
            let code = Code::UpstreamTimeout;
            broken(code, format!("provider \"{name}\" stopped in the middle of its answer"), false)
        }
        Err(Broke::TooLong) => Outcome::Failure(own(
            Error::new(
                Code::UpstreamError,
                format!(
                    "the answer of provider \"{name}\" is longer than {} bytes (gateway.max_response)",
                    call.max_response
                ),
            ),
            Verdict::Fatal,
        )),
        Err(Broke::Cut(error)) => {
            broken(Code::UpstreamError, format!("provider \"{name}\" broke off its answer: {error}"), true)
        }
    }
}

fn answer_json(body: AnswerBody) -> Outcome {
    Outcome::Answer(StatusCode::OK, HeaderMap::new(), body)
}

fn first_byte_timeout(name: &str, begun: Instant) -> Outcome {
    let waited = begun.elapsed().as_secs_f64();
    broken(
        Code::UpstreamTimeout,
        format!("provider \"{name}\" sent no first byte within {waited:.1} s (first_byte_timeout)"),
        false,
    )
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.to_ascii_lowercase().starts_with("text/event-stream"))
}

/// Holds a stream back until its first event, so that a failure there can still go elsewhere.
async fn first_event(
    target: &Target,
    status: StatusCode,
    headers: HeaderMap,
    mut body: UpstreamBody,
    begun: Instant,
    deadline: Instant,
) -> Outcome {
    let name = &target.provider.name;
    let idle = target.provider.timeouts.idle;
    let first_byte = deadline.min(begun + target.provider.timeouts.first_byte);
    let mut splitter = Splitter::new(MAX_EVENT);
    let mut pending = Vec::new();
    let mut until = first_byte;
    loop {
        match timeout_at(until, body.piece()).await {
            Err(_) if until == first_byte => return first_byte_timeout(name, begun),
            Err(_) => {
                let message = format!("provider \"{name}\" fell silent before its answer began (idle_timeout)");
                return broken(Code::UpstreamTimeout, message, false);
            }
            Ok(None) => {
                return broken(
                    Code::UpstreamError,
                    format!("provider \"{name}\" ended the stream before it began"),
                    true,
                );
            }
            Ok(Some(Err(error))) => {
                let message = format!("provider \"{name}\" broke off the stream before it began: {}", chain(&error));
                return broken(Code::UpstreamError, message, true);
            }
            Ok(Some(Ok(piece))) => splitter.push(&piece),
        }
        // Comments that keep the connection alive are signs of life, and nothing that the client would miss.
        until = deadline.min(Instant::now() + idle);
        loop {
            match splitter.next_event() {
                Ok(Some(event)) if event.data.is_none() && pending.is_empty() => {}
                Ok(Some(event)) => pending.push(event),
                Ok(None) => break,
                Err(error) => return broken(Code::UpstreamError, format!("provider \"{name}\": {error}"), false),
            }
        }
        if let Some(first) = pending.iter().find(|e| e.data.is_some()) {
            if let Some(message) = first_event_error(first) {
                let message = format!("provider \"{name}\" began the stream with an error: {message}");
                return broken(Code::UpstreamError, message, true);
            }
            return Outcome::Answer(status, headers, AnswerBody::Stream { splitter, pending, body });
        }
    }
}

/// An answer that is not a success, judged.
async fn refused(
    call: &Attempts<'_>,
    target: &Target,
    status: StatusCode,
    headers: HeaderMap,
    body: UpstreamBody,
    deadline: Instant,
) -> Outcome {
    let name = &target.provider.name;
    if status.is_redirection() || status.is_informational() {
        let message = format!("provider \"{name}\" answered {status} instead of a result; check its base_url");
        return Outcome::Failure(own(Error::new(Code::UpstreamError, message), Verdict::Fallback));
    }
    let body = whole(body, MAX_ERROR_BODY, target.provider.timeouts.idle, deadline).await.unwrap_or_default();
    let body = target.provider.without_secrets(body);
    if status == StatusCode::TOO_MANY_REQUESTS {
        call.observer.upstream_rate_limited(&target.deployment.name);
    }
    let verdict = classify::of_status(status, &body);
    let retry_after_ms = retry_after(&headers, call.clock.now());
    let error_type = classify::error_type(status, &body);
    Outcome::Failure(Failure {
        cause: Cause::Upstream { status, headers, body, error_type },
        verdict,
        retry_after_ms,
        ill: verdict == Verdict::Retry,
        same: true,
    })
}

enum Broke {
    Late,
    TooLong,
    Cut(String),
}

/// The whole body, within a size, a longest silence and a deadline.
async fn whole(mut body: UpstreamBody, max: usize, idle: Duration, deadline: Instant) -> Result<Bytes, Broke> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    loop {
        let until = deadline.min(Instant::now() + idle);
        let piece = match timeout_at(until, body.piece()).await {
            Err(_) => return Err(Broke::Late),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(Broke::Cut(chain(&error))),
            Ok(Some(Ok(piece))) => piece,
        };
        let held = first.as_ref().map_or(all.len(), Bytes::len);
        if held + piece.len() > max {
            return Err(Broke::TooLong);
        }
        // Most answers come in one piece, which needs no copy.
        match first.take() {
            None if all.is_empty() => first = Some(piece),
            None => all.extend_from_slice(&piece),
            Some(before) => {
                all.extend_from_slice(&before);
                all.extend_from_slice(&piece);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

fn is_web_page(headers: &HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"))
}

/// Whether a deadline of the connection itself has passed.
fn timed_out(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with its causes, which is where hyper says what happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
