//! The form of one record in a segment.
//!
//! `[u32 length][u32 crc32][u8 version][u8 flags][u32 header length][header][u32 input length][input][output]`, all
//! little-endian; `length` and the checksum cover what follows the checksum. The header is the span's JSON without
//! `input` and `output`; bit 0 of the flags says that there is an input, bit 1 that there is an output.

use serde::ser::{Serialize, SerializeMap, Serializer};
use weir_core::span::Span;

/// Bytes before the checksummed part: its length and its checksum.
pub(super) const PREFIX: usize = 8;
/// Longest record that is written; a longer length in a file is damage.
pub(super) const MAX_FRAME: usize = 1 << 30;

const VERSION: u8 = 1;
const HAS_INPUT: u8 = 1;
const HAS_OUTPUT: u8 = 2;

/// A span without its payload, for the header.
struct Header<'a>(&'a Span);

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let span = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("trace_id", &span.trace_id)?;
        map.serialize_entry("span_id", &span.span_id)?;
        macro_rules! field {
            ($name:ident) => {
                if !matches!(stringify!($name), "input" | "output") {
                    if let Some(value) = &span.$name {
                        map.serialize_entry(stringify!($name), value)?;
                    }
                }
            };
        }
        weir_core::for_each_span_field!(field);
        if !span.attributes.is_empty() {
            map.serialize_entry("attributes", &span.attributes)?;
        }
        map.end()
    }
}

/// Writes the record of a span over the buffer. `false` when it would be too long.
pub(super) fn encode(span: &Span, out: &mut Vec<u8>) -> bool {
    out.clear();
    let input = span.input.as_deref().unwrap_or_default().as_bytes();
    let output = span.output.as_deref().unwrap_or_default().as_bytes();
    if input.len().saturating_add(output.len()) > MAX_FRAME - (1 << 20) {
        return false;
    }
    out.reserve(1024 + input.len() + output.len());
    out.extend_from_slice(&[0; PREFIX]);
    out.push(VERSION);
    out.push(if span.input.is_some() { HAS_INPUT } else { 0 } | if span.output.is_some() { HAS_OUTPUT } else { 0 });
    let header_at = out.len();
    out.extend_from_slice(&[0; 4]);
    if serde_json::to_writer(&mut *out, &Header(span)).is_err() {
        return false;
    }
    let header_len = out.len() - header_at - 4;
    out.extend_from_slice(&(input.len() as u32).to_le_bytes());
    out.extend_from_slice(input);
    out.extend_from_slice(output);
    let length = out.len() - PREFIX;
    if length > MAX_FRAME {
        return false;
    }
    put_u32(out, header_at, header_len as u32);
    let crc = crc32fast::hash(out.get(PREFIX..).unwrap_or_default());
    put_u32(out, 0, length as u32);
    put_u32(out, 4, crc);
    true
}

/// Reads the checksummed part of a record. `None` when it is damaged or of another version.
pub(super) fn decode(crc: u32, body: &[u8]) -> Option<Span> {
    if crc32fast::hash(body) != crc {
        return None;
    }
    let (&version, rest) = body.split_first()?;
    if version != VERSION {
        return None;
    }
    let (&flags, rest) = rest.split_first()?;
    let (header, rest) = take_block(rest)?;
    let (input, output) = take_block(rest)?;
    let mut span: Span = serde_json::from_slice(header).ok()?;
    if flags & HAS_INPUT != 0 {
        span.input = Some(String::from_utf8(input.to_vec()).ok()?);
    }
    if flags & HAS_OUTPUT != 0 {
        span.output = Some(String::from_utf8(output.to_vec()).ok()?);
    }
    Some(span)
}

/// Length and checksum at the start of a record.
pub(super) fn prefix(bytes: &[u8]) -> Option<(usize, u32)> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let crc = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?);
    Some((length as usize, crc))
}

fn take_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    bytes.get(4..)?.split_at_checked(length)
}

fn put_u32(out: &mut [u8], at: usize, value: u32) {
    if let Some(slot) = out.get_mut(at..at + 4) {
        slot.copy_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::id::{SpanId, SpanKey, TraceId};
    use weir_core::span::SpanKind;

    #[test]
    fn a_record_reads_back_and_damage_is_seen() {
        let mut span = Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() });
        span.kind = Some(SpanKind::Llm);
        span.input = Some("{\"a\":\"ü\"}".into());
        span.output = Some(String::new());
        span.attributes.insert("k".into(), "1.00".into());
        let mut out = Vec::new();
        assert!(encode(&span, &mut out));
        let (length, crc) = prefix(&out).unwrap();
        assert_eq!(length, out.len() - PREFIX);
        assert_eq!(decode(crc, &out[PREFIX..]), Some(span));
        for at in PREFIX..out.len() {
            let mut bad = out.clone();
            bad[at] ^= 1;
            assert_eq!(decode(crc, &bad[PREFIX..]), None);
        }
    }
}
