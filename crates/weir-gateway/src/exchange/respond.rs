//! Answers to the client: their headers, and refusals in the protocol that was spoken.

use std::fmt::Display;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use weir_core::error::{Error, Form};

use super::call::{Call, Ending};
use crate::cache::Hit;
use crate::routing::{Answered, Cause, Failed};
use crate::translate::{error_to_anthropic, error_to_openai};
use crate::upstream::{answer_headers, upstream_request_id};
use weir_core::span::Status;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

fn put(headers: &mut HeaderMap, name: &'static str, value: impl Display) {
    put_text(headers, name, &value.to_string());
}

fn put_text(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn put_number(headers: &mut HeaderMap, name: &'static str, value: impl Into<HeaderValue>) {
    headers.insert(HeaderName::from_static(name), value.into());
}

/// What every answer carries: ids, limits, and for Anthropic's SDK the id under its own name.
fn common(headers: &mut HeaderMap, call: &Call, form: Form) {
    let id = call.span.request_id.as_deref().unwrap_or_default();
    put_text(headers, "x-request-id", id);
    if form == Form::Anthropic {
        put_text(headers, "request-id", id);
    }
    if let Some(cache) = &call.span.cache {
        put_text(headers, "x-weir-cache", cache);
    }
    // Of several allowances the one of which least is left: it is what the caller will meet.
    let now = call.gateway.parts.clock.now();
    let left: Vec<_> = call.reservations.iter().map(|r| r.allowance().remaining(now)).collect();
    let pairs = [
        (left.iter().filter_map(|l| l.requests).min(), "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
        (left.iter().filter_map(|l| l.tokens).min(), "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens"),
    ];
    for (value, limit, remaining) in pairs {
        if let Some((left, of)) = value {
            put_number(headers, limit, of);
            put_number(headers, remaining, left);
        }
    }
}

/// Notes on the call who answered and how, and makes the headers that say so.
pub(super) fn answered(call: &mut Call, answer: &Answered, form: Form) -> HeaderMap {
    let target = &answer.target;
    call.target = Some(target.clone());
    call.answered = true;
    call.span.attempts = Some(answer.attempts);
    if let Some(id) = upstream_request_id(&answer.headers).and_then(|v| v.to_str().ok()) {
        call.span.upstream_request_id = Some(id.to_owned());
    }
    let mut headers = answer_headers(&answer.headers);
    common(&mut headers, call, form);
    put_text(&mut headers, "x-weir-model", &target.model);
    put_text(&mut headers, "x-weir-provider", &target.provider.name);
    put_text(&mut headers, "x-weir-deployment", &target.deployment.name);
    put_number(&mut headers, "x-weir-attempts", answer.attempts);
    put_number(&mut headers, "x-weir-fallbacks", answer.fallbacks);
    headers
}

/// A whole answer. The call has ended, so that its cost is known.
pub(super) fn whole(mut headers: HeaderMap, cost: Option<f64>, overhead_us: i64, body: Bytes) -> Response<Body> {
    headers.insert(CONTENT_TYPE, JSON);
    if let Some(cost) = cost {
        put(&mut headers, "x-weir-cost-usd", cost);
    }
    put_number(&mut headers, "x-weir-overhead-us", overhead_us);
    response(StatusCode::OK, headers, Body::from(body))
}

/// The headers of an answer out of the cache.
pub(super) fn cached(call: &Call, hit: &Hit, form: Form) -> HeaderMap {
    let answer = &hit.entry.answer;
    let mut headers = HeaderMap::new();
    common(&mut headers, call, form);
    put_text(&mut headers, "x-weir-model", &answer.model);
    put_text(&mut headers, "x-weir-provider", &answer.provider);
    let age_us = hit.entry.age_us(call.gateway.parts.clock.now());
    put(&mut headers, "age", age_us / 1_000_000);
    if let Some(similarity) = hit.similarity {
        put(&mut headers, "x-weir-cache-similarity", format_args!("{similarity:.4}"));
    }
    headers
}

/// A streamed answer.
pub(super) fn stream(mut headers: HeaderMap, body: Body) -> Response<Body> {
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response(StatusCode::OK, headers, body)
}

/// A body of ready pieces.
pub(super) fn pieces(pieces: Vec<Bytes>) -> Body {
    Body::from_stream(futures_util::stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>)))
}

/// One of Weir's own refusals. Ends the call.
pub(super) fn refuse(call: &mut Call, error: &Error, form: Form) -> Response<Body> {
    let mut headers = HeaderMap::new();
    common(&mut headers, call, form);
    let id = call.span.request_id.clone().unwrap_or_default();
    call.fail(error);
    refusal(headers, error, form, &id)
}

/// A refusal outside any call, such as an unknown path.
#[must_use]
pub fn refusal(mut headers: HeaderMap, error: &Error, form: Form, request_id: &str) -> Response<Body> {
    headers.insert(CONTENT_TYPE, JSON);
    put(&mut headers, "x-should-retry", error.code.retryable());
    if let Some(ms) = error.retry_after_ms {
        put(&mut headers, "retry-after", ms.div_ceil(1000));
        put(&mut headers, "retry-after-ms", ms);
    }
    response(error.code.status(), headers, Body::from(error.body(form, request_id)))
}

/// Nobody answered: the upstream's own failure in the client's protocol, or Weir's. Ends the call.
pub(super) fn failed(call: &mut Call, failed: Failed, form: Form) -> Response<Body> {
    call.target = failed.target;
    call.span.attempts = Some(failed.attempts);
    let (status, headers, body, error_type) = match failed.cause {
        Cause::Own(error) => return refuse(call, &error, form),
        Cause::Upstream { status, headers, body, error_type } => (status, headers, body, error_type),
    };
    if let Some(id) = upstream_request_id(&headers).and_then(|v| v.to_str().ok()) {
        call.span.upstream_request_id = Some(id.to_owned());
    }
    let id = call.span.request_id.clone().unwrap_or_default();
    let (code, rendered) = match form {
        Form::OpenAi => error_to_openai(status.as_u16(), &body),
        Form::Anthropic => error_to_anthropic(status.as_u16(), &body, &id),
    };
    let mut out = answer_headers(&headers);
    common(&mut out, call, form);
    out.insert(CONTENT_TYPE, JSON);
    if let Some(target) = &call.target {
        put(&mut out, "x-weir-provider", &target.provider.name);
        put(&mut out, "x-weir-deployment", &target.deployment.name);
    }
    put(&mut out, "x-weir-attempts", failed.attempts);
    put(&mut out, "x-weir-fallbacks", failed.fallbacks);
    // Weir has tried again already; only a wait that the upstream named is worth another try.
    if !out.contains_key("x-should-retry") {
        let named = out.contains_key(RETRY_AFTER);
        put(&mut out, "x-should-retry", named);
    }
    call.end(&Ending::Failed {
        status: Status::Error,
        http_status: code,
        error_type,
        message: message_of(&rendered),
        body: Some(&rendered),
    });
    response(StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY), out, Body::from(rendered))
}

/// The message within an error body in either form.
fn message_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Envelope {
        error: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        message: String,
    }
    match serde_json::from_slice::<Envelope>(body) {
        Ok(envelope) => envelope.error.message,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned(),
    }
}

/// An event that ends a stream with one of Weir's errors.
pub(super) fn error_event(
    error: &Error,
    endpoint: crate::providers::Endpoint,
    form: Form,
    request_id: &str,
) -> Vec<u8> {
    use crate::providers::Endpoint;
    let body = if endpoint == Endpoint::Responses {
        serde_json::json!({"type": "error", "code": error.code.as_str(), "message": error.message, "param": null})
            .to_string()
            .into_bytes()
    } else {
        error.body(form, request_id)
    };
    let name: &[u8] = match (endpoint, form) {
        (Endpoint::Responses, _) | (_, Form::Anthropic) => b"event: error\n",
        _ => b"",
    };
    [name, b"data: ", &body, b"\n\n"].concat()
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
