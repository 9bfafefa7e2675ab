//! Error envelopes of both protocols, and the error of a translation itself.
//!
//! Upstreams answer errors in many shapes (OpenAI, Anthropic, Gemini's arrays, TGI's strings, vLLM's old flat form,
//! FastAPI's `detail`, HTML of a proxy, nothing at all). All are first read into one form, then rendered; a message
//! is never longer than [`MAX_MESSAGE`] bytes.

use std::borrow::Cow;

use super::json::{self, Members, Object};

/// Longest message that is shown to a client, in bytes.
pub const MAX_MESSAGE: usize = 4096;

/// Why a body could not be translated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranslateError {
    /// A member of the client's request is missing or malformed.
    #[error("{member}: {reason}")]
    Invalid {
        /// Path of the member, `messages[2].tool_calls[0].id`; `body` for the whole.
        member: String,
        /// What is expected there.
        reason: Cow<'static, str>,
    },
    /// A member of the client's request that the upstream's protocol cannot express.
    #[error(
        "{member}: this model's provider has no equivalent; leave it out, or let the gateway drop it (drop_params)"
    )]
    Unsupported {
        /// Path of the member.
        member: String,
    },
    /// The upstream's answer is not what its protocol promises, or is an error under a success status.
    #[error("upstream: {message}")]
    Upstream {
        /// What came instead.
        message: String,
    },
}

impl TranslateError {
    pub(super) fn invalid(member: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { member: member.into(), reason: reason.into() }
    }

    pub(super) fn upstream(message: impl Into<String>) -> Self {
        Self::Upstream { message: message.into() }
    }

    /// An error that came under a success status.
    pub(super) fn answered(body: &[u8]) -> Self {
        Self::Upstream { message: Fault::read(200, body).1.message }
    }

    /// The request member at fault.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Invalid { member, .. } | Self::Unsupported { member } => Some(member),
            Self::Upstream { .. } => None,
        }
    }

    /// 400 when the request is at fault, 502 when the upstream is.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid { .. } | Self::Unsupported { .. } => 400,
            Self::Upstream { .. } => 502,
        }
    }

    fn fault(&self) -> Fault {
        let (kind, code) = match self {
            Self::Invalid { .. } => ("invalid_request_error", None),
            Self::Unsupported { .. } => ("invalid_request_error", Some("unsupported_parameter")),
            Self::Upstream { .. } => ("api_error", Some("upstream_error")),
        };
        Fault {
            message: cut(&self.to_string()),
            kind: Some(kind.to_owned()),
            param: self.member().map(str::to_owned),
            code: code.map(str::to_owned),
        }
    }

    /// The body for a client of the OpenAI protocol.
    #[must_use]
    pub fn to_openai(&self) -> Vec<u8> {
        self.fault().write_openai(self.status()).1
    }

    /// The body for a client of the Anthropic protocol; an empty `request_id` becomes `null`.
    #[must_use]
    pub fn to_anthropic(&self, request_id: &str) -> Vec<u8> {
        self.fault().write_anthropic(self.status(), request_id).1
    }
}

/// Maps an upstream's error answer to the status and body for a client of the OpenAI protocol. 529 becomes 503; a
/// status below 400 (an error inside a stream) is replaced by the one that the body implies.
#[must_use]
pub fn error_to_openai(status: u16, body: &[u8]) -> (u16, Vec<u8>) {
    let (status, fault) = Fault::read(status, body);
    fault.write_openai(status)
}

/// Maps an upstream's error answer to the status and body for a client of the Anthropic protocol. 503 becomes 529; an
/// empty `request_id` becomes `null`.
#[must_use]
pub fn error_to_anthropic(status: u16, body: &[u8], request_id: &str) -> (u16, Vec<u8>) {
    let (status, fault) = Fault::read(status, body);
    fault.write_anthropic(status, request_id)
}

/// An error in no protocol's form.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fault {
    message: String,
    kind: Option<String>,
    param: Option<String>,
    code: Option<String>,
}

impl Fault {
    fn read(status: u16, body: &[u8]) -> (u16, Self) {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let mut fault = serde_json::from_str::<&serde_json::value::RawValue>(text)
            .ok()
            .and_then(|token| Self::from_json(token.get(), 0))
            .unwrap_or_else(|| Self {
                message: plain_message(status, text),
                // Somebody in between answered, not the provider.
                code: (status >= 500).then(|| "upstream_error".to_owned()),
                ..Self::default()
            });
        if fault.message.trim().is_empty() {
            fault.message = plain_message(status, "");
        }
        fault.message = cut(&fault.message);
        let status = if status >= 400 { status } else { fault.implied_status() };
        (status, fault)
    }

    /// `depth` bounds how far arrays and strings of JSON are unwrapped.
    fn from_json(token: &str, depth: u8) -> Option<Self> {
        if depth > 4 {
            return None;
        }
        if let Some(items) = json::elements(token) {
            return items.first().and_then(|first| Self::from_json(first.get(), depth + 1));
        }
        if let Some(text) = json::decode(token) {
            return Some(Self { message: text.into_owned(), ..Self::default() });
        }
        let outer = Members::of(token)?;
        let kind = |members: &Members<'_>| members.text("type").map(Cow::into_owned);
        let Some(error) = outer.get("error") else {
            let message = outer.text("message").or_else(|| outer.text("detail")).map(Cow::into_owned);
            let message = message.or_else(|| outer.get("detail").map(str::to_owned))?;
            return Some(Self {
                message,
                kind: kind(&outer),
                param: scalar(&outer, "param"),
                code: scalar(&outer, "code"),
            });
        };
        let Some(inner) = Members::of(error) else {
            let mut fault = Self::from_json(error, depth + 1)?;
            fault.kind = fault.kind.or_else(|| outer.text("error_type").map(Cow::into_owned));
            return Some(fault);
        };
        let message = inner.text("message").map_or_else(|| error.to_owned(), Cow::into_owned);
        let kind = kind(&inner).or_else(|| inner.text("status").map(Cow::into_owned));
        Some(Self { message, kind, param: scalar(&inner, "param"), code: scalar(&inner, "code") })
    }

    /// The status of an error that arrived without one.
    fn implied_status(&self) -> u16 {
        if let Some(code) = self.code.as_ref().and_then(|code| code.parse::<u16>().ok())
            && (400..600).contains(&code)
        {
            return code;
        }
        match self.kind.as_deref().unwrap_or_default() {
            "invalid_request_error" | "INVALID_ARGUMENT" | "validation" => 400,
            "authentication_error" | "UNAUTHENTICATED" => 401,
            "billing_error" => 402,
            "permission_error" | "PERMISSION_DENIED" => 403,
            "not_found_error" | "NOT_FOUND" => 404,
            "request_too_large" => 413,
            "rate_limit_error" | "insufficient_quota" | "RESOURCE_EXHAUSTED" => 429,
            "overloaded_error" | "overloaded" | "UNAVAILABLE" => 529,
            "timeout_error" | "DEADLINE_EXCEEDED" => 504,
            _ => 500,
        }
    }

    fn is_context_length(&self) -> bool {
        self.code.as_deref() == Some("context_length_exceeded")
            || ["prompt is too long", "maximum context length", "exceed context limit"]
                .iter()
                .any(|sign| self.message.contains(sign))
    }

    fn is_quota(&self) -> bool {
        let quota = |text: &Option<String>| matches!(text.as_deref(), Some("insufficient_quota" | "billing_error"));
        quota(&self.kind) || quota(&self.code)
    }

    fn write_openai(&self, status: u16) -> (u16, Vec<u8>) {
        let status = if status == 529 { 503 } else { status };
        let quota = self.is_quota() || status == 402;
        let (kind, code) = match status {
            400 | 422 if self.is_context_length() => ("invalid_request_error", Some("context_length_exceeded")),
            _ if quota => ("insufficient_quota", Some("insufficient_quota")),
            401 => ("authentication_error", Some("invalid_api_key")),
            403 => ("permission_error", None),
            404 => ("not_found_error", Some("model_not_found")),
            408 | 504 => ("api_error", Some("upstream_timeout")),
            413 => ("invalid_request_error", Some("request_too_large")),
            429 => ("rate_limit_error", Some("rate_limit_exceeded")),
            503 => ("server_error", Some("overloaded")),
            400..=499 => ("invalid_request_error", None),
            _ => ("api_error", None),
        };
        let own_kind = self.kind.as_deref().filter(|kind| OPENAI_TYPES.contains(kind));
        let own_code = self.code.as_deref().filter(|code| code.parse::<u16>().is_err());
        let mut out = Vec::with_capacity(self.message.len() + 128);
        let mut outer = Object::begin(&mut out);
        let mut error = Object::begin(outer.key("error"));
        error.text("message", &self.message);
        error.text("type", own_kind.unwrap_or(kind));
        write_optional(&mut error, "param", self.param.as_deref());
        write_optional(&mut error, "code", own_code.or(code));
        error.end();
        outer.end();
        (status, out)
    }

    fn write_anthropic(&self, status: u16, request_id: &str) -> (u16, Vec<u8>) {
        let (status, kind) = match status {
            _ if self.is_quota() => (402, "billing_error"),
            401 => (401, "authentication_error"),
            402 => (402, "billing_error"),
            403 => (403, "permission_error"),
            404 => (404, "not_found_error"),
            408 | 504 => (504, "timeout_error"),
            413 => (413, "request_too_large"),
            429 => (429, "rate_limit_error"),
            498 | 503 | 529 => (529, "overloaded_error"),
            422 => (400, "invalid_request_error"),
            400..=499 => (status, "invalid_request_error"),
            _ => (status, "api_error"),
        };
        let mut out = Vec::with_capacity(self.message.len() + 128);
        let mut outer = Object::begin(&mut out);
        outer.text("type", "error");
        let mut error = Object::begin(outer.key("error"));
        error.text("type", kind);
        error.text("message", &self.message);
        error.end();
        write_optional(&mut outer, "request_id", Some(request_id).filter(|id| !id.is_empty()));
        outer.end();
        (status, out)
    }
}

/// Types of the OpenAI protocol, kept as the upstream gave them.
const OPENAI_TYPES: &[&str] = &[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "rate_limit_error",
    "insufficient_quota",
    "server_error",
    "api_error",
    "tokens",
    "requests",
];

fn write_optional(object: &mut Object<'_>, name: &str, text: Option<&str>) {
    match text {
        Some(text) => object.text(name, text),
        None => object.token(name, "null"),
    }
}

/// A member that is a string or a number, as text.
fn scalar(members: &Members<'_>, name: &str) -> Option<String> {
    let token = members.get(name)?;
    if token.starts_with(['{', '[']) {
        return None;
    }
    Some(json::decode(token).map_or_else(|| token.to_owned(), Cow::into_owned))
}

/// A message for a body that is not JSON.
fn plain_message(status: u16, text: &str) -> String {
    if text.is_empty() {
        return format!("the upstream answered {status} without a message");
    }
    let looks_html = text.starts_with('<');
    if !looks_html {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|at| {
        let start = at + "<title>".len();
        let end = lower.get(start..)?.find('<')? + start;
        text.get(start..end)
    });
    match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("the upstream answered {status} with an HTML page: {title}"),
        None => format!("the upstream answered {status} with an HTML page"),
    }
}

/// At most [`MAX_MESSAGE`] bytes, cut between characters.
fn cut(message: &str) -> String {
    if message.len() <= MAX_MESSAGE {
        return message.to_owned();
    }
    let end = (0..=MAX_MESSAGE).rev().find(|&at| message.is_char_boundary(at)).unwrap_or(0);
    format!("{}...", message.get(..end).unwrap_or_default())
}
