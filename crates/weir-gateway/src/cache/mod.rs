//! The answer cache: answers that are given again without asking a provider, to equal requests and, where that is
//! configured, to requests of nearly the same meaning.
//!
//! Invariants: an answer is never given to whom [`key::tenant`] does not let share it; of equal requests at the same
//! time one asks; memory, file and queue are bounded in bytes; nothing here waits for the disk but opening and the
//! reload that turns keeping on disk on or off. Only answers that came to their own end are stored
//! ([`is_storable_answer`]), which is for the caller to see to.

pub mod control;
pub mod entry;
pub mod flight;
pub mod gather;
pub mod key;
pub mod memory;
mod pause;
mod persist;
pub mod replay;
pub mod semantic;
mod stats;
mod turn;

pub use control::Control;
pub use entry::{Answer, Entry, is_storable_answer, storable};
pub use gather::Gather;
pub use key::{Key, Scope};
pub use pause::{PAUSE, Pause};
pub use replay::replay;
pub use stats::CacheStats;
pub use turn::{Awaited, Hit, Leader, Lookup, Waiter};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use weir_core::time::{Clock, Micros};

use crate::config::CacheConfig;
use crate::exchange::envelope::Envelope;
use flight::Flights;
use gather::Room;
use memory::Memory;
use persist::{Loaded, Writer};
use semantic::Index;
use stats::Counts;
use turn::Brought;

/// Whether a request's answer depends on nothing but the request: not when it runs in the background, or goes on a
/// conversation that the provider keeps.
#[must_use]
pub fn is_cacheable(envelope: &Envelope<'_>) -> bool {
    envelope.get("background") != Some("true")
        && ["conversation", "container"].iter().all(|m| envelope.get(m).is_none())
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<Inner>,
    /// When embeddings are not asked for.
    pub(crate) embeddings: Pause,
}

#[derive(Debug)]
struct Inner {
    config: RwLock<CacheConfig>,
    memory: Mutex<Memory>,
    /// Locked after `memory` was let go of, never within.
    index: RwLock<Index>,
    flights: Arc<Flights<Brought>>,
    /// What streams under way keep.
    gathering: Room,
    writer: RwLock<Option<Writer>>,
    counts: Counts,
    folder: Option<PathBuf>,
    clock: Clock,
}

impl Cache {
    /// A cache with what its file in the data folder holds, if answers are kept on disk. The caller holds the folder's
    /// lock. Never fails: a file that cannot be used is said in the log.
    #[must_use]
    pub fn open(config: &CacheConfig, data_dir: Option<&Path>, clock: Clock) -> Self {
        let off = CacheConfig { exact: false, ..CacheConfig::default() };
        let cache = Self {
            inner: Arc::new(Inner {
                config: RwLock::new(off),
                memory: Mutex::new(Memory::new(0)),
                index: RwLock::new(Index::new(0)),
                flights: Arc::default(),
                gathering: Room::new(0),
                writer: RwLock::default(),
                counts: Counts::default(),
                folder: data_dir.map(Path::to_owned),
                clock,
            }),
            embeddings: Pause::default(),
        };
        cache.apply(config);
        cache
    }

    /// Takes another configuration into use. Turning caching off gives the memory back; where answers are not kept on
    /// disk, those that are there are removed.
    pub fn apply(&self, config: &CacheConfig) {
        let inner = &self.inner;
        let before = std::mem::replace(&mut *inner.config.write(), config.clone());
        if before.semantic != config.semantic {
            // Another model may be better.
            self.embeddings.worked();
        }
        let size = if config.is_on() { config.max_size.0 } else { 0 };
        let vectors = if config.semantic.enabled { config.semantic.max_entries } else { 0 };
        let keep = config.is_on() && config.persist;
        let mut writer = inner.writer.write();
        if !keep {
            // Waits until its thread has closed the file.
            *writer = None;
            inner.folder.as_deref().into_iter().for_each(persist::remove);
        }
        let gone = inner.memory.lock().set_bound(usize::try_from(size).unwrap_or(usize::MAX));
        inner.counts.evicted(gone.len());
        {
            let mut index = inner.index.write();
            index.set_bound(vectors);
            gone.iter().for_each(|key| {
                index.remove(key);
            });
        }
        match (&*writer, &inner.folder) {
            (Some(writer), _) => {
                writer.set_bound(size);
                gone.iter().for_each(|key| writer.delete(*key));
            }
            (None, Some(folder)) if keep => *writer = inner.load(folder, size),
            (None, _) => {}
        }
    }

    /// Looks a request up. A miss that may be stored makes the caller the one who asks, or one of those who wait.
    #[must_use]
    pub fn lookup(&self, key: Key, control: &Control, now: Micros) -> Lookup {
        turn::lookup(&self.inner, key, control, now)
    }

    /// What it holds and what it has done since it was opened.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let (entries, bytes) = {
            let memory = self.inner.memory.lock();
            (memory.len() as u64, memory.bytes() as u64)
        };
        let vectors = self.inner.index.read().len() as u64;
        let dropped = self.inner.writer.read().as_ref().map_or(0, Writer::dropped);
        self.inner.counts.stats(entries, bytes, vectors, dropped)
    }

    /// Removes every entry; how many were in memory.
    pub fn flush_all(&self) -> usize {
        let gone = self.inner.memory.lock().retain(|_| false);
        self.inner.forget(&gone);
        if let Some(writer) = &*self.inner.writer.read() {
            writer.clear();
        }
        gone.len()
    }

    /// Removes the entries of a namespace, whoever's they are; how many.
    pub fn clear(&self, namespace: &str) -> usize {
        let gone = self.inner.memory.lock().retain(|entry| entry.namespace != namespace);
        self.inner.forget(&gone);
        self.inner.delete(&gone);
        gone.len()
    }

    /// Waits, 10 s at most, until what is to be kept is on its way to the disk; whether it is. Dropping the cache does
    /// the same, as long as no leader is left.
    pub fn sync(&self) -> bool {
        self.inner.writer.read().as_ref().is_none_or(Writer::sync)
    }
}

impl Inner {
    /// The entry of a key that will do.
    fn find(&self, key: &Key, control: &Control, now: Micros) -> Option<Arc<Entry>> {
        let found = self.memory.lock().get(key, now);
        match found {
            Some(entry) => control.accepts_age(entry.age_us(now)).then_some(entry),
            None => {
                // One that has expired is gone; so must be its vector, whose bytes nobody counts any more.
                if self.index.read().contains(key) {
                    self.index.write().remove(key);
                }
                None
            }
        }
    }

    /// The entry of a scope whose vector is nearest, and the similarity.
    fn nearest(
        &self,
        scope: &Key,
        vector: &[f32],
        threshold: f32,
        control: &Control,
        now: Micros,
    ) -> Option<(Arc<Entry>, f32)> {
        // Each turn removes a vector, so the number of turns is bounded by theirs; beyond a few it is not worth it.
        for _ in 0..8 {
            let (key, similarity) = self.index.read().best(scope, vector, threshold)?;
            if let Some(entry) = self.memory.lock().get(&key, now) {
                return control.accepts_age(entry.age_us(now)).then_some((entry, similarity));
            }
            self.index.write().remove(&key);
        }
        None
    }

    /// Stores an entry, unless it is too large.
    fn store(&self, entry: &Arc<Entry>, vector: Option<(Key, Vec<f32>)>) {
        let max_entry = self.config.read().max_entry.0;
        if entry.answer.body.len() as u64 > max_entry {
            return;
        }
        let more = vector.as_ref().map_or(0, |(_, values)| values.len() * size_of::<f32>());
        let gone = self.memory.lock().put(entry.clone(), more);
        self.forget(&gone);
        if gone.first() == Some(&entry.key) {
            return self.delete(&gone);
        }
        self.counts.evicted(gone.len());
        self.delete(&gone);
        match &vector {
            Some((scope, values)) => self.index.write().insert(*scope, entry.key, values),
            None => self.forget(&[entry.key]),
        }
        if let Some(writer) = &*self.writer.read() {
            writer.put(entry, vector);
        }
    }

    /// Removes the vectors of entries that are gone.
    fn forget(&self, gone: &[Key]) {
        if !gone.is_empty() && !self.index.read().is_empty() {
            let mut index = self.index.write();
            gone.iter().for_each(|key| {
                index.remove(key);
            });
        }
    }

    /// Removes entries that are gone from the file.
    fn delete(&self, gone: &[Key]) {
        if let Some(writer) = &*self.writer.read() {
            gone.iter().for_each(|key| writer.delete(*key));
        }
    }

    /// Opens the file and takes what is in it, up to the bound in bytes.
    fn load(&self, folder: &Path, max: u64) -> Option<Writer> {
        let mut all: Vec<Loaded> = Vec::new();
        let mut bytes = 0;
        let opened = Writer::open(folder, max, &self.clock, &mut |loaded| {
            bytes += loaded.entry.weight() + loaded.vector.as_ref().map_or(0, |(_, v)| v.len() * size_of::<f32>());
            let fits = bytes as u64 <= max;
            if fits {
                all.push(loaded);
            }
            fits
        });
        // The newest last, as if it had been used last.
        for Loaded { entry, vector } in all.into_iter().rev() {
            let key = entry.key;
            let more = vector.as_ref().map_or(0, |(_, values)| values.len() * size_of::<f32>());
            let gone = self.memory.lock().put(Arc::new(entry), more);
            self.forget(&gone);
            if let Some((scope, values)) = vector {
                self.index.write().insert(scope, key, &values);
            }
        }
        opened.inspect_err(|error| tracing::warn!(%error, "cached answers are not kept for the next start")).ok()
    }
}

#[cfg(test)]
mod tests;
