//! The body of a request: read, unpacked, and counted while it is in memory.
//!
//! Invariants: neither what is read nor what it unpacks to passes the bound of a body; the buffers of all requests
//! together have at most [`Room`]'s bytes, also while they grow, and who finds none left is told to come again.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use weir_core::unread::shown;

use super::answer::Fault;
use super::decode::Encoding;
use crate::room::{Full, Held, PIECE, Room};

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most by which a buffer grows at once.
const STEP: usize = 4 << 20;
/// The widest window of zstd that is allocated, as its logarithm: what encoders use at their usual levels.
const ZSTD_WINDOW: u32 = 23;

impl From<Full> for Fault {
    fn from(_: Full) -> Self {
        Self::busy("too many requests are being read: send this one again")
    }
}

/// A buffer that grows within the room and to the bound of a body, and no further.
struct Buffer<'r> {
    bytes: Vec<u8>,
    max: usize,
    room: &'r Room,
    held: &'r mut Held,
    /// Bytes of the request that are held beside it.
    beside: usize,
}

impl Buffer<'_> {
    fn push(&mut self, data: &[u8]) -> Result<(), Fault> {
        let (length, capacity) = (self.bytes.len() + data.len(), self.bytes.capacity());
        if length > self.max {
            return Err(too_large(self.max));
        }
        if length > capacity {
            // In proportion to what is there, so that not much is moved, but in bounded steps, so that not much is for nothing.
            let grown = (capacity + (capacity / 2).min(STEP)).clamp(PIECE, self.max.max(PIECE)).max(length);
            // While it moves both are there.
            self.room.hold(self.held, self.beside + capacity + grown)?;
            self.bytes.reserve_exact(grown - self.bytes.len());
            self.room.hold(self.held, self.beside + self.bytes.capacity())?;
        }
        self.bytes.extend_from_slice(data);
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
            "content-type \"{}\" is not taken: send application/x-protobuf or application/json",
            shown(other)
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
    let mut first = None::<Bytes>;
    let mut all = Buffer { bytes: Vec::new(), max, room, held: &mut held, beside: 0 };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault::invalid("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        // Most bodies come in one piece.
        if let Some(before) = first.take() {
            all.push(&before)?;
        } else if all.bytes.is_empty() && data.len() <= max {
            room.hold(all.held, data.len())?;
            first = Some(data);
            continue;
        }
        all.push(&data)?;
    }
    let bytes = all.bytes;
    Ok((first.unwrap_or_else(|| Bytes::from(bytes)), held))
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
    match packed.as_deref().unwrap_or_default() {
        "" | "identity" => Ok(body),
        name => unpack_as(name, &body, max, room, held),
    }
}

/// Unpacks what is packed under that name; the room held is for both.
///
/// # Errors
/// Those of [`unpack`].
pub(super) fn unpack_as(name: &str, body: &[u8], max: usize, room: &Room, held: &mut Held) -> Result<Bytes, Fault> {
    let already = body.len();
    let unpacked = match name {
        "gzip" | "x-gzip" => drain(flate2::read::MultiGzDecoder::new(body), name, already, max, room, held),
        "deflate" => drain(flate2::read::ZlibDecoder::new(body), name, already, max, room, held),
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body)
                .map_err(|error| Fault::invalid(format!("the body cannot be unpacked: {error}")))?;
            decoder
                .window_log_max(ZSTD_WINDOW)
                .map_err(|error| Fault::invalid(format!("the body cannot be unpacked: {error}")))?;
            drain(decoder, name, already, max, room, held)
        }
        other => Err(Fault::unsupported(format!(
            "content-encoding \"{}\" is not taken: send gzip, deflate, zstd or none",
            shown(other)
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
    let mut all = Buffer { bytes: Vec::new(), max, room, held, beside: already };
    let mut piece = vec![0; PIECE];
    loop {
        let read = match from.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.map_err(|error| Fault::invalid(format!("the body is not {name}, or is damaged: {error}")))?,
        };
        match piece.get(..read) {
            None | Some([]) => return Ok(all.bytes),
            Some(data) => all.push(data)?,
        }
    }
}

/// 413: what was sent, or what it unpacks to, passes the bound.
pub(super) fn too_large(max: usize) -> Fault {
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
        assert_eq!(room.free(), (8 << 20) / PIECE);
    }

    #[test]
    fn buffers_are_counted_by_what_they_take() {
        let room = Room::new(64 << 20);
        let all = (64 << 20) / PIECE;
        let mut held = Held::default();
        let packed = gzip(&vec![7; 20_000_000]);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        let length = packed.len();
        let body = unpack(&headers, packed.into(), 20 << 20, &room, &mut held).unwrap();
        let taken = (all - room.free()) * PIECE;
        assert_eq!(body.len(), 20_000_000);
        assert!((body.len() + length..=(20 << 20) + length + PIECE).contains(&taken), "{taken}");
        drop(held);
        assert_eq!(room.free(), all);
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_one_body() {
        let room = Room::new(1 << 20);
        let pieces = |count: usize| {
            let pieces = (0..count).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![1; 10_000])));
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        for count in [0, 1, 2, 30] {
            let (body, held) = read(pieces(count), 300_000, &room).await.unwrap();
            assert_eq!(body.len(), count * 10_000);
            drop(held);
        }
        for (count, max) in [(31, 300_000), (1, 9_999), (2, 19_999)] {
            assert_eq!(read(pieces(count), max, &room).await.unwrap_err().status, 413);
        }
        assert_eq!(read(pieces(90), 1 << 20, &room).await.unwrap_err().status, 429, "it does not fit while it grows");
        assert_eq!(room.free(), (1 << 20) / PIECE);
    }
}
