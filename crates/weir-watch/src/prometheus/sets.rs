//! The closed sets of label values, and the place of a span's values in them.
//!
//! Invariant: the functions return an index within their set, whatever the span says.

use weir_core::span::{Span, SpanKind, Status};

/// How a request ended.
pub(crate) const STATUSES: &[&str] = &["success", "error", "cached", "rate_limited", "blocked"];
/// Classes of failures.
pub(crate) const ERROR_TYPES: &[&str] = &[
    "timeout",
    "connection",
    "http_4xx",
    "http_5xx",
    "context_length",
    "content_filter",
    "auth",
    "invalid_request",
    "budget",
    "other",
];
/// Classes of tokens; `cached_prompt` is part of `prompt`, `reasoning` of `completion`.
pub(crate) const TOKEN_TYPES: &[&str] = &["prompt", "completion", "cached_prompt", "reasoning"];
/// Who limited the rate.
pub(crate) const LIMIT_SOURCES: &[&str] = &["upstream", "gateway"];
/// What kind of cache answered.
pub(crate) const CACHE_KINDS: &[&str] = &["exact", "semantic"];
/// The lines that a budget can pass.
pub(crate) const BUDGET_LINES: &[&str] = &["soft", "hard"];
/// What becomes of an attempt to tell a channel.
pub(crate) const DELIVERIES: &[&str] = &["delivered", "failed", "given_up"];
/// What is known of a backup.
pub(crate) const BACKUPS: &[&str] = &["made", "restored"];
/// What became of an evaluation of an alert rule, or of a backup.
pub(crate) const RESULTS: &[&str] = &["done", "failed"];
/// How bad an anomaly or an alert is.
pub(crate) const SEVERITIES: &[&str] = &["info", "warning", "critical"];
/// OpenTelemetry's two directions of tokens.
pub(crate) const OTEL_TOKEN_TYPES: &[&str] = &["input", "output"];
/// OpenTelemetry's operations that a gateway performs.
pub(crate) const OPERATIONS: &[&str] = &[
    "chat",
    "text_completion",
    "generate_content",
    "embeddings",
    "retrieval",
    "execute_tool",
    "invoke_agent",
    "other",
];

/// The value that stands for all those past a bound.
pub(crate) const OTHER: &str = "other";
/// The value that stands for the absence of a label.
pub(crate) const NONE: &str = "none";

/// A place in [`STATUSES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Error,
    Cached,
    RateLimited,
    Blocked,
}

impl Outcome {
    /// A span that does not say how it ended failed if it names an error. A cancelled one counts as an error.
    pub(crate) fn of(span: &Span) -> Self {
        match span.status {
            Some(Status::Success) => Self::Success,
            Some(Status::Error | Status::Cancelled) => Self::Error,
            Some(Status::Cached) => Self::Cached,
            Some(Status::RateLimited) => Self::RateLimited,
            Some(Status::Blocked) => Self::Blocked,
            Some(Status::Pending) | None if span.error_type.is_some() => Self::Error,
            Some(Status::Pending) | None => Self::Success,
        }
    }

    /// Whether an answer was given.
    pub(crate) fn answered(self) -> bool {
        matches!(self, Self::Success | Self::Cached)
    }

    /// Whether Weir called an upstream for it, as far as the outcome tells.
    pub(crate) fn went_upstream(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }
}

/// The place in [`ERROR_TYPES`] of a request that was not answered; what is not in the set is `other`.
pub(crate) fn error_type(span: &Span) -> usize {
    let last = ERROR_TYPES.len() - 1;
    if span.status == Some(Status::Cancelled) {
        return last;
    }
    let said = span.error_type.as_deref().unwrap_or(OTHER);
    ERROR_TYPES.iter().position(|known| *known == said).unwrap_or(last)
}

/// A member of [`OPERATIONS`].
pub(crate) fn operation(span: &Span) -> &'static str {
    match (span.operation.as_deref(), span.kind) {
        (Some(said), _) => OPERATIONS.iter().find(|known| **known == said).copied().unwrap_or(OTHER),
        (None, Some(SpanKind::Embedding)) => "embeddings",
        (None, _) => "chat",
    }
}

/// OpenTelemetry's name of a provider whose configured name is a kind with another name there.
pub(crate) fn otel_provider(name: &str) -> &str {
    match name {
        "azure" => "azure.ai.openai",
        "gemini" => "gcp.gemini",
        other => other,
    }
}
