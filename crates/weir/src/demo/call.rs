//! One call of a model, as the gateway records it: request and answer in full, tokens, price, time, and how it ended.

use serde_json::{Value, json};
use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status, TokenSource};
use weir_core::time::{Micros, to_rfc3339};
use weir_core::token::TokenCounts;

use super::PROJECT;
use super::chance::Chance;
use super::incidents::{FAILING, Plan, SLOWER};
use super::models::{MODELS, Model, Prices, TROUBLED};
use super::people::{Department, Session};
use super::prompts::Rendered;
use super::topics::CHARACTERS_PER_TOKEN;

/// Calls that fail on an ordinary day: for the provider, for its rate limits, for Weir's own.
const ERRORS: f64 = 0.006;
const CANCELLED: f64 = 0.003;
const RATE_LIMITED: f64 = 0.002;

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) at: Micros,
    pub(super) department: &'a Department,
    pub(super) session: &'a Session,
    pub(super) model: usize,
    pub(super) prompt: Rendered,
    pub(super) question: &'a str,
    /// What is answered, unless it fails.
    pub(super) answer: String,
    /// The trace and the step that it belongs to; nothing: a trace of its own.
    pub(super) within: Option<(TraceId, SpanId)>,
    pub(super) stream: bool,
    /// How likely the cache answers.
    pub(super) cached: f64,
}

/// How it ended.
#[derive(Clone, Copy)]
enum Ending {
    Answered,
    FromCache,
    Failed(Failure),
}

/// A row of what can go wrong: status, HTTP status, class and message.
type Failure = (Status, u16, &'static str, &'static str);

const OVERLOADED: Failure = (Status::Error, 529, "http_5xx", "the provider is overloaded");
const TIMED_OUT: Failure = (Status::Error, 504, "timeout", "the provider did not answer within 30s");
const UNAVAILABLE: Failure = (Status::Error, 502, "connection", "the provider closed the connection");
const LIMITED: Failure =
    (Status::RateLimited, 429, "http_4xx", "the key has used its requests of this minute: try again in 20s");
const GONE: Failure = (Status::Cancelled, 499, "other", "the client went away before the answer was complete");

/// Makes the span.
pub(super) fn call(ask: Ask<'_>, plan: &Plan, prices: &Prices, chance: &mut Chance) -> Span {
    let Some(model) = MODELS.get(ask.model) else { return Span::default() };
    let trouble = plan.in_trouble(ask.at) && model.provider == TROUBLED;
    let ending = ending(trouble, ask.cached, chance);
    let span_id = chance.span_id(ask.at);
    let (trace_id, parent_id) = match ask.within {
        Some((trace, parent)) => (trace, Some(parent)),
        None => (TraceId(span_id.0), None),
    };
    let mut span = Span::new(SpanKey { trace: trace_id, span: span_id });
    span.parent_id = parent_id;
    span.kind = Some(SpanKind::Llm);
    span.name = ask.within.map(|_| ask.prompt.name.to_owned());
    span.operation = Some("chat".to_owned());
    span.project = Some(PROJECT.to_owned());
    span.department = Some(ask.department.name.to_owned());
    span.key = Some(ask.department.key.to_owned());
    span.session = Some(ask.session.id.clone());
    span.user = Some(ask.session.user.clone());
    span.request_id = Some(format!("req-{}", chance.hex(16)));
    span.model = Some(model.name.to_owned());
    span.provider = Some(model.provider.to_owned());
    span.deployment = Some(format!("{}/{}", model.provider, model.name));
    span.stream = Some(ask.stream);
    span.start_us = Some(ask.at);
    span.prompt_name = Some(ask.prompt.name.to_owned());
    span.prompt_version = Some(ask.prompt.version.to_owned());
    span.cache = Some(if matches!(ending, Ending::FromCache) { "hit" } else { "miss" }.to_owned());
    let metadata = json!({"channel": ask.session.channel, "plan": ask.session.plan});
    span.attributes.insert("metadata".to_owned(), metadata.to_string());
    span.attributes.insert("prompt".to_owned(), ask.prompt.note);
    let request = json!({
        "model": model.name,
        "messages": [{"role": "system", "content": ask.prompt.system}, {"role": "user", "content": ask.question}],
        "temperature": 0.2,
        "max_tokens": 800,
        "stream": ask.stream,
    });
    let tokens = TokenCounts::of(
        ((ask.prompt.system.len() + ask.question.len()) / CHARACTERS_PER_TOKEN + 9) as u64,
        (ask.answer.len() / CHARACTERS_PER_TOKEN + 1) as u64,
    );
    span.input = Some(request.to_string());
    let slower = if trouble { SLOWER } else { 1.0 };
    let first_ms = model.first_ms * slower * chance.spread(0.28);
    let whole_ms = first_ms + model.token_ms * slower * tokens.completion as f64 * chance.spread(0.22);
    match ending {
        Ending::Answered => {
            let cost = prices.of(model, &tokens);
            answered(&mut span, model, &ask.answer, tokens, cost, whole_ms);
            span.ttft_us = ask.stream.then_some(micros(first_ms));
            span.attempts = Some(if chance.happens(0.012) { 2 } else { 1 });
            span.attributes.insert("upstream_us".to_owned(), micros(whole_ms * 0.995).to_string());
        }
        Ending::FromCache => {
            let saved = prices.of(model, &tokens);
            answered(&mut span, model, &ask.answer, tokens, Some(NanoUsd::ZERO), chance.between(1.5, 6.0));
            span.status = Some(Status::Cached);
            span.attempts = Some(0);
            let saved = json!({"similarity": null, "saved_nano": saved, "saved_us": micros(whole_ms), "source": null});
            span.attributes.insert("cache".to_owned(), saved.to_string());
        }
        Ending::Failed(failure) => failed(&mut span, failure, first_ms, chance),
    }
    span
}

fn ending(trouble: bool, cached: f64, chance: &mut Chance) -> Ending {
    if chance.happens(cached) {
        return Ending::FromCache;
    }
    if trouble && chance.happens(FAILING) {
        return Ending::Failed(if chance.happens(0.7) { OVERLOADED } else { TIMED_OUT });
    }
    match chance.pick(&[1.0 - ERRORS - CANCELLED - RATE_LIMITED, ERRORS / 2.0, ERRORS / 2.0, CANCELLED, RATE_LIMITED]) {
        0 => Ending::Answered,
        1 => Ending::Failed(UNAVAILABLE),
        2 => Ending::Failed(OVERLOADED),
        3 => Ending::Failed(GONE),
        _ => Ending::Failed(LIMITED),
    }
}

fn answered(span: &mut Span, model: &Model, answer: &str, tokens: TokenCounts, cost: Option<NanoUsd>, ms: f64) {
    let at = span.start_us.unwrap_or_default();
    span.end_us = Some(at + micros(ms));
    span.status = Some(Status::Success);
    span.http_status = Some(200);
    span.response_model = Some(model.full_name.to_owned());
    span.finish_reason = Some("stop".to_owned());
    span.tokens = Some(tokens);
    span.token_source = Some(TokenSource::Provider);
    span.cost = cost;
    let id = span.span_id.to_string();
    let body = json!({
        "id": format!("chatcmpl-{}", id.get(12..).unwrap_or_default()),
        "object": "chat.completion",
        "created": at / 1_000_000,
        "model": model.full_name,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens.prompt, "completion_tokens": tokens.completion, "total_tokens": tokens.total()},
    });
    span.output = Some(body.to_string());
}

fn failed(span: &mut Span, failure: Failure, first_ms: f64, chance: &mut Chance) {
    let (status, http_status, class, message) = failure;
    let ms = match (status, class) {
        (Status::RateLimited, _) => chance.between(0.4, 1.5),
        (_, "timeout") => 30_000.0 + chance.between(0.0, 40.0),
        _ => first_ms * chance.between(0.6, 1.4),
    };
    span.end_us = Some(span.start_us.unwrap_or_default() + micros(ms));
    span.status = Some(status);
    span.http_status = Some(http_status);
    span.error_type = Some(class.to_owned());
    span.error = Some(message.to_owned());
    span.attempts = Some(if status == Status::RateLimited { 0 } else { 1 });
    if status == Status::Error {
        let body: Value = json!({"error": {"message": message, "type": "api_error", "at": to_rfc3339(span.end_us.unwrap_or_default())}});
        span.output = Some(body.to_string());
    }
}

pub(super) fn micros(ms: f64) -> Micros {
    (ms * 1_000.0) as Micros
}
