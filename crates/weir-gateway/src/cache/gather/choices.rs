//! Chat completions and completions of a plain prompt: deltas add up, texts by appending, calls of tools by their
//! index.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::object;

/// Most choices, and most elements of a list that is put together by index.
const MAX_PARTS: u64 = 128;
/// Texts that are not continued but said again.
const SAID_AGAIN: &[&str] = &["id", "type", "role", "object", "finish_reason", "stop_reason"];

/// The whole answer, if its end was there.
pub(super) fn whole(events: &mut dyn Iterator<Item = &[u8]>, kind: &str) -> Option<Value> {
    let mut head = Map::new();
    let mut usage = None;
    let mut choices: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    let mut is_done = false;
    for data in events {
        if data.trim_ascii() == b"[DONE]" {
            is_done = true;
            break;
        }
        let mut chunk = object(serde_json::from_slice(data).ok()?)?;
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return None;
        }
        if let Some(Value::Array(said)) = chunk.remove("choices") {
            for choice in said {
                let choice = object(choice)?;
                let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
                if index >= MAX_PARTS {
                    return None;
                }
                add(choices.entry(index).or_default(), choice)?;
            }
        }
        if let Some(said) = chunk.remove("usage").filter(|usage| !usage.is_null()) {
            usage = Some(said);
        }
        for (name, value) in chunk {
            let is_new = head.get(&name).is_none_or(says_nothing);
            if is_new {
                head.insert(name, value);
            }
        }
    }
    let is_complete = |choice: &Map<String, Value>| choice.get("finish_reason").is_some_and(Value::is_string);
    if !is_done || choices.is_empty() || !choices.values().all(is_complete) {
        return None;
    }
    head.insert("object".to_owned(), kind.into());
    head.insert("choices".to_owned(), choices.into_iter().map(finished).collect::<Option<Vec<_>>>()?.into());
    if let Some(usage) = usage {
        head.insert("usage".to_owned(), usage);
    }
    Some(head.into())
}

/// Whether a member waits for a later chunk: Azure's first one has an empty `id` and `model`, and 0 for `created`.
fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_u64() == Some(0)
}

/// A choice in the form of a whole answer: its delta is its message.
fn finished((index, mut choice): (u64, Map<String, Value>)) -> Option<Value> {
    choice.insert("index".to_owned(), index.into());
    if let Some(delta) = choice.remove("delta") {
        let mut message = object(delta)?;
        message.entry("role").or_insert_with(|| "assistant".into());
        message.entry("content").or_insert(Value::Null);
        choice.insert("message".to_owned(), message.into());
    }
    Some(Value::Object(choice))
}

/// Adds what a chunk says to what was said before. `None` where the two are not of one kind.
fn add(to: &mut Map<String, Value>, said: Map<String, Value>) -> Option<()> {
    for (name, value) in said {
        match to.get_mut(&name) {
            None => {
                let mut held = match &value {
                    Value::Object(_) => json!({}),
                    Value::Array(_) => json!([]),
                    _ => Value::Null,
                };
                add_value(&name, &mut held, value)?;
                to.insert(name, held);
            }
            Some(held) => add_value(&name, held, value)?,
        }
    }
    Some(())
}

fn add_value(name: &str, held: &mut Value, said: Value) -> Option<()> {
    match (held, said) {
        (_, Value::Null) => {}
        (Value::Object(held), Value::Object(said)) => add(held, said)?,
        (Value::Array(held), Value::Array(said)) => {
            for element in said {
                add_element(held, element)?;
            }
        }
        (Value::String(held), Value::String(said)) if !SAID_AGAIN.contains(&name) => held.push_str(&said),
        (held @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)), said) => {
            // An object or list that begins is put together too, as its elements may have indices.
            if said.is_object() || said.is_array() {
                *held = if said.is_object() { json!({}) } else { json!([]) };
                return add_value(name, held, said);
            }
            *held = said;
        }
        _ => return None,
    }
    Some(())
}

/// An element of a list: of one with an index, a piece of the element there; else one more.
fn add_element(held: &mut Vec<Value>, mut said: Value) -> Option<()> {
    let index = said.as_object_mut().and_then(|said| said.get("index")?.as_u64());
    let Some(index) = index else {
        held.push(said);
        return Some(());
    };
    if index >= MAX_PARTS {
        return None;
    }
    let mut said = object(said)?;
    said.remove("index");
    let index = usize::try_from(index).ok()?;
    if held.len() <= index {
        held.resize_with(index + 1, || json!({}));
    }
    add(held[index].as_object_mut()?, said)
}
