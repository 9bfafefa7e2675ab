use std::time::Duration;

use serde_json::{Map, Value};
use weir_core::id::SpanId;

use super::chat::Usage;

/// What a call is filed under, and what it needs beside the prompt. All of it is optional.
///
/// ```
/// use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let llm = InstrumentedLlm::demo(&logger);
/// let options = CallOptions {
///     model: Some("demo/echo".into()),
///     prompt_version: Some("v2".into()),
///     department: Some("support".into()),
///     ..CallOptions::default()
/// };
/// let reply = llm.call_blocking("How do I reset my password?", &options)?;
/// assert_eq!(reply.content, "[demo] You said: How do I reset my password?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallOptions {
    /// The model of [`InstrumentedLlm::call`](crate::InstrumentedLlm::call); a chat request names its own.
    pub model: Option<String>,
    /// The system's instructions, for [`InstrumentedLlm::call`](crate::InstrumentedLlm::call).
    pub system: Option<String>,
    /// Sampling temperature, for [`InstrumentedLlm::call`](crate::InstrumentedLlm::call).
    pub temperature: Option<f64>,
    /// Most tokens of the answer, for [`InstrumentedLlm::call`](crate::InstrumentedLlm::call).
    pub max_tokens: Option<u64>,
    /// More members of the request, for [`InstrumentedLlm::call`](crate::InstrumentedLlm::call).
    pub extra: Map<String, Value>,
    /// Name of the prompt.
    pub prompt_name: Option<String>,
    /// Version of the prompt.
    pub prompt_version: Option<String>,
    /// The request that it is a part of; without it the current step's, else one of its own.
    pub request_id: Option<String>,
    /// The department that pays.
    pub department: Option<String>,
    /// The end user.
    pub user: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The workflow; without it the current step's.
    pub workflow: Option<String>,
    /// The span that it is a step of; without it the current step.
    pub parent: Option<SpanId>,
    /// Anything more to be recorded.
    pub metadata: Option<Value>,
    /// How long the answer may take; without it what the client was set to.
    pub timeout: Option<Duration>,
}

/// The answer to a prompt.
///
/// ```
/// use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let reply = InstrumentedLlm::demo(&logger).call_blocking("Good day", &CallOptions::default())?;
/// assert!(!reply.request_id.is_empty());
/// assert!(reply.usage.is_some_and(|usage| usage.completion_tokens > 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The text of the answer; empty where the model only calls tools.
    pub content: String,
    /// The request, as it stands in the record.
    pub request_id: String,
    /// The model that answered.
    pub model: String,
    /// Tokens, if the provider says.
    pub usage: Option<Usage>,
    /// What it cost in US dollars, if the price is known.
    pub cost: Option<f64>,
    /// How long it took.
    pub latency: Duration,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// The call's span, to be the parent of others.
    pub span_id: SpanId,
    /// The provider's answer, as it was sent.
    pub response: Value,
}
