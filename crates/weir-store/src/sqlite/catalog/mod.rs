//! The catalog in one SQLite file, `<data>/catalog.db`, apart from the telemetry, so that long commits there never block
//! it. One connection: what is read often is kept in memory by who needs it.

mod batches;
mod prompts;

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::schema::{self, Migrations};
use crate::telemetry::StoreError;

const FILE: &str = "catalog.db";

const MIGRATIONS: Migrations = &[(1, include_str!("0001_prompts.sql")), (2, include_str!("0002_batches.sql"))];

/// The catalog of one data folder.
#[derive(Debug)]
pub struct SqliteCatalog {
    db: Mutex<Connection>,
}

impl SqliteCatalog {
    /// Opens or makes `<dir>/catalog.db`. The lock of the telemetry store of the same folder keeps other processes off.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] naming what is wrong with the file; [`StoreError::Incompatible`] when a newer Weir
    /// wrote it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let open = || -> Result<Connection, StoreError> {
            let mut db = Connection::open(&path)?;
            db.busy_timeout(std::time::Duration::from_secs(5))?;
            db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
            schema::migrate(&mut db, MIGRATIONS)?;
            Ok(db)
        };
        Ok(Self { db: Mutex::new(open().map_err(|e| e.at(&path))?) })
    }

    /// Runs `work` in one transaction, whole or not at all.
    fn transact<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut db = self.db.lock();
        let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
