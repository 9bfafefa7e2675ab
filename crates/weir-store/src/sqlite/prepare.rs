//! What is done to a batch before its transaction: folding the writes of one span, numbering its texts, compressing
//! payloads, folding rollups. Touches no database.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use weir_core::id::SpanKey;
use weir_core::merge::{Merged, Rank, SpanWrite};

use super::payload::block::{self, FULL_BYTES, SLOTS};
use super::payload::dictionary::Dictionaries;
use super::rollup::contribution::Contribution;
use super::rollup::fold::Fold;
use super::rollup::under::Under;
use super::row::{self, NAMED};
use crate::ingest::{Unprepared, panic_text};

/// A batch ready for the writer.
#[derive(Debug, Default)]
pub struct Prepared {
    pub(super) rows: Vec<PreparedRow>,
    /// The texts of the batch; number `n` of a row is `names[n - 1]`.
    pub(super) names: Vec<Arc<str>>,
    pub(super) blocks: Vec<PreparedBlock>,
    pub(super) fold: Fold<u32>,
}

/// One span of a batch.
#[derive(Debug)]
pub(super) struct PreparedRow {
    pub(super) merged: Merged,
    /// The writes that `merged` was made of, when there were several: they are merged one by one into a stored row.
    pub(super) writes: Vec<SpanWrite>,
    pub(super) named: [u32; NAMED],
    /// The values under which it was folded into the rollups.
    pub(super) counted: Option<Under<u32>>,
    pub(super) payload: Place,
}

/// Where a span's payload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it has none.
    None,
    /// Into a block of the batch.
    Block(usize, usize),
    /// Into a block of its own, compressed when it is known what it merges with.
    Own,
}

/// A compressed block of a batch.
#[derive(Debug)]
pub(super) struct PreparedBlock {
    pub(super) data: Vec<u8>,
    pub(super) dictionary: Option<i64>,
}

/// Numbers the texts of a batch.
#[derive(Default)]
struct Texts {
    known: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Texts {
    fn number(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        if let Some(n) = self.known.get(text) {
            return *n;
        }
        let text: Arc<str> = text.into();
        self.names.push(Arc::clone(&text));
        let n = self.names.len() as u32;
        self.known.insert(text, n);
        n
    }
}

/// Prepares a batch. `plain` leaves payloads to be written as text. A panic on the way gives the writes back.
pub(super) fn prepare(
    writes: Vec<SpanWrite>,
    dictionaries: &Dictionaries,
    plain: bool,
) -> Result<Prepared, Unprepared> {
    let row = |(merged, writes)| PreparedRow { merged, writes, named: [0; NAMED], counted: None, payload: Place::None };
    let mut batch = Prepared { rows: fold_writes(writes).into_iter().map(row).collect(), ..Prepared::default() };
    match catch_unwind(AssertUnwindSafe(|| fill_in(&mut batch, dictionaries, plain))) {
        Ok(()) => Ok(batch),
        Err(panic) => Err(Unprepared { reason: panic_text(panic.as_ref()), writes: take_back(batch) }),
    }
}

/// Everything besides the rows' spans.
fn fill_in(batch: &mut Prepared, dictionaries: &Dictionaries, plain: bool) {
    let mut texts = Texts::default();
    for row in &mut batch.rows {
        let span = &row.merged.span;
        #[cfg(test)]
        assert!(span.name.as_deref() != Some(PANICS), "told to");
        row.named = row::named(span).map(|text| texts.number(text));
        row.counted = Contribution::of(span).map(|c| {
            let under = c.under.map(|text| texts.number(text.as_deref()));
            batch.fold.add_minutes(c.start, &under, &c.measures);
            under
        });
        row.payload = place_of(&row.merged, plain);
    }
    batch.names = texts.names;
    batch.fold.spread();
    if !plain {
        batch.blocks = compress(&mut batch.rows, dictionaries);
    }
}

/// Name of a span that cannot be prepared.
#[cfg(test)]
pub(crate) const PANICS: &str = "panics in prepare";

/// The writes that a batch was made of.
pub(super) fn take_back(batch: Prepared) -> Vec<SpanWrite> {
    let mut writes = Vec::with_capacity(batch.rows.len());
    for row in batch.rows {
        if row.writes.is_empty() {
            writes.push(SpanWrite { span: row.merged.span, stamp: row.merged.base });
        } else {
            writes.extend(row.writes);
        }
    }
    writes
}

/// One entry per span, in the order of their starts.
fn fold_writes(writes: Vec<SpanWrite>) -> Vec<(Merged, Vec<SpanWrite>)> {
    let mut places: HashMap<SpanKey, usize> = HashMap::with_capacity(writes.len());
    let mut folded: Vec<(Merged, Vec<SpanWrite>)> = Vec::with_capacity(writes.len());
    for write in writes {
        let key = write.span.span_key();
        match places.get(&key).and_then(|at| folded.get_mut(*at)) {
            Some((merged, pieces)) => {
                if pieces.is_empty() {
                    pieces.push(SpanWrite { span: merged.span.clone(), stamp: merged.base });
                }
                pieces.push(write.clone());
                merged.apply(write);
            }
            None => {
                places.insert(key, folded.len());
                folded.push((Merged::from(write), Vec::new()));
            }
        }
    }
    folded.sort_by_key(|(merged, _)| merged.span.start_us);
    folded
}

fn place_of(merged: &Merged, plain: bool) -> Place {
    let span = &merged.span;
    if plain || block::is_empty(&block::payload_of(span)) {
        Place::None
    } else if span.end_us.is_some() && span.start_us.is_some() && merged.base.rank == Rank::Create {
        // Whole: it will hardly be merged again. The place is filled in by `compress`.
        Place::Block(0, 0)
    } else {
        Place::Own
    }
}

/// Compresses the payloads of whole spans block by block and fills in their places.
fn compress(rows: &mut [PreparedRow], dictionaries: &Dictionaries) -> Vec<PreparedBlock> {
    let mut blocks = Vec::new();
    let mut laid_out = Vec::new();
    let mut members: Vec<usize> = Vec::with_capacity(SLOTS);
    let mut bytes = 0;
    let whole: Vec<usize> =
        rows.iter().enumerate().filter(|(_, r)| matches!(r.payload, Place::Block(..))).map(|(n, _)| n).collect();
    for (n, at) in whole.iter().enumerate() {
        bytes += rows.get(*at).map_or(0, |r| block::bytes(&block::payload_of(&r.merged.span)));
        members.push(*at);
        if members.len() < SLOTS && bytes < FULL_BYTES && n + 1 < whole.len() {
            continue;
        }
        let payloads: Vec<_> =
            members.iter().filter_map(|at| rows.get(*at)).map(|r| block::payload_of(&r.merged.span)).collect();
        block::lay_out(payloads.iter().copied(), &mut laid_out);
        let place = match dictionaries.compress(&laid_out, payloads.len()) {
            Ok((data, dictionary)) => {
                blocks.push(PreparedBlock { data, dictionary });
                Some(blocks.len() - 1)
            }
            Err(e) => {
                tracing::warn!(error = %e, "a payload block could not be compressed; trying again one by one");
                None
            }
        };
        for (slot, at) in members.drain(..).enumerate() {
            if let Some(row) = rows.get_mut(at) {
                row.payload = place.map_or(Place::Own, |block| Place::Block(block, slot));
            }
        }
        bytes = 0;
    }
    blocks
}
