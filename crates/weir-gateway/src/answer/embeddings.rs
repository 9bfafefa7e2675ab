//! Embeddings: only the model and the usage are read; there is no text and no stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use weir_core::token::usage;

use super::{Passed, Reader, Summary, parse, refuse_error};
use crate::sse::Event;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads embeddings.
#[derive(Default)]
pub(super) struct EmbeddingsReader {
    summary: Summary,
}

impl Reader for EmbeddingsReader {
    fn whole(&mut self, body: &[u8]) -> Result<(), String> {
        if let Some(answer) = parse::<Answer<'_>>(body)? {
            refuse_error(answer.error)?;
            self.summary.model = answer.model.map(Cow::into_owned);
            self.summary.usage = answer.usage.and_then(|raw| usage::from_openai(raw.get().as_bytes()));
        }
        Ok(())
    }

    fn event(&mut self, _event: &Event) -> Passed {
        Passed::AsIs
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn is_final(&self) -> bool {
        true
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }

    fn text(&self) -> String {
        String::new()
    }

    fn assembled(&self) -> String {
        String::new()
    }
}
