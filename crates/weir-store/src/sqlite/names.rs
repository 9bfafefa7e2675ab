//! The dictionary of repeating texts: `names`.
//!
//! Invariants: a number never changes its text; caches are bounded and hold only what the database holds (the writer's
//! is emptied when its transaction is rolled back).

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension};

const CACHED: usize = 65_536;

/// The writer's cache: text to number.
#[derive(Default)]
pub(super) struct NameIds {
    known: HashMap<Arc<str>, i64>,
}

impl NameIds {
    /// The number of a text, made when it is new. Within the writer's transaction.
    pub(super) fn id(&mut self, db: &Connection, value: &Arc<str>) -> rusqlite::Result<i64> {
        if let Some(id) = self.known.get(value) {
            return Ok(*id);
        }
        let found = db
            .prepare_cached("SELECT id FROM names WHERE value = ?1")?
            .query_row([value], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                db.prepare_cached("INSERT INTO names (value) VALUES (?1)")?.execute([value])?;
                db.last_insert_rowid()
            }
        };
        if self.known.len() >= CACHED {
            self.known.clear();
        }
        self.known.insert(Arc::clone(value), id);
        Ok(id)
    }

    /// Forgets all: what was made may have been rolled back.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}

/// The readers' cache: number to text.
#[derive(Default)]
pub(super) struct NameTexts {
    known: RwLock<HashMap<i64, Arc<str>>>,
}

impl NameTexts {
    /// The text of a number.
    pub(super) fn text(&self, db: &Connection, id: i64) -> rusqlite::Result<Arc<str>> {
        if let Some(text) = self.known.read().get(&id) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> =
            db.prepare_cached("SELECT value FROM names WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        let mut known = self.known.write();
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(id, Arc::clone(&text));
        Ok(text)
    }

    /// Forgets all: another database stands there now.
    pub(super) fn forget(&self) {
        self.known.write().clear();
    }

    /// The number of a text, if the dictionary has it.
    pub(super) fn find(db: &Connection, value: &str) -> rusqlite::Result<Option<i64>> {
        db.prepare_cached("SELECT id FROM names WHERE value = ?1")?.query_row([value], |row| row.get(0)).optional()
    }
}
