//! Asking a provider: the request built for whoever is tried, the answer read as it comes, and the reply made of it.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Response};
use parking_lot::Mutex;
use tokio::time::Instant;
use weir_core::access::presented_key;
use weir_core::error::Error;
use weir_core::token::{TokenCounts, count_text, estimate_fast};

use super::build::{Builder, Translation};
use super::call::{Call, Ending, count_prompt};
use super::envelope::Envelope;
use super::respond;
use super::run::Door;
use super::stream::StreamSource;
use crate::answer::check::{Wanted, flaw};
use crate::answer::{self, Reader, ReaderOptions};
use crate::cache::replay;
use crate::config::OnDisconnect;
use crate::routing::{self, AnswerBody, Answered, Attempts, Plan, Rejected, Target};
use crate::snapshot::Snapshot;
use crate::translate::{chat_to_messages, messages_to_chat};
use crate::upstream::forwarded_headers;

/// What a call came to.
pub(super) enum Reply {
    Ready(Response<Body>),
    Stream(HeaderMap, Box<StreamSource>),
}

/// What is asked, beside the body.
pub(super) struct Asking<'a> {
    /// Where the call came in.
    pub door: Door,
    /// Who can serve it.
    pub plan: &'a Plan,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// Whether the client wants a stream.
    pub wants_stream: bool,
    /// Whether it wants to see usage in it.
    pub wants_usage: bool,
}

/// Asks, and makes the reply.
pub(super) async fn ask(
    call: &mut Call,
    asking: &Asking<'_>,
    body: &Bytes,
    envelope: Envelope<'_>,
) -> Result<Reply, Error> {
    let (gateway, snapshot, door) = (call.gateway.clone(), call.snapshot.clone(), asking.door);
    let config = &snapshot.config.gateway;
    // The answers of a cascade are judged whole.
    let stream = asking.wants_stream && asking.plan.cascade == 0;
    let whole = (asking.wants_stream && !stream).then(|| {
        let mut edits = envelope.edit();
        edits.remove("stream");
        edits.remove("stream_options");
        edits.apply(body)
    });
    let (body, envelope) = match &whole {
        None => (body, envelope),
        Some(whole) => (whole, Envelope::parse(whole)?),
    };
    let choices = envelope.get("n").and_then(|n| n.parse().ok()).unwrap_or(1);
    let options = ReaderOptions {
        client_wants_usage: asking.wants_usage,
        choices,
        max_text: snapshot.policy.max_payload().max(64 << 10),
    };
    let reader = Mutex::new(answer::reader(door.endpoint, options));

    let caller_key = snapshot.keyring.is_open().then(|| presented_key(asking.headers)).flatten();
    let forwarded = forwarded_headers(asking.headers, config.forward_traceparent);
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
    let wanted = if asking.plan.cascade > 1 { Wanted::of(&envelope) } else { Wanted::default() };
    let (last, paid) = (call.asked.clone(), call.rejected.clone());
    let begun = Instant::now();
    call.upstream_begun = Some(begun);
    let outcome = routing::send(&Attempts {
        plan: asking.plan,
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
            let reason = flaw(&asking.plan.accept, &wanted, door.endpoint, answer, reader.summary())?;
            let rejected = rejected(&snapshot, target, &**reader, body, reason);
            paid.lock().push(rejected.clone());
            Some(rejected)
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
            if let Some(filling) = call.filling.take() {
                filling.fail(call, &failed);
            }
            Ok(Reply::Ready(respond::failed(call, *failed, door.form)))
        }
        Ok(answered) => {
            let replayed = (asking.wants_stream && !stream).then_some(asking.wants_usage);
            Ok(reply(call, door, answered, translation, upstream_us, replayed))
        }
    }
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
    let rejected = std::mem::take(&mut answered.rejected);
    if answered.flaw.is_some() || (answered.fallbacks > 0 && rejected.is_empty()) {
        // Only for want of the model that was asked for, or of a better answer; the next equal call is to get that one.
        call.filling = None;
    }
    *call.rejected.lock() = rejected;
    if let Some(flaw) = &answered.flaw {
        call.note("accepted_despite", flaw);
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
