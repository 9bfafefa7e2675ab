//! Anthropic Messages. Blocks that are not known here are sent whole at their start, as the API does with the results
//! of its own tools.

use super::{Events, copy_except, pieces_of};
use crate::translate::json::{Members, Object};

/// Members of a message that its end brings.
const AT_THE_END: &[&str] = &["content", "stop_reason", "stop_sequence", "usage"];

pub(super) fn messages(whole: &Members<'_>, events: &mut Events) -> Option<()> {
    let blocks = whole.array("content")?;
    let usage = whole.get("usage");
    event(events, "message_start", |start| {
        let mut message = Object::begin(start.key("message"));
        copy_except(&mut message, whole, &[AT_THE_END]);
        message.token("content", "[]");
        message.token("stop_reason", "null");
        message.token("stop_sequence", "null");
        let begun = usage.and_then(Members::of);
        if let Some(usage) = begun {
            let mut object = Object::begin(message.key("usage"));
            copy_except(&mut object, &usage, &[&["output_tokens"]]);
            object.number("output_tokens", 0);
            object.end();
        }
        message.end();
    });
    for (index, block) in blocks.iter().enumerate() {
        content_block(events, index as u64, block.get())?;
    }
    event(events, "message_delta", |end| {
        let mut delta = Object::begin(end.key("delta"));
        delta.token("stop_reason", whole.get("stop_reason").unwrap_or("null"));
        delta.token("stop_sequence", whole.get("stop_sequence").unwrap_or("null"));
        delta.maybe("container", whole.get("container"));
        delta.end();
        end.maybe("usage", usage);
    });
    event(events, "message_stop", |_| {});
    Some(())
}

fn content_block(events: &mut Events, index: u64, token: &str) -> Option<()> {
    let block = Members::of(token)?;
    let kind = block.text("type")?;
    event(events, "content_block_start", |start| {
        start.number("index", index);
        let (emptied, with): (&[&str], &[(&str, &str)]) = match &*kind {
            "text" => (&["text", "citations"], &[("text", "\"\"")]),
            "thinking" => (&["thinking", "signature"], &[("thinking", "\"\""), ("signature", "\"\"")]),
            "tool_use" | "server_tool_use" | "mcp_tool_use" => (&["input"], &[("input", "{}")]),
            _ => return start.token("content_block", token),
        };
        let mut begun = Object::begin(start.key("content_block"));
        copy_except(&mut begun, &block, &[emptied]);
        for (name, empty) in with {
            begun.token(name, empty);
        }
        begun.end();
    });
    match &*kind {
        "text" => {
            for citation in block.array("citations").unwrap_or_default() {
                delta(events, index, "citations_delta", "citation", citation.get().as_bytes());
            }
            texts(events, index, "text_delta", "text", block.string("text"));
        }
        "thinking" => {
            texts(events, index, "thinking_delta", "thinking", block.string("thinking"));
            if let Some(signature) = block.string("signature") {
                delta(events, index, "signature_delta", "signature", signature.as_bytes());
            }
        }
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            for piece in super::pieces(block.get("input").unwrap_or("{}")) {
                delta(events, index, "input_json_delta", "partial_json", &piece);
            }
        }
        _ => {}
    }
    event(events, "content_block_stop", |stop| stop.number("index", index));
    Some(())
}

fn texts(events: &mut Events, index: u64, kind: &str, member: &str, token: Option<&str>) {
    for piece in token.map(pieces_of).unwrap_or_default() {
        delta(events, index, kind, member, &piece);
    }
}

fn delta(events: &mut Events, index: u64, kind: &str, member: &str, value: &[u8]) {
    event(events, "content_block_delta", |event| {
        event.number("index", index);
        let mut delta = Object::begin(event.key("delta"));
        delta.text("type", kind);
        delta.key(member).extend_from_slice(value);
        delta.end();
    });
}

fn event(events: &mut Events, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
    let mut out = Vec::with_capacity(128);
    let mut object = Object::begin(&mut out);
    object.text("type", name);
    fill(&mut object);
    object.end();
    events.named(name, &out);
}
