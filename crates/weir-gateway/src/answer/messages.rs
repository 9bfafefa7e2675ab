//! Anthropic Messages.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::token::usage;

use super::{Passed, Reader, ReaderOptions, Summary, error_message, parse, push_bounded, refuse_error};
use crate::sse::Event;

/// Most content blocks that are kept of one answer.
const MAX_BLOCKS: usize = 512;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    r#type: Option<Cow<'a, str>>,
    #[serde(default)]
    index: usize,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Input {
    input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default, alias = "partial_json", alias = "thinking", alias = "signature")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
}

#[derive(Default)]
struct Block {
    start: String,
    text: String,
    signature: String,
}

/// Reads Messages.
pub(super) struct MessagesReader {
    options: ReaderOptions,
    id: String,
    blocks: Vec<Block>,
    summary: Summary,
    done: bool,
}

impl MessagesReader {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self { options, id: String::new(), blocks: Vec::new(), summary: Summary::default(), done: false }
    }

    fn take(&mut self, message: &Message<'_>) {
        if let Some(id) = &message.id {
            self.id = id.clone().into_owned();
        }
        if let Some(model) = &message.model {
            self.summary.model = Some(model.clone().into_owned());
        }
        if let Some(reason) = &message.stop_reason {
            self.summary.finish_reason = Some(reason.clone().into_owned());
        }
        if let Some(raw) = message.usage {
            self.take_usage(raw);
        }
    }

    /// Counts are cumulative: what a later event says replaces what an earlier one said. Most later events name the
    /// output only, and keep the input of the first.
    fn take_usage(&mut self, raw: &RawValue) {
        let Some(counts) = usage::from_anthropic(raw.get().as_bytes()) else { return };
        let is_whole =
            serde_json::from_str::<Input>(raw.get()).is_ok_and(|said| said.input_tokens.is_some_and(|n| n > 0));
        self.summary.usage = Some(match self.summary.usage {
            Some(start) if !is_whole => usage::merge_anthropic(start, counts),
            _ => counts,
        });
    }

    fn take_delta(&mut self, index: usize, delta: &Delta<'_>) {
        let (Some(block), Some(text)) = (self.blocks.get_mut(index), &delta.text) else { return };
        let target = match delta.r#type.as_deref() {
            Some("signature_delta") => &mut block.signature,
            _ => &mut block.text,
        };
        push_bounded(target, text, self.options.max_text);
    }
}

impl Reader for MessagesReader {
    fn whole(&mut self, body: &[u8]) -> Result<(), String> {
        if let Some(message) = parse::<Message<'_>>(body)? {
            refuse_error(message.error)?;
            self.take(&message);
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Passed {
        let Some(text) = event.data.as_deref().and_then(|d| std::str::from_utf8(d).ok()) else { return Passed::AsIs };
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(text) else { return Passed::AsIs };
        match chunk.r#type.as_deref().unwrap_or_default() {
            "message_start" => {
                if let Some(message) = &chunk.message {
                    self.take(message);
                }
            }
            "content_block_start" if chunk.index < MAX_BLOCKS => {
                if self.blocks.len() <= chunk.index {
                    self.blocks.resize_with(chunk.index + 1, Block::default);
                }
                if let Some(raw) = chunk.content_block {
                    push_bounded(&mut self.blocks[chunk.index].start, raw.get(), self.options.max_text);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = &chunk.delta {
                    self.take_delta(chunk.index, delta);
                }
            }
            "message_delta" => {
                if let Some(reason) = chunk.delta.and_then(|d| d.stop_reason) {
                    self.summary.finish_reason = Some(reason.into_owned());
                }
                if let Some(raw) = chunk.usage {
                    self.take_usage(raw);
                }
            }
            "message_stop" => self.done = true,
            "error" => return Passed::Error(error_message(text)),
            _ => {}
        }
        Passed::AsIs
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn is_final(&self) -> bool {
        self.done
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn text(&self) -> String {
        self.blocks.iter().map(|b| b.text.as_str()).collect()
    }

    fn assembled(&self) -> String {
        use serde_json::{Value, json};
        let content: Vec<Value> = self
            .blocks
            .iter()
            .map(|block| {
                let mut value: Value = serde_json::from_str(&block.start).unwrap_or_else(|_| json!({"type": "text"}));
                let (member, filled) = match value.get("type").and_then(Value::as_str) {
                    Some("tool_use" | "server_tool_use") => {
                        ("input", serde_json::from_str(&block.text).unwrap_or_else(|_| json!({})))
                    }
                    Some("thinking") => ("thinking", Value::from(block.text.as_str())),
                    _ => ("text", Value::from(block.text.as_str())),
                };
                if let Some(object) = value.as_object_mut() {
                    if !block.text.is_empty() || member != "text" {
                        object.insert(member.to_owned(), filled);
                    }
                    if !block.signature.is_empty() {
                        object.insert("signature".to_owned(), Value::from(block.signature.as_str()));
                    }
                }
                value
            })
            .collect();
        json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.summary.model,
            "content": content,
            "stop_reason": self.summary.finish_reason,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Splitter;

    #[test]
    fn puts_a_stream_together() {
        let stream = concat!(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n",
            "event: ping\ndata: {\"type\":\"ping\"}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":1}\"}}\n\n",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":7}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        );
        let mut reader = MessagesReader::new(ReaderOptions { client_wants_usage: true, choices: 1, max_text: 100 });
        let mut splitter = Splitter::new(10_000);
        splitter.push(stream.as_bytes());
        while let Some(event) = splitter.next_event().unwrap() {
            assert_eq!(reader.event(&event), Passed::AsIs);
        }
        assert!(reader.is_complete());
        let usage = reader.summary().usage.unwrap();
        assert_eq!((usage.prompt, usage.cached, usage.completion), (10, 4, 7));
        assert_eq!(
            reader.assembled(),
            r#"{"id":"m1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use"}"#
        );
    }
}
