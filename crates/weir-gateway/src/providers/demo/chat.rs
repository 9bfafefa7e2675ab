use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use weir_core::error::Error;
use weir_core::token::{count_messages, count_text};

use super::Made;
use crate::upstream::UpstreamBody;

/// The pause between the pieces of a stream: slow enough to be seen.
const PAUSE: Duration = Duration::from_millis(20);
const FILLER: &str = "A weir stands across a river: everything flows through it, it measures the flow, and it can \
                      regulate it.";
/// Longest answer in words.
const MAX_WORDS: usize = 2_000;

#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
}

pub(super) fn answer(model: &str, body: &[u8], stream: bool) -> Result<Made, Error> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|e| Error::invalid("messages", format!("\"messages\" cannot be read: {e}")))?;
    let said = request.messages.last().map(|m| text_of(&m.content)).unwrap_or_default();
    let full = if model == "lorem" { FILLER.to_owned() } else { format!("[demo] You said: {said}") };
    let limit = request.max_completion_tokens.or(request.max_tokens).unwrap_or(MAX_WORDS).min(MAX_WORDS);
    let words: Vec<&str> = full.split_inclusive(char::is_whitespace).collect();
    let finish = if words.len() > limit { "length" } else { "stop" };
    let words = &words[..words.len().min(limit)];

    // The id depends on the request only, so that the same request gives the same answer.
    let id = format!("chatcmpl-demo-{}", hex::encode(&Sha256::digest(body)[..8]));
    let text: String = words.concat();
    let prompt = count_messages("gpt-4o", &messages_text(body)).tokens;
    let completion = count_text("gpt-4o", &text).tokens;
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion});
    let model = format!("demo/{model}");
    if !stream {
        let whole = json!({
            "id": id, "object": "chat.completion", "created": 0, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
            "usage": usage,
        });
        return Ok(Made::Whole(whole.to_string().into()));
    }
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": 0, "model": model, "choices": choices, "usage": usage,
        });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let mut pieces = vec![chunk(delta(json!({"role": "assistant", "content": ""}), Value::Null), Value::Null)];
    pieces.extend(words.iter().map(|word| chunk(delta(json!({"content": word}), Value::Null), Value::Null)));
    pieces.push(chunk(delta(json!({}), json!(finish)), Value::Null));
    pieces.push(chunk(json!([]), usage));
    pieces.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Ok(Made::Stream(UpstreamBody::made(pieces.into(), PAUSE)))
}

/// A string, or the text parts of a list.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|p| p.get("text")?.as_str()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn messages_text(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow)]
        messages: &'a serde_json::value::RawValue,
    }
    serde_json::from_slice::<Raw<'_>>(body).map(|raw| raw.messages.get().to_owned()).unwrap_or_default()
}
