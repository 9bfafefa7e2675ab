//! The schema of a dataset: which fields inputs, outputs and expectations have had, and of what kind each was first.

use serde_json::{Map, Value, json};
use weir_core::json::{self as text, Kind};

use crate::catalog::ExampleWrite;

/// Fields of one part that are written down; more are left out.
const FIELDS: usize = 10_000;

/// A schema with what examples add to it.
pub(super) fn extended(schema: Option<&str>, examples: &[ExampleWrite]) -> Option<String> {
    let known = schema.and_then(|schema| serde_json::from_str::<Map<String, Value>>(schema).ok());
    if known.is_none() && examples.is_empty() {
        return None;
    }
    let mut schema = known.unwrap_or_else(|| {
        let empty = || json!({});
        [("inputs", empty()), ("outputs", empty()), ("expectations", empty()), ("version", json!("1.0"))]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    });
    for example in examples {
        let parts = [
            ("inputs", Some(&example.inputs)),
            ("outputs", example.outputs.as_ref()),
            ("expectations", example.expected.as_ref()),
        ];
        for (part, json) in parts {
            if let (Some(json), Some(known)) = (json, schema.get_mut(part)) {
                extend(known, json);
            }
        }
    }
    serde_json::to_string(&schema).ok()
}

fn extend(known: &mut Value, json: &str) {
    let Some(members) = text::members(json) else {
        let is_empty = known.as_object().is_some_and(Map::is_empty);
        if is_empty && text::kind(json) != Kind::Null {
            *known = name(text::kind(json)).into();
        }
        return;
    };
    let Some(fields) = known.as_object_mut() else { return };
    for (field, value) in members {
        if fields.len() < FIELDS && !fields.contains_key(field.as_ref()) {
            fields.insert(field.into_owned(), name(text::kind(value)).into());
        }
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "boolean",
        Kind::Int => "integer",
        Kind::Float => "float",
        Kind::Text => "string",
        Kind::List => "array",
        Kind::Object => "object",
    }
}
