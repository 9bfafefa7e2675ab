//! The error table: every refusal that Weir itself makes, with its status, its stable code, its type in the words of
//! each protocol, and whether trying again can help. Each front renders a row in its own form.

use http::StatusCode;
use serde::Serialize;

macro_rules! error_table {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:ident, $openai:literal, $anthropic:literal, $metric:literal, $retry:literal;)+) => {
        /// A row of the error table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $code,)+ }

        impl Code {
            /// Every row.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The stable name that programs match on.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$code => $name,)+ } }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode { match self { $(Self::$code => StatusCode::$status,)+ } }

            /// The `type` in OpenAI's error form.
            #[must_use]
            pub fn openai_type(self) -> &'static str { match self { $(Self::$code => $openai,)+ } }

            /// The `type` in Anthropic's error form.
            #[must_use]
            pub fn anthropic_type(self) -> &'static str { match self { $(Self::$code => $anthropic,)+ } }

            /// The class under which it is counted: the closed set of `llm_errors_total`.
            #[must_use]
            pub fn error_type(self) -> &'static str { match self { $(Self::$code => $metric,)+ } }

            /// Whether the same request can succeed later. Becomes `x-should-retry`.
            #[must_use]
            pub fn retryable(self) -> bool { match self { $(Self::$code => $retry,)+ } }
        }
    };
}

error_table! {
    /// The request cannot be understood: bad JSON, a missing or wrong member.
    InvalidRequest = "invalid_request", BAD_REQUEST, "invalid_request_error", "invalid_request_error", "invalid_request", false;
    /// No key, or one that is not known.
    InvalidApiKey = "invalid_api_key", UNAUTHORIZED, "authentication_error", "authentication_error", "auth", false;
    /// The key may not do that.
    PermissionDenied = "permission_denied", FORBIDDEN, "permission_error", "permission_error", "auth", false;
    /// No provider has that model.
    ModelNotFound = "model_not_found", NOT_FOUND, "not_found_error", "not_found_error", "invalid_request", false;
    /// No such thing.
    NotFound = "not_found", NOT_FOUND, "not_found_error", "not_found_error", "invalid_request", false;
    /// It exists already, as something else.
    Conflict = "conflict", CONFLICT, "invalid_request_error", "invalid_request_error", "invalid_request", false;
    /// The path exists, with another method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "invalid_request_error", "invalid_request_error", "invalid_request", false;
    /// The body took too long to arrive.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "invalid_request_error", "invalid_request_error", "timeout", true;
    /// The body is larger than the limit.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "invalid_request_error", "request_too_large", "invalid_request", false;
    /// A rate limit of the key.
    RateLimited = "rate_limit_exceeded", TOO_MANY_REQUESTS, "rate_limit_error", "rate_limit_error", "http_4xx", true;
    /// The key's budget is spent.
    BudgetExceeded = "insufficient_quota", TOO_MANY_REQUESTS, "insufficient_quota", "rate_limit_error", "budget", false;
    /// The upstream could not be reached, closed the connection, or did not speak the protocol.
    UpstreamError = "upstream_error", BAD_GATEWAY, "api_error", "api_error", "connection", false;
    /// The upstream took too long.
    UpstreamTimeout = "upstream_timeout", GATEWAY_TIMEOUT, "api_error", "timeout_error", "timeout", false;
    /// The answer broke off.
    UpstreamTruncated = "upstream_truncated", BAD_GATEWAY, "api_error", "api_error", "connection", false;
    /// Every deployment is cooling down.
    NoHealthyDeployment = "no_healthy_deployment", SERVICE_UNAVAILABLE, "api_error", "overloaded_error", "http_5xx", true;
    /// Too much at once, or shutting down.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "api_error", "overloaded_error", "other", true;
    /// The store cannot answer.
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "api_error", "api_error", "other", true;
    /// A defect of Weir's.
    Internal = "internal_error", INTERNAL_SERVER_ERROR, "server_error", "api_error", "other", true;
}

/// Which protocol's error form to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{"error": {"message", "type", "param", "code"}}`; also Weir's own API.
    OpenAi,
    /// `{"type": "error", "error": {"type", "message"}, "request_id"}`.
    Anthropic,
}

/// A refusal: a row of the table and what was wrong, where, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The row.
    pub code: Code,
    /// What was wrong and what to change, for a person.
    pub message: String,
    /// The member of the request that is at fault.
    pub param: Option<String>,
    /// When to try again, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Error {
    /// A refusal without a member or a time.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), param: None, retry_after_ms: None }
    }

    /// A 400 that names the member at fault.
    #[must_use]
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(Code::InvalidRequest, message) }
    }

    /// The same with a time to try again.
    #[must_use]
    pub fn retry_after_ms(self, ms: u64) -> Self {
        Self { retry_after_ms: Some(ms), ..self }
    }

    /// The body in a protocol's form.
    #[must_use]
    pub fn body(&self, form: Form, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct OpenAi<'a> {
            error: OpenAiError<'a>,
        }
        #[derive(Serialize)]
        struct OpenAiError<'a> {
            message: &'a str,
            r#type: &'a str,
            param: Option<&'a str>,
            code: &'a str,
        }
        #[derive(Serialize)]
        struct Anthropic<'a> {
            r#type: &'a str,
            error: AnthropicError<'a>,
            request_id: &'a str,
        }
        #[derive(Serialize)]
        struct AnthropicError<'a> {
            r#type: &'a str,
            message: &'a str,
        }
        let body = match form {
            Form::OpenAi => serde_json::to_vec(&OpenAi {
                error: OpenAiError {
                    message: &self.message,
                    r#type: self.code.openai_type(),
                    param: self.param.as_deref(),
                    code: self.code.as_str(),
                },
            }),
            Form::Anthropic => serde_json::to_vec(&Anthropic {
                r#type: "error",
                error: AnthropicError { r#type: self.code.anthropic_type(), message: &self.message },
                request_id,
            }),
        };
        body.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_render_in_both_forms() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());

        let error = Error::invalid("model", "\"model\" is missing");
        assert_eq!(
            String::from_utf8(error.body(Form::OpenAi, "r")).unwrap(),
            r#"{"error":{"message":"\"model\" is missing","type":"invalid_request_error","param":"model","code":"invalid_request"}}"#
        );
        assert_eq!(
            String::from_utf8(error.body(Form::Anthropic, "r")).unwrap(),
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"\"model\" is missing"},"request_id":"r"}"#
        );
    }

    #[test]
    fn every_error_is_counted_under_a_known_class() {
        let known = [
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
        for code in Code::ALL {
            assert!(known.contains(&code.error_type()), "{code:?}");
        }
    }
}
