//! What a retrieval found: documents in one form, whoever names them, and the mean of their scores.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use weir_core::span::SpanKind;

use super::flat::Node;
use super::pool::Pool;
use super::read;
use crate::otlp::wire::{AnyValue, Event};

/// Most documents that are kept in this form; they stand whole where they came from.
const MAX_DOCUMENTS: usize = 1_000;

/// Documents that a retrieval found.
#[derive(Default)]
pub(super) struct Documents {
    /// `{"id", "score", "content", "metadata"}` each, members absent where nothing is known.
    pub(super) list: Vec<Value>,
}

impl Documents {
    /// The documents of a span. Of a retrieval without any by name, those that its output lists.
    pub(super) fn of(pool: &Pool, events: &[Event], kind: SpanKind, output: Option<&str>) -> Self {
        let mut list = named(pool);
        if list.is_empty() {
            list = events.iter().filter_map(found).collect();
        }
        if list.is_empty() && kind == SpanKind::Retriever {
            list = output.map(listed).unwrap_or_default();
        }
        list.truncate(MAX_DOCUMENTS);
        Self { list }
    }

    /// The mean of the scores; `None` where no document has one.
    pub(super) fn mean_score(&self) -> Option<f64> {
        let scores: Vec<f64> = self.list.iter().filter_map(|document| document.get("score")?.as_f64()).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64).filter(|mean| mean.is_finite())
    }
}

fn named(pool: &Pool) -> Vec<Value> {
    for name in ["weir.documents", "gen_ai.retrieval.documents", "ai.documents"] {
        let list = match pool.find(name) {
            None => continue,
            Some(entry) => match (&entry.value, entry.json()) {
                (_, Some(Value::Array(items))) => items.iter().filter_map(document).collect::<Vec<_>>(),
                (AnyValue::List(items), _) => items.iter().filter_map(|item| document(&embedded(item))).collect(),
                _ => continue,
            },
        };
        if !list.is_empty() {
            return list;
        }
    }
    for prefix in ["retrieval.documents.", "reranker.output_documents."] {
        let tree = Node::under(pool, prefix);
        let list: Vec<_> = tree.items().filter_map(|item| item.get("document")).map(flat).collect();
        if !list.is_empty() {
            return list;
        }
    }
    Vec::new()
}

/// A document that was sent member by member.
fn flat(node: &Node<'_>) -> Value {
    let mut members = Map::new();
    for name in ["id", "score", "content"] {
        if let Some(value) = node.get(name).and_then(Node::value) {
            members.insert(name.to_owned(), read::to_json(value));
        }
    }
    if let Some(metadata) = node.get("metadata") {
        members.insert("metadata".to_owned(), metadata.value().map_or_else(|| metadata.to_json(), embedded));
    }
    scored(members)
}

/// A document that is an event of a vector store's span.
fn found(event: &Event) -> Option<Value> {
    let prefix = ["db.query.result", "db.search.result"].into_iter().find(|name| *name == event.name)?;
    let mut members = Map::new();
    for (name, value) in &event.attributes {
        let Some(name) = name.strip_prefix(prefix).and_then(|name| name.strip_prefix('.')) else { continue };
        let name = if matches!(name, "document" | "entity") { "content" } else { name };
        let value = if name == "metadata" { embedded(value) } else { read::to_json(value) };
        members.insert(name.to_owned(), value);
    }
    Some(scored(members))
}

/// Documents in the output of a retrieval: a list, alone or under the names that frameworks give it.
fn listed(output: &str) -> Vec<Value> {
    if serde_json::from_str::<&RawValue>(output).is_err() {
        return Vec::new();
    }
    let Ok(output) = serde_json::from_str::<Value>(output) else { return Vec::new() };
    let list = match &output {
        Value::Object(members) => {
            ["documents", "output", "results", "matches"].iter().find_map(|name| members.get(*name)?.as_array())
        }
        other => other.as_array(),
    };
    list.into_iter().flatten().filter_map(document).collect()
}

/// A document as an object, by the names that frameworks give its members.
fn document(value: &Value) -> Option<Value> {
    let object = value.as_object()?;
    let first = |names: &[&str]| names.iter().find_map(|name| object.get(*name)).filter(|value| !value.is_null());
    let mut members = Map::new();
    for (name, spellings) in [
        ("id", &["id", "document_id", "_id", "doc_id"] as &[_]),
        ("score", &["score", "relevance_score", "similarity"]),
        ("content", &["content", "page_content", "pageContent", "text", "document"]),
        ("metadata", &["metadata"]),
    ] {
        if let Some(value) = first(spellings) {
            members.insert(name.to_owned(), value.clone());
        }
    }
    (!members.is_empty()).then(|| scored(members))
}

/// A score that only the metadata have.
fn scored(mut members: Map<String, Value>) -> Value {
    if !members.get("score").is_some_and(Value::is_number) {
        members.remove("score");
        let within = members.get("metadata").and_then(|metadata| metadata.get("score")).cloned();
        if let Some(score) = within.filter(Value::is_number) {
            members.insert("score".to_owned(), score);
        }
    }
    json!(members)
}

/// The JSON that a text holds, or the value.
fn embedded(value: &AnyValue) -> Value {
    let held = value.as_text().filter(|text| text.trim_ascii_start().starts_with(['{', '[']));
    held.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| read::to_json(value))
}
