//! The form of a block: the payloads of up to [`SLOTS`] spans, compressed together with zstd.
//!
//! Before compression: the number of slots, per slot the lengths of input and output plus one (0 is absent), then all
//! texts in that order; numbers are LEB128. A span's place is `block << 6 | slot`.

use std::io;

/// Most spans of a block.
pub(in crate::sqlite) const SLOTS: usize = 64;
/// A block is closed when its texts reach that many bytes.
pub(in crate::sqlite) const FULL_BYTES: usize = 512 << 10;
/// Longest texts that are read back; a guard against damaged files.
const MAX_BYTES: usize = 1 << 31;

/// The payload of one span.
pub(in crate::sqlite) type Payload<'a> = (Option<&'a str>, Option<&'a str>);

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
    put(out, payloads.len() as u64);
    for (input, output) in payloads.clone() {
        for text in [input, output] {
            put(out, text.map_or(0, |t| t.len() as u64 + 1));
        }
    }
    for (input, output) in payloads {
        for text in [input, output].into_iter().flatten() {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The texts of every slot of a decompressed block.
pub(in crate::sqlite) fn parse(mut bytes: &[u8]) -> Option<Vec<Payload<'_>>> {
    let count = take(&mut bytes)? as usize;
    if count > SLOTS {
        return None;
    }
    let mut lengths = Vec::with_capacity(2 * count);
    for _ in 0..2 * count {
        lengths.push(take(&mut bytes)?);
    }
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
        slots.push((texts.next()??, texts.next()??));
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

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_read_back() {
        let slots: Vec<Payload<'_>> =
            vec![(Some("in"), Some("")), (None, Some("öut")), (None, None), (Some("x"), None)];
        let mut out = Vec::new();
        lay_out(slots.iter().copied(), &mut out);
        assert_eq!(parse(&out), Some(slots));
        assert_eq!(parse(&out[..out.len() - 1]), None);
        assert_eq!(block_and_slot(place(7, 63)), (7, 63));
    }
}
