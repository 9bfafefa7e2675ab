//! The body of a request: read, unpacked, and counted while it is in memory.
//!
//! Invariants: neither what is read nor what it unpacks to passes the bound of a body; all requests together hold at most
//! [`Room`]'s bytes, and who finds none left is told to come again.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Fault;
use super::decode::Encoding;

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Room is counted in pieces of so many bytes.
const PIECE: usize = 16 << 10;
/// The widest window of zstd that is allocated, as its logarithm: what encoders use at their usual levels.
const ZSTD_WINDOW: u32 = 23;

/// Room in memory for requests.
pub(super) struct Room(Arc<Semaphore>);

/// Bytes that a request holds; given back when dropped.
#[derive(Default)]
pub(super) struct Held(Option<OwnedSemaphorePermit>);

impl Room {
    /// Room for so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / PIECE).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Takes room until what is held is enough for so many bytes.
    fn take(&self, held: &mut Held, bytes: usize) -> Result<(), Fault> {
        let has = held.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = bytes.div_ceil(PIECE).checked_sub(has).filter(|more| *more > 0) else { return Ok(()) };
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.0)
            .try_acquire_many_owned(more)
            .map_err(|_| Fault::busy("too many requests are being read: send this one again"))?;
        match &mut held.0 {
            Some(have) => have.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

/// How a request is encoded. Without a content type it is told by its first byte.
///
/// # Errors
/// 415 for what is neither protobuf nor JSON.
pub(super) fn encoding(headers: &HeaderMap, body: &[u8]) -> Result<Encoding, Fault> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(if body.first() == Some(&b'{') { Encoding::Json } else { Encoding::Protobuf });
    };
    let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        "application/x-protobuf" | "application/protobuf" | "application/octet-stream" => Ok(Encoding::Protobuf),
        "application/json" | "text/json" | "text/plain" => Ok(Encoding::Json),
        other => Err(Fault::unsupported(format!(
            "content-type \"{other}\" is not taken: send application/x-protobuf or application/json"
        ))),
    }
}

/// Reads a body as it was sent.
///
/// # Errors
/// 413 past the bound, 408 when it does not come, 429 when there is no room, 400 when it breaks off.
pub(super) async fn read(body: Body, max: usize, room: &Room) -> Result<(Bytes, Held), Fault> {
    tokio::time::timeout(PATIENCE, collect(body, max, room))
        .await
        .unwrap_or_else(|_| Err(Fault::slow(format!("the body did not arrive within {} s", PATIENCE.as_secs()))))
}

async fn collect(mut body: Body, max: usize, room: &Room) -> Result<(Bytes, Held), Fault> {
    let mut held = Held::default();
    let (mut first, mut all) = (None::<Bytes>, Vec::new());
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault::invalid("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length > max {
            return Err(too_large(max));
        }
        room.take(&mut held, length)?;
        // Most bodies come in one piece.
        match first.take() {
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(before) => {
                all.extend_from_slice(&before);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok((first.unwrap_or_else(|| Bytes::from(all)), held))
}

/// Unpacks a body as its `Content-Encoding` says.
///
/// # Errors
/// 413 when it unpacks to more than the bound, 415 for an encoding that is not known, 400 for what is damaged.
pub(super) fn unpack(
    headers: &HeaderMap,
    body: Bytes,
    max: usize,
    room: &Room,
    held: &mut Held,
) -> Result<Bytes, Fault> {
    let packed = headers.get(CONTENT_ENCODING).map(|v| v.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let name = packed.as_deref().unwrap_or_default();
    let already = body.len();
    let unpacked = match name {
        "" | "identity" => return Ok(body),
        "gzip" | "x-gzip" => drain(flate2::read::MultiGzDecoder::new(&body[..]), name, already, max, room, held),
        "deflate" => drain(flate2::read::ZlibDecoder::new(&body[..]), name, already, max, room, held),
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&body[..])
                .map_err(|error| Fault::invalid(format!("the body cannot be unpacked: {error}")))?;
            decoder
                .window_log_max(ZSTD_WINDOW)
                .map_err(|error| Fault::invalid(format!("the body cannot be unpacked: {error}")))?;
            drain(decoder, name, already, max, room, held)
        }
        other => Err(Fault::unsupported(format!(
            "content-encoding \"{other}\" is not taken: send gzip, deflate, zstd or none"
        ))),
    };
    unpacked.map(Bytes::from)
}

fn drain(
    mut from: impl Read,
    name: &str,
    already: usize,
    max: usize,
    room: &Room,
    held: &mut Held,
) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    loop {
        let before = all.len();
        room.take(held, already + before + PIECE)?;
        let read = from.by_ref().take(PIECE as u64).read_to_end(&mut all);
        read.map_err(|error| Fault::invalid(format!("the body is not {name}, or is damaged: {error}")))?;
        if all.len() > max {
            return Err(too_large(max));
        }
        if all.len() == before {
            return Ok(all);
        }
    }
}

fn too_large(max: usize) -> Fault {
    Fault::too_large(format!("the body is larger than {max} bytes (otlp.max_body): send fewer spans at once"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(name: &str, body: Vec<u8>, max: usize, room: &Room) -> Result<Bytes, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, name.parse().unwrap());
        unpack(&headers, body.into(), max, room, &mut Held::default())
    }

    #[test]
    fn each_packing_comes_out_as_it_went_in() {
        let room = Room::new(1 << 20);
        let data = b"spans ".repeat(10_000);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&data).unwrap();
        for (name, packed) in [
            ("gzip", gzip(&data)),
            ("deflate", zlib.finish().unwrap()),
            ("zstd", zstd::encode_all(&data[..], 3).unwrap()),
            ("identity", data.clone()),
        ] {
            assert_eq!(unpacked(name, packed, 60_000, &room).unwrap(), data, "{name}");
        }
        assert_eq!(unpacked("br", data.clone(), 60_000, &room).unwrap_err().status, 415);
        assert_eq!(unpacked("gzip", data, 60_000, &room).unwrap_err().status, 400);
    }

    #[test]
    fn a_bomb_stops_at_the_bound_of_a_body() {
        let room = Room::new(8 << 20);
        let bomb = gzip(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100 << 10);
        assert_eq!(unpacked("gzip", bomb.clone(), 1 << 20, &room).unwrap_err().status, 413);
        let zstd = zstd::encode_all(&vec![0; 64 << 20][..], 3).unwrap();
        assert_eq!(unpacked("zstd", zstd, 1 << 20, &room).unwrap_err().status, 413);
        // And at the room that all requests share.
        assert_eq!(unpacked("gzip", bomb, 1 << 30, &room).unwrap_err().status, 429);
        assert_eq!(room.0.available_permits(), (8 << 20) / PIECE);
    }
}
