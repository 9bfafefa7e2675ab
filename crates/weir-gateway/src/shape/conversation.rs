//! The messages of a request, each as it was sent, and what a template puts among them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use weir_core::error::Error;
use weir_core::prompt::PromptRole;

use super::{quoted, unreadable};

/// One message of the caller's.
pub(super) struct Message<'a> {
    pub(super) role: Cow<'a, str>,
    pub(super) raw: &'a RawValue,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
}

/// Reads the `messages` member.
pub(super) fn messages(json: &str) -> Result<Vec<Message<'_>>, Error> {
    let raws: Vec<&RawValue> = serde_json::from_str(json).map_err(|e| unreadable("messages", &e))?;
    raws.into_iter()
        .map(|raw| {
            let head: Head<'_> = serde_json::from_str(raw.get()).map_err(|e| unreadable("messages", &e))?;
            Ok(Message { role: head.role, raw })
        })
        .collect()
}

/// Whether a message gives instructions rather than being part of the conversation.
pub(super) fn is_system(message: &Message<'_>) -> bool {
    matches!(&*message.role, "system" | "developer")
}

/// The place of the last message of the user.
pub(super) fn last_user(messages: &[Message<'_>]) -> Option<usize> {
    messages.iter().rposition(|m| m.role == "user")
}

/// A message's text: its content, or the text parts of it.
pub(super) fn text_of(raw: &str) -> String {
    let message: Value = serde_json::from_str(raw).unwrap_or_default();
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|p| p.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// A message of a role.
pub(super) fn message(role: PromptRole, text: &str) -> String {
    format!("{{\"role\":\"{}\",\"content\":{}}}", role.as_str(), quoted(text))
}

/// The message with its text replaced; parts that are no text (images, audio, files) stay after it.
pub(super) fn with_text(raw: &str, text: &str) -> Result<String, Error> {
    let mut message: Map<String, Value> = serde_json::from_str(raw).map_err(|e| unreadable("messages", &e))?;
    let content = match message.remove("content") {
        Some(Value::Array(parts)) => {
            let is_text =
                |part: &Value| matches!(part.get("type").and_then(Value::as_str), Some("text" | "input_text"));
            let kind = parts.iter().find(|p| is_text(p)).and_then(|p| p.get("type").cloned());
            let first = serde_json::json!({"type": kind.unwrap_or_else(|| "text".into()), "text": text});
            let rest = parts.into_iter().filter(|part| !is_text(part));
            Value::Array(std::iter::once(first).chain(rest).collect())
        }
        _ => Value::String(text.to_owned()),
    };
    message.insert("content".to_owned(), content);
    Ok(Value::Object(message).to_string())
}
