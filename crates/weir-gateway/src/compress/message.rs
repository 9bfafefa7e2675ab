//! A message: who speaks, and what forbids to change it.

use std::ops::Range;

use super::splice::{Object, elements};

/// Members of an assistant's message that its other text belongs to.
const SEALING: [&str; 8] = [
    "tool_calls",
    "function_call",
    "audio",
    "refusal",
    "thinking_blocks",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
];

/// A message as far as it matters here.
pub(super) struct Message<'a> {
    /// Its JSON.
    pub raw: &'a str,
    /// Who speaks; empty where that cannot be read.
    pub role: String,
    /// Its members.
    pub object: Option<Object<'a>>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub(super) fn read(raw: &'a str) -> Self {
        let object = Object::of(raw);
        let role = object.as_ref().and_then(|object| object.text("role")).unwrap_or_default();
        Self { raw, role, object }
    }

    fn parts(&self) -> Vec<Option<Object<'a>>> {
        let content = self.object.as_ref().and_then(|object| object.get("content"));
        content.and_then(elements).unwrap_or_default().into_iter().map(Object::of).collect()
    }

    /// Whether the provider is asked to cache the prompt up to it.
    pub(super) fn is_cached(&self) -> bool {
        self.raw.contains("cache_control")
            && (self.object.as_ref().is_some_and(is_cached)
                || self.parts().iter().flatten().any(|part| {
                    let inner = part.get("content").and_then(elements).unwrap_or_default();
                    is_cached(part) || inner.into_iter().filter_map(Object::of).any(|part| is_cached(&part))
                }))
    }

    /// Whether nothing in it may be changed.
    pub(super) fn is_sealed(&self) -> bool {
        let Some(object) = &self.object else { return true };
        match &*self.role {
            "system" | "developer" | "user" | "tool" | "function" => false,
            "assistant" => {
                let pure = |part: &Option<Object<'a>>| part.as_ref().and_then(text_part).is_some();
                SEALING.iter().any(|name| object.get(name).is_some()) || !self.parts().iter().all(pure)
            }
            _ => true,
        }
    }

    /// Whether a user says something in it, rather than only a tool.
    fn is_said_by_user(&self) -> bool {
        let is_result = |part: &Option<Object<'a>>| part.as_ref().is_some_and(is_result);
        let parts = self.parts();
        self.role == "user" && (parts.is_empty() || !parts.iter().all(is_result))
    }
}

/// The messages of the user's last turn.
pub(super) fn last_turn(all: &[Message<'_>]) -> Range<usize> {
    let Some(last) = all.iter().rposition(Message::is_said_by_user) else { return 0..0 };
    let before = all[..last].iter().rev().take_while(|message| message.is_said_by_user()).count();
    last - before..last + 1
}

/// Whether a message or a part has a cache mark.
pub(super) fn is_cached(object: &Object<'_>) -> bool {
    object.get("cache_control").is_some()
}

/// Whether a part is the result of a tool.
pub(super) fn is_result(part: &Object<'_>) -> bool {
    part.text("type").as_deref() == Some("tool_result")
}

/// The text of a part that is text, as a JSON string.
pub(super) fn text_part<'a>(part: &Object<'a>) -> Option<&'a str> {
    let kind = part.text("type")?;
    let text = part.get("text").filter(|text| text.starts_with('"'))?;
    matches!(&*kind, "text" | "input_text" | "output_text").then_some(text)
}
