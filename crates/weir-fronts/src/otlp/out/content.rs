//! What went in and what came out: messages of models, arguments of tools, queries of retrievals; texts of all else.

use serde_json::Value;
use weir_core::span::{Span, SpanKind};

use super::attributes::Said;
use super::messages;

/// Says input and output. `request` is the input as JSON, if it is JSON.
pub(super) fn put(said: &mut Said, span: &Span, request: Option<&Value>) {
    let input = span.input.as_deref();
    let output = span.output.as_deref();
    match span.kind {
        Some(SpanKind::Llm) => {
            prompt(said, input, request);
            answer(said, output);
        }
        Some(SpanKind::Tool) => {
            said.may_put("gen_ai.tool.call.arguments", input);
            said.may_put("gen_ai.tool.call.result", output);
        }
        Some(SpanKind::Retriever) => {
            said.may_put("gen_ai.retrieval.query.text", input);
            text(said, "output", output);
        }
        _ => {
            text(said, "input", input);
            text(said, "output", output);
        }
    }
}

/// Says what a model was given.
pub(super) fn prompt(said: &mut Said, input: Option<&str>, request: Option<&Value>) {
    match request.and_then(messages::prompt) {
        Some(prompt) => {
            said.may_put("gen_ai.system_instructions", json(prompt.system));
            said.may_put("gen_ai.input.messages", json(prompt.messages));
            said.may_put("gen_ai.tool.definitions", json(prompt.tools));
        }
        None => text(said, "input", input),
    }
}

/// Says what a model answered.
pub(super) fn answer(said: &mut Said, output: Option<&str>) {
    let answer = output.and_then(parsed);
    if let Some(id) = answer.as_ref().and_then(|answer| answer.get("id")?.as_str()) {
        said.put("gen_ai.response.id", id);
    }
    match answer.as_ref().and_then(messages::answer) {
        Some(messages) => said.may_put("gen_ai.output.messages", json(messages)),
        None => text(said, "output", output),
    }
}

/// A text that may be JSON.
pub(super) fn parsed(text: &str) -> Option<Value> {
    matches!(text.trim_ascii_start().as_bytes().first(), Some(b'{' | b'[')).then(|| serde_json::from_str(text).ok())?
}

/// A text under the names that most systems read for any step.
fn text(said: &mut Said, side: &str, text: Option<&str>) {
    let Some(text) = text else { return };
    let mime = if parsed(text).is_some() { "application/json" } else { "text/plain" };
    said.put(&format!("{side}.value"), text);
    said.put(&format!("{side}.mime_type"), mime);
}

fn json(list: Vec<Value>) -> Option<String> {
    (!list.is_empty()).then(|| Value::Array(list).to_string())
}
