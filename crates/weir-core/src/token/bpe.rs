//! Byte-pair encoding: how many tokens of a vocabulary a piece of text is.
//!
//! Source: `byte_pair_encode` of OpenAI's tiktoken. A piece that is a token counts one. Any other starts as its bytes,
//! and the two neighbours that together are the token of the lowest rank are merged, the leftmost first, until no two
//! neighbours are a token; what is left is counted. Short pieces look for the lowest rank by a scan, long ones by a
//! heap, as in tiktoken's `_byte_pair_merge_large`. So the time grows as n log n however the text is made; meanwhile a
//! long piece takes some 20 bytes of memory per byte.
//!
//! The vocabulary is the file that `build.rs` wrote, found through an open-addressing hash table of slots of four
//! bytes: the rank, and the upper bits of the hash as a tag, so that another token is nearly never compared.
//!
//! Invariants: a rank is the index of its token; no token is longer than 255 bytes, and slices longer than the longest
//! are never hashed; tokens are distinct. The table is at most half full and fixed, so no text can make a look-up slow.
//! Every single byte is a token, so the count is at most the number of bytes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No token.
const NONE: u32 = u32::MAX;
/// Bits of a slot that hold the rank.
const RANK_BITS: u32 = 18;
/// The most tokens that a table can hold; one less than there are ranks, as a slot of all ones is free.
const MOST_TOKENS: usize = (1 << RANK_BITS) - 1;
/// Pieces of fewer bytes are merged by scans, as in tiktoken.
const SHORT: usize = 100;
/// Bits of a heap entry that hold the position; the rank is above them, so that the smallest entry is the next merge.
const POSITION_BITS: u32 = 64 - RANK_BITS;

/// A vocabulary.
pub(super) struct Bpe {
    /// All tokens, one after the other.
    bytes: &'static [u8],
    /// Where each token starts, and where the last one ends.
    starts: Box<[u32]>,
    /// Rank and tag of a token, or [`NONE`]. A power of two.
    slots: Box<[u32]>,
    /// Length of the longest token.
    longest: usize,
}

impl Bpe {
    /// Reads what `build.rs` wrote. Anything else is taken as far as it makes sense.
    pub(super) fn new(table: &'static [u8]) -> Self {
        let (count, rest) = table.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let count = (u32::from_le_bytes(*count) as usize).min(MOST_TOKENS).min(rest.len());
        let (lengths, bytes) = rest.split_at(count);
        let mut starts = Vec::with_capacity(count + 1);
        let mut end = 0;
        starts.push(end);
        for &length in lengths {
            end += u32::from(length);
            starts.push(end);
        }
        let mut bpe = Self {
            bytes,
            starts: starts.into(),
            slots: vec![NONE; (2 * count).next_power_of_two()].into(),
            longest: lengths.iter().max().map_or(0, |&length| length.into()),
        };
        for rank in 0..count {
            bpe.insert(rank as u32);
        }
        bpe
    }

    /// The number of tokens of a piece.
    pub(super) fn count(&self, piece: &[u8]) -> usize {
        if piece.len() < 2 || self.rank(piece) != NONE {
            usize::from(!piece.is_empty())
        } else if piece.len() < SHORT {
            self.merge_short(piece)
        } else {
            self.merge_long(piece)
        }
    }

    /// The number of tokens in the vocabulary.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn insert(&mut self, rank: u32) {
        let (mut slot, tag) = self.place(self.token(rank));
        let mask = self.slots.len() - 1;
        while self.slots[slot] != NONE {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = tag | rank;
    }

    /// The rank of a token, or [`NONE`].
    fn rank(&self, token: &[u8]) -> u32 {
        if token.len() > self.longest {
            return NONE;
        }
        let (mut slot, tag) = self.place(token);
        let mask = self.slots.len() - 1;
        loop {
            let found = self.slots[slot];
            if found == NONE {
                return NONE;
            }
            let rank = found & MOST_TOKENS as u32;
            if found ^ rank == tag && self.token(rank) == token {
                return rank;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn token(&self, rank: u32) -> &'static [u8] {
        let rank = rank as usize;
        match self.starts.get(rank..rank + 2) {
            Some(&[start, end]) => self.bytes.get(start as usize..end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The slot at which the search for a token starts, and its tag, in the bits above the rank.
    fn place(&self, token: &[u8]) -> (usize, u32) {
        let hash = hash(token);
        (hash as usize & (self.slots.len() - 1), (hash >> 32) as u32 & !(MOST_TOKENS as u32))
    }

    fn merge_short(&self, piece: &[u8]) -> usize {
        // Part i is piece[starts[i]..starts[i + 1]], and ranks[i] the rank of parts i and i + 1 together.
        let mut starts = [0_u8; SHORT + 1];
        let mut ranks = [NONE; SHORT];
        let mut parts = piece.len();
        for (i, start) in starts.iter_mut().enumerate().take(parts + 1) {
            *start = i as u8;
        }
        for (pair, rank) in piece.windows(2).zip(&mut ranks) {
            *rank = self.rank(pair);
        }
        loop {
            let mut lowest = (NONE, 0);
            for (i, &rank) in ranks[..parts - 1].iter().enumerate() {
                if rank < lowest.0 {
                    lowest = (rank, i);
                }
            }
            let (rank, at) = lowest;
            if rank == NONE {
                return parts;
            }
            starts.copy_within(at + 2..=parts, at + 1);
            ranks.copy_within(at + 1..parts, at);
            parts -= 1;
            let pair = |i: usize| {
                if i + 2 > parts { NONE } else { self.rank(&piece[starts[i].into()..starts[i + 2].into()]) }
            };
            ranks[at] = pair(at);
            if at > 0 {
                ranks[at - 1] = pair(at - 1);
            }
        }
    }

    fn merge_long(&self, piece: &[u8]) -> usize {
        let mut parts = vec![Part { rank: NONE, length: 1, before: 1 }; piece.len()];
        let mut merges = Vec::with_capacity(piece.len());
        for (at, (pair, part)) in piece.windows(2).zip(&mut parts).enumerate() {
            part.rank = self.rank(pair);
            if part.rank != NONE {
                merges.push(Reverse(merge(part.rank, at)));
            }
        }
        let mut merges = BinaryHeap::from(merges);
        let mut count = piece.len();
        while let Some(Reverse(next)) = merges.pop() {
            let at = (next & ((1 << POSITION_BITS) - 1)) as usize;
            // A pair only grows, so its rank tells whether it still is the one that was queued.
            if merge(parts[at].rank, at) != next {
                continue;
            }
            let right = at + usize::from(parts[at].length);
            let end = right + usize::from(parts[right].length);
            parts[right].rank = NONE;
            parts[at].length = (end - at) as u8;
            count -= 1;
            if let Some(after) = parts.get_mut(end) {
                after.before = (end - at) as u8;
            }
            let left = (at > 0).then(|| at - usize::from(parts[at].before));
            for start in left.into_iter().chain([at]) {
                let middle = start + usize::from(parts[start].length);
                let end = middle + parts.get(middle).map_or(piece.len(), |part| part.length.into());
                let rank = piece.get(start..end).map_or(NONE, |pair| self.rank(pair));
                parts[start].rank = rank;
                if rank != NONE {
                    merges.push(Reverse(merge(rank, start)));
                }
            }
        }
        count
    }
}

/// The part of a long piece that starts at its index.
#[derive(Clone, Copy)]
struct Part {
    /// Rank of this part and the next together.
    rank: u32,
    length: u8,
    /// Length of the part before.
    before: u8,
}

/// A heap entry; that of [`NONE`] is none that is ever queued.
fn merge(rank: u32, at: usize) -> u64 {
    u64::from(rank) << POSITION_BITS | at as u64
}

/// Multiplies and folds eight bytes at a time, as wyhash does. The vocabulary is fixed, so it need not resist anyone.
fn hash(bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(K);
        (product as u64) ^ (product >> 64) as u64
    };
    let (words, tail) = bytes.as_chunks::<8>();
    let mut state = K ^ bytes.len() as u64;
    for word in words {
        state = fold(state, u64::from_le_bytes(*word));
    }
    let last = tail.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    fold(fold(state, last), K)
}
