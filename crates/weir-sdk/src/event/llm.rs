use std::time::SystemTime;

use serde_json::Value;
use weir_core::id::SpanId;
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, TokenSource};
use weir_core::token::TokenCounts;

use super::Moment;
use super::check::{self, label, len};
use super::labels::Labels;
use crate::error::SdkError;

/// A call of a language model: a row of `llm_calls`. Only the model must be there.
///
/// ```
/// use weir_sdk::{LlmCall, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// logger.log_llm_call(LlmCall {
///     prompt: Some("How do I reset my password?".into()),
///     response: Some("Choose \"Forgot password\" and follow the mail.".into()),
///     prompt_version: Some("v2".into()),
///     prompt_tokens: Some(9),
///     completion_tokens: Some(11),
///     latency_ms: Some(412.5),
///     ..LlmCall::new("gpt-4o-mini")
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LlmCall {
    /// When it began; past times are taken as they are. Without it, it has just ended.
    pub timestamp: Option<SystemTime>,
    /// The request that it is a part of; without it, the current step's, else it is a request of its own.
    pub request_id: Option<String>,
    /// Version of the prompt.
    pub prompt_version: Option<String>,
    /// The model that was asked: `gpt-4o`, or `provider/model`.
    pub model: String,
    /// What was sent: a text, or the JSON of messages.
    pub prompt: Option<String>,
    /// What was answered.
    pub response: Option<String>,
    /// Input tokens, cached ones included.
    pub prompt_tokens: Option<i64>,
    /// Output tokens, reasoning included.
    pub completion_tokens: Option<i64>,
    /// All tokens. Needed only where one of the two others is not known; not read when both are.
    pub total_tokens: Option<i64>,
    /// How long it took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// What it cost in US dollars; without it, it is worked out from the price list, if the model is in it.
    pub cost: Option<f64>,
    /// How it ended: `success`, `error`, `cached`, `rate_limited`, `blocked` or `cancelled`; without it by `error`.
    pub status: Option<String>,
    /// The failure's message.
    pub error: Option<String>,
    /// Anything more; a member `department`, `user`, `session`, `prompt_name` or `prompt_version` counts as the field
    /// of that name, if that is empty.
    pub metadata: Option<Value>,
    /// The provider that answered.
    pub provider: Option<String>,
    /// The department that pays.
    pub department: Option<String>,
    /// The end user.
    pub user: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The workflow that it is a step of; without it the current step's.
    pub workflow: Option<String>,
    /// Name of the prompt.
    pub prompt_name: Option<String>,
    /// The span that it is a step of; without it the current step.
    pub parent: Option<SpanId>,
}

impl LlmCall {
    /// A call of a model, all else to be filled in.
    ///
    /// ```
    /// let call = weir_sdk::LlmCall { latency_ms: Some(80.0), ..weir_sdk::LlmCall::new("gpt-4o") };
    /// assert_eq!(call.model, "gpt-4o");
    /// ```
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<(), SdkError> {
        check::name("model", &self.model)?;
        check::request_id(self.request_id.as_deref())?;
        check::tokens("prompt_tokens", self.prompt_tokens)?;
        check::tokens("completion_tokens", self.completion_tokens)?;
        check::tokens("total_tokens", self.total_tokens)?;
        if let (Some(part), None) | (None, Some(part)) = (self.prompt_tokens, self.completion_tokens)
            && let Some(total) = self.total_tokens
            && total < part
        {
            let problem = format!("is {total}, less than the {part} tokens of its part");
            return Err(SdkError::invalid("total_tokens", problem));
        }
        check::latency(self.latency_ms)?;
        check::cost(self.cost)?;
        check::status(self.status.as_deref())
    }

    pub(super) fn weight(&self) -> usize {
        let texts = [&self.prompt, &self.response, &self.error].map(|text| len(text.as_ref()));
        check::BASE_WEIGHT + texts.iter().sum::<usize>() + check::value_weight(self.metadata.as_ref())
    }

    pub(super) fn into_span(self, moment: &Moment) -> Span {
        let tokens = self.tokens();
        let (start, end) = check::times(self.timestamp, self.latency_ms, moment.now);
        let member = |names: &[&str]| member(self.metadata.as_ref(), names);
        let labels = Labels {
            department: label(self.department).or_else(|| member(&["department"])),
            user: label(self.user).or_else(|| member(&["user", "user_id"])),
            session: label(self.session).or_else(|| member(&["session", "session_id", "thread_id", "conversation_id"])),
            request_id: self.request_id,
            workflow: self.workflow,
            parent: self.parent,
        };
        let mut span = Span {
            kind: Some(SpanKind::Llm),
            operation: Some("chat".to_owned()),
            start_us: Some(start),
            end_us: Some(end),
            status: Some(check::status_of(self.status.as_deref(), self.error.as_deref())),
            provider: label(self.provider),
            model: Some(self.model),
            prompt_name: label(self.prompt_name).or_else(|| member(&["prompt_name"])),
            prompt_version: label(self.prompt_version).or_else(|| member(&["prompt_version"])),
            tokens,
            token_source: tokens.map(|_| TokenSource::Provider),
            cost: self.cost.map(NanoUsd::from_usd),
            input: self.prompt,
            output: self.response,
            error: self.error,
            ..labels.into_span(moment)
        };
        if let Some(metadata) = self.metadata.filter(|value| !value.is_null()) {
            span.attributes.insert("metadata".to_owned(), metadata.to_string());
        }
        span
    }

    /// The counts, as far as they are known.
    fn tokens(&self) -> Option<TokenCounts> {
        let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
        let total = count(self.total_tokens);
        let rest = |part: u64| total.map_or(0, |total| total.saturating_sub(part));
        match (count(self.prompt_tokens), count(self.completion_tokens)) {
            (Some(prompt), Some(completion)) => Some(TokenCounts::of(prompt, completion)),
            (Some(prompt), None) => Some(TokenCounts::of(prompt, rest(prompt))),
            (None, Some(completion)) => Some(TokenCounts::of(rest(completion), completion)),
            (None, None) => total.map(|total| TokenCounts::of(total, 0)),
        }
    }
}

/// A simple member of the metadata as a label.
fn member(metadata: Option<&Value>, names: &[&str]) -> Option<String> {
    let members = metadata?.as_object()?;
    label(names.iter().find_map(|name| match members.get(*name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::new_span_id;
    use super::*;
    use serde_json::json;
    use weir_core::id::TraceId;
    use weir_core::span::Status;

    fn span(call: LlmCall) -> Span {
        assert_eq!(call.check(), Ok(()));
        call.into_span(&Moment { span_id: new_span_id(), now: 1_000_000, within: None })
    }

    #[test]
    fn missing_counts_come_from_the_total() {
        let tokens = |prompt_tokens, completion_tokens, total_tokens| {
            span(LlmCall { prompt_tokens, completion_tokens, total_tokens, ..LlmCall::new("m") }).tokens
        };
        assert_eq!(tokens(Some(3), Some(4), None), Some(TokenCounts::of(3, 4)));
        assert_eq!(tokens(Some(3), None, Some(7)), Some(TokenCounts::of(3, 4)));
        assert_eq!(tokens(None, Some(4), Some(7)), Some(TokenCounts::of(3, 4)));
        assert_eq!(tokens(None, None, Some(7)), Some(TokenCounts::of(7, 0)));
        assert_eq!(tokens(None, None, None), None);
        let less = LlmCall { prompt_tokens: Some(9), total_tokens: Some(7), ..LlmCall::new("m") };
        assert!(matches!(less.check(), Err(SdkError::Invalid { field: "total_tokens", .. })));
    }

    #[test]
    fn a_request_is_a_trace_and_an_error_says_how_it_ended() {
        let failed = span(LlmCall {
            request_id: Some("req-1".into()),
            error: Some("timeout".into()),
            latency_ms: Some(250.0),
            ..LlmCall::new("m")
        });
        assert_eq!(failed.trace_id, TraceId::of_request("req-1"));
        assert_eq!((failed.status, failed.latency_us()), (Some(Status::Error), Some(250_000)));
        let own = span(LlmCall::new("m"));
        assert_eq!(own.trace_id, TraceId::of_request(own.request_id.as_deref().unwrap()));
        assert_eq!(own.status, Some(Status::Success));
    }

    #[test]
    fn metadata_fills_labels_that_are_not_said() {
        let metadata = json!({"department": "it", "user_id": 7, "team": "a", "prompt_version": "v1"});
        let span =
            span(LlmCall { metadata: Some(metadata.clone()), prompt_version: Some("v2".into()), ..LlmCall::new("m") });
        assert_eq!(span.department.as_deref(), Some("it"));
        assert_eq!(span.user.as_deref(), Some("7"));
        assert_eq!(span.prompt_version.as_deref(), Some("v2"));
        assert_eq!(span.attributes.get("metadata"), Some(&metadata.to_string()));
    }
}
