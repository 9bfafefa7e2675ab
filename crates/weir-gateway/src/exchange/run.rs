//! The course of a call: permission, body, envelope, prompt, model, cache, limits, attempts, answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use weir_core::error::{Code, Error, Form};
use weir_core::id::SpanId;
use weir_core::span::SpanKind;

use super::cached::{self, Looked};
use super::call::{Call, Ending};
use super::envelope::Envelope;
use super::labels::Labels;
use super::on_behalf::OnBehalf;
use super::prepare::Reserved;
use super::send::{self, Asking, Reply};
use super::stream::StreamBody;
use super::{body, prepare, respond, shape};
use crate::cache::{Hit, replay};
use crate::config::OnDisconnect;
use crate::gateway::Gateway;
use crate::providers::Endpoint;

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
    let is_for_cache = on_behalf.is_some_and(|on_behalf| on_behalf.is_for_cache);
    if !is_for_cache {
        prepare::permit(&identity, &asked)?;
    }
    let model = shape::select(call, door, &identity, &asked);
    let mut plan = snapshot.plan(&model, &|name| gateway.deployment(name))?;

    let wants_usage = wants_usage(door.endpoint, &envelope);
    if !is_for_cache {
        match cached::look(call, door, &identity, headers, &envelope, &plan).await? {
            Looked::Hit(hit) => return Ok(cached_reply(call, door, &hit, wants_stream, wants_usage)),
            Looked::Failed(failed) => return Ok(Reply::Ready(respond::failed(call, failed, door.form))),
            Looked::Ask => {}
        }
    }
    if let Reserved::Fallback(model) = prepare::reserve(call, &identity, &plan, &envelope, true)? {
        plan = snapshot.plan(&model, &|name| gateway.deployment(name))?;
        // An answer of another model is not to be given to those who can pay for this one.
        call.filling = None;
        call.note("budget_fallback", &model);
        prepare::reserve(call, &identity, &plan, &envelope, false)?;
    }

    let asking = Asking { door, plan: &plan, headers, wants_stream, wants_usage };
    send::ask(call, &asking, &body, envelope).await
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

/// The caller's request id, if it can stand in a header and a row, else a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get("x-request-id").filter(|v| (1..=MAX_REQUEST_ID).contains(&v.len()) && v.to_str().is_ok());
    match given {
        Some(given) => given.clone(),
        None => HeaderValue::from_str(&SpanId::new().to_string()).unwrap_or(HeaderValue::from_static("-")),
    }
}
