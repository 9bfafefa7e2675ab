//! What callers say of their own: every dialect's metadata as one JSON object, the attribute `metadata`, which labels and
//! rules look into as they do for calls of the gateway.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::super::any_json;
use super::super::wire::AnyValue;
use super::pool::Pool;

/// Where metadata stands, the most telling first: a JSON object, or one attribute per member.
const SOURCES: &[(&str, &str)] = &[
    ("weir.metadata", "weir.metadata."),
    ("langfuse.observation.metadata", "langfuse.observation.metadata."),
    ("langfuse.trace.metadata", "langfuse.trace.metadata."),
    ("metadata", ""),
    ("", "langsmith.metadata."),
    ("", "traceloop.association.properties."),
    ("", "ai.telemetry.metadata."),
    ("", "ai.settings.context."),
];

/// The members, each with the exact JSON text of its value. Of a name that several sources have the first counts.
#[derive(Default)]
pub(super) struct Metadata {
    members: Vec<(String, String)>,
    names: HashSet<String>,
}

impl Metadata {
    /// Gathers it; what it is made of goes into the details.
    pub(super) fn gather(pool: &mut Pool) -> Self {
        let mut all = Self::default();
        for (object, prefix) in SOURCES {
            if !object.is_empty() && all.add_object(pool, object) {
                pool.consume(object);
            }
            if !prefix.is_empty() && pool.has_under(prefix) {
                all.add_members(pool, prefix);
                pool.consume_under(prefix);
            }
        }
        all
    }

    fn add_object(&mut self, pool: &Pool, name: &str) -> bool {
        match pool.get(name) {
            Some(AnyValue::Map(members)) => {
                for (name, value) in members {
                    self.add(name, value.to_json());
                }
                true
            }
            Some(AnyValue::Text(text)) if text.trim_ascii_start().starts_with('{') => {
                let Some(members) = any_json::members(text) else { return false };
                for (name, value) in members {
                    self.add(&name, value.get().to_owned());
                }
                true
            }
            _ => false,
        }
    }

    fn add_members(&mut self, pool: &Pool, prefix: &str) {
        // Langfuse encodes every value as JSON.
        let encoded = prefix.starts_with("langfuse.");
        for entry in pool.under(prefix) {
            let Some(name) = entry.name.strip_prefix(prefix) else { continue };
            let json = entry.value.as_text().filter(|_| encoded).map(str::trim_ascii);
            match json.filter(|text| serde_json::from_str::<&RawValue>(text).is_ok()) {
                Some(json) => self.add(name, json.to_owned()),
                None => self.add(name, entry.value.to_json()),
            }
        }
    }

    fn add(&mut self, name: &str, json: String) {
        if self.names.insert(name.to_owned()) {
            self.members.push((name.to_owned(), json));
        }
    }

    /// The value of a member.
    pub(super) fn get(&self, name: &str) -> Option<AnyValue> {
        if !self.names.contains(name) {
            return None;
        }
        let (_, json) = self.members.iter().find(|(held, _)| held == name)?;
        AnyValue::from_json(json)
    }

    /// All of it as one JSON object; `None` where there is nothing.
    pub(super) fn to_json(&self) -> Option<String> {
        if self.members.is_empty() {
            return None;
        }
        let mut out = String::from("{");
        for (name, json) in &self.members {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&serde_json::to_string(name).ok()?);
            out.push(':');
            out.push_str(json);
        }
        out.push('}');
        Some(out)
    }
}
