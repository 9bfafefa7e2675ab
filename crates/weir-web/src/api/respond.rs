//! Answers: JSON that was made elsewhere, and refusals in the OpenAI error form.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use utoipa::ToSchema;
use weir_core::error::{Error, Form};

/// What every refusal looks like, for the OpenAPI document; [`Error::body`] writes it.
#[derive(ToSchema)]
#[schema(as = Error)]
#[expect(dead_code, reason = "describes what is written elsewhere")]
pub(super) struct ErrorAnswer {
    /// What went wrong.
    error: ErrorBody,
}

/// What went wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written elsewhere")]
pub(super) struct ErrorBody {
    /// What was wrong and what to change, for a person.
    message: String,
    /// The class in OpenAI's words.
    r#type: String,
    /// The parameter at fault.
    param: Option<String>,
    /// The stable name that programs match on.
    code: String,
}

/// A refusal as an answer.
pub(super) struct Refusal(pub(super) Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut answer = json(self.0.body(Form::OpenAi, ""));
        *answer.status_mut() = self.0.code.status();
        if let Some(ms) = self.0.retry_after_ms {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        let again = if self.0.code.retryable() { "true" } else { "false" };
        answer.headers_mut().insert("x-should-retry", HeaderValue::from_static(again));
        answer
    }
}

/// An answer of JSON bytes. Recorded data is not for caches on the way.
pub(super) fn json(body: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}
