//! The course of a call: permission, body, envelope, prompt, model, cache, limits, attempts, answer.

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
use weir_core::token::{TokenCounts, count_text, estimate_fast};

use super::build::{Builder, Translation};
use super::cached::{self, Looked};
use super::call::{Call, Ending, count_prompt};
use super::envelope::Envelope;
use super::labels::Labels;
use super::on_behalf::OnBehalf;
use super::prepare::Reserved;
use super::stream::{StreamBody, StreamSource};
use super::{body, prepare, respond, shape};
use crate::answer::check::{Wanted, flaw};
use crate::answer::{self, Reader, ReaderOptions};
use crate::cache::{Hit, replay};
use crate::config::OnDisconnect;
use crate::gateway::Gateway;
use crate::providers::Endpoint;
use crate::routing::{self, AnswerBody, Answered, Attempts, Rejected, Target};
use crate::snapshot::Snapshot;
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
    let (mut head, body) = request.into_parts();
    let on_behalf = head.extensions.remove::<OnBehalf>();
    let id = request_id_text(&head.headers);
    let snapshot = gateway.snapshot();
    let mut call = Call::new(gateway, snapshot, id, door.operation);
    call.span.kind = Some(match door.endpoint {
        Endpoint::Embeddings => SpanKind::Embedding,
        _ => SpanKind::Llm,
    });
    match answer(&mut call, door, on_behalf.as_ref(), &head.headers, body).await {
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
    on_behalf: Option<&OnBehalf>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Reply, Error> {
    let gateway = call.gateway.clone();
    let snapshot = call.snapshot.clone();
    let config = &snapshot.config.gateway;
    let identity = match on_behalf {
        Some(on_behalf) => on_behalf.identity.clone(),
        None => gateway.authenticate(headers)?,
    };
    let mut labels = Labels::from_headers(headers, &identity);
    call.admitted = Some(gateway.admit(config.max_concurrent)?);
    let sent = body::read(headers, body, config.max_body.0, config.request_timeout.0).await?;
    call.input = sent.clone();

    let original = Envelope::parse(&sent)?;
    labels.add_body(&original);
    if let Some(on_behalf) = on_behalf {
        on_behalf.mark(&mut labels, &mut call.span);
    }
    call.label(labels);
    prepare::note_key(call, &identity);
    // Also calls that are refused below are filed under what they asked for.
    call.span.model = model(&original).ok();
    let mut body = shape::apply(call, door, &identity, &original).await?.unwrap_or_else(|| sent.clone());
    if let Some(shorter) = shape::compress(call, door, &identity, &body).await {
        body = shorter;
    }
    // Most requests are sent as they came, and need no second look.
    let envelope = if body.as_ptr() == sent.as_ptr() { original } else { Envelope::parse(&body)? };
    call.input = body.clone();
    prepare::note_parameters(call, &envelope);
    let asked = model(&envelope)?;
    call.start(&asked);
    require(door.endpoint, &envelope)?;
    let wants_stream = envelope.read::<bool>("stream", "true or false")?.unwrap_or(false);
    call.span.stream = Some(wants_stream);
    prepare::permit(&identity, &asked)?;
    let model = shape::select(call, door, &identity, &asked);
    let mut plan = snapshot.plan(&model, &|name| gateway.deployment(name))?;

    let wants_usage = wants_usage(door.endpoint, &envelope);
    if let Looked::Hit(hit) = cached::look(call, door, &identity, headers, &envelope, &model).await? {
        return Ok(cached_reply(call, door, &hit, wants_stream, wants_usage));
    }
    if let Reserved::Fallback(model) = prepare::reserve(call, &identity, &plan, &envelope, true)? {
        plan = snapshot.plan(&model, &|name| gateway.deployment(name))?;
        // An answer of another model is not to be given to those who can pay for this one.
        call.filling = None;
        call.note("budget_fallback", &model);
        prepare::reserve(call, &identity, &plan, &envelope, false)?;
    }

    // The answers of a cascade are judged whole.
    let stream = wants_stream && plan.cascade == 0;
    let whole = (wants_stream && !stream).then(|| {
        let mut edits = envelope.edit();
        edits.remove("stream");
        edits.remove("stream_options");
        edits.apply(&body)
    });
    let (body, envelope) = match &whole {
        None => (&body, envelope),
        Some(whole) => (whole, Envelope::parse(whole)?),
    };
    let choices = envelope.get("n").and_then(|n| n.parse().ok()).unwrap_or(1);
    let options = ReaderOptions {
        client_wants_usage: wants_usage,
        choices,
        max_text: snapshot.policy.max_payload().max(64 << 10),
    };
    let reader = Mutex::new(answer::reader(door.endpoint, options));

    let caller_key = snapshot.keyring.is_open().then(|| presented_key(headers)).flatten();
    let forwarded = forwarded_headers(headers, config.forward_traceparent);
    let builder = Builder {
        snapshot: &snapshot,
        endpoint: door.endpoint,
        body,
        envelope: &envelope,
        headers: &forwarded,
        caller_key: caller_key.as_deref(),
        stream,
        created: u64::try_from(call.span.start_us.unwrap_or(0) / 1_000_000).unwrap_or(0),
        input_tokens: estimate_fast(body.len()),
        translation: Mutex::new(None),
    };
    let wanted = if plan.cascade > 1 { Wanted::of(&envelope) } else { Wanted::default() };
    let last = call.asked.clone();
    let begun = Instant::now();
    call.upstream_begun = Some(begun);
    let outcome = routing::send(&Attempts {
        plan: &plan,
        stream,
        retries: config.retries,
        max_wait: config.max_retry_wait.0,
        max_response: usize::try_from(config.max_response.0).unwrap_or(usize::MAX),
        build: &|target| {
            *last.lock() = Some(target.clone());
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
        reject: &|target, answer| {
            let reader = reader.lock();
            let reason = flaw(&plan.accept, &wanted, door.endpoint, answer, reader.summary())?;
            Some(rejected(&snapshot, target, &**reader, body, reason))
        },
        observer: &*gateway.parts.observer,
        clock: &gateway.parts.clock,
    })
    .await;
    let upstream_us = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
    let translation = builder.translation.into_inner();
    call.reader = Some(reader.into_inner());
    match outcome {
        Err(failed) => {
            call.upstream_us = Some(upstream_us);
            Ok(Reply::Ready(respond::failed(call, *failed, door.form)))
        }
        Ok(answered) => {
            let replayed = (wants_stream && !stream).then_some(wants_usage);
            Ok(reply(call, door, answered, translation, upstream_us, replayed))
        }
    }
}

/// The model that a request names.
fn model(envelope: &Envelope<'_>) -> Result<String, Error> {
    let model = envelope.read::<String>("model", "a string")?.filter(|m| !m.is_empty()).ok_or_else(|| {
        Error::invalid(
            "model",
            "\"model\" is missing; name one, as in \"model\": \"openai/gpt-4o-mini\" or \"demo/echo\"",
        )
    })?;
    if model.len() > MAX_MODEL {
        return Err(Error::invalid("model", format!("\"model\" is longer than {MAX_MODEL} bytes")));
    }
    Ok(model)
}

/// Whether the client asked for usage in its stream; it is hidden where it did not.
fn wants_usage(endpoint: Endpoint, envelope: &Envelope<'_>) -> bool {
    #[derive(serde::Deserialize)]
    struct Wish {
        #[serde(default)]
        include_usage: bool,
    }
    if !matches!(endpoint, Endpoint::Chat | Endpoint::Completions) {
        return true;
    }
    let options = envelope.get("stream_options").unwrap_or("{}");
    serde_json::from_str::<Wish>(options).is_ok_and(|wish| wish.include_usage)
}

/// An answer that the cascade does not take, with what it took.
fn rejected(snapshot: &Snapshot, target: &Target, reader: &dyn Reader, request: &[u8], reason: String) -> Rejected {
    let summary = reader.summary();
    let tokens = summary.usage.unwrap_or_else(|| {
        TokenCounts::of(count_prompt(&target.model, request), count_text(&target.model, &reader.text()).tokens)
    });
    let cost = snapshot.cost(target, summary.model.as_deref(), &tokens);
    Rejected { model: target.deployment.name.clone(), reason, cost, tokens: Some(tokens) }
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

/// An answer out of the cache. Ends the call.
fn cached_reply(call: &mut Call, door: Door, hit: &Hit, wants_stream: bool, wants_usage: bool) -> Reply {
    let mut headers = respond::cached(call, hit, door.form);
    let body = &hit.entry.answer.body;
    let pieces = if wants_stream { replay(door.endpoint, body, wants_usage) } else { None };
    call.span.stream = Some(pieces.is_some());
    call.end(&Ending::Cached(hit));
    match pieces {
        Some(pieces) => Reply::Ready(respond::stream(headers, respond::pieces(pieces))),
        None => {
            headers.remove(http::header::CONTENT_LENGTH);
            Reply::Ready(respond::whole(headers, Some(0.0), call.elapsed(), body.clone()))
        }
    }
}

/// An answer on its way to the client.
fn reply(
    call: &mut Call,
    door: Door,
    mut answered: Answered,
    translation: Option<Translation>,
    upstream_us: i64,
    replayed: Option<bool>,
) -> Reply {
    let headers = respond::answered(call, &answered, door.form);
    call.in_flight = answered.in_flight.take();
    call.rejected = std::mem::take(&mut answered.rejected);
    if answered.fallbacks > 0 && call.rejected.is_empty() {
        // Only for want of the model that was asked for; the next equal call is to get that one.
        call.filling = None;
    }
    match answered.body {
        AnswerBody::Whole(body) => {
            call.upstream_us = Some(upstream_us);
            let pieces = replayed.and_then(|wants_usage| replay(door.endpoint, &body, wants_usage));
            // An upstream that was asked to stream and did not: its answer is passed on as it is.
            call.span.stream = Some(pieces.is_some());
            call.end(&Ending::Whole(&body));
            if let Some(pieces) = pieces {
                return Reply::Ready(respond::stream(headers, respond::pieces(pieces)));
            }
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
