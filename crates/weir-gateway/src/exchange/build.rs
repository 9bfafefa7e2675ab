//! The request to one target: the client's bytes with as few changes as the target needs, translated where it speaks
//! another protocol.

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use weir_core::error::{Code, Error};

use super::envelope::Envelope;
use crate::providers::{Endpoint, Wire};
use crate::routing::{Outgoing, Target};
use crate::snapshot::Snapshot;
use crate::translate::{TranslateError, chat_to_messages, messages_to_chat};

/// What turns the answer of the last target asked into the client's protocol.
#[derive(Clone, Debug)]
pub(super) enum Translation {
    /// The client speaks chat completions, the upstream Messages.
    FromMessages(chat_to_messages::RequestContext),
    /// The client speaks Messages, the upstream chat completions.
    FromChat(messages_to_chat::RequestContext),
}

/// Makes requests out of what the client sent.
pub(super) struct Builder<'a> {
    pub snapshot: &'a Snapshot,
    pub endpoint: Endpoint,
    pub body: &'a Bytes,
    pub envelope: &'a Envelope<'a>,
    pub headers: &'a HeaderMap,
    pub caller_key: Option<&'a [u8]>,
    pub stream: bool,
    pub created: u64,
    pub input_tokens: u64,
    pub translation: Mutex<Option<Translation>>,
}

impl Builder<'_> {
    /// The request to a target.
    pub(super) fn build(&self, target: &Target) -> Result<Outgoing, Error> {
        let provider = &target.provider;
        let (endpoint, body, translation) = match (self.endpoint, provider.kind.wire) {
            (Endpoint::Chat, Wire::Anthropic) => self.chat_to_messages(target)?,
            (Endpoint::Messages, Wire::OpenAi | Wire::Demo) => self.messages_to_chat(target)?,
            (Endpoint::Embeddings | Endpoint::Completions | Endpoint::Responses, Wire::Anthropic) => {
                let path = self.endpoint.path();
                let message = format!("provider \"{}\" (kind {}) has no {path}", provider.name, provider.kind.name);
                return Err(Error { param: Some("model".to_owned()), ..Error::new(Code::NotFound, message) });
            }
            (endpoint, _) => (endpoint, self.as_sent(target), None),
        };
        *self.translation.lock() = translation;
        if provider.kind.wire == Wire::Demo {
            return Ok(Outgoing::Demo(endpoint, body));
        }
        provider
            .request(endpoint, &target.model, self.headers, self.caller_key, body)
            .map(Outgoing::Network)
            .map_err(|e| Error::invalid("model", format!("the model {:?} cannot be asked for: {e}", target.model)))
    }

    /// The client's bytes; changed are the model's name, members that the target refuses, and the wish for usage.
    fn as_sent(&self, target: &Target) -> Bytes {
        let provider = &target.provider;
        let mut edits = self.envelope.edit();
        let name = json_string(&target.model);
        if self.envelope.get("model") != Some(&name) {
            edits.set("model", name);
        }
        edits.remove("cache");
        for member in &provider.drop {
            edits.remove(member);
        }
        if provider.strict_metadata && self.envelope.get("store") != Some("true") {
            edits.remove("metadata");
        }
        if provider.kind.wire == Wire::Anthropic
            && let Some(only) = user_id_only(self.envelope.get("metadata"))
        {
            // Anthropic refuses every other member there; they are for Weir.
            match only {
                Some(metadata) => edits.set("metadata", metadata),
                None => edits.remove("metadata"),
            }
        }
        let has_stream_options = matches!(self.endpoint, Endpoint::Chat | Endpoint::Completions);
        if self.stream && provider.stream_usage && has_stream_options {
            match self.envelope.get("stream_options") {
                None => edits.set("stream_options", "{\"include_usage\":true}"),
                Some(given) => {
                    if let Some(with) = with_usage(given) {
                        edits.set("stream_options", with);
                    }
                }
            }
        }
        edits.apply(self.body)
    }

    fn chat_to_messages(&self, target: &Target) -> Result<(Endpoint, Bytes, Option<Translation>), Error> {
        let known = self.snapshot.prices.lookup(target.provider.kind.name, &target.model);
        let recent = is_recent_claude(&target.model);
        let options = chat_to_messages::RequestOptions {
            model: &target.model,
            default_max_tokens: known.and_then(|m| m.max_out),
            drop_params: self.snapshot.config.gateway.drop_params,
            native_json_schema: recent,
            native_effort: recent,
        };
        let (body, mut context) =
            chat_to_messages::request_with_context(self.body, &options).map_err(|e| refused(&e))?;
        context.created = self.created;
        // The client sees the upstream's name of the model, as it does without a translation.
        context.model.clear();
        // The reader hides it again where the client did not ask.
        context.include_usage = true;
        Ok((Endpoint::Messages, body.into(), Some(Translation::FromMessages(context))))
    }

    fn messages_to_chat(&self, target: &Target) -> Result<(Endpoint, Bytes, Option<Translation>), Error> {
        let options = messages_to_chat::RequestOptions {
            model: &target.model,
            drop_params: self.snapshot.config.gateway.drop_params,
            max_completion_tokens: target.provider.strict_metadata,
            reasoning_effort: is_reasoning_model(&target.model),
            keep_thinking: target.provider.kind.name == "openrouter",
            keep_cache_control: target.provider.kind.name == "openrouter",
        };
        let (body, mut context) =
            messages_to_chat::request_with_context(self.body, &options).map_err(|e| refused(&e))?;
        context.input_tokens = self.input_tokens;
        context.model.clear();
        Ok((Endpoint::Chat, body.into(), Some(Translation::FromChat(context))))
    }
}

/// Claude models from 4.5 on take JSON schemas and effort as they are.
fn is_recent_claude(model: &str) -> bool {
    let version: Vec<u32> = model
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| (1..=2).contains(&digits.len()))
        .filter_map(|digits| digits.parse().ok())
        .collect();
    match version[..] {
        [major, minor, ..] => (major, minor) >= (4, 5),
        [major] => major >= 5,
        [] => false,
    }
}

/// OpenAI's reasoning models: o1, o3, o4, ..., gpt-5 and later, gpt-oss.
fn is_reasoning_model(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let digit_after = |prefix: &str, least: u8| {
        name.strip_prefix(prefix).and_then(|rest| rest.bytes().next()).is_some_and(|b| b.is_ascii_digit() && b >= least)
    };
    digit_after("o", b'1') || digit_after("gpt-", b'5') || name.starts_with("gpt-oss")
}

fn refused(error: &TranslateError) -> Error {
    let param = error.member().map(str::to_owned);
    Error { param, ..Error::new(Code::InvalidRequest, error.to_string()) }
}

/// What remains of `metadata` where only `user_id` may stand; `None` where nothing has to go.
fn user_id_only(metadata: Option<&str>) -> Option<Option<String>> {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(metadata?).ok()?;
    if members.is_empty() || members.keys().all(|name| name == "user_id") {
        return None;
    }
    Some(members.get("user_id").map(|id| format!("{{\"user_id\":{id}}}")))
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Stream options that ask for usage, unless they do already.
fn with_usage(given: &str) -> Option<String> {
    let mut options: serde_json::Map<String, serde_json::Value> = serde_json::from_str(given).ok()?;
    let before = options.insert("include_usage".to_owned(), true.into());
    (before != Some(true.into())).then(|| serde_json::Value::Object(options).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_versions_are_told_apart() {
        for recent in
            ["claude-opus-4-5", "claude-sonnet-4-5-20250929", "claude-haiku-5-5", "claude-opus-4-6", "claude-sonnet-5"]
        {
            assert!(is_recent_claude(recent), "{recent}");
        }
        for old in ["claude-3-5-sonnet-20241022", "claude-opus-4-1", "claude-sonnet-4-20250514", "claude-instant"] {
            assert!(!is_recent_claude(old), "{old}");
        }
    }

    #[test]
    fn anthropic_gets_the_user_and_nothing_else() {
        let of = |metadata| user_id_only(Some(metadata));
        assert_eq!((user_id_only(None), of("{}"), of(r#"{"user_id":"u"}"#), of("7")), (None, None, None, None));
        assert_eq!(of(r#"{"department":"it"}"#), Some(None));
        assert_eq!(of(r#"{"prompt":"a","user_id":"u"}"#), Some(Some(r#"{"user_id":"u"}"#.into())));
    }

    #[test]
    fn usage_is_asked_for_once() {
        assert_eq!(with_usage("{\"include_usage\":true}"), None);
        assert_eq!(
            with_usage("{\"include_obfuscation\":false}").as_deref(),
            Some("{\"include_obfuscation\":false,\"include_usage\":true}")
        );
    }
}
