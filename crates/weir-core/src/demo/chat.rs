use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::token::{count_messages, count_text};

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

/// An answer to a chat request, not yet in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatAnswer {
    id: String,
    model: String,
    words: Vec<String>,
    finish: &'static str,
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// Answers a chat request in OpenAI's form. The same request gets the same answer, its id included.
///
/// # Errors
/// When `messages` cannot be read.
pub fn chat(model: &str, body: &[u8]) -> Result<ChatAnswer, Error> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|e| Error::invalid("messages", format!("\"messages\" cannot be read: {e}")))?;
    let said = request.messages.last().map(|m| text_of(&m.content)).unwrap_or_default();
    let full = if model == "lorem" { FILLER.to_owned() } else { format!("[demo] You said: {said}") };
    let limit = request.max_completion_tokens.or(request.max_tokens).unwrap_or(MAX_WORDS).min(MAX_WORDS);
    let mut words: Vec<String> = full.split_inclusive(char::is_whitespace).map(str::to_owned).collect();
    let finish = if words.len() > limit { "length" } else { "stop" };
    words.truncate(limit);
    let completion_tokens = count_text("gpt-4o", &words.concat()).tokens;
    Ok(ChatAnswer {
        id: format!("chatcmpl-demo-{}", hex::encode(&Sha256::digest(body)[..8])),
        model: format!("demo/{model}"),
        words,
        finish,
        prompt_tokens: count_messages("gpt-4o", &messages_text(body)).tokens,
        completion_tokens,
    })
}

impl ChatAnswer {
    fn usage(&self) -> Value {
        let (prompt, completion) = (self.prompt_tokens, self.completion_tokens);
        json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
    }

    /// As one `chat.completion`.
    #[must_use]
    pub fn whole(&self) -> Value {
        json!({
            "id": self.id, "object": "chat.completion", "created": 0, "model": self.model,
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": self.words.concat()},
                "finish_reason": self.finish,
            }],
            "usage": self.usage(),
        })
    }

    /// As the `chat.completion.chunk`s of a stream, one word each, the usage last.
    #[must_use]
    pub fn chunks(&self) -> Vec<Value> {
        let chunk = |choices: Value, usage: Value| {
            json!({
                "id": self.id, "object": "chat.completion.chunk", "created": 0, "model": self.model,
                "choices": choices, "usage": usage,
            })
        };
        let delta = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        let mut chunks = vec![chunk(delta(json!({"role": "assistant", "content": ""}), Value::Null), Value::Null)];
        chunks.extend(self.words.iter().map(|word| chunk(delta(json!({"content": word}), Value::Null), Value::Null)));
        chunks.push(chunk(delta(json!({}), json!(self.finish)), Value::Null));
        chunks.push(chunk(json!([]), self.usage()));
        chunks
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        br#"{"messages":[{"role":"user","content":[{"type":"text","text":"good day"}]}],"max_tokens":4}"#;

    #[test]
    fn a_stream_says_what_the_whole_says() {
        let answer = chat("echo", BODY).unwrap();
        let whole = answer.whole();
        assert_eq!(whole["choices"][0]["message"]["content"], "[demo] You said: good ");
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
        assert_eq!(whole["model"], "demo/echo");
        let chunks = answer.chunks();
        let streamed: String =
            chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
        assert_eq!(streamed, "[demo] You said: good ");
        assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
        assert_eq!(chat("echo", BODY).unwrap(), answer, "the same request, the same answer");
    }

    #[test]
    fn what_is_no_chat_request_is_refused_by_name() {
        assert_eq!(chat("echo", b"{}").unwrap_err().param.as_deref(), Some("messages"));
    }
}
