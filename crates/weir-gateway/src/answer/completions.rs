//! OpenAI completions of a plain prompt.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::token::usage;

use super::{Passed, Reader, ReaderOptions, Summary, error_message, parse, push_bounded, refuse_error};
use crate::sse::Event;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

/// Reads completions.
pub(super) struct CompletionsReader {
    options: ReaderOptions,
    id: String,
    text: String,
    summary: Summary,
    done: bool,
}

impl CompletionsReader {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self { options, id: String::new(), text: String::new(), summary: Summary::default(), done: false }
    }

    fn take(&mut self, chunk: &Chunk<'_>) {
        if self.id.is_empty() {
            self.id = chunk.id.as_deref().unwrap_or_default().to_owned();
        }
        if self.summary.model.is_none() {
            self.summary.model = chunk.model.as_deref().map(str::to_owned);
        }
        if let Some(counts) = chunk.usage.and_then(|raw| usage::from_openai(raw.get().as_bytes())) {
            self.summary.usage = Some(counts);
        }
        for choice in chunk.choices.iter().flatten() {
            if let Some(text) = &choice.text {
                push_bounded(&mut self.text, text, self.options.max_text);
            }
            if let Some(reason) = &choice.finish_reason {
                self.summary.finish_reason = Some(reason.clone().into_owned());
            }
        }
    }
}

impl Reader for CompletionsReader {
    fn whole(&mut self, body: &[u8]) -> Result<(), String> {
        if let Some(chunk) = parse::<Chunk<'_>>(body)? {
            refuse_error(chunk.error.filter(|_| chunk.choices.is_none()))?;
            self.take(&chunk);
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Passed {
        let Some(data) = &event.data else { return Passed::AsIs };
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return Passed::AsIs;
        }
        let Ok(text) = std::str::from_utf8(data) else { return Passed::AsIs };
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(text) else { return Passed::AsIs };
        if chunk.error.is_some() {
            return Passed::Error(error_message(text));
        }
        self.take(&chunk);
        let usage_alone = chunk.usage.is_some() && chunk.choices.as_ref().is_some_and(Vec::is_empty);
        if usage_alone && !self.options.client_wants_usage { Passed::Hidden } else { Passed::AsIs }
    }

    fn is_complete(&self) -> bool {
        self.done || self.summary.finish_reason.is_some()
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
        serde_json::json!({
            "id": self.id,
            "object": "text_completion",
            "model": self.summary.model,
            "choices": [{"text": self.text, "index": 0, "finish_reason": self.summary.finish_reason}],
        })
        .to_string()
    }

    fn closing(&self) -> &'static [u8] {
        if self.done { b"" } else { b"data: [DONE]\n\n" }
    }
}
