//! Connections: one that writes, one that checkpoints, a few that read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, OpenFlags};

use super::functions;
use crate::telemetry::StoreError;

/// Reading connections, at most.
const READERS: usize = 4;
/// Page cache of a reading connection in KiB: four of them stay within the resident memory of a small server.
const READER_CACHE_KIB: i64 = 8 << 10;
const WRITER_CACHE_KIB: i64 = 32 << 10;
const BUSY: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 64;

/// The connection that writes; makes the file if it is not there.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // The first two only take effect on a new file.
    db.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -{WRITER_CACHE_KIB};
         PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 268435456;"
    ))?;
    functions::register(&db)?;
    Ok(db)
}

/// A connection for checkpoints, so that the writer's thread never waits for one.
pub(super) fn checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(Duration::from_millis(200))?;
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")?;
    Ok(db)
}

/// The pool of reading connections, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    opened: usize,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Takes a connection; waits while all are in use.
    pub(super) fn get(&self) -> Result<Reader<'_>, StoreError> {
        let mut pool = self.pool.lock();
        loop {
            if let Some(db) = pool.idle.pop() {
                return Ok(Reader { pool: self, db: Some(db) });
            }
            if pool.opened < READERS {
                pool.opened += 1;
                drop(pool);
                return match open_reader(&self.path) {
                    Ok(db) => Ok(Reader { pool: self, db: Some(db) }),
                    Err(e) => {
                        self.pool.lock().opened -= 1;
                        self.returned.notify_one();
                        Err(e.into())
                    }
                };
            }
            self.returned.wait(&mut pool);
        }
    }
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut db = Connection::open_with_flags(path, flags)?;
    if db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0)).is_err() {
        // A folder that cannot be written holds no -shm file: read the database as it stands.
        db = Connection::open_with_flags(format!("file:{}?immutable=1", path.display()), flags)?;
    }
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.execute_batch(&format!("PRAGMA query_only = 1; PRAGMA cache_size = -{READER_CACHE_KIB};"))?;
    functions::register(&db)?;
    Ok(db)
}

/// A borrowed reading connection.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pool: &'a Readers,
    db: Option<Connection>,
}

impl Reader<'_> {
    /// Runs `read` on one snapshot.
    pub(super) fn snapshot<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let Some(db) = self.db.as_ref() else {
            return Err(StoreError::Unavailable("the connection is gone".into()));
        };
        let transaction = db.unchecked_transaction()?;
        let value = read(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            self.pool.pool.lock().idle.push(db);
            self.pool.returned.notify_one();
        }
    }
}
