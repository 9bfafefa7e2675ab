//! What is kept of an answer, and which answers are kept.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_core::money::NanoUsd;
use weir_core::time::Micros;
use weir_core::token::TokenCounts;

use super::key::Key;
use crate::providers::Endpoint;

/// What an entry takes beside its texts: the structs, the map's slot, the allocations.
const OVERHEAD: usize = 512;

/// An answer and what the call that brought it came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The whole answer in the client's protocol.
    #[serde(skip)]
    pub body: Bytes,
    /// Who answered.
    pub provider: String,
    /// The deployment that answered.
    pub deployment: String,
    /// The model that was asked, as in `x-weir-model`.
    pub model: String,
    /// The model that the answer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_model: Option<String>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Tokens of the call, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenCounts>,
    /// What the call cost, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// What the upstream took, in microseconds.
    pub latency_us: Micros,
    /// The call that brought it.
    pub request_id: String,
}

/// An answer in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Digest of the request.
    pub key: Key,
    /// The namespace that the request named.
    pub namespace: String,
    /// When it was stored.
    pub created_us: Micros,
    /// From when on it is no longer given.
    pub expires_us: Micros,
    /// The answer.
    pub answer: Answer,
}

impl Entry {
    /// How old it is; never negative, also where the clock was set back.
    #[must_use]
    pub fn age_us(&self, now: Micros) -> Micros {
        now.saturating_sub(self.created_us).max(0)
    }

    /// The memory that it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let Answer { body, provider, deployment, model, response_model, finish_reason, request_id, .. } = &self.answer;
        let texts = [&self.namespace, provider, deployment, model, request_id];
        let maybe = [response_model, finish_reason];
        OVERHEAD
            + body.len()
            + texts.iter().map(|t| t.len()).sum::<usize>()
            + maybe.iter().filter_map(|t| t.as_ref()).map(String::len).sum::<usize>()
    }

    /// Money that is saved each time it is given, where it is known.
    #[must_use]
    pub fn saved_nano(&self) -> Option<i64> {
        self.answer.cost.map(|cost| cost.0)
    }
}

/// Whether an answer that ended so is kept: one that came to its own end. What was cut off by a bound or a filter may
/// come out otherwise the next time.
#[must_use]
pub fn storable(endpoint: Endpoint, finish_reason: Option<&str>) -> bool {
    match (endpoint, finish_reason) {
        (Endpoint::Embeddings, _)
        | (Endpoint::Chat, Some("stop" | "tool_calls" | "function_call"))
        | (Endpoint::Completions, Some("stop"))
        | (Endpoint::Messages, Some("end_turn" | "stop_sequence" | "tool_use"))
        | (Endpoint::Responses, Some("completed")) => true,
        (Endpoint::Chat | Endpoint::Completions | Endpoint::Messages | Endpoint::Responses, _) => false,
    }
}

/// [`storable`] of a whole answer: of each of its choices.
#[must_use]
pub fn is_storable_answer(endpoint: Endpoint, body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Whole<'a> {
        #[serde(borrow, default)]
        choices: Option<Vec<Ended<'a>>>,
        #[serde(borrow, default)]
        stop_reason: Option<std::borrow::Cow<'a, str>>,
        #[serde(borrow, default)]
        status: Option<std::borrow::Cow<'a, str>>,
        #[serde(default)]
        data: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Ended<'a> {
        #[serde(borrow, default)]
        finish_reason: Option<std::borrow::Cow<'a, str>>,
    }
    let Ok(whole) = serde_json::from_slice::<Whole<'_>>(body) else { return false };
    match endpoint {
        Endpoint::Chat | Endpoint::Completions => whole
            .choices
            .is_some_and(|all| !all.is_empty() && all.iter().all(|c| storable(endpoint, c.finish_reason.as_deref()))),
        Endpoint::Messages => storable(endpoint, whole.stop_reason.as_deref()),
        Endpoint::Responses => storable(endpoint, whole.status.as_deref()),
        Endpoint::Embeddings => whole.data.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_to_its_own_end_is_kept() {
        for (endpoint, reasons) in [
            (Endpoint::Chat, ["stop", "tool_calls", "function_call"].as_slice()),
            (Endpoint::Completions, &["stop"]),
            (Endpoint::Messages, &["end_turn", "stop_sequence", "tool_use"]),
            (Endpoint::Responses, &["completed"]),
        ] {
            for reason in reasons {
                assert!(storable(endpoint, Some(reason)), "{endpoint:?} {reason}");
            }
            for reason in
                ["length", "content_filter", "max_tokens", "refusal", "pause_turn", "incomplete", "failed", ""]
            {
                assert!(!storable(endpoint, Some(reason)), "{endpoint:?} {reason}");
            }
            assert!(!storable(endpoint, None));
        }
        assert!(storable(Endpoint::Embeddings, None));
    }

    #[test]
    fn every_choice_counts() {
        let chat = |body: &str| is_storable_answer(Endpoint::Chat, body.as_bytes());
        assert!(chat(r#"{"choices":[{"finish_reason":"stop"},{"finish_reason":"tool_calls"}]}"#));
        assert!(!chat(r#"{"choices":[{"finish_reason":"stop"},{"finish_reason":"length"}]}"#));
        assert!(!chat(r#"{"choices":[]}"#) && !chat(r#"{"error":{}}"#) && !chat("<html>") && !chat("[]"));
        assert!(is_storable_answer(Endpoint::Messages, br#"{"stop_reason":"end_turn","content":[]}"#));
        assert!(is_storable_answer(Endpoint::Responses, br#"{"status":"completed"}"#));
        assert!(is_storable_answer(Endpoint::Embeddings, br#"{"data":[{"embedding":[0.5]}]}"#));
        assert!(!is_storable_answer(Endpoint::Embeddings, b"{}"));
    }

    #[test]
    fn what_is_noted_comes_back() {
        let answer = Answer { cost: Some(NanoUsd(7)), tokens: Some(TokenCounts::of(1, 2)), ..Answer::default() };
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer);
        assert_eq!(serde_json::from_str::<Answer>("{}").unwrap(), Answer::default());
    }
}
