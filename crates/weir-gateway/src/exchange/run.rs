//! The course of a call: permission, body, envelope, plan, limits, attempts, answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use parking_lot::Mutex;
use tokio::time::Instant;
use weir_core::access::presented_key;
use weir_core::error::{Code, Error, Form};
use weir_core::id::SpanId;
use weir_core::span::SpanKind;
use weir_core::token::estimate_fast;

use super::build::{Builder, Translation};
use super::call::{Call, Ending};
use super::envelope::Envelope;
use super::labels::Labels;
use super::on_behalf::OnBehalf;
use super::stream::{StreamBody, StreamSource};
use super::{body, prepare, respond};
use crate::answer::{self, ReaderOptions};
use crate::config::OnDisconnect;
use crate::gateway::Gateway;
use crate::providers::Endpoint;
use crate::routing::{self, AnswerBody, Answered, Attempts};
use crate::translate::{chat_to_messages, messages_to_chat};
use crate::upstream::forwarded_headers;

/// Longest name of a model.
const MAX_MODEL: usize = 256;
/// Longest request id that is taken over from a caller.
const MAX_REQUEST_ID: usize = 128;

/// Where a call came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// What is called.
    pub endpoint: Endpoint,
    /// In whose form refusals are written.
    pub form: Form,
    /// The operation in OpenTelemetry's words.
    pub operation: &'static str,
}

/// Runs a call.
pub async fn run(gateway: Arc<Gateway>, door: Door, request: Request<Body>) -> Response<Body> {
    let drain = gateway.snapshot().config.gateway.on_disconnect == OnDisconnect::Drain;
    // In a task of its own the call goes on when the client's connection, and with it this future, is dropped.
    let ended = if drain {
        tokio::spawn(run_attached(gateway, door, request)).await.ok()
    } else {
        AssertUnwindSafe(run_attached(gateway, door, request)).catch_unwind().await.ok()
    };
    ended.unwrap_or_else(|| {
        let error = Error::new(Code::Internal, "the call met a defect of the gateway; the log has its place");
        respond::refusal(HeaderMap::new(), &error, door.form, "")
    })
}

/// Refuses a call that did not come to be one, and records that.
pub(crate) fn refuse_early(gateway: Arc<Gateway>, door: Door, headers: &HeaderMap, error: &Error) -> Response<Body> {
    let snapshot = gateway.snapshot();
    let mut call = Call::new(gateway, snapshot, request_id_text(headers), door.operation);
    call.span.kind = Some(SpanKind::Llm);
    respond::refuse(&mut call, error, door.form)
}

async fn run_attached(gateway: Arc<Gateway>, door: Door, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let id = request_id_text(&head.headers);
    let snapshot = gateway.snapshot();
    let mut call = Call::new(gateway, snapshot, id, door.operation);
    call.span.kind = Some(match door.endpoint {
        Endpoint::Embeddings => SpanKind::Embedding,
        _ => SpanKind::Llm,
    });
    match answer(&mut call, door, &head.headers, head.extensions.get(), body).await {
        Ok(Reply::Ready(response)) => response,
        Ok(Reply::Stream(headers, source)) => respond::stream(headers, Body::new(StreamBody::new(call, *source))),
        Err(error) => respond::refuse(&mut call, &error, door.form),
    }
}

/// The request id as text.
pub(crate) fn request_id_text(headers: &HeaderMap) -> String {
    request_id(headers).to_str().unwrap_or_default().to_owned()
}

/// What a call came to.
enum Reply {
    Ready(Response<Body>),
    Stream(HeaderMap, Box<StreamSource>),
}

async fn answer(
    call: &mut Call,
    door: Door,
    headers: &HeaderMap,
    on_behalf: Option<&OnBehalf>,
    body: Body,
) -> Result<Reply, Error> {
    let gateway = call.gateway.clone();
    let config = &call.snapshot.clone().config.gateway;
    let identity = match on_behalf {
        Some(on_behalf) => on_behalf.identity.clone(),
        None => gateway.authenticate(headers)?,
    };
    let mut labels = Labels::from_headers(headers, &identity);
    call.admitted = Some(gateway.admit(config.max_concurrent)?);
    let body = body::read(headers, body, config.max_body.0, config.request_timeout.0).await?;
    call.input = body.clone();

    let envelope = Envelope::parse(&body)?;
    labels.add_body(&envelope);
    if let Some(on_behalf) = on_behalf {
        on_behalf.mark(&mut labels, &mut call.span);
    }
    call.label(labels);
    prepare::note_parameters(call, &envelope);
    let model = envelope.read::<String>("model", "a string")?.filter(|m| !m.is_empty()).ok_or_else(|| {
        Error::invalid(
            "model",
            "\"model\" is missing; name one, as in \"model\": \"openai/gpt-4o-mini\" or \"demo/echo\"",
        )
    })?;
    if model.len() > MAX_MODEL {
        return Err(Error::invalid("model", format!("\"model\" is longer than {MAX_MODEL} bytes")));
    }
    call.start(&model);
    require(door.endpoint, &envelope)?;
    let stream = envelope.read::<bool>("stream", "true or false")?.unwrap_or(false);
    call.span.stream = Some(stream);
    prepare::permit(call, &identity, &model)?;
    let plan = call.snapshot.plan(&model, &|name| gateway.deployment(name))?;
    prepare::reserve(call, &identity, &plan, &envelope)?;

    let choices = envelope.get("n").and_then(|n| n.parse().ok()).unwrap_or(1);
    let client_wants_usage = !matches!(door.endpoint, Endpoint::Chat | Endpoint::Completions) || {
        let options = envelope.get("stream_options").unwrap_or("{}");
        serde_json::from_str::<UsageWish>(options).is_ok_and(|wish| wish.include_usage)
    };
    let options =
        ReaderOptions { client_wants_usage, choices, max_text: call.snapshot.policy.max_payload().max(64 << 10) };
    let reader = Mutex::new(answer::reader(door.endpoint, options));

    let caller_key = call.snapshot.keyring.is_open().then(|| presented_key(headers)).flatten();
    let forwarded = forwarded_headers(headers, config.forward_traceparent);
    let builder = Builder {
        snapshot: &call.snapshot.clone(),
        endpoint: door.endpoint,
        body: &body,
        envelope: &envelope,
        headers: &forwarded,
        caller_key: caller_key.as_deref(),
        stream,
        created: u64::try_from(call.span.start_us.unwrap_or(0) / 1_000_000).unwrap_or(0),
        input_tokens: estimate_fast(body.len()),
        translation: Mutex::new(None),
    };
    let asked = call.asked.clone();
    let begun = Instant::now();
    let outcome = routing::send(&Attempts {
        plan: &plan,
        stream,
        retries: config.retries,
        max_wait: config.max_retry_wait.0,
        max_response: usize::try_from(config.max_response.0).unwrap_or(usize::MAX),
        build: &|target| {
            *asked.lock() = Some(target.clone());
            builder.build(target)
        },
        accept: &|body| {
            let body = match &*builder.translation.lock() {
                None => body,
                Some(translation) => translated(translation, &body)?,
            };
            // A fresh reader, as an answer before this one may have left something in it.
            let mut fresh = answer::reader(door.endpoint, options);
            fresh.whole(&body)?;
            *reader.lock() = fresh;
            Ok(body)
        },
        observer: &*gateway.parts.observer,
        clock: &gateway.parts.clock,
    })
    .await;
    let upstream_us = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
    let translation = builder.translation.into_inner();
    call.reader = Some(reader.into_inner());
    match outcome {
        Err(failed) => Ok(Reply::Ready(respond::failed(call, *failed, door.form))),
        Ok(answered) => Ok(reply(call, door, answered, translation, upstream_us)),
    }
}

/// The members without which an endpoint cannot be called.
fn require(endpoint: Endpoint, envelope: &Envelope<'_>) -> Result<(), Error> {
    let name = match endpoint {
        Endpoint::Chat | Endpoint::Messages => "messages",
        Endpoint::Completions => "prompt",
        Endpoint::Embeddings => "input",
        // A stored prompt needs no input.
        Endpoint::Responses => return Ok(()),
    };
    match envelope.get(name) {
        None => Err(Error::invalid(name, format!("\"{name}\" is missing"))),
        Some(text) if name == "messages" && !text.starts_with('[') => {
            Err(Error::invalid(name, "\"messages\" must be a list of messages"))
        }
        Some(_) => Ok(()),
    }
}

#[derive(serde::Deserialize)]
struct UsageWish {
    #[serde(default)]
    include_usage: bool,
}

/// An answer on its way to the client.
fn reply(
    call: &mut Call,
    door: Door,
    mut answered: Answered,
    translation: Option<Translation>,
    upstream_us: i64,
) -> Reply {
    let headers = respond::answered(call, &answered, door.form);
    call.in_flight = answered.in_flight.take();
    match answered.body {
        AnswerBody::Whole(body) => {
            // An upstream that was asked to stream and did not: its answer is passed on as it is.
            call.span.stream = Some(false);
            call.end(Ending::Whole(&body));
            let overhead = call.elapsed().saturating_sub(upstream_us).max(0);
            Reply::Ready(respond::whole(headers, call.cost_usd, overhead, body))
        }
        AnswerBody::Stream { splitter, pending, body } => {
            let idle = answered.target.provider.timeouts.idle;
            let drain = call.snapshot.config.gateway.on_disconnect == OnDisconnect::Drain;
            let source = StreamSource {
                splitter,
                pending,
                body,
                translation,
                endpoint: door.endpoint,
                form: door.form,
                idle,
                deadline: answered.deadline,
                drain,
            };
            Reply::Stream(headers, Box::new(source))
        }
    }
}

/// A whole answer in the client's protocol.
fn translated(translation: &Translation, body: &Bytes) -> Result<Bytes, String> {
    let made = match translation {
        Translation::FromMessages(context) => chat_to_messages::response(body, context),
        Translation::FromChat(context) => messages_to_chat::response(body, context),
    };
    made.map(Bytes::from).map_err(|error| format!("a body that cannot be read: {error}"))
}

/// The caller's request id, if it can stand in a header and a row, else a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get("x-request-id").filter(|v| (1..=MAX_REQUEST_ID).contains(&v.len()) && v.to_str().is_ok());
    match given {
        Some(given) => given.clone(),
        None => HeaderValue::from_str(&SpanId::new().to_string()).unwrap_or(HeaderValue::from_static("-")),
    }
}
