//! The stored form of a [`Sketch`], 3 bytes for one latency.
//!
//! One header byte (`version << 1 | has_zero`), the zero count if there is one, then the bins in ascending order up to
//! the end of the bytes. Each bin is `step << 1 | is_one` followed by `count - 2` unless the count is one. `step` is
//! the zigzag index for the first bin and the distance to the previous bin minus 1 for the others. All numbers are
//! LEB128 variable-length integers.
//!
//! Invariant: what [`Sketch::decode`] accepts meets the invariants of [`Sketch`]; all else, whatever the bytes, is
//! `None`.

use super::{Bin, MAX_BINS, Sketch};
use crate::varint::{put, take};

const VERSION: u8 = 1;

impl Sketch {
    /// The compact form, for a database column.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + 3 * self.bins.len());
        out.push(VERSION << 1 | u8::from(self.zero > 0));
        if self.zero > 0 {
            put(&mut out, self.zero);
        }
        let mut previous = None;
        for bin in &self.bins {
            let step = match previous {
                None => zigzag(bin.index),
                Some(p) => u64::from(bin.index.abs_diff(p)).saturating_sub(1),
            };
            put(&mut out, step << 1 | u64::from(bin.count == 1));
            if bin.count > 1 {
                put(&mut out, bin.count - 2);
            }
            previous = Some(bin.index);
        }
        out
    }

    /// Reads what [`Sketch::encode`] wrote. `None` for another version, for cut or otherwise impossible bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (zero, mut reader) = Reader::open(bytes)?;
        let mut bins = Vec::with_capacity((reader.rest.len() / 2).clamp(1, MAX_BINS).min(64));
        while let Some(bin) = reader.bin()? {
            bins.push(bin);
        }
        Some(Self { zero, bins })
    }

    /// Decodes and merges without an allocation for the other sketch. `false`, and nothing is changed, when the bytes
    /// are not a sketch.
    #[must_use]
    pub fn merge_encoded(&mut self, bytes: &[u8]) -> bool {
        let Some((zero, mut check)) = Reader::open(bytes) else {
            return false;
        };
        let reader = check.clone();
        loop {
            match check.bin() {
                None => return false,
                Some(None) => break,
                Some(Some(_)) => {}
            }
        }
        if check.read > 8 {
            if let Some(other) = Self::decode(bytes) {
                self.merge(&other);
            }
            return true;
        }
        self.zero = self.zero.saturating_add(zero);
        let mut reader = reader;
        while let Some(Some(bin)) = reader.bin() {
            self.add_bin(bin);
        }
        self.collapse();
        true
    }
}

/// Walks over encoded bins.
#[derive(Clone)]
struct Reader<'a> {
    rest: &'a [u8],
    previous: Option<i32>,
    read: usize,
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8]) -> Option<(u64, Self)> {
        let (&header, mut rest) = bytes.split_first()?;
        if header >> 1 != VERSION {
            return None;
        }
        let zero = if header & 1 == 1 { take(&mut rest)? } else { 0 };
        Some((zero, Self { rest, previous: None, read: 0 }))
    }

    /// The next bin; `Some(None)` at the end, `None` for impossible bytes.
    fn bin(&mut self) -> Option<Option<Bin>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        if self.read == MAX_BINS {
            return None;
        }
        let word = take(&mut self.rest)?;
        let step = word >> 1;
        let index = match self.previous {
            None => unzigzag(step)?,
            Some(p) => i32::try_from(i64::from(p).checked_add(i64::try_from(step).ok()?)?.checked_add(1)?).ok()?,
        };
        let count = if word & 1 == 1 { 1 } else { take(&mut self.rest)?.checked_add(2)? };
        self.previous = Some(index);
        self.read += 1;
        Some(Some(Bin { index, count }))
    }
}

fn zigzag(n: i32) -> u64 {
    u64::from((n << 1 ^ n >> 31) as u32)
}

fn unzigzag(n: u64) -> Option<i32> {
    let n = u32::try_from(n).ok()?;
    Some((n >> 1) as i32 ^ -((n & 1) as i32))
}
