//! Reading answers as they pass: usage, finish reason, errors and text, for the record and the price.
//! One reader per form of answer. A reader works on the form that the client sees, after any translation.
//!
//! Invariant: a reader never changes what it does not understand; it only hides usage that the client did not ask for.

mod chat;
pub(crate) mod check;
mod completions;
mod embeddings;
mod messages;
mod responses;

use bytes::Bytes;
use weir_core::token::TokenCounts;

use crate::providers::Endpoint;
use crate::sse::Event;

/// What an answer said of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The model that the answer names.
    pub model: Option<String>,
    /// Why the (first) choice ended.
    pub finish_reason: Option<String>,
    /// Tokens as the provider reported them.
    pub usage: Option<TokenCounts>,
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It goes on as it came.
    AsIs,
    /// It goes on with these bytes.
    Changed(Bytes),
    /// The client does not see it.
    Hidden,
    /// It is an error of the upstream in the middle of the stream: the message. It goes on as it came.
    Error(String),
}

/// Reads one answer, whole or event by event.
pub trait Reader: Send {
    /// Reads a whole answer.
    ///
    /// # Errors
    /// When it is not JSON, or an error that was sent as a success: what is wrong. JSON of an unknown shape is left
    /// unread.
    fn whole(&mut self, body: &[u8]) -> Result<(), String>;

    /// Reads one event of a streamed answer.
    fn event(&mut self, event: &Event) -> Passed;

    /// Whether the answer is all there; what may still come is usage and the end mark.
    fn is_complete(&self) -> bool;

    /// Whether the stream's end mark has been seen: nothing comes after it.
    fn is_final(&self) -> bool;

    /// What the answer said of itself so far.
    fn summary(&self) -> &Summary;

    /// The text that the model produced, for counting its tokens.
    fn text(&self) -> String;

    /// A streamed answer in the form of a whole one.
    fn assembled(&self) -> String;

    /// The bytes that end a stream whose upstream left them out.
    fn closing(&self) -> &'static [u8] {
        b""
    }
}

/// A reader for an endpoint's answers.
#[must_use]
pub fn reader(endpoint: Endpoint, options: ReaderOptions) -> Box<dyn Reader> {
    match endpoint {
        Endpoint::Chat => Box::new(chat::ChatReader::new(options)),
        Endpoint::Completions => Box::new(completions::CompletionsReader::new(options)),
        Endpoint::Embeddings => Box::new(embeddings::EmbeddingsReader::default()),
        Endpoint::Responses => Box::new(responses::ResponsesReader::new(options)),
        Endpoint::Messages => Box::new(messages::MessagesReader::new(options)),
    }
}

/// What a reader needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ReaderOptions {
    /// Whether the client asked for usage in the stream.
    pub client_wants_usage: bool,
    /// Choices that were asked for.
    pub choices: usize,
    /// Most bytes of text that are kept.
    pub max_text: usize,
}

/// Reads JSON; one of another shape than expected is `None`, what is no JSON an error.
fn parse<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<Option<T>, String> {
    let parsed = match serde_json::from_slice(body) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_data() => serde_json::from_slice::<serde::de::IgnoredAny>(body).map(|_| None),
        Err(error) => Err(error),
    };
    parsed.map_err(|error| format!("a body that is not JSON: {error}"))
}

/// The refusal of an error that came with a status of success.
fn refuse_error(raw: Option<&serde_json::value::RawValue>) -> Result<(), String> {
    match raw.map(serde_json::value::RawValue::get) {
        None | Some("null" | "false" | "\"\"" | "{}") => Ok(()),
        Some(text) => Err(format!("an error: {}", error_message(text))),
    }
}

/// Appends to a text up to a bound.
fn push_bounded(text: &mut String, piece: &str, max: usize) {
    let room = max.saturating_sub(text.len());
    text.push_str(&piece[..piece.floor_char_boundary(room.min(piece.len()))]);
}

/// Whether a first event is an error, so that another deployment can still be tried: its message.
#[must_use]
pub fn first_event_error(event: &Event) -> Option<String> {
    let data = event.data.as_deref()?;
    if event.name.as_deref() != Some(b"error") && !data.starts_with(b"{\"error\"") {
        return None;
    }
    Some(error_message(std::str::from_utf8(data).ok()?))
}

/// The message within an error envelope of any form.
fn error_message(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let error = value.get("error").unwrap_or(&value);
    let message = error.get("message").unwrap_or(error);
    match message {
        serde_json::Value::String(s) => s.clone(),
        serde_json::Value::Null => "the upstream reported an error without a message".to_owned(),
        other => other.to_string(),
    }
}
