//! A streamed answer as the whole that it would have been.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Most choices, and most calls of tools of one.
const MOST: usize = 128;

/// The pieces so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    id: Option<String>,
    model: Option<String>,
    created: Option<Value>,
    choices: BTreeMap<u64, Choice>,
    usage: Option<Value>,
    /// Bytes of text that are still kept.
    room: usize,
}

#[derive(Debug, Default)]
struct Choice {
    message: Map<String, Value>,
    tools: BTreeMap<u64, Map<String, Value>>,
    finish_reason: Option<String>,
}

impl Gathered {
    /// Keeps at most so many bytes of text.
    pub(super) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// Adds a chunk. Returns whether it carries a part of an answer, and not only usage.
    pub(super) fn add(&mut self, chunk: &Value) -> bool {
        let text = |name: &str| chunk.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if self.id.is_none() {
            self.id = text("id").map(str::to_owned);
        }
        if let Some(model) = text("model") {
            self.model = Some(model.to_owned());
        }
        if self.created.is_none() {
            self.created = chunk.get("created").cloned();
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
        let choices = chunk.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for choice in choices {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or_default();
            if !self.choices.contains_key(&index) && self.choices.len() >= MOST {
                continue;
            }
            let held = self.choices.entry(index).or_default();
            if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
                held.finish_reason = Some(reason.to_owned());
            }
            if let Some(delta) = choice.get("delta").and_then(Value::as_object) {
                held.add(delta, &mut self.room);
            }
        }
        !choices.is_empty()
    }

    /// The model that answers.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The provider's id of the answer.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The usage, as it was sent.
    pub(super) fn usage(&self) -> Option<&Value> {
        self.usage.as_ref()
    }

    /// Why the first answer stopped.
    pub(super) fn finish_reason(&self) -> Option<&str> {
        self.choices.values().next()?.finish_reason.as_deref()
    }

    /// The whole, in the form of an answer that was not streamed.
    pub(super) fn whole(&self) -> Value {
        let choices: Vec<Value> = self
            .choices
            .iter()
            .map(|(index, choice)| {
                let mut message = choice.message.clone();
                if !choice.tools.is_empty() {
                    let tools = choice.tools.values().cloned().map(Value::Object).collect();
                    message.insert("tool_calls".to_owned(), Value::Array(tools));
                }
                json!({"index": index, "message": message, "finish_reason": choice.finish_reason})
            })
            .collect();
        let mut whole = json!({"id": self.id, "object": "chat.completion", "created": self.created,
            "model": self.model, "choices": choices});
        if let (Some(members), Some(usage)) = (whole.as_object_mut(), &self.usage) {
            members.insert("usage".to_owned(), usage.clone());
        }
        whole
    }
}

impl Choice {
    fn add(&mut self, delta: &Map<String, Value>, room: &mut usize) {
        for (name, value) in delta {
            match (name.as_str(), value) {
                ("tool_calls", Value::Array(parts)) => {
                    for (at, part) in parts.iter().enumerate() {
                        let index = part.get("index").and_then(Value::as_u64).unwrap_or(at as u64);
                        if let (Some(part), true) =
                            (part.as_object(), self.tools.contains_key(&index) || self.tools.len() < MOST)
                        {
                            add_tool(self.tools.entry(index).or_default(), part, room);
                        }
                    }
                }
                ("role", _) => _ = self.message.insert(name.clone(), value.clone()),
                (_, Value::String(text)) => append(&mut self.message, name, text, room),
                (_, Value::Null) => _ = self.message.entry(name.clone()).or_insert(Value::Null),
                _ => {}
            }
        }
    }
}

fn add_tool(tool: &mut Map<String, Value>, part: &Map<String, Value>, room: &mut usize) {
    for (name, value) in part {
        match (name.as_str(), value) {
            ("index", _) => {}
            ("function", Value::Object(part)) => {
                let function = tool.entry("function").or_insert_with(|| Value::Object(Map::new()));
                let Some(function) = function.as_object_mut() else { continue };
                for (name, value) in part {
                    match (name.as_str(), value) {
                        ("arguments", Value::String(text)) => append(function, name, text, room),
                        (_, Value::Null) => {}
                        _ => _ = function.insert(name.clone(), value.clone()),
                    }
                }
            }
            (_, Value::Null) => {}
            _ => _ = tool.insert(name.clone(), value.clone()),
        }
    }
}

/// Appends to a text, as far as there is room.
fn append(members: &mut Map<String, Value>, name: &str, text: &str, room: &mut usize) {
    let kept = &text[..text.floor_char_boundary(*room)];
    *room -= kept.len();
    match members.get_mut(name) {
        Some(Value::String(held)) => held.push_str(kept),
        _ => _ = members.insert(name.to_owned(), Value::String(kept.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(delta: &Value) -> Value {
        json!({"id": "1", "model": "m", "created": 5, "choices": [{"index": 0, "delta": delta}]})
    }

    #[test]
    fn texts_and_calls_of_tools_are_put_together() {
        let mut gathered = Gathered::new(1 << 20);
        for chunk in [
            delta(&json!({"role": "assistant", "content": ""})),
            delta(&json!({"content": "Good "})),
            delta(&json!({"content": "day", "reasoning_content": "polite"})),
            delta(
                &json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a"}}]}),
            ),
            delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "\":1}"}}]})),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        ] {
            assert!(gathered.add(&chunk));
        }
        assert!(!gathered.add(&json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})));
        let expected = json!({"id": "1", "object": "chat.completion", "created": 5, "model": "m", "choices": [{
            "index": 0, "message": {"role": "assistant", "content": "Good day", "reasoning_content": "polite",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
        assert_eq!(gathered.whole(), expected);
    }

    #[test]
    fn a_long_answer_is_kept_up_to_the_bound() {
        let mut gathered = Gathered::new(5);
        gathered.add(&delta(&json!({"content": "éé"})));
        gathered.add(&delta(&json!({"content": "éé"})));
        assert_eq!(gathered.whole()["choices"][0]["message"]["content"], "éé");
    }
}
