//! Which of the attributes is what a span was given, and what it gave.
//!
//! A text is taken as it is, to the byte; a structured value as JSON. Of a call that was sent both whole and message by
//! message the whole is taken where it is a request or an answer of a model's API, else the messages: that is what a
//! reader of a chat wants. What was not taken stays in the details.

use serde_json::Value;
use weir_core::span::SpanKind;

use super::super::message_events::Assembly;
use super::chat;
use super::fields::Mapping;
use super::pool::Pool;
use super::table::{CONTENT, CONTENT_UNDER, INPUT, OUTPUT};
use crate::otlp::wire::{AnyValue, Event};

/// Attributes that are taken whatever else was sent.
const TRUSTED: &[&str] = &[
    "weir.input",
    "weir.output",
    "langfuse.observation.input",
    "langfuse.observation.output",
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
];

/// A content, and where it comes from.
#[derive(Default)]
pub(super) struct Content {
    /// The text.
    pub(super) text: Option<String>,
    /// The attribute that it was.
    pub(super) origin: Option<Origin>,
}

/// The attribute that became the input or the output, and is nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Its text, to the byte.
    Text(&'static str),
    /// Its value, as JSON.
    Value(&'static str),
}

/// Takes input and output out of the attributes and events; all that is content leaves the filterable attributes.
pub(super) fn take(
    mapping: &mut Mapping,
    kind: SpanKind,
    finish_reason: Option<&str>,
    events: &[Event],
) -> (Content, Content) {
    let is_call = matches!(kind, SpanKind::Llm | SpanKind::Embedding);
    let told = events.iter().fold(Assembly::default(), |mut told, event| {
        told.add(&event.name, &event.attributes);
        told
    });
    let answer = |pool: &Pool| {
        chat::answer(pool, finish_reason).or_else(|| chat::vercel_answer(pool, finish_reason).filter(|_| is_call))
    };
    let input = choose(&mut mapping.pool, INPUT, is_call.then_some(chat::is_request), chat::request)
        .unwrap_or_else(|| Content { text: told.input(), origin: None });
    let output = choose(&mut mapping.pool, OUTPUT, is_call.then_some(chat::is_answer), answer)
        .unwrap_or_else(|| Content { text: told.output(), origin: None });
    for name in INPUT.iter().chain(OUTPUT).chain(CONTENT) {
        mapping.pool.consume(name);
    }
    for prefix in CONTENT_UNDER {
        mapping.pool.consume_under(prefix);
    }
    (input, output)
}

/// The best of these attributes, or what `assemble` makes of others. `is_whole` says of a call whether a text needs no
/// assembling.
fn choose(
    pool: &mut Pool,
    names: &'static [&'static str],
    is_whole: Option<fn(&str) -> bool>,
    assemble: impl Fn(&Pool) -> Option<Value>,
) -> Option<Content> {
    let best = names.iter().copied().find(|name| pool.says(name));
    let takes_best = best.is_some_and(|name| match is_whole {
        Some(is_whole) => TRUSTED.contains(&name) || pool.text(name).is_some_and(is_whole),
        None => true,
    });
    if !takes_best && let Some(assembled) = assemble(pool) {
        return Some(Content { text: Some(assembled.to_string()), origin: None });
    }
    let name = best?;
    Some(match pool.take(name)? {
        AnyValue::Text(text) => Content { text: Some(text), origin: Some(Origin::Text(name)) },
        value => Content { text: Some(value.to_json()), origin: Some(Origin::Value(name)) },
    })
}
