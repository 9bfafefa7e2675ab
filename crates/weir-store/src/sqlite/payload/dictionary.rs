//! zstd dictionaries, trained on the deployment's own traffic.
//!
//! Only small blocks use one: where calls are committed one at a time there is nothing in the block to learn from.
//! A dictionary is never changed or deleted once a block may use it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, OptionalExtension};
use zstd::bulk::Compressor;
use zstd::dict::EncoderDictionary;

/// Blocks of fewer spans are compressed with a dictionary.
pub(in crate::sqlite) const SMALL_BLOCK: usize = 16;
/// Samples that a training takes.
const SAMPLES: usize = 1_000;
/// Longest sample.
const SAMPLE_BYTES: usize = 8 << 10;
/// Size of a dictionary.
const DICTIONARY_BYTES: usize = 110 << 10;
/// After the first training every so many small blocks give a sample: retraining is rare.
const LATER_SAMPLE_EVERY: u64 = 100;
/// Level for large blocks and for those with a dictionary.
const LEVEL: i32 = 1;
const SMALL_LEVEL: i32 = 3;

/// The dictionary in use and samples for the next.
#[derive(Default)]
pub(in crate::sqlite) struct Dictionaries {
    current: RwLock<Option<Arc<Current>>>,
    loaded: RwLock<HashMap<i64, Arc<[u8]>>>,
    samples: Mutex<Samples>,
}

struct Current {
    id: i64,
    encoder: EncoderDictionary<'static>,
}

#[derive(Default)]
struct Samples {
    seen: u64,
    kept: Vec<Vec<u8>>,
}

impl Dictionaries {
    /// Reads the newest dictionary of the database.
    pub(in crate::sqlite) fn load(&self, db: &Connection) -> rusqlite::Result<()> {
        let newest = db
            .prepare_cached("SELECT id, data FROM dictionaries ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        if let Some((id, data)) = newest {
            self.install(id, &data);
        }
        Ok(())
    }

    /// Forgets all: another database stands there now.
    pub(in crate::sqlite) fn forget(&self) {
        *self.current.write() = None;
        self.loaded.write().clear();
    }

    /// Makes a dictionary the one that small blocks are compressed with.
    pub(in crate::sqlite) fn install(&self, id: i64, data: &[u8]) {
        match EncoderDictionary::try_copy(data, SMALL_LEVEL) {
            Ok(encoder) => *self.current.write() = Some(Arc::new(Current { id, encoder })),
            Err(e) => tracing::warn!(error = %e, id, "a payload dictionary cannot be used"),
        }
    }

    /// Compresses a laid-out block of so many spans. Returns the bytes and the dictionary that reading them needs.
    pub(in crate::sqlite) fn compress(&self, laid_out: &[u8], spans: usize) -> io::Result<(Vec<u8>, Option<i64>)> {
        if spans >= SMALL_BLOCK {
            return Ok((zstd::bulk::compress(laid_out, LEVEL)?, None));
        }
        self.sample(laid_out);
        let current = self.current.read().clone();
        match current {
            Some(current) => {
                let mut compressor = Compressor::with_prepared_dictionary(&current.encoder)?;
                Ok((compressor.compress(laid_out)?, Some(current.id)))
            }
            None => Ok((zstd::bulk::compress(laid_out, SMALL_LEVEL)?, None)),
        }
    }

    fn sample(&self, laid_out: &[u8]) {
        let trained = self.current.read().is_some();
        let mut samples = self.samples.lock();
        samples.seen += 1;
        if samples.kept.len() < SAMPLES && (!trained || samples.seen.is_multiple_of(LATER_SAMPLE_EVERY)) {
            samples.kept.push(laid_out.get(..SAMPLE_BYTES).unwrap_or(laid_out).to_vec());
        }
    }

    /// A new dictionary when enough was sampled. Takes some hundred milliseconds.
    pub(in crate::sqlite) fn train(&self) -> Option<Vec<u8>> {
        let kept = {
            let mut samples = self.samples.lock();
            if samples.kept.len() < SAMPLES {
                return None;
            }
            std::mem::take(&mut samples.kept)
        };
        match zstd::dict::from_samples(&kept, DICTIONARY_BYTES) {
            Ok(dictionary) => Some(dictionary),
            Err(e) => {
                // Too little in common, or too small: plain compression serves.
                tracing::debug!(error = %e, "no payload dictionary could be trained");
                None
            }
        }
    }

    /// The bytes of a dictionary that a block names.
    pub(in crate::sqlite) fn bytes(&self, db: &Connection, id: i64) -> rusqlite::Result<Arc<[u8]>> {
        if let Some(bytes) = self.loaded.read().get(&id) {
            return Ok(Arc::clone(bytes));
        }
        let data: Vec<u8> =
            db.prepare_cached("SELECT data FROM dictionaries WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        let bytes: Arc<[u8]> = data.into();
        let mut loaded = self.loaded.write();
        if loaded.len() >= 16 {
            loaded.clear();
        }
        loaded.insert(id, Arc::clone(&bytes));
        Ok(bytes)
    }
}
