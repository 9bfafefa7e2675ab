//! Reading one answer to its end.

use std::time::Instant;

use http::{HeaderValue, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// Longest mark of a stream's end, less one byte: how much of a frame is kept to find marks across frames.
const CARRY: usize = 31;

/// What one answer was.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) first: Option<Instant>,
    /// A stream had its mark of completeness: `[DONE]`, `message_stop` or `response.completed`.
    pub(crate) marked: bool,
    pub(crate) id: Option<HeaderValue>,
}

/// Reads an answer to its end, looking for a stream's mark of completeness when it is one.
///
/// # Errors
/// When the connection breaks before the end.
pub(crate) async fn read(response: Response<Incoming>, stream: bool) -> hyper::Result<Answer> {
    let (parts, mut body) = response.into_parts();
    let id = parts
        .headers
        .get("x-request-id")
        .or_else(|| parts.headers.get("request-id"))
        .cloned();
    let mut answer = Answer {
        status: parts.status.as_u16(),
        bytes: 0,
        first: None,
        marked: false,
        id,
    };
    let mut last: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if answer.first.is_none() && !data.is_empty() {
            answer.first = Some(Instant::now());
        }
        answer.bytes += data.len() as u64;
        if stream && !answer.marked {
            last.extend_from_slice(&data);
            answer.marked = complete(&last);
            last.drain(..last.len().saturating_sub(CARRY));
        }
    }
    Ok(answer)
}

fn complete(bytes: &[u8]) -> bool {
    // Marks are rare: look at the few bytes that can begin one first.
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'[' => bytes[at..].starts_with(b"[DONE]"),
        b'm' => bytes[at..].starts_with(b"message_stop"),
        b'r' => {
            bytes[at..].starts_with(b"response.completed")
                || bytes[at..].starts_with(b"response.incomplete")
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found() {
        assert!(complete(b"data: [DONE]\n\n"));
        assert!(complete(b"event: message_stop\n"));
        assert!(complete(b"event: response.completed\n"));
        assert!(!complete(
            b"data: {\"choices\":[{\"delta\":{\"content\":\"DONE\"}}]}\n\n"
        ));
    }
}
