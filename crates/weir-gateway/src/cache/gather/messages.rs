//! Anthropic Messages: a message, blocks that are begun and continued, and an end that says why and how much.

use serde_json::{Map, Value, json};

use super::object;

/// Most blocks of one answer.
const MAX_BLOCKS: usize = 512;

/// A block that is being put together.
struct Block {
    members: Map<String, Value>,
    /// Pieces of the JSON that becomes `input`.
    input: String,
}

/// The whole answer, if its end was there.
pub(super) fn whole(events: &mut dyn Iterator<Item = &[u8]>) -> Option<Value> {
    let mut message = Map::new();
    let mut blocks: Vec<Block> = Vec::new();
    for data in events {
        let mut event = object(serde_json::from_slice(data).ok()?)?;
        match event.get("type")?.as_str()? {
            "message_start" => message = object(event.remove("message")?)?,
            "content_block_start" => {
                let index = usize::try_from(event.get("index")?.as_u64()?).ok()?;
                if index != blocks.len() || index >= MAX_BLOCKS {
                    return None;
                }
                blocks.push(Block { members: object(event.remove("content_block")?)?, input: String::new() });
            }
            "content_block_delta" => {
                let index = usize::try_from(event.get("index")?.as_u64()?).ok()?;
                add(blocks.get_mut(index)?, object(event.remove("delta")?)?)?;
            }
            "message_delta" => {
                for (name, value) in object(event.remove("delta")?)? {
                    message.insert(name, value);
                }
                if let Some(said) = event.remove("usage").and_then(object) {
                    add_usage(message.entry("usage").or_insert_with(|| json!({})).as_object_mut()?, said);
                }
            }
            "message_stop" => {
                let content = blocks.into_iter().map(finished).collect::<Option<Vec<_>>>()?;
                message.insert("content".to_owned(), content.into());
                return message.contains_key("id").then_some(message.into());
            }
            "content_block_stop" | "ping" => {}
            _ => return None,
        }
    }
    None
}

/// Counts are cumulative: what is said later replaces what was said before.
fn add_usage(to: &mut Map<String, Value>, said: Map<String, Value>) {
    for (name, value) in said {
        let is_known = to.get(&name).is_some_and(|held| !held.is_null());
        if !(value.is_null() && is_known) {
            to.insert(name, value);
        }
    }
}

fn add(block: &mut Block, mut delta: Map<String, Value>) -> Option<()> {
    let kind = delta.remove("type")?;
    let member = match kind.as_str()? {
        "text_delta" => "text",
        "thinking_delta" => "thinking",
        "signature_delta" => "signature",
        "input_json_delta" => {
            block.input.push_str(delta.get("partial_json")?.as_str()?);
            return Some(());
        }
        "citations_delta" => {
            let held = block.members.entry("citations").or_insert_with(|| json!([]));
            if held.is_null() {
                *held = json!([]);
            }
            held.as_array_mut()?.push(delta.remove("citation")?);
            return Some(());
        }
        _ => return None,
    };
    let piece = delta.get(member)?.as_str()?.to_owned();
    match block.members.entry(member).or_insert_with(|| "".into()) {
        Value::String(held) => held.push_str(&piece),
        _ => return None,
    }
    Some(())
}

fn finished(mut block: Block) -> Option<Value> {
    if !block.input.is_empty() {
        block.members.insert("input".to_owned(), serde_json::from_str(&block.input).ok()?);
    }
    Some(block.members.into())
}
