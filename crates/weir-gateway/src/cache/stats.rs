//! What the cache has done, for status and metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use super::entry::Entry;

/// What the cache holds and what it has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Entries in memory.
    pub entries: u64,
    /// What they take.
    pub bytes: u64,
    /// Embeddings in memory.
    pub vectors: u64,
    /// Calls that got the answer of an equal one, also by waiting for it.
    pub hits: u64,
    /// Calls that got the answer of one of nearly the same meaning.
    pub semantic_hits: u64,
    /// Calls that asked a provider because there was no answer.
    pub misses: u64,
    /// Calls that did not want an answer from the cache.
    pub bypassed: u64,
    /// Entries that had to go for others.
    pub evicted: u64,
    /// Nano-dollars that hits did not cost, as far as prices are known.
    pub saved_nano: u64,
    /// Microseconds of upstream time that hits did not take.
    pub saved_us: u64,
    /// Changes that the file did not get: a restart finds that much less, or more.
    pub persist_dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    hits: AtomicU64,
    semantic_hits: AtomicU64,
    misses: AtomicU64,
    bypassed: AtomicU64,
    evicted: AtomicU64,
    saved_nano: AtomicU64,
    saved_us: AtomicU64,
}

impl Counts {
    pub(super) fn hit(&self, entry: &Entry, is_semantic: bool) {
        let counter = if is_semantic { &self.semantic_hits } else { &self.hits };
        counter.fetch_add(1, Ordering::Relaxed);
        let positive = |n: i64| u64::try_from(n).unwrap_or(0);
        self.saved_nano.fetch_add(positive(entry.saved_nano().unwrap_or(0)), Ordering::Relaxed);
        self.saved_us.fetch_add(positive(entry.answer.latency_us), Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bypass(&self) {
        self.bypassed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn evicted(&self, entries: usize) {
        self.evicted.fetch_add(entries as u64, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, entries: u64, bytes: u64, vectors: u64, persist_dropped: u64) -> CacheStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            entries,
            bytes,
            vectors,
            hits: of(&self.hits),
            semantic_hits: of(&self.semantic_hits),
            misses: of(&self.misses),
            bypassed: of(&self.bypassed),
            evicted: of(&self.evicted),
            saved_nano: of(&self.saved_nano),
            saved_us: of(&self.saved_us),
            persist_dropped,
        }
    }
}
