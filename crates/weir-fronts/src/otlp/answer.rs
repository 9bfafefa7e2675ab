//! Answers in the client's encoding: what was taken, and refusals as `google.rpc.Status`.

use axum::body::Body;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use weir_core::error::{Code, Error};

use super::decode::{Encoding, Rejected};

/// A refusal of a whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// What was wrong, and what to change.
    pub(super) message: String,
    /// Seconds after which the same request may be taken.
    pub(super) retry_after: Option<u64>,
}

impl Fault {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    /// 400.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 415.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// 413.
    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 408.
    pub(super) fn slow(message: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    /// 429: the same request can be taken in a second.
    pub(super) fn busy(message: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// As a gRPC status.
    pub(super) fn to_grpc(&self) -> tonic::Status {
        tonic::Status::new(tonic::Code::from_i32(self.rpc_code()), self.message.clone())
    }

    /// `google.rpc.Code`.
    fn rpc_code(&self) -> i32 {
        let code = match self.status.as_u16() {
            401 => tonic::Code::Unauthenticated,
            403 => tonic::Code::PermissionDenied,
            404 => tonic::Code::NotFound,
            408 => tonic::Code::DeadlineExceeded,
            // Clients send again what is unavailable, and what is exhausted only with more said.
            429 | 503 => tonic::Code::Unavailable,
            // What is too large will always be, and clients send again what is out of range.
            400 | 413 | 415 => tonic::Code::InvalidArgument,
            _ => tonic::Code::Internal,
        };
        code as i32
    }

    /// As an HTTP answer in an encoding.
    pub(super) fn to_http(&self, encoding: Encoding) -> Response<Body> {
        let status = RpcStatus { code: self.rpc_code(), message: self.message.clone() };
        let body = match encoding {
            Encoding::Protobuf => status.encode_to_vec(),
            Encoding::Json => {
                serde_json::json!({ "code": status.code, "message": status.message }).to_string().into_bytes()
            }
        };
        let mut answer = http(self.status, encoding, body);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let retry_after = error.retry_after_ms.map(|ms| ms.div_ceil(1_000).max(1));
        let internal = error.code == Code::Internal;
        let message = if internal { "the request met a defect of Weir's".to_owned() } else { error.message };
        Self { status: error.code.status(), message, retry_after }
    }
}

/// `google.rpc.Status`, as far as it is used.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The answer to an export that was taken, but for what is rejected. The three signals' answers are the same on the
/// wire; in JSON the member of the count is named by the signal.
pub(super) fn taken(encoding: Encoding, rejected: &Rejected, count: &'static str) -> Response<Body> {
    let body = match encoding {
        Encoding::Protobuf => {
            let partial = (rejected.count > 0).then(|| ExportTracePartialSuccess {
                rejected_spans: i64::try_from(rejected.count).unwrap_or(i64::MAX),
                error_message: rejected.message(),
            });
            ExportTraceServiceResponse { partial_success: partial }.encode_to_vec()
        }
        Encoding::Json if rejected.count > 0 => serde_json::json!({
            "partialSuccess": { count: rejected.count.to_string(), "errorMessage": rejected.message() }
        })
        .to_string()
        .into_bytes(),
        Encoding::Json => b"{}".to_vec(),
    };
    http(StatusCode::OK, encoding, body)
}

fn http(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response<Body> {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    let media = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}
