//! The form of a block: the payloads of up to [`SLOTS`] spans, compressed together with zstd.
//!
//! Before compression: the number of slots, per slot the lengths of input and output plus one (0 is absent), then all
//! texts in that order; numbers are LEB128. Where a span has details, the number of slots is [`SLOTS`] greater and every
//! slot has a third length and text. A span's place is `block << 6 | slot`.

use std::io;

use weir_core::span::Span;
use weir_core::varint::{put, take};

/// Most spans of a block.
pub(in crate::sqlite) const SLOTS: usize = 64;
/// A block is closed when its texts reach that many bytes.
pub(in crate::sqlite) const FULL_BYTES: usize = 512 << 10;
/// Longest texts that are read back; a guard against damaged files.
const MAX_BYTES: usize = 1 << 31;

/// The texts of a span's payload.
const TEXTS: usize = 3;

/// The payload of one span: input, output and details.
pub(in crate::sqlite) type Payload<'a> = [Option<&'a str>; TEXTS];

/// What of a span lies in its payload.
pub(in crate::sqlite) fn payload_of(span: &Span) -> Payload<'_> {
    [span.input.as_deref(), span.output.as_deref(), span.details.as_deref()]
}

/// Whether there is anything to keep.
pub(in crate::sqlite) fn is_empty(payload: &Payload<'_>) -> bool {
    payload.iter().all(Option::is_none)
}

/// How long its texts are together.
pub(in crate::sqlite) fn bytes(payload: &Payload<'_>) -> usize {
    payload.iter().flatten().map(|text| text.len()).sum()
}

/// The number that stands in a span's row.
pub(in crate::sqlite) fn place(block: i64, slot: usize) -> i64 {
    block << 6 | slot as i64
}

/// The inverse of [`place`].
pub(in crate::sqlite) fn block_and_slot(place: i64) -> (i64, usize) {
    (place >> 6, (place & 63) as usize)
}

/// Lays the payloads out for compression.
pub(in crate::sqlite) fn lay_out<'a>(payloads: impl ExactSizeIterator<Item = Payload<'a>> + Clone, out: &mut Vec<u8>) {
    out.clear();
    // What has no details looks as it did before there were any.
    let detailed = payloads.clone().any(|[_, _, details]| details.is_some());
    let texts = if detailed { TEXTS } else { TEXTS - 1 };
    put(out, (payloads.len() + if detailed { SLOTS } else { 0 }) as u64);
    for payload in payloads.clone() {
        for text in payload.iter().take(texts) {
            put(out, text.map_or(0, |t| t.len() as u64 + 1));
        }
    }
    for payload in payloads {
        for text in payload.iter().flatten() {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The lengths that stand before the texts, plus one, and how many each slot has.
fn lengths(bytes: &mut &[u8]) -> Option<(Vec<u64>, usize)> {
    let first = usize::try_from(take(bytes)?).ok()?;
    let (count, texts) = if first > SLOTS { (first - SLOTS, TEXTS) } else { (first, TEXTS - 1) };
    if count > SLOTS {
        return None;
    }
    let mut lengths = Vec::with_capacity(texts * count);
    for _ in 0..texts * count {
        lengths.push(take(bytes)?);
    }
    Some((lengths, texts))
}

/// The texts of one slot of a decompressed block; the others are passed over unread.
pub(in crate::sqlite) fn slot(mut bytes: &[u8], slot: usize) -> Option<Payload<'_>> {
    let (lengths, texts) = lengths(&mut bytes)?;
    let own = lengths.get(slot * texts..(slot + 1) * texts)?;
    let before =
        lengths.iter().take(slot * texts).fold(0u64, |sum, length| sum.saturating_add(length.saturating_sub(1)));
    let mut rest = bytes.get(usize::try_from(before).ok()?..)?;
    let mut payload = [None; TEXTS];
    for (to, length) in payload.iter_mut().zip(own) {
        let Some(length) = usize::try_from(*length).ok()?.checked_sub(1) else { continue };
        let (text, after) = rest.split_at_checked(length)?;
        rest = after;
        *to = Some(std::str::from_utf8(text).ok()?);
    }
    Some(payload)
}

/// The texts of every slot of a decompressed block.
pub(in crate::sqlite) fn parse(mut bytes: &[u8]) -> Option<Vec<Payload<'_>>> {
    let (lengths, per_slot) = lengths(&mut bytes)?;
    let (count, detailed) = (lengths.len() / per_slot, per_slot == TEXTS);
    let mut texts = lengths.into_iter().map(|length| match usize::try_from(length).ok()?.checked_sub(1) {
        None => Some(None),
        Some(length) => {
            let (text, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            Some(Some(std::str::from_utf8(text).ok()?))
        }
    });
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        slots.push([texts.next()??, texts.next()??, if detailed { texts.next()?? } else { None }]);
    }
    Some(slots)
}

/// Decompresses a block.
pub(in crate::sqlite) fn decompress(data: &[u8], dictionary: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let size = zstd::bulk::Decompressor::upper_bound(data).unwrap_or(MAX_BYTES).min(MAX_BYTES);
    match dictionary {
        Some(dictionary) => zstd::bulk::Decompressor::with_dictionary(dictionary)?.decompress(data, size),
        None => zstd::bulk::decompress(data, size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_read_back() {
        let slots: Vec<Payload<'_>> = vec![
            [Some("in"), Some(""), None],
            [None, Some("öut"), Some("{\"links\":[]}")],
            [None; 3],
            [Some("x"), None, Some("")],
        ];
        let mut out = Vec::new();
        lay_out(slots.iter().copied(), &mut out);
        for (n, texts) in slots.iter().enumerate() {
            assert_eq!(slot(&out, n), Some(*texts), "{n}");
        }
        assert_eq!((slot(&out, 4), slot(&out[..out.len() - 1], 3)), (None, None));
        assert_eq!(parse(&out), Some(slots));
        assert_eq!(parse(&out[..out.len() - 1]), None);
        assert_eq!(block_and_slot(place(7, 63)), (7, 63));
    }

    #[test]
    fn blocks_from_before_there_were_details_read_back() {
        let old = b"\x03\x03\x01\x00\x04\x00\x00in\xc3\xb6u";
        let slots: Vec<Payload<'_>> = vec![[Some("in"), Some(""), None], [None, Some("öu"), None], [None; 3]];
        assert_eq!(parse(old), Some(slots.clone()));
        assert_eq!(slot(old, 1), Some(slots[1]));
        let mut out = Vec::new();
        lay_out(slots.iter().copied(), &mut out);
        assert_eq!(out, old, "and what has none is still written so");
        // The fullest of the old form and the emptiest of the new are told apart.
        for slots in [vec![[Some("a"), None, None]; SLOTS], vec![[None, None, Some("a")]; SLOTS], vec![[Some("a"); 3]]]
        {
            lay_out(slots.iter().copied(), &mut out);
            assert_eq!(parse(&out), Some(slots));
        }
    }
}
