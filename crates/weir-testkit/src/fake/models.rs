//! `GET .../models` and `GET .../models/ID`.

use serde_json::{Value, json};

use super::error::Family;

const NAMES: [&str; 6] =
    ["gpt-4o", "gpt-4o-mini", "o4-mini", "text-embedding-3-small", "claude-sonnet-4-5", "claude-haiku-4-5"];

fn model(name: &str, family: Family) -> Value {
    match family {
        Family::OpenAi => {
            json!({"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "fake"})
        }
        Family::Anthropic => {
            json!({"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"})
        }
    }
}

/// The list of models.
pub(crate) fn list(family: Family) -> String {
    let data: Vec<Value> = NAMES.iter().map(|name| model(name, family)).collect();
    match family {
        Family::OpenAi => json!({"object": "list", "data": data}),
        Family::Anthropic => json!({
            "data": data, "has_more": false, "first_id": NAMES[0], "last_id": NAMES[NAMES.len() - 1]
        }),
    }
    .to_string()
}

/// One model; every name exists.
pub(crate) fn one(name: &str, family: Family) -> String {
    model(name, family).to_string()
}
