//! OpenAI Responses: the last event carries the whole answer, so that nothing needs to be put together.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::token::usage;

use super::{Passed, Reader, ReaderOptions, Summary, error_message, parse, push_bounded};
use crate::sse::Event;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads Responses.
pub(super) struct ResponsesReader {
    options: ReaderOptions,
    text: String,
    whole: Option<String>,
    summary: Summary,
    done: bool,
}

impl ResponsesReader {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self { options, text: String::new(), whole: None, summary: Summary::default(), done: false }
    }

    fn take(&mut self, text: &str) -> Option<String> {
        self.note(serde_json::from_str::<Answer<'_>>(text).ok()?)
    }

    /// Notes what an answer says of itself; returns its failure.
    fn note(&mut self, answer: Answer<'_>) -> Option<String> {
        if let Some(model) = answer.model {
            self.summary.model = Some(model.into_owned());
        }
        if let Some(status) = answer.status {
            self.summary.finish_reason = Some(status.into_owned());
        }
        if let Some(counts) = answer.usage.and_then(|raw| usage::from_openai(raw.get().as_bytes())) {
            self.summary.usage = Some(counts);
        }
        answer.error.map(|raw| error_message(raw.get()))
    }
}

impl Reader for ResponsesReader {
    fn whole(&mut self, body: &[u8]) -> Result<(), String> {
        if let Some(answer) = parse::<Answer<'_>>(body)? {
            self.note(answer);
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Passed {
        let Some(text) = event.data.as_deref().and_then(|d| std::str::from_utf8(d).ok()) else { return Passed::AsIs };
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(text) else { return Passed::AsIs };
        match chunk.r#type.as_deref().unwrap_or_default() {
            "response.output_text.delta" | "response.function_call_arguments.delta" | "response.refusal.delta" => {
                if let Some(Ok(piece)) = chunk.delta.map(|raw| serde_json::from_str::<String>(raw.get())) {
                    push_bounded(&mut self.text, &piece, self.options.max_text);
                }
            }
            "response.created" => {
                if let Some(raw) = chunk.response {
                    self.take(raw.get());
                }
            }
            kind @ ("response.completed" | "response.incomplete" | "response.failed") => {
                self.done = true;
                if let Some(raw) = chunk.response {
                    let failure = self.take(raw.get());
                    self.whole = Some(raw.get().to_owned());
                    if kind == "response.failed" {
                        return Passed::Error(failure.unwrap_or_else(|| "the response failed".to_owned()));
                    }
                }
            }
            "error" => {
                self.done = true;
                return Passed::Error(error_message(text));
            }
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
        self.text.clone()
    }

    fn assembled(&self) -> String {
        self.whole.clone().unwrap_or_else(|| {
            serde_json::json!({
                "object": "response",
                "model": self.summary.model,
                "output": [{"type": "message", "content": [{"type": "output_text", "text": self.text}]}],
            })
            .to_string()
        })
    }
}
