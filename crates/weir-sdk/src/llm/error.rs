use serde_json::Value;

/// What sort of failure it was.
///
/// ```
/// assert_ne!(weir_sdk::LlmErrorKind::Timeout, weir_sdk::LlmErrorKind::Api);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LlmErrorKind {
    /// The provider refused: status and body say why.
    Api,
    /// No connection, or it broke.
    Connection,
    /// No answer in time.
    Timeout,
    /// The answer is not what an OpenAI-type provider sends.
    Answer,
    /// The request or a setting cannot be used; nothing was sent.
    Settings,
}

/// Why a model's answer did not come. The failure is logged already.
///
/// ```
/// use serde_json::json;
/// use weir_sdk::{InstrumentedLlm, LlmErrorKind, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let llm = InstrumentedLlm::demo(&logger);
/// let error = llm.chat_raw_blocking(json!({"model": "demo/echo", "messages": "no list"})).unwrap_err();
/// assert_eq!((error.kind, error.status), (LlmErrorKind::Api, Some(400)));
/// assert!(error.message.contains("messages"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct LlmError {
    /// What sort of failure.
    pub kind: LlmErrorKind,
    /// The provider's message, or what happened instead of an answer.
    pub message: String,
    /// HTTP status of a refusal.
    pub status: Option<u16>,
    /// The provider's code of the failure, such as `context_length_exceeded`.
    pub code: Option<String>,
    /// The body of a refusal, as it was sent.
    pub body: Option<Box<Value>>,
    /// The request, as it stands in the record.
    pub request_id: String,
}

impl LlmError {
    pub(super) fn new(kind: LlmErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, code: None, body: None, request_id: String::new() }
    }

    /// A refusal with a body.
    pub(super) fn refused(status: u16, body: &[u8]) -> Self {
        let said = crate::http::error_message(body);
        let value: Option<Value> = serde_json::from_slice(body).ok();
        let code = value.as_ref().and_then(|body| body.get("error")?.get("code")?.as_str().map(str::to_owned));
        Self {
            status: Some(status),
            code,
            body: value.map(Box::new),
            ..Self::new(LlmErrorKind::Api, said.unwrap_or_else(|| format!("the provider answered {status}")))
        }
    }

    pub(super) fn of_transport(error: &reqwest::Error) -> Self {
        let kind = if error.is_timeout() { LlmErrorKind::Timeout } else { LlmErrorKind::Connection };
        Self::new(kind, crate::http::cause(error))
    }

    /// The class under which it is counted.
    pub(super) fn error_type(&self) -> &'static str {
        match self.code.as_deref() {
            Some("context_length_exceeded") => return "context_length",
            Some("content_filter" | "content_policy_violation") => return "content_filter",
            _ => {}
        }
        match (self.kind, self.status) {
            (LlmErrorKind::Timeout, _) | (_, Some(408 | 504)) => "timeout",
            (LlmErrorKind::Connection | LlmErrorKind::Answer, _) => "connection",
            (LlmErrorKind::Settings, _) => "invalid_request",
            (_, Some(401 | 403)) => "auth",
            (_, Some(400 | 404 | 413 | 415 | 422)) => "invalid_request",
            (_, Some(status)) if status >= 500 => "http_5xx",
            (_, Some(_)) => "http_4xx",
            (LlmErrorKind::Api, None) => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_the_provider_said_and_are_classed() {
        let body =
            br#"{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        let error = LlmError::refused(400, body);
        assert_eq!(error.to_string(), "too long");
        assert_eq!(error.error_type(), "context_length");
        for (status, class) in
            [(401, "auth"), (429, "http_4xx"), (500, "http_5xx"), (504, "timeout"), (404, "invalid_request")]
        {
            assert_eq!(LlmError::refused(status, b"").error_type(), class, "{status}");
        }
        assert_eq!(LlmError::refused(502, b"").message, "the provider answered 502");
    }
}
