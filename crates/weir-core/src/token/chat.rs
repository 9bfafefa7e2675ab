//! Prompt tokens of a chat request, from the raw JSON of its `messages` and `tools`.
//!
//! Formulas: OpenAI cookbook, "How to count tokens with tiktoken", sections 6 (messages: 3 per message, 1 more for a
//! name, the tokens of every value, and 3 that prime the answer) and 7 (tools: fixed overheads per function, property
//! and enum value). Images by OpenAI's vision guide, taken as 1024 × 1024 (four tiles) because their size is not in the
//! request.
//!
//! Invariant: whatever the JSON is, the answer is a count; what the formulas do not cover is estimated and the count is
//! marked so: images, audio, files, tools and calls of tools.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::count::{count_with, estimate_fast};
use super::{Count, Encoding};

/// Around every message.
const PER_MESSAGE: u64 = 3;
/// For a `name`.
const PER_NAME: u64 = 1;
/// `<|start|>assistant<|message|>` before the answer.
const PRIMING: u64 = 3;
/// Around a call of a tool; OpenAI does not publish it.
const PER_CALL: u64 = 4;
/// Most tokens that content of an unknown kind is taken for.
const MOST_UNKNOWN: u64 = 4_096;

type Raw<'a> = &'a RawValue;

/// Counts the prompt tokens of a chat request from its raw `messages` array. Without an array the raw text is counted,
/// as an estimate.
#[must_use]
pub fn count_messages(model: &str, messages: &str) -> Count {
    let encoding = Encoding::of_model(model);
    let mut counter = Counter { model, encoding, tokens: 0, exact: encoding.is_exact() };
    match serde_json::from_str::<Vec<Raw<'_>>>(messages) {
        Ok(all) => {
            for message in all {
                counter.message(message);
            }
            counter.tokens += PRIMING;
        }
        Err(_) => counter.estimated(|c| c.text(messages)),
    }
    Count { tokens: counter.tokens, exact: counter.exact }
}

/// Estimates the tokens that a raw `tools` array (or the older `functions`) adds to the prompt.
#[must_use]
pub fn count_tools(model: &str, tools: &str) -> Count {
    let encoding = Encoding::of_model(model);
    let mut counter = Counter { model, encoding, tokens: 0, exact: false };
    match serde_json::from_str::<Vec<Raw<'_>>>(tools) {
        Ok(all) if all.is_empty() => return Count { tokens: 0, exact: encoding.is_exact() },
        Ok(all) => counter.tools(&all),
        Err(_) => counter.text(tools),
    }
    Count { tokens: counter.tokens, exact: false }
}

struct Counter<'m> {
    model: &'m str,
    encoding: Encoding,
    tokens: u64,
    exact: bool,
}

impl Counter<'_> {
    fn text(&mut self, text: &str) {
        self.tokens += count_with(self.encoding, text);
    }

    /// Counts the text of a JSON string; anything else adds nothing.
    fn string(&mut self, raw: Raw<'_>) {
        if let Some(text) = string(raw) {
            self.text(&text);
        }
    }

    fn estimated(&mut self, count: impl FnOnce(&mut Self)) {
        count(self);
        self.exact = false;
    }

    fn message(&mut self, message: Raw<'_>) {
        self.tokens += PER_MESSAGE;
        let Some(members) = members(message) else {
            return self.estimated(|c| c.unknown(message));
        };
        for (name, value) in members {
            if value.get() == "null" {
                continue;
            }
            match &*name {
                "role" => self.string(value),
                "name" => {
                    self.string(value);
                    self.tokens += PER_NAME;
                }
                "content" => self.content(value),
                "refusal" => self.estimated(|c| c.string(value)),
                "tool_calls" => self.estimated(|c| {
                    for call in items(value) {
                        c.call(member(call, "function").unwrap_or(call));
                    }
                }),
                "function_call" => self.estimated(|c| c.call(value)),
                "tool_call_id" | "audio" => self.exact = false,
                _ => {}
            }
        }
    }

    fn content(&mut self, content: Raw<'_>) {
        if content.get().starts_with('[') {
            for part in items(content) {
                self.part(part);
            }
        } else {
            self.string(content);
        }
    }

    fn part(&mut self, part: Raw<'_>) {
        let kind = member(part, "type").and_then(string).unwrap_or_default();
        match (&*kind, member(part, "text")) {
            ("text" | "input_text" | "output_text", Some(text)) => self.string(text),
            ("refusal", _) => self.estimated(|c| c.each(part, &["refusal"])),
            ("image_url" | "input_image" | "image", _) => {
                self.tokens += self.image(part);
                self.exact = false;
            }
            _ => self.estimated(|c| c.unknown(part)),
        }
    }

    /// The tokens of an image: a base, and for `detail` other than `low` four tiles.
    fn image(&self, part: Raw<'_>) -> u64 {
        let model = self.model.rsplit('/').next().unwrap_or(self.model);
        let (base, tile) = match model {
            m if m.starts_with("gpt-4o-mini") => (2_833, 5_667),
            m if m.starts_with("gpt-5") => (70, 140),
            m if m.starts_with("o1") || m.starts_with("o3") => (75, 150),
            _ => (85, 170),
        };
        let detail =
            member(part, "image_url").and_then(|image| member(image, "detail")).or_else(|| member(part, "detail"));
        if detail.and_then(string).as_deref() == Some("low") { base } else { base + 4 * tile }
    }

    fn call(&mut self, function: Raw<'_>) {
        self.tokens += PER_CALL;
        self.each(function, &["name", "arguments"]);
    }

    /// Counts strings, and the JSON text of what should be a string.
    fn each(&mut self, object: Raw<'_>, names: &[&str]) {
        for value in names.iter().filter_map(|name| member(object, name)) {
            match string(value) {
                Some(text) => self.text(&text),
                None => self.text(value.get()),
            }
        }
    }

    fn unknown(&mut self, raw: Raw<'_>) {
        self.tokens += estimate_fast(raw.get().len()).min(MOST_UNKNOWN);
    }

    fn tools(&mut self, tools: &[Raw<'_>]) {
        let per_function = if self.encoding == Encoding::Cl100k { 10 } else { 7 };
        for tool in tools {
            let function = member(tool, "function").unwrap_or(tool);
            self.tokens += per_function;
            let line = [field(function, "name"), sentence(function)].join(":");
            self.text(&line);
            if let Some(schema) = member(function, "parameters").or_else(|| member(function, "input_schema")) {
                self.properties(schema, 0);
            }
        }
        self.tokens += 12;
    }

    fn properties(&mut self, schema: Raw<'_>, depth: u8) {
        let properties = member(schema, "properties").and_then(members).unwrap_or_default();
        if properties.is_empty() || depth > 8 {
            return;
        }
        self.tokens += 3;
        for (name, property) in properties {
            self.tokens += 3;
            let values = member(property, "enum").map(items).unwrap_or_default();
            if !values.is_empty() {
                self.tokens = self.tokens.saturating_sub(3);
                for value in values {
                    self.tokens += 3;
                    self.string(value);
                }
            }
            let line = [name, field(property, "type"), sentence(property)].join(":");
            self.text(&line);
            self.properties(property, depth + 1);
            if let Some(inner) = member(property, "items") {
                self.properties(inner, depth + 1);
            }
        }
    }
}

/// A JSON string, borrowed when it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn string(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

fn field<'a>(object: Raw<'a>, name: &str) -> Cow<'a, str> {
    member(object, name).and_then(string).unwrap_or_default()
}

/// The description without its full stop.
fn sentence<'a>(object: Raw<'a>) -> Cow<'a, str> {
    let mut text = field(object, "description");
    if text.ends_with('.') {
        text.to_mut().pop();
    }
    text
}

fn items(raw: Raw<'_>) -> Vec<Raw<'_>> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn member<'a>(object: Raw<'a>, name: &str) -> Option<Raw<'a>> {
    members(object)?.into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The members of a JSON object, in its order.
fn members<'a>(object: Raw<'a>) -> Option<Vec<(Cow<'a, str>, Raw<'a>)>> {
    struct Members;
    impl<'de> serde::de::Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, Raw<'de>)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some((Text(name), value)) = map.next_entry()? {
                all.push((name, value));
            }
            Ok(all)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(object.get()), Members).ok()
}

#[cfg(test)]
#[path = "chat_tests.rs"]
mod tests;
