//! Requests and answers of every protocol that the gateway speaks, as messages of OpenTelemetry's
//! conventions.
//!
//! Invariant: what a protocol says and the conventions have no form for is kept as it is; nothing is refused.

mod part;
mod tools;
mod turn;

use serde_json::{Value, json};

/// What a request holds.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    /// Instructions that stand apart from the conversation: parts.
    pub(super) system: Vec<Value>,
    /// The conversation: messages.
    pub(super) messages: Vec<Value>,
    /// The tools that the model may call.
    pub(super) tools: Vec<Value>,
}

/// A request's conversation; `None` when it is none that is known.
pub(super) fn prompt(body: &Value) -> Option<Prompt> {
    let system = ["system", "instructions"].iter().filter_map(|name| body.get(*name)).flat_map(part::parts).collect();
    let list = |name: &str| body.get(name).and_then(Value::as_array);
    let messages = if let Some(turns) = list("messages") {
        turns.iter().map(turn::message).collect()
    } else if let Some(items) = list("input") {
        items.iter().map(turn::message).collect()
    } else {
        // A plain prompt, or several of which each is answered.
        let text = ["prompt", "input"].iter().find_map(|name| body.get(*name))?;
        let texts = text.as_array().map_or(std::slice::from_ref(text), Vec::as_slice);
        let texts: Option<Vec<&str>> = texts.iter().map(Value::as_str).collect();
        texts?.into_iter().map(|text| json!({"role": "user", "parts": [part::text(text)]})).collect()
    };
    Some(Prompt { system, messages, tools: tools::definitions(body) })
}

/// An answer's messages, each with the reason for its end; `None` when it is none that is known.
pub(super) fn answer(body: &Value) -> Option<Vec<Value>> {
    if let Some(choices) = body.get("choices").and_then(Value::as_array) {
        return Some(choices.iter().map(choice).collect());
    }
    if let Some(items) = body.get("output").and_then(Value::as_array) {
        let parts: Vec<_> = items.iter().flat_map(turn::item_parts).collect();
        let incomplete = body.get("incomplete_details").and_then(|details| details.get("reason"));
        let why = incomplete.filter(|why| why.is_string()).or_else(|| body.get("status"));
        return Some(vec![assistant(&parts, why)]);
    }
    let content = body.get("content").filter(|content| content.is_array())?;
    Some(vec![assistant(&part::parts(content), body.get("stop_reason"))])
}

fn choice(choice: &Value) -> Value {
    let parts = match choice.get("message") {
        Some(message) => turn::parts(message),
        None => choice.get("text").map(part::parts).unwrap_or_default(),
    };
    assistant(&parts, choice.get("finish_reason"))
}

fn assistant(parts: &[Value], finish: Option<&Value>) -> Value {
    let mut message = json!({"role": "assistant", "parts": parts});
    if let (Some(finish), Some(members)) = (finish.and_then(Value::as_str), message.as_object_mut()) {
        members.insert("finish_reason".to_owned(), finish_reason(finish).into());
    }
    message
}

/// The conventions' word for why a model stopped.
fn finish_reason(said: &str) -> &str {
    match said {
        "end_turn" | "stop_sequence" | "completed" => "stop",
        "max_tokens" | "max_output_tokens" => "length",
        "tool_calls" | "function_call" | "tool_use" => "tool_call",
        "refusal" => "content_filter",
        "failed" => "error",
        other => other,
    }
}

#[cfg(test)]
mod tests;
