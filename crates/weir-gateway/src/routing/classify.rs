//! What an upstream's failure means for the next attempt.

use http::StatusCode;

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try again, another deployment first.
    Retry,
    /// Not this deployment and not this model: another model may do.
    Fallback,
    /// The request itself is at fault; nobody would answer otherwise.
    Fatal,
}

/// The verdict on an answer that is not a success.
pub(super) fn of_status(status: StatusCode, body: &[u8]) -> Verdict {
    match status.as_u16() {
        408 | 409 | 500 | 502..=504 | 520..=529 => Verdict::Retry,
        429 if has_code(body, "insufficient_quota") => Verdict::Fallback,
        429 => Verdict::Retry,
        401..=404 => Verdict::Fallback,
        400 if has_code(body, "context_length_exceeded") || has_code(body, "content_filter") => Verdict::Fallback,
        _ => Verdict::Fatal,
    }
}

/// The class of the metrics page for an answer that is not a success.
pub(super) fn error_type(status: StatusCode, body: &[u8]) -> &'static str {
    match status.as_u16() {
        _ if has_code(body, "context_length_exceeded") => "context_length",
        _ if has_code(body, "content_filter") => "content_filter",
        401 | 403 => "auth",
        400 | 404 | 413 | 422 => "invalid_request",
        408 | 504 => "timeout",
        402 => "budget",
        400..=499 => "http_4xx",
        _ => "http_5xx",
    }
}

/// Whether a word stands in an error body as a JSON string.
fn has_code(body: &[u8], code: &str) -> bool {
    let head = &body[..body.len().min(4096)];
    let quoted = format!("\"{code}\"");
    head.windows(quoted.len()).any(|w| w == quoted.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let of = |status: u16, body: &str| of_status(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(of(503, ""), Verdict::Retry);
        assert_eq!(of(529, ""), Verdict::Retry);
        assert_eq!(of(429, "{}"), Verdict::Retry);
        assert_eq!(of(429, r#"{"error":{"code":"insufficient_quota"}}"#), Verdict::Fallback);
        assert_eq!(of(400, r#"{"error":{"code":"context_length_exceeded"}}"#), Verdict::Fallback);
        assert_eq!(of(400, r#"{"error":{"message":"bad"}}"#), Verdict::Fatal);
        assert_eq!(of(422, ""), Verdict::Fatal);
        assert_eq!(of(404, ""), Verdict::Fallback);
    }
}
