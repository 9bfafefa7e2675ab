//! Answers.

use axum::body::Body;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Serialize, Serializer};

use crate::mlflow::errors::{ErrorCode, Refused};

/// What a handler answers with, status 200.
#[derive(Debug)]
pub(crate) struct Reply {
    content_type: &'static str,
    body: Vec<u8>,
}

/// An answer of JSON. Members that are not set are to be left out: `skip_serializing_if`.
pub(crate) fn reply(answer: &impl Serialize) -> Result<Reply, Refused> {
    let body = serde_json::to_vec(answer)
        .map_err(|e| Refused::new(ErrorCode::InternalError, format!("the answer cannot be written: {e}")))?;
    Ok(Reply { content_type: "application/json", body })
}

impl Reply {
    /// `{}`.
    pub(crate) fn empty() -> Self {
        Self { content_type: "application/json", body: b"{}".to_vec() }
    }

    /// What is answered.
    #[cfg(test)]
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_http(self) -> Response<Body> {
        let mut answer = Response::new(Body::from(self.body));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        answer
    }
}

/// A double as proto3 writes it: NaN is the text `"NaN"`; infinities are the greatest numbers, as MLflow stores them.
pub(crate) fn double<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_nan() {
        serializer.serialize_str("NaN")
    } else {
        serializer.serialize_f64(value.clamp(f64::MIN, f64::MAX))
    }
}
