//! Reading one answer to its end.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// Longest mark of a stream's end, less one byte: how much of a frame is kept to find marks across frames.
const CARRY: usize = 31;

/// Bytes of ` [1234567890123456]`.
const STAMP: usize = 19;

/// What one answer was.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) first: Option<Instant>,
    /// A stream had its mark of completeness: `[DONE]`, `message_stop` or `response.completed`.
    pub(crate) marked: bool,
    pub(crate) id: Option<HeaderValue>,
    /// Microseconds that each stamped chunk was under way.
    pub(crate) chunks: Vec<u64>,
}

/// Reads an answer to its end, looking for a stream's mark of completeness when it is one.
///
/// # Errors
/// When the connection breaks before the end.
pub(crate) async fn read(response: Response<Incoming>, stream: bool, stamps: bool) -> hyper::Result<Answer> {
    let (parts, mut body) = response.into_parts();
    let id = parts.headers.get("x-request-id").or_else(|| parts.headers.get("request-id")).cloned();
    let mut answer =
        Answer { status: parts.status.as_u16(), bytes: 0, first: None, marked: false, id, chunks: Vec::new() };
    let mut last: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if answer.first.is_none() && !data.is_empty() {
            answer.first = Some(Instant::now());
        }
        answer.bytes += data.len() as u64;
        if stamps {
            under_way(&data, &mut answer.chunks);
        }
        if stream && !answer.marked {
            last.extend_from_slice(&data);
            answer.marked = complete(&last);
            last.drain(..last.len().saturating_sub(CARRY));
        }
    }
    Ok(answer)
}

/// How long each stamped chunk of a frame was under way. A stamp that two frames share is not seen.
fn under_way(data: &[u8], chunks: &mut Vec<u64>) {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
    let now = now.as_micros() as u64;
    let stamps = data.windows(STAMP).filter(|window| window.starts_with(b" [") && window.ends_with(b"]"));
    for stamp in stamps {
        let digits = std::str::from_utf8(&stamp[2..STAMP - 1]).ok();
        if let Some(sent) = digits.and_then(|digits| digits.parse::<u64>().ok()) {
            chunks.push(now.saturating_sub(sent));
        }
    }
}

fn complete(bytes: &[u8]) -> bool {
    // Marks are rare: look at the few bytes that can begin one first.
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'[' => bytes[at..].starts_with(b"[DONE]"),
        b'm' => bytes[at..].starts_with(b"message_stop"),
        b'r' => bytes[at..].starts_with(b"response.completed") || bytes[at..].starts_with(b"response.incomplete"),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_found() {
        let mut chunks = Vec::new();
        under_way(b"data: {\"content\":\"w1 [1000000000000000]\"} [ ] [12345678901234xx]", &mut chunks);
        assert_eq!(chunks.len(), 1);
        under_way(b" [9999999999999999]", &mut chunks);
        assert_eq!(chunks[1], 0);
        under_way(b"", &mut chunks);
    }

    #[test]
    fn marks_are_found() {
        assert!(complete(b"data: [DONE]\n\n"));
        assert!(complete(b"event: message_stop\n"));
        assert!(complete(b"event: response.completed\n"));
        assert!(!complete(b"data: {\"choices\":[{\"delta\":{\"content\":\"DONE\"}}]}\n\n"));
    }
}
