//! What an OTLP endpoint answers.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

/// `google.rpc.Status`, the body of a failure.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// How many spans of a request that was taken are not kept all the same, and why. `None` when all are, or when the body
/// says nothing of it.
#[must_use]
pub fn partial_success(body: &[u8]) -> Option<(u64, String)> {
    let partial = ExportTraceServiceResponse::decode(body).ok()?.partial_success?;
    let count = u64::try_from(partial.rejected_spans).ok().filter(|count| *count > 0)?;
    Some((count, partial.error_message))
}

/// What a failure's body says, for a person.
#[must_use]
pub fn said(body: &[u8]) -> String {
    match RpcStatus::decode(body) {
        Ok(status) if !status.message.is_empty() => status.message,
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    use super::*;

    #[test]
    fn what_is_not_kept_is_read() {
        let answer = |rejected_spans| {
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans, error_message: "too old".to_owned() });
            partial_success_of(&ExportTraceServiceResponse { partial_success })
        };
        assert_eq!(answer(3), Some((3, "too old".to_owned())));
        assert_eq!((answer(0), answer(-1)), (None, None), "a warning, or nonsense");
        assert_eq!(partial_success(b""), None);
        assert_eq!(partial_success(b"<html>"), None);
    }

    fn partial_success_of(answer: &ExportTraceServiceResponse) -> Option<(u64, String)> {
        partial_success(&answer.encode_to_vec())
    }

    #[test]
    fn a_failure_is_told_whatever_its_form() {
        let status = RpcStatus { code: 3, message: "no such field".to_owned() };
        assert_eq!(said(&status.encode_to_vec()), "no such field");
        for text in ["Bad Request", "", "{\"message\":\"no\"}", "\n<html>"] {
            assert_eq!(said(text.as_bytes()), text);
        }
    }
}
