//! The texts of a request and of an answer, whatever protocol they are written in.
//!
//! Invariant: a payload that is no JSON, because it was cut or redacted, is shown as it is.

use serde_json::Value;

/// Lists within lists that are followed; deeper ones are shown as JSON.
const DEPTH: usize = 4;

/// The texts of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    /// All of it.
    pub(super) rendered: Option<String>,
    /// What the user said last.
    pub(super) user_message: Option<String>,
}

/// A turn of a conversation.
struct Message {
    role: String,
    text: String,
}

/// The texts of a request body.
pub(super) fn prompt(body: &str) -> Prompt {
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        return Prompt { rendered: Some(body.to_owned()), user_message: None };
    };
    let mut messages = Vec::new();
    for name in ["system", "instructions"] {
        if let Some(text) = json.get(name).map(|v| content(v, DEPTH)).filter(|text| !text.is_empty()) {
            messages.push(Message { role: "system".to_owned(), text });
        }
    }
    let turns = ["messages", "input"].iter().filter_map(|name| json.get(*name)).find_map(|turns| {
        let turns = turns.as_array()?;
        turns.iter().any(Value::is_object).then_some(turns)
    });
    if let Some(turns) = turns {
        messages.extend(turns.iter().map(message));
    } else if let Some(said) = ["prompt", "input"].iter().find_map(|name| json.get(*name)).map(plain) {
        messages.push(Message { role: "user".to_owned(), text: said });
    }
    if messages.is_empty() {
        return Prompt { rendered: Some(body.to_owned()), user_message: None };
    }
    let user_message = messages.iter().rfind(|m| m.role == "user").map(|m| m.text.clone());
    let rendered = match messages.as_slice() {
        [only] if only.role == "user" => only.text.clone(),
        all => all.iter().map(|m| format!("{}: {}", m.role, m.text)).collect::<Vec<_>>().join("\n\n"),
    };
    Prompt { rendered: Some(rendered), user_message }
}

/// The text of an answer; `None` where there is none, as of embeddings.
pub(super) fn response(body: &str) -> Option<String> {
    let Ok(json) = serde_json::from_str::<Value>(body) else { return Some(body.to_owned()) };
    if let Some(choices) = json.get("choices") {
        let choice = choices.get(0)?;
        let message = match choice.get("message") {
            Some(message) => turn_text(message, ""),
            None => choice.get("text")?.as_str()?.to_owned(),
        };
        return Some(message);
    }
    if let Some(items) = json.get("output").and_then(Value::as_array) {
        let texts = items.iter().filter_map(|item| match item.get("type").and_then(Value::as_str) {
            Some("message") | None => item.get("content").map(|c| parts(c, "", DEPTH)),
            // What the model thought is not what it answered.
            Some("reasoning") => None,
            Some(_) => Some(item.to_string()),
        });
        return Some(joined(texts, "\n"));
    }
    if json.get("content").is_some_and(Value::is_array) {
        return json.get("content").map(|c| parts(c, "", DEPTH));
    }
    if json.get("data").is_some_and(Value::is_array) {
        return None;
    }
    Some(body.to_owned())
}

fn message(turn: &Value) -> Message {
    let kind = turn.get("type").and_then(Value::as_str);
    let role = turn.get("role").and_then(Value::as_str).or(kind).unwrap_or("user").to_owned();
    let text = match turn {
        Value::String(text) => text.clone(),
        // An item of the Responses API without a role: a call of a function, or what it gave.
        _ if turn.get("role").is_none() => turn.to_string(),
        _ => turn_text(turn, "\n"),
    };
    Message { role, text }
}

/// A turn's content and the tools that it calls.
fn turn_text(turn: &Value, between: &str) -> String {
    let content = turn.get("content").map(|c| parts(c, between, DEPTH)).unwrap_or_default();
    let refusal = turn.get("refusal").and_then(Value::as_str).unwrap_or_default().to_owned();
    let calls = ["tool_calls", "function_call"].iter().filter_map(|name| turn.get(*name)).filter(|v| !v.is_null());
    joined([content, refusal].into_iter().chain(calls.map(Value::to_string)), "\n")
}

fn content(value: &Value, depth: usize) -> String {
    parts(value, "\n", depth)
}

/// A text, or the texts of a list of parts.
fn parts(value: &Value, between: &str, depth: usize) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) if depth > 0 => {
            let mut whole = String::new();
            let mut last_was_text = true;
            for (n, part) in list.iter().enumerate() {
                let is_text = part.is_string() || part.get("text").is_some_and(Value::is_string);
                let text = part_text(part, depth - 1);
                if text.is_empty() {
                    continue;
                }
                if n > 0 && !whole.is_empty() {
                    whole.push_str(if is_text && last_was_text { between } else { "\n" });
                }
                whole.push_str(&text);
                last_was_text = is_text;
            }
            whole
        }
        other => other.to_string(),
    }
}

fn part_text(part: &Value, depth: usize) -> String {
    if let Some(text) = part.as_str().or_else(|| part.get("text")?.as_str()).or_else(|| part.get("refusal")?.as_str()) {
        return text.to_owned();
    }
    match part.get("type").and_then(Value::as_str) {
        Some("tool_result") => part.get("content").map(|c| content(c, depth)).unwrap_or_default(),
        Some("thinking" | "redacted_thinking") => String::new(),
        Some("tool_use" | "server_tool_use") | None => part.to_string(),
        // Pictures, sound and files: what they are, not their bytes.
        Some(kind) => format!("[{kind}]"),
    }
}

/// A prompt or an input that is a text or a list of texts; tokens stay as they are.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            joined(list.iter().filter_map(Value::as_str).map(str::to_owned), "\n\n")
        }
        other => other.to_string(),
    }
}

fn joined(texts: impl IntoIterator<Item = String>, between: &str) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(body: &str) -> String {
        prompt(body).rendered.unwrap_or_default()
    }

    #[test]
    fn prompts_of_every_protocol() {
        let one = prompt(r#"{"messages":[{"role":"user","content":"hi"}]}"#);
        assert_eq!((one.rendered.as_deref(), one.user_message.as_deref()), (Some("hi"), Some("hi")));
        let chat = prompt(
            r#"{"messages":[{"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"a"},
            {"type":"image_url","image_url":{"url":"data:..."}},{"type":"text","text":"b"}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},{"role":"tool","content":"42"}]}"#,
        );
        assert_eq!(
            chat.rendered.unwrap(),
            "system: be kind\n\nuser: a\n[image_url]\nb\n\nassistant: [{\"id\":\"1\"}]\n\ntool: 42"
        );
        assert_eq!(chat.user_message.as_deref(), Some("a\n[image_url]\nb"));
        let claude = r#"{"system":[{"type":"text","text":"s1"},{"type":"text","text":"s2"}],
            "messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"r"}]}]}]}"#;
        assert_eq!(rendered(claude), "system: s1\ns2\n\nuser: r");
        assert_eq!(rendered(r#"{"prompt":["a","b"]}"#), "a\n\nb");
        assert_eq!(rendered(r#"{"prompt":[1,2]}"#), "[1,2]");
        assert_eq!(prompt(r#"{"input":"embed me"}"#).user_message.as_deref(), Some("embed me"));
        assert_eq!(rendered(r#"{"instructions":"short","input":"q"}"#), "system: short\n\nuser: q");
        let items = r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"q"}]},
            {"type":"function_call_output","output":"7"}]}"#;
        assert!(rendered(items).starts_with("user: q\n\nfunction_call_output: {"));
    }

    #[test]
    fn what_is_no_request_is_shown_as_it_is() {
        for text in ["", "{\"messages\":[{\"ro…[truncated, 99 bytes]", "[]", "{}", "7", "{\"messages\":7}"] {
            assert_eq!(rendered(text), text);
            assert_eq!(prompt(text).user_message, None);
        }
    }

    #[test]
    fn answers_of_every_protocol() {
        let text = |body: &str| response(body);
        let chat = |m: &str| text(&format!(r#"{{"choices":[{{"message":{m}}}]}}"#));
        assert_eq!(chat(r#"{"content":"yes"}"#).as_deref(), Some("yes"));
        assert_eq!(chat(r#"{"content":null,"tool_calls":[{"id":"a"}]}"#).as_deref(), Some(r#"[{"id":"a"}]"#));
        assert_eq!(chat(r#"{"content":"so","tool_calls":[{"id":"a"}]}"#).as_deref(), Some("so\n[{\"id\":\"a\"}]"));
        assert_eq!(chat(r#"{"content":null,"refusal":"no"}"#).as_deref(), Some("no"));
        assert_eq!(text(r#"{"choices":[{"text":"once"}]}"#).as_deref(), Some("once"));
        assert_eq!(text(r#"{"choices":[]}"#), None);
        let claude = r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a "},
            {"type":"text","text":"b"},{"type":"tool_use","id":"t","input":{}}]}"#;
        assert_eq!(text(claude).as_deref(), Some("a b\n{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}"));
        let responses = r#"{"output":[{"type":"reasoning","summary":[]},
            {"type":"message","content":[{"type":"output_text","text":"x"},{"type":"output_text","text":"y"}]}]}"#;
        assert_eq!(text(responses).as_deref(), Some("xy"));
        assert_eq!(text(r#"{"object":"list","data":[{"embedding":[0.1]}]}"#), None);
        assert_eq!(text("half an ans").as_deref(), Some("half an ans"));
    }
}
