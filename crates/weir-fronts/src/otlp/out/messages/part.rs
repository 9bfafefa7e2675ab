//! One part of a message: text, picture, sound, file, call of a tool.

use serde_json::{Value, json};

/// A text.
pub(super) fn text(text: &str) -> Value {
    json!({"type": "text", "content": text})
}

/// What a model thought.
pub(super) fn reasoning(text: &str) -> Value {
    json!({"type": "reasoning", "content": text})
}

/// A call of a tool. Arguments that are the text of JSON are shown as what they say.
pub(super) fn tool_call(id: Option<&Value>, name: Option<&Value>, arguments: Option<&Value>) -> Value {
    let said = match arguments {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        _ => None,
    };
    json!({"type": "tool_call", "id": id, "name": name, "arguments": said.as_ref().or(arguments)})
}

/// The parts of a content: a text, a list of parts, or a single one.
pub(super) fn parts(content: &Value) -> Vec<Value> {
    match content {
        Value::Null => Vec::new(),
        Value::String(said) if said.is_empty() => Vec::new(),
        Value::String(said) => vec![text(said)],
        Value::Array(parts) => parts.iter().map(part).collect(),
        other => vec![part(other)],
    }
}

fn part(part: &Value) -> Value {
    let known = match part.get("type").and_then(Value::as_str) {
        _ if part.is_string() => part.as_str().map(text),
        Some("text" | "input_text" | "output_text") => member(part, "text").map(text),
        Some("refusal") => member(part, "refusal").map(text),
        Some("thinking") => member(part, "thinking").map(reasoning),
        Some("tool_use") => Some(tool_call(part.get("id"), part.get("name"), part.get("input"))),
        Some("server_tool_use") => {
            let call = part.get("input");
            let (id, name) = (part.get("id"), part.get("name"));
            Some(json!({"type": "server_tool_call", "id": id, "name": name, "server_tool_call": call}))
        }
        Some("tool_result") => {
            let (id, content) = (part.get("tool_use_id"), part.get("content"));
            Some(json!({"type": "tool_call_response", "id": id, "response": content}))
        }
        Some("image_url" | "input_image") => image(part),
        Some("input_audio") => part.get("input_audio").and_then(audio),
        Some(modality @ ("image" | "document")) => part.get("source").and_then(|from| source(from, modality)),
        Some("file" | "input_file") => file(part.get("file").unwrap_or(part)),
        _ => None,
    };
    known.unwrap_or_else(|| part.clone())
}

fn image(part: &Value) -> Option<Value> {
    let url = part.get("image_url");
    if let Some(url) = url.and_then(|url| url.as_str().or_else(|| member(url, "url"))) {
        return Some(at(url, "image"));
    }
    Some(json!({"type": "file", "modality": "image", "file_id": member(part, "file_id")?}))
}

/// What stands at an address, or within it.
fn at(url: &str, modality: &str) -> Value {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((mime, data)) => json!({"type": "blob", "mime_type": mime, "modality": modality, "content": data}),
        None => json!({"type": "uri", "modality": modality, "uri": url}),
    }
}

fn audio(audio: &Value) -> Option<Value> {
    let mime = format!("audio/{}", member(audio, "format").unwrap_or("wav"));
    Some(json!({"type": "blob", "mime_type": mime, "modality": "audio", "content": member(audio, "data")?}))
}

/// Anthropic's pictures and documents.
fn source(source: &Value, modality: &str) -> Option<Value> {
    match member(source, "type")? {
        "base64" => {
            let (mime, content) = (member(source, "media_type"), member(source, "data")?);
            Some(json!({"type": "blob", "mime_type": mime, "modality": modality, "content": content}))
        }
        "url" => Some(at(member(source, "url")?, modality)),
        "file" => Some(json!({"type": "file", "modality": modality, "file_id": member(source, "file_id")?})),
        _ => None,
    }
}

fn file(file: &Value) -> Option<Value> {
    if let Some(id) = member(file, "file_id") {
        return Some(json!({"type": "file", "modality": "document", "file_id": id}));
    }
    let url = member(file, "file_data").or_else(|| member(file, "file_url"))?;
    Some(at(url, "document"))
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
