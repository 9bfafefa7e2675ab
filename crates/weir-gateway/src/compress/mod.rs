//! Making a prompt shorter: lossless steps first, then sentences taken out until a target is met.
//!
//! Pure code over the JSON text of a request's messages. The steps, in their order: `lossless` (whitespace, bare
//! JSON, blocks that stand again) and `extract`. What may be changed at all is decided in `request`.
//!
//! Invariants: messages, parts, roles and every member but changed texts stay byte for byte; code blocks are changed
//! only with `include_code` and only as a whole; a request never gets more tokens; whatever the input is, it comes back
//! as JSON of the same form. The cost is n log n in the length at most; longer requests than [`MOST_BYTES`] are left
//! alone.
//!
//! The lossless steps of a message depend on the messages before it alone (and on whether it is the last turn), so that
//! a conversation that grows keeps a prefix that providers can cache. Extraction depends on the question and breaks it.

mod bare_json;
mod blocks;
mod extract;
mod inline_code;
mod lossless;
mod message;
mod passage;
mod repeated;
mod report;
mod request;
mod splice;
mod whitespace;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod property_tests;

use std::collections::HashSet;

use weir_core::token::count_text;

use crate::config::CompressConfig;
use passage::Source;
use report::Collector;
pub use report::{Removed, Report, Saved, What};
use request::Request;

/// Longer requests are left alone.
pub const MOST_BYTES: usize = 4 << 20;

/// What can be compressed, as JSON text.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The `messages` of a chat request.
    Chat(&'a str),
    /// An Anthropic Messages request.
    Messages {
        /// Its `system`: a string or a list of text blocks.
        system: Option<&'a str>,
        /// Its `messages`.
        messages: &'a str,
    },
    /// The `prompt` of a completion, if it is a string. Its first and last paragraph are the question; the last one
    /// stays byte for byte unless the last user turn may be changed.
    Prompt(&'a str),
}

impl Input<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Chat(text) | Self::Prompt(text) => text.len(),
            Self::Messages { system, messages } => system.map_or(0, str::len) + messages.len(),
        }
    }
}

/// A request that was read and counted, and perhaps changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compressed {
    /// The new `system`; `None` where it stays.
    pub system: Option<String>,
    /// The new `messages`, or the new `prompt`; `None` where it stays.
    pub main: Option<String>,
    /// What happened.
    pub report: Report,
}

/// Why a request was left alone without being read through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftAlone {
    /// Neither lossless steps nor a target are configured.
    Off,
    /// It has more than [`MOST_BYTES`].
    Large,
    /// It has fewer tokens than `min_tokens`.
    Small,
    /// It is not the list of messages, or the string, that it should be. Token lists as a prompt are among these.
    Malformed,
}

/// Counts tokens for a model.
#[derive(Clone, Copy)]
struct Counter<'m>(&'m str);

impl Counter<'_> {
    fn count(self, text: &str) -> u64 {
        count_text(self.0, text).tokens
    }
}

/// Compresses a request for a model.
///
/// # Errors
/// Why nothing was tried. A request in which nothing could be saved is no error: its report says so.
pub fn compress(input: Input<'_>, model: &str, config: &CompressConfig) -> Result<Compressed, LeftAlone> {
    let has_target = config.target_tokens.is_some() || config.target_ratio.is_some();
    if !config.lossless && !has_target {
        return Err(LeftAlone::Off);
    }
    if input.len() > MOST_BYTES {
        return Err(LeftAlone::Large);
    }
    // Images apart, nothing counts as more tokens than it has bytes.
    if (input.len() as u64) < config.min_tokens {
        return Err(LeftAlone::Small);
    }
    let counter = Counter(model);
    let mut request = Request::read(input, counter, config.include_last_user).ok_or(LeftAlone::Malformed)?;
    let before = request.tokens();
    if before < config.min_tokens {
        return Err(LeftAlone::Small);
    }
    let mut collector = Collector::default();
    let referred = if config.lossless {
        lossless::run(&mut request.passages, config.include_code, counter, &mut collector)
    } else {
        HashSet::new()
    };
    let target = config.target(before);
    let met = target.is_none_or(|target| {
        extract::run(&mut request, target, (config.include_code, &referred), counter, &mut collector)
    });
    let report = Report { target, target_missed: !met, ..collector.into_report(before, request.tokens()) };
    let (system, main) = match input {
        Input::Chat(text) | Input::Prompt(text) => (None, written(&request, Source::Main, text)),
        Input::Messages { system, messages } => (
            system.and_then(|system| written(&request, Source::System, system)),
            written(&request, Source::Main, messages),
        ),
    };
    Ok(Compressed { system, main, report })
}

/// A source with the changed passages in it; `None` where none changed.
fn written(request: &Request, source: Source, text: &str) -> Option<String> {
    let changed: Vec<_> = request
        .passages
        .iter()
        .filter(|passage| passage.source == source && passage.changed)
        .map(|passage| {
            let whole = [&*passage.text, &*passage.tail].concat();
            (passage.range.clone(), serde_json::Value::String(whole).to_string())
        })
        .collect();
    (!changed.is_empty()).then(|| splice::replace(text, changed.iter().map(|(range, new)| (range.clone(), &**new))))
}
