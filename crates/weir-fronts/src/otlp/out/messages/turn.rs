//! One turn of a conversation.

use serde_json::{Value, json};

use super::part;

/// A message of a chat, or an item of the Responses API, as a message.
pub(super) fn message(turn: &Value) -> Value {
    let kind = text(turn, "type").unwrap_or_default();
    let role = match (text(turn, "role"), kind) {
        (Some("function"), _) => "tool",
        (Some(role), _) => role,
        (None, "function_call_output" | "computer_call_output" | "local_shell_call_output") => "tool",
        // What a model has done, as calls and reasoning.
        (None, _) if !kind.is_empty() => "assistant",
        (None, _) => "user",
    };
    let parts = if text(turn, "role").is_some() { parts(turn) } else { item_parts(turn) };
    let mut message = json!({"role": role, "parts": parts});
    if let (Some(name), Some(members)) =
        (text(turn, "name").filter(|_| kind != "function_call"), message.as_object_mut())
    {
        members.insert("name".to_owned(), name.into());
    }
    message
}

/// The parts of a message with a role.
pub(super) fn parts(turn: &Value) -> Vec<Value> {
    if matches!(text(turn, "role"), Some("tool" | "function")) {
        let id = turn.get("tool_call_id").or_else(|| turn.get("name"));
        return vec![response(id, turn.get("content"))];
    }
    let thoughts = ["reasoning_content", "reasoning"].iter().find_map(|name| text(turn, name));
    let mut all: Vec<Value> = thoughts.filter(|text| !text.is_empty()).map(part::reasoning).into_iter().collect();
    all.extend(turn.get("content").map(part::parts).unwrap_or_default());
    all.extend(text(turn, "refusal").map(part::text));
    for call in turn.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let function = call.get("function").or_else(|| call.get("custom")).unwrap_or(call);
        let arguments = function.get("arguments").or_else(|| function.get("input"));
        all.push(part::tool_call(call.get("id"), function.get("name"), arguments));
    }
    if let Some(call) = turn.get("function_call").filter(|call| call.is_object()) {
        all.push(part::tool_call(None, call.get("name"), call.get("arguments")));
    }
    all
}

/// The parts of an item of the Responses API.
pub(super) fn item_parts(item: &Value) -> Vec<Value> {
    match text(item, "type") {
        Some("message") => item.get("content").map(part::parts).unwrap_or_default(),
        None if item.get("content").is_some() => item.get("content").map(part::parts).unwrap_or_default(),
        Some("function_call") => {
            vec![part::tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))]
        }
        Some("function_call_output") => vec![response(item.get("call_id"), item.get("output"))],
        Some("reasoning") => {
            let summary = item.get("summary").and_then(Value::as_array).into_iter().flatten();
            summary.filter_map(|part| text(part, "text")).map(part::reasoning).collect()
        }
        _ => part::parts(item),
    }
}

fn response(id: Option<&Value>, content: Option<&Value>) -> Value {
    json!({"type": "tool_call_response", "id": id, "response": content})
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
