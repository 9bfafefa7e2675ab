//! Reading a request's body within its bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use weir_core::error::{Code, Error};

/// The whole body.
///
/// # Errors
/// 413 when it is longer than `max` (at once where the length is announced), 408 when it takes too long, 400 when it
/// breaks off.
pub async fn read(headers: &HeaderMap, mut body: Body, max: u64, within: Duration) -> Result<Bytes, Error> {
    let too_large = || {
        let message = format!("the request body is larger than {} (gateway.max_body)", weir_core::units::Bytes(max));
        Error::new(Code::BodyTooLarge, message)
    };
    let announced =
        headers.get(http::header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let read = async {
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|e| Error::new(Code::InvalidRequest, format!("the request body broke off: {e}")))?;
            let Ok(piece) = frame.into_data() else { continue };
            let held = first.as_ref().map_or(all.len(), Bytes::len) as u64;
            if held + piece.len() as u64 > max {
                return Err(too_large());
            }
            match first.take() {
                None if all.is_empty() => first = Some(piece),
                None => all.extend_from_slice(&piece),
                Some(before) => {
                    all.reserve(announced.and_then(|n| usize::try_from(n).ok()).unwrap_or(0).max(before.len() * 2));
                    all.extend_from_slice(&before);
                    all.extend_from_slice(&piece);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    };
    tokio::time::timeout(within, read).await.unwrap_or_else(|_| {
        let message =
            format!("the request body did not arrive within {} s (gateway.request_timeout)", within.as_secs());
        Err(Error::new(Code::RequestTimeout, message))
    })
}
