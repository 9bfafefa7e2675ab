//! The beginning of what a trace was given or gave, where nobody has said it: the last message of a conversation, else the
//! text as it is.

use serde_json::Value;

use super::names::MOST_PREVIEW;

/// Most bytes of a text that are looked through for messages.
const MOST_PARSED: usize = 4 << 20;

/// A preview of a text; `role` says whose message is looked for.
pub(super) fn of(text: &str, role: &str) -> String {
    let parsed = (text.len() <= MOST_PARSED).then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    let message = parsed.as_ref().and_then(|value| message(value, role, 0)).filter(|text| !text.is_empty());
    short(message.as_deref().unwrap_or(text))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MOST_PREVIEW) {
        None => text.to_owned(),
        Some(_) => {
            let end = text.char_indices().nth(MOST_PREVIEW - 3).map_or(text.len(), |(at, _)| at);
            format!("{}...", text.get(..end).unwrap_or_default())
        }
    }
}

fn message(value: &Value, role: &str, depth: usize) -> Option<String> {
    let object = value.as_object()?;
    let is_message = |item: &&Value| item.get("role").is_some() && item.get("content").is_some();
    let list = |name: &str| object.get(name)?.as_array().filter(|list| !list.is_empty());
    let choice = || object.get("choices")?.get(0)?.get("message").filter(is_message);
    let messages: Vec<&Value> = if let Some(list) = list("messages") {
        list.iter().filter(is_message).collect()
    } else if let Some(message) = choice() {
        vec![message]
    } else if let Some(list) = list("input").or_else(|| list("output")) {
        list.iter().filter(is_message).collect()
    } else {
        return object.get("request").filter(|_| depth < 4).and_then(|inner| message(inner, role, depth + 1));
    };
    let of_role = messages.iter().rev().find(|message| message.get("role").and_then(Value::as_str) == Some(role));
    content(of_role.or(messages.last())?.get("content")?)
}

fn content(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().find_map(|part| match part {
            Value::String(text) => Some(text.clone()),
            Value::Object(part) if matches!(part.get("type")?.as_str()?, "text" | "output_text") => {
                part.get("text")?.as_str().map(str::to_owned)
            }
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_message_of_the_role_is_shown() {
        let request = r#"{"messages":[{"role":"user","content":"first"},{"role":"user","content":[{"type":"image"},
            {"type":"text","text":"second"}]},{"role":"assistant","content":"no"}]}"#;
        assert_eq!(of(request, "user"), "second");
        assert_eq!(of(r#"{"choices":[{"message":{"role":"assistant","content":"yes"}}]}"#, "assistant"), "yes");
        assert_eq!(of(r#"{"request":{"input":[{"role":"user","content":"in"}]}}"#, "user"), "in");
        assert_eq!(of(r#"{"x": 1}"#, "user"), r#"{"x": 1}"#);
        assert_eq!(of("é".repeat(1_001).as_str(), "user").chars().count(), 1_000);
        assert!(of("é".repeat(1_001).as_str(), "user").ends_with("é..."));
    }
}
