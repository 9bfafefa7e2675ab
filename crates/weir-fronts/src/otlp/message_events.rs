//! GenAI events that carry content, as events of a span or as log records: the messages of a request one by one
//! (conventions 1.28 to 1.36), all at once (from 1.37), or prompt and completion as texts (until 1.27).
//!
//! They come to the form of a chat request and its answer. An event without content, because the application does not
//! allow that, adds nothing but the finish reason.

use serde_json::{Map, Value, json};

use super::wire::AnyValue;

/// The content that a span's events carry.
#[derive(Default)]
pub(super) struct Assembly {
    messages: Vec<Value>,
    choices: Vec<Value>,
    input: Option<String>,
    output: Option<String>,
    finish_reason: Option<String>,
    /// Whether any message, and any choice, says something.
    messages_say: bool,
    choices_say: bool,
}

type Fields = [(String, AnyValue)];

/// The events that carry content.
enum Event {
    /// A message of the request, of that role.
    Message(&'static str),
    Choice,
    Prompt,
    Completion,
    Details,
}

impl Event {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "gen_ai.system.message" => Self::Message("system"),
            "gen_ai.user.message" => Self::Message("user"),
            "gen_ai.assistant.message" => Self::Message("assistant"),
            "gen_ai.tool.message" => Self::Message("tool"),
            "gen_ai.choice" => Self::Choice,
            "gen_ai.content.prompt" => Self::Prompt,
            "gen_ai.content.completion" => Self::Completion,
            "gen_ai.client.inference.operation.details" => Self::Details,
            _ => return None,
        })
    }
}

/// Whether an event of that name carries content.
pub(super) fn is_content(name: &str) -> bool {
    Event::of(name).is_some()
}

impl Assembly {
    /// Adds an event: its name and the members of its body, or its attributes. One that carries no content adds nothing.
    pub(super) fn add(&mut self, name: &str, fields: &Fields) {
        match Event::of(name) {
            Some(Event::Message(role)) => self.message(role, fields),
            Some(Event::Choice) => self.choice(fields),
            Some(Event::Prompt) => set(&mut self.input, field(fields, "gen_ai.prompt")),
            Some(Event::Completion) => set(&mut self.output, field(fields, "gen_ai.completion")),
            Some(Event::Details) => {
                set(&mut self.input, field(fields, "gen_ai.input.messages"));
                set(&mut self.output, field(fields, "gen_ai.output.messages"));
            }
            None => {}
        }
    }

    /// What the model was given.
    pub(super) fn input(&self) -> Option<String> {
        let messages = || self.messages_say.then(|| json!({ "messages": self.messages }).to_string());
        self.input.clone().or_else(messages)
    }

    /// What it answered.
    pub(super) fn output(&self) -> Option<String> {
        let choices = || self.choices_say.then(|| json!({ "choices": self.choices }).to_string());
        self.output.clone().or_else(choices)
    }

    /// Why it stopped.
    pub(super) fn finish_reason(&self) -> Option<&str> {
        self.finish_reason.as_deref()
    }

    fn message(&mut self, role: &str, fields: &Fields) {
        let mut message = Map::from_iter([("role".to_owned(), role.into())]);
        for (name, value) in members(fields) {
            let name = if role == "tool" && name == "id" { "tool_call_id".to_owned() } else { name };
            message.insert(name, value);
        }
        self.messages_say |= says(&message);
        self.messages.push(Value::Object(message));
    }

    fn choice(&mut self, fields: &Fields) {
        let mut members: Map<_, _> = members(fields).into_iter().collect();
        let mut message = Map::from_iter([("role".to_owned(), "assistant".into())]);
        match members.remove("message") {
            Some(Value::Object(said)) => message.extend(said),
            Some(Value::Null) | None => {}
            Some(content) => _ = message.insert("content".to_owned(), content),
        }
        // OpenLLMetry has them beside the message.
        for name in ["tool_calls", "content"] {
            if let Some(value) = members.remove(name) {
                message.insert(name.to_owned(), value);
            }
        }
        self.choices_say |= says(&message);
        if self.finish_reason.is_none() {
            self.finish_reason = members.get("finish_reason").and_then(Value::as_str).map(str::to_owned);
        }
        let index = members.remove("index").unwrap_or_else(|| self.choices.len().into());
        let mut choice = Map::from_iter([("index".to_owned(), index), ("message".to_owned(), Value::Object(message))]);
        choice.extend(members);
        self.choices.push(Value::Object(choice));
    }
}

/// Whether a message has more than a role.
fn says(message: &Map<String, Value>) -> bool {
    message.iter().any(|(name, value)| !matches!(name.as_str(), "role" | "tool_call_id" | "id") && !value.is_null())
}

fn set(held: &mut Option<String>, value: Option<&AnyValue>) {
    if let Some(value) = value.filter(|value| !matches!(value, AnyValue::Empty)) {
        *held = Some(value.as_text().map_or_else(|| value.to_json(), str::to_owned));
    }
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a AnyValue> {
    fields.iter().find(|(held, _)| held == name).map(|(_, value)| value)
}

/// The members of a message. Where they came as attributes, those that describe the event are left out, and JSON texts
/// of structured members are read.
fn members(fields: &Fields) -> Vec<(String, Value)> {
    if let Some(Value::Object(content)) = field(fields, "gen_ai.event.content").map(json_of) {
        return content.into_iter().collect();
    }
    let own = |name: &str| !name.starts_with("gen_ai.") && !name.starts_with("event.");
    let value = |name: &str, value: &AnyValue| match name {
        "tool_calls" | "message" => json_of(value),
        _ => serde_json::from_str(&value.to_json()).unwrap_or_default(),
    };
    fields.iter().filter(|(name, _)| own(name)).map(|(name, v)| (name.clone(), value(name, v))).collect()
}

/// A value as JSON; a text that holds an object or a list as that.
fn json_of(value: &AnyValue) -> Value {
    let held = value.as_text().filter(|text| text.trim_ascii_start().starts_with(['{', '[']));
    held.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| serde_json::from_str(&value.to_json()).unwrap_or_default())
}
