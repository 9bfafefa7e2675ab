//! The catalog in one SQLite file, `<data>/catalog.db`, apart from the telemetry, so that long commits there never block
//! it. One connection that writes, in groups (see [`writer`]), and a few that read.

mod alerts;
mod anomalies;
mod artifacts;
mod batches;
mod call_marks;
mod compile;
mod datasets;
mod happenings;
mod keys;
mod logged_models;
mod notifications;
mod projects;
mod prompt_notes;
mod prompts;
mod purge;
mod reader;
mod registry;
mod runs;
mod scorers;
mod writer;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::connect::Readers;
use super::functions;
use super::schema::{self, Migrations};
use crate::telemetry::StoreError;
use writer::Writer;

pub use reader::CatalogReader;

const FILE: &str = "catalog.db";
/// Pages of the WAL at which the writer checkpoints.
const CHECKPOINT: i64 = 4_000;
const CACHE_KIB: i64 = 16 << 10;
/// Statements that the writing connection keeps prepared.
const STATEMENTS: usize = 128;

const MIGRATIONS: Migrations = &[
    (1, include_str!("0001_prompts.sql")),
    (2, include_str!("0002_batches.sql")),
    (3, include_str!("0003_tracking.sql")),
    (4, include_str!("0004_models.sql")),
    (5, include_str!("0005_evaluation.sql")),
    (6, include_str!("0006_artifacts.sql")),
    (7, include_str!("0007_call_marks.sql")),
    (8, include_str!("0008_anomalies.sql")),
    (9, include_str!("0009_alerts.sql")),
    (10, include_str!("0010_notifications.sql")),
    (11, include_str!("0011_happenings.sql")),
    (12, include_str!("0012_left_out.sql")),
];

/// The catalog of one data folder.
#[derive(Debug)]
pub struct SqliteCatalog {
    db: Arc<Mutex<Connection>>,
    writer: Writer,
    readers: Readers,
    keys: Arc<keys::Keys>,
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
            db.set_prepared_statement_cache_capacity(STATEMENTS);
            db.execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA wal_autocheckpoint = {CHECKPOINT}; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = MEMORY;
                 PRAGMA journal_size_limit = 67108864;"
            ))?;
            functions::register(&db)?;
            schema::migrate(&mut db, MIGRATIONS)?;
            Ok(db)
        };
        let db = Arc::new(Mutex::new(open().map_err(|e| e.at(&path))?));
        Ok(Self { writer: Writer::start(db.clone())?, db, readers: Readers::new(path), keys: Arc::default() })
    }

    /// Runs a write in a transaction, whole or not at all; returns when it is durable. Writes of several callers share
    /// a commit.
    fn write<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(work)
    }

    /// Runs a read on one snapshot, beside writes.
    fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        self.readers.get()?.snapshot(|db| Ok(read(db)))?
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
