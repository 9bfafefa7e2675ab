//! Messages that were sent as one attribute per member, in the form of a chat request and its answer:
//! `{"messages": [...]}` and `{"choices": [{"message": ...}]}`.

use serde_json::{Map, Value, json};

use super::flat::Node;
use super::pool::Pool;
use super::read;

/// What a call was given, where its messages were sent member by member.
pub(super) fn request(pool: &Pool) -> Option<Value> {
    let messages = Node::under(pool, "llm.input_messages.");
    let mut request = if !messages.is_empty() {
        let messages: Vec<_> = messages.items().filter_map(|item| item.get("message")).map(message).collect();
        json!({ "messages": messages })
    } else {
        let prompts = Node::under(pool, "llm.prompts.");
        let turns = Node::under(pool, "gen_ai.prompt.");
        let texts: Vec<_> = prompts.items().filter_map(|item| item.get("prompt")?.text("text")).collect();
        let turns: Vec<_> = turns.items().map(message).collect();
        match (texts.as_slice(), turns.is_empty()) {
            ([], true) => return None,
            ([], false) => json!({ "messages": turns }),
            ([only], _) => json!({ "prompt": only }),
            (many, _) => json!({ "prompt": many }),
        }
    };
    let tools = tools(pool);
    if !tools.is_empty()
        && let Some(request) = request.as_object_mut()
    {
        request.insert("tools".to_owned(), Value::Array(tools));
    }
    Some(request)
}

/// What it answered.
pub(super) fn answer(pool: &Pool, finish_reason: Option<&str>) -> Option<Value> {
    let outputs = Node::under(pool, "llm.output_messages.");
    let choices = Node::under(pool, "llm.choices.");
    let turns = Node::under(pool, "gen_ai.completion.");
    let choice = |(index, (message, reason)): (usize, (Value, Option<String>))| {
        let reason = reason.or_else(|| finish_reason.filter(|_| index == 0).map(str::to_owned));
        json!({ "index": index, "message": message, "finish_reason": reason })
    };
    let answers: Vec<_> = if !outputs.is_empty() {
        outputs.items().filter_map(|item| item.get("message")).map(|item| (message(item), None)).collect()
    } else if !turns.is_empty() {
        let reason = |item: &Node<'_>| item.text("finish_reason").map(str::to_owned);
        turns.items().map(|item| (message(item), reason(item))).collect()
    } else {
        choices
            .items()
            .filter_map(|item| item.get("completion")?.text("text"))
            .map(|text| (json!({ "role": "assistant", "content": text }), None))
            .collect()
    };
    // A failed call has a role and nothing else.
    let says = |answer: &(Value, _)| {
        answer
            .0
            .as_object()
            .is_some_and(|message| message.iter().any(|(name, value)| name != "role" && !value.is_null()))
    };
    if !answers.iter().any(says) {
        return None;
    }
    Some(json!({ "choices": answers.into_iter().enumerate().map(choice).collect::<Vec<_>>() }))
}

/// The Vercel AI SDK's answer with calls of tools: its text and its calls stand apart.
pub(super) fn vercel_answer(pool: &Pool, finish_reason: Option<&str>) -> Option<Value> {
    let calls = ["ai.response.toolCalls", "ai.result.toolCalls"].iter().find_map(|name| pool.find(name)?.json())?;
    let text = ["ai.response.text", "ai.result.text"].iter().find_map(|name| pool.text(name)).filter(|t| !t.is_empty());
    let call = |call: &Value| {
        let of = |name: &str| call.get(name).unwrap_or(&Value::Null);
        let arguments = call.get("input").or_else(|| call.get("args")).cloned().unwrap_or_default();
        tool_call(of("toolCallId"), of("toolName"), arguments)
    };
    let calls: Vec<_> = calls.as_array()?.iter().map(call).collect();
    if calls.is_empty() {
        return None;
    }
    let message = json!({ "role": "assistant", "content": text, "tool_calls": calls });
    Some(json!({ "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }] }))
}

/// Whether a text is a request as a model's API takes it: its messages are told apart by their roles.
pub(super) fn is_request(text: &str) -> bool {
    let Some(Value::Object(request)) = object(text) else { return false };
    let turns = |name: &str| request.get(name).and_then(Value::as_array).and_then(|turns| turns.first());
    turns("messages").is_some_and(|first| first.get("role").is_some_and(Value::is_string))
        || request.contains_key("model") && (request.contains_key("input") || request.contains_key("prompt"))
        || turns("contents").is_some_and(|first| first.get("parts").is_some())
}

/// Whether a text is an answer as a model's API gives it.
pub(super) fn is_answer(text: &str) -> bool {
    let Some(Value::Object(answer)) = object(text) else { return false };
    let is_list = |name: &str| answer.get(name).is_some_and(Value::is_array);
    is_list("choices")
        || is_list("candidates")
        || is_list("output")
        || answer.contains_key("role") && is_list("content")
}

fn object(text: &str) -> Option<Value> {
    text.trim_ascii_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

/// The tools that a call may use, in OpenAI's form.
fn tools(pool: &Pool) -> Vec<Value> {
    let schemas = Node::under(pool, "llm.tools.");
    let functions = Node::under(pool, "llm.request.functions.");
    let schema = |item: &Node<'_>| item.at(&["tool", "json_schema"])?.value().map(embedded);
    let function = |item: &Node<'_>| {
        let mut members = Map::new();
        for (name, member) in item.members() {
            members.insert(name.to_owned(), member.value().map(embedded).unwrap_or_default());
        }
        json!({ "type": "function", "function": members })
    };
    schemas.items().filter_map(schema).chain(functions.items().map(function)).collect()
}

/// A message: OpenInference's and OpenLLMetry's members as OpenAI's; members that those do not have stay under their
/// names.
fn message(node: &Node<'_>) -> Value {
    let mut message = Map::new();
    if let Some(role) = node.text("role") {
        message.insert("role".to_owned(), role.into());
    }
    let parts: Vec<_> = node.get("contents").into_iter().flat_map(Node::items).map(part).collect();
    match node.get("content") {
        Some(content) if parts.is_empty() => {
            message.insert("content".to_owned(), content.value().map_or_else(|| content.to_json(), parts_or_text));
        }
        Some(content) => {
            let text = json!({ "type": "text", "text": content.to_json() });
            message.insert("content".to_owned(), Value::Array([vec![text], parts].concat()));
        }
        None if !parts.is_empty() => {
            message.insert("content".to_owned(), Value::Array(parts));
        }
        None => {}
    }
    let calls: Vec<_> = node.get("tool_calls").into_iter().flat_map(Node::items).map(call).collect();
    if !calls.is_empty() {
        message.entry("content").or_insert(Value::Null);
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    if let Some(name) = node.text("function_call_name") {
        let arguments = node.text("function_call_arguments_json").unwrap_or_default();
        message.insert("function_call".to_owned(), json!({ "name": name, "arguments": arguments }));
    }
    let read = [
        "role",
        "content",
        "contents",
        "tool_calls",
        "function_call_name",
        "function_call_arguments_json",
        "finish_reason",
    ];
    for (name, member) in node.members().filter(|(name, _)| !read.contains(name)) {
        message.insert(name.to_owned(), member.to_json());
    }
    Value::Object(message)
}

/// A part of a message's content.
fn part(node: &Node<'_>) -> Value {
    let node = node.get("message_content").unwrap_or(node);
    if let Some(text) = node.text("text").filter(|_| matches!(node.text("type"), None | Some("text"))) {
        return json!({ "type": "text", "text": text });
    }
    if let Some(url) = node.at(&["image", "image"]).and_then(|image| image.text("url")) {
        return json!({ "type": "image_url", "image_url": { "url": url } });
    }
    node.to_json()
}

fn call(node: &Node<'_>) -> Value {
    let of = |node: Option<&Node<'_>>| node.map(Node::to_json).unwrap_or_default();
    match node.get("tool_call") {
        Some(call) => {
            tool_call(&of(call.get("id")), &of(call.at(&["function", "name"])), of(call.at(&["function", "arguments"])))
        }
        None => tool_call(&of(node.get("id")), &of(node.get("name")), of(node.get("arguments"))),
    }
}

/// A call of a tool in OpenAI's form: the arguments are a text.
fn tool_call(id: &Value, name: &Value, arguments: Value) -> Value {
    let arguments = match arguments {
        Value::String(text) => text,
        other => other.to_string(),
    };
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

/// A content that may be a JSON list of parts.
fn parts_or_text(value: &crate::otlp::wire::AnyValue) -> Value {
    match value.as_text() {
        Some(text) if text.starts_with('[') => match serde_json::from_str::<Vec<Map<String, Value>>>(text) {
            Ok(parts) if parts.iter().all(|part| part.contains_key("type")) => {
                Value::Array(parts.into_iter().map(Value::Object).collect())
            }
            _ => text.into(),
        },
        _ => read::to_json(value),
    }
}

/// The JSON that a text holds, or the text.
fn embedded(value: &crate::otlp::wire::AnyValue) -> Value {
    let held = value.as_text().filter(|text| text.trim_ascii_start().starts_with(['{', '[']));
    held.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| read::to_json(value))
}
