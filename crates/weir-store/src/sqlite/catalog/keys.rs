//! Keys of params, tags and metrics by number, with what is known of them in memory.
//!
//! Invariant: memory holds only what is committed: a write that makes keys hands them over when it has ended well.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension};

/// Keys in memory at most; beyond it all are forgotten and read again.
const MOST: usize = 50_000;

/// Keys in memory.
#[derive(Debug, Default)]
pub(super) struct Keys(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<Arc<str>, i64>,
    texts: HashMap<i64, Arc<str>>,
}

/// Keys that a write has met and memory did not know.
pub(super) type Met = Vec<(Arc<str>, i64)>;

impl Keys {
    /// Remembers keys of a write that has ended well.
    pub(super) fn learn(&self, met: Met) {
        if met.is_empty() {
            return;
        }
        let mut known = self.0.write();
        if known.ids.len() + met.len() > MOST {
            *known = Known::default();
        }
        for (text, id) in met {
            known.texts.insert(id, text.clone());
            known.ids.insert(text, id);
        }
    }

    /// The number of a key, for a write: made if need be.
    pub(super) fn intern(&self, db: &Connection, met: &mut Met, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.0.read().ids.get(text) {
            return Ok(*id);
        }
        if let Some((_, id)) = met.iter().find(|(known, _)| known.as_ref() == text) {
            return Ok(*id);
        }
        let id = match stored(db, text)? {
            Some(id) => id,
            None => {
                db.prepare_cached("INSERT INTO keys (text) VALUES (?1)")?.execute([text])?;
                db.last_insert_rowid()
            }
        };
        met.push((text.into(), id));
        Ok(id)
    }

    /// The number of a key that is there.
    pub(super) fn find(&self, db: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
        if let Some(id) = self.0.read().ids.get(text) {
            return Ok(Some(*id));
        }
        stored(db, text)
    }

    /// The text of a number.
    pub(super) fn text(&self, db: &Connection, id: i64) -> rusqlite::Result<Arc<str>> {
        if let Some(text) = self.0.read().texts.get(&id) {
            return Ok(text.clone());
        }
        let text: Arc<str> = db
            .prepare_cached("SELECT text FROM keys WHERE id = ?1")?
            .query_row([id], |row| row.get::<_, String>(0))?
            .into();
        // What a reader sees is committed.
        self.learn(vec![(text.clone(), id)]);
        Ok(text)
    }
}

fn stored(db: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM keys WHERE text = ?1")?.query_row([text], |row| row.get(0)).optional()
}
