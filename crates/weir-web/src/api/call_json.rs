//! A span as the JSON of a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::id::SpanId;
use weir_core::span::Span;
use weir_core::time::to_rfc3339;
use weir_core::token::TokenCounts;

use super::number::{Usd, millis};
use super::raw;

/// A call of a model, or another span. What is not known is null, never 0.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// The call's own id: its span id, as a UUID where it has 16 bytes.
    pub id: String,
    /// The trace it belongs to, as hex.
    pub trace_id: String,
    /// The span id, as hex.
    pub span_id: String,
    /// The span that this one is a step of, as hex.
    pub parent_id: Option<String>,
    /// The caller's `x-request-id`, or the one that Weir made.
    pub request_id: Option<String>,
    /// Start, RFC 3339 in UTC with microseconds.
    #[schema(format = DateTime)]
    pub timestamp: Option<String>,
    /// End minus start, milliseconds.
    pub latency_ms: Option<f64>,
    /// From the start to the first piece of a streamed answer, milliseconds.
    pub ttft_ms: Option<f64>,
    /// `pending`, `success`, `error`, `cached`, `rate_limited`, `blocked` or `cancelled`.
    pub status: Option<String>,
    /// Class of the failure.
    pub error_type: Option<String>,
    /// Message of the failure.
    pub error: Option<String>,
    /// Project.
    pub project: Option<String>,
    /// Session (thread, conversation).
    pub session: Option<String>,
    /// Provider that answered, by its configured name.
    pub provider: Option<String>,
    /// Model that was asked for.
    pub model: Option<String>,
    /// Model that the answer names.
    pub response_model: Option<String>,
    /// `provider/model` of the target that answered.
    pub deployment: Option<String>,
    /// `chat`, `text_completion`, `embeddings`, ...
    pub operation: Option<String>,
    /// llm, embedding, tool, chain, ...
    pub kind: Option<String>,
    /// Name of the step.
    pub name: Option<String>,
    /// Whether the answer was streamed.
    pub stream: Option<bool>,
    /// The prompt template, if one was used.
    pub prompt: Option<Prompt>,
    /// Department that pays.
    pub department: Option<String>,
    /// End user.
    pub user: Option<String>,
    /// Name of the key that called.
    pub key: Option<String>,
    /// Tokens.
    pub tokens: Option<Tokens>,
    /// Where the counts come from: provider, estimated or partial.
    pub token_source: Option<String>,
    /// Cost in dollars, exact to the nano-dollar; null when the price is not known.
    #[schema(value_type = Option<f64>)]
    pub cost_usd: Option<Usd>,
    /// HTTP status of the answer.
    pub http_status: Option<u16>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Upstream attempts, the first included.
    pub attempts: Option<u32>,
    /// Part of the cache: hit, semantic, miss or bypass.
    pub cache: Option<String>,
    /// Whether the answer came from the cache.
    pub cache_hit: bool,
    /// What the cache took to answer, milliseconds: the latency of a hit, null for everything else.
    #[serde(default)]
    pub response_time_ms: Option<f64>,
    /// Labels.
    pub tags: Vec<String>,
    /// Free members.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub attributes: BTreeMap<String, Box<RawValue>>,
    /// The request as it was sent, or its text. Only where payloads were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub input: Option<Box<RawValue>>,
    /// The answer; of a streamed one the assembled whole. Only where payloads were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub output: Option<Box<RawValue>>,
    /// What a protocol brought that has no member here: events, links, resource, content in its own words. Only where
    /// payloads were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<Box<RawValue>>,
}

/// A prompt template that a call used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Prompt {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// Tokens of a call or of a sum of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// All input.
    pub prompt: u64,
    /// All output, reasoning included.
    pub completion: u64,
    /// Input and output.
    pub total: u64,
    /// Input read from the provider's prompt cache; part of `prompt`.
    pub cached: u64,
    /// Input written to the provider's prompt cache; part of `prompt`.
    pub cache_write: u64,
    /// Output spent on reasoning; part of `completion`.
    pub reasoning: u64,
    /// Audio input; part of `prompt`.
    pub audio_in: u64,
    /// Audio output; part of `completion`.
    pub audio_out: u64,
}

/// A page of calls.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CallList {
    /// The calls.
    pub calls: Vec<Call>,
    /// `cursor` of the next page; null on the last one.
    pub next: Option<String>,
    /// Only of a search for `text` that has not come to its end: the start of the last call that was looked at. `next` goes
    /// on there, also after a page that found nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub searched_to: Option<String>,
}

impl From<TokenCounts> for Tokens {
    fn from(t: TokenCounts) -> Self {
        Self {
            prompt: t.input_total(),
            completion: t.output_total(),
            total: t.total(),
            cached: t.cached,
            cache_write: t.cache_write.saturating_add(t.cache_write_1h),
            reasoning: t.reasoning,
            audio_in: t.audio_in,
            audio_out: t.audio_out,
        }
    }
}

impl Call {
    /// The call without its payload.
    #[must_use]
    pub fn summary(span: Span) -> Self {
        Self::new(span, false)
    }

    /// The call with `input`, `output` and `details`, null where nothing was recorded.
    #[must_use]
    pub fn full(span: Span) -> Self {
        Self::new(span, true)
    }

    pub(super) fn new(span: Span, with_payload: bool) -> Self {
        let body = |text: &Option<String>, read: fn(&str) -> Option<Box<RawValue>>| {
            if with_payload { text.as_deref().map_or_else(raw::null, read) } else { None }
        };
        let (input, output) = (body(&span.input, raw::payload), body(&span.output, raw::payload));
        let details = body(&span.details, raw::json);
        let latency_ms = span.latency_us().map(millis);
        let cache_hit = matches!(span.cache.as_deref(), Some("hit" | "semantic"));
        let prompt = (span.prompt_name.is_some() || span.prompt_version.is_some())
            .then_some(Prompt { name: span.prompt_name, version: span.prompt_version });
        Self {
            id: id_text(span.span_id),
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            parent_id: span.parent_id.map(|id| id.to_string()),
            request_id: span.request_id,
            timestamp: span.start_us.map(to_rfc3339),
            latency_ms,
            ttft_ms: span.ttft_us.map(millis),
            status: span.status.map(|s| s.to_string()),
            error_type: span.error_type,
            error: span.error,
            project: span.project,
            session: span.session,
            provider: span.provider,
            model: span.model,
            response_model: span.response_model,
            deployment: span.deployment,
            operation: span.operation,
            kind: span.kind.map(|k| k.to_string()),
            name: span.name,
            stream: span.stream,
            prompt,
            department: span.department,
            user: span.user,
            key: span.key,
            tokens: span.tokens.map(Tokens::from),
            token_source: span.token_source.map(|s| s.as_str().to_owned()),
            cost_usd: span.cost.map(Usd),
            http_status: span.http_status,
            finish_reason: span.finish_reason,
            attempts: span.attempts,
            cache_hit,
            response_time_ms: latency_ms.filter(|_| cache_hit),
            cache: span.cache,
            tags: span.tags.unwrap_or_default(),
            attributes: span.attributes.into_iter().filter_map(|(k, v)| Some((k, raw::json(&v)?))).collect(),
            input,
            output,
            details,
        }
    }
}

/// A span id of 16 bytes as a UUID, of 8 bytes as hex.
fn id_text(id: SpanId) -> String {
    let hex = id.to_string();
    match (hex.len(), hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)) {
        (32, Some(a), Some(b), Some(c), Some(d), Some(e)) => format!("{a}-{b}-{c}-{d}-{e}"),
        _ => hex,
    }
}

#[cfg(test)]
mod tests {
    use weir_core::id::{SpanKey, TraceId};
    use weir_core::money::NanoUsd;
    use weir_core::span::{SpanKind, Status};

    use super::*;

    fn span() -> Span {
        let key = SpanKey {
            trace: TraceId::parse("0192f0c123457abc8def0123456789ab").unwrap(),
            span: SpanId::parse("0192f0c123457abc8def0123456789ac").unwrap(),
        };
        Span {
            kind: Some(SpanKind::Llm),
            start_us: Some(1_763_683_200_123_456),
            end_us: Some(1_763_683_200_123_456 + 812_345),
            status: Some(Status::Cached),
            cache: Some("hit".into()),
            prompt_name: Some("greet".into()),
            tokens: Some(TokenCounts { cached: 3, reasoning: 4, ..TokenCounts::of(10, 20) }),
            cost: Some(NanoUsd(150_000)),
            input: Some(r#"{"messages": [1.0]}"#.into()),
            attributes: [("n".to_owned(), "1.50".to_owned())].into(),
            ..Span::new(key)
        }
    }

    #[test]
    fn a_call_says_what_is_known_and_null_for_the_rest() {
        let text = serde_json::to_string(&Call::summary(span())).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"id":"0192f0c1-2345-7abc-8def-0123456789ac","trace_id":"0192f0c123457abc8def0123456789ab","#,
                r#""span_id":"0192f0c123457abc8def0123456789ac","parent_id":null,"request_id":null,"#,
                r#""timestamp":"2025-11-21T00:00:00.123456Z","latency_ms":812.345,"ttft_ms":null,"status":"cached","#,
                r#""error_type":null,"error":null,"project":null,"session":null,"provider":null,"model":null,"#,
                r#""response_model":null,"deployment":null,"operation":null,"kind":"llm","name":null,"stream":null,"#,
                r#""prompt":{"name":"greet","version":null},"department":null,"user":null,"key":null,"#,
                r#""tokens":{"prompt":13,"completion":24,"total":37,"cached":3,"cache_write":0,"reasoning":4,"#,
                r#""audio_in":0,"audio_out":0},"token_source":null,"cost_usd":0.00015,"http_status":null,"#,
                r#""finish_reason":null,"attempts":null,"cache":"hit","cache_hit":true,"#,
                r#""response_time_ms":812.345,"tags":[],"#,
                r#""attributes":{"n":1.50}}"#,
            )
        );
        let back: Call = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn payloads_are_json_or_text_or_null() {
        let text = serde_json::to_string(&Call::full(span())).unwrap();
        assert!(text.ends_with(r#""input":{"messages": [1.0]},"output":null,"details":null}"#), "{text}");
        let detailed = Span { details: Some(r#"{"events":[],"n":1.50}"#.into()), ..span() };
        let text = serde_json::to_string(&Call::full(detailed.clone())).unwrap();
        assert!(text.ends_with(r#""details":{"events":[],"n":1.50}}"#), "{text}");
        let text = serde_json::to_string(&Call::summary(detailed)).unwrap();
        assert!(!text.contains("details") && !text.contains("input"), "{text}");
    }

    #[test]
    fn short_ids_stay_hex() {
        assert_eq!(id_text(SpanId::parse("00f067aa0ba902b7").unwrap()), "00f067aa0ba902b7");
    }
}
