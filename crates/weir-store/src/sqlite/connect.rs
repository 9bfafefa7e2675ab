//! Connections: one that writes, one that checkpoints, a few that read.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{functions, owner};
use crate::telemetry::StoreError;

/// Reading connections, at most.
const READERS: usize = 4;
/// Page cache of a reading connection in KiB: four of them stay within the resident memory of a small server.
const READER_CACHE_KIB: i64 = 8 << 10;
const WRITER_CACHE_KIB: i64 = 32 << 10;
/// Within a process that has other things to do.
const SHARED_CACHE_KIB: i64 = 8 << 10;
const BUSY: Duration = Duration::from_secs(5);
/// How often a writer that shares its file tries again while another one writes. SQLite itself would wait ever longer,
/// so that one that never rests holds up the others for seconds.
const TRY_EVERY: Duration = Duration::from_millis(2);
/// Tries before it says so: about half a minute.
const TRIES: i32 = 15_000;
/// Pages of the WAL at which a writer that shares its file checkpoints.
const SHARED_CHECKPOINT: i64 = 1_000;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 64;

/// The connection that writes; makes the file if it is not there. A file of something else is left as it is.
pub(super) fn writer(path: &Path, shared: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    if shared {
        db.busy_handler(Some(wait_for_others))?;
    } else {
        db.busy_timeout(BUSY)?;
    }
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    owner::check(&db)?;
    // These only take effect on a new file.
    db.execute_batch("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;")?;
    begin_wal(&db)?;
    let (checkpoint, cache) = if shared { (SHARED_CHECKPOINT, SHARED_CACHE_KIB) } else { (0, WRITER_CACHE_KIB) };
    db.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = {checkpoint}; PRAGMA cache_size = -{cache};
         PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 268435456;"
    ))?;
    functions::register(&db)?;
    Ok(db)
}

/// Waits a little for another process; `false` when it has been long.
fn wait_for_others(tried: i32) -> bool {
    std::thread::sleep(TRY_EVERY);
    tried < TRIES
}

/// Turns the WAL on. Processes that make a file together refuse each other here at once, however patient they are.
fn begin_wal(db: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY;
    loop {
        match db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                std::thread::sleep(TRY_EVERY);
            }
            done => return done.map(drop),
        }
    }
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
    /// How often the file was taken away: what was opened before is of no use.
    generation: usize,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Takes a connection; waits while all are in use.
    pub(super) fn get(&self) -> Result<Reader<'_>, StoreError> {
        let mut pool = self.pool.lock();
        loop {
            let generation = pool.generation;
            if let Some(db) = pool.idle.pop() {
                return Ok(Reader { pool: self, db: Some(db), generation });
            }
            if pool.opened < READERS {
                pool.opened += 1;
                drop(pool);
                return match open_reader(&self.path) {
                    Ok(db) => Ok(Reader { pool: self, db: Some(db), generation }),
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

    /// Closes what is open, as another file stands there now; waits a while for what is in use.
    pub(super) fn forget(&self) {
        let deadline = Instant::now() + BUSY;
        let mut pool = self.pool.lock();
        pool.generation += 1;
        pool.opened -= pool.idle.len();
        pool.idle.clear();
        while pool.opened > 0 && !self.returned.wait_until(&mut pool, deadline).timed_out() {}
    }
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = copier(path)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.execute_batch(&format!("PRAGMA query_only = 1; PRAGMA cache_size = -{READER_CACHE_KIB};"))?;
    Ok(db)
}

/// A connection that changes nothing in the file but may write a copy of it elsewhere.
pub(super) fn copier(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    let read = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
    if read.is_err_and(|e| matches!(e.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))) {
        // A folder that cannot be written holds no -shm file: read the database as it stands.
        db = Connection::open_with_flags(as_it_stands(path), flags | OpenFlags::SQLITE_OPEN_URI)?;
    }
    functions::register(&db)?;
    Ok(db)
}

/// A file's address for reading it without a look at other processes.
fn as_it_stands(path: &Path) -> String {
    let mut address = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => address.push(char::from(*byte)),
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address + "?immutable=1"
}

/// A borrowed reading connection.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pool: &'a Readers,
    db: Option<Connection>,
    generation: usize,
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
            let mut pool = self.pool.pool.lock();
            if self.generation == pool.generation {
                pool.idle.push(db);
            } else {
                pool.opened -= 1;
            }
            drop(pool);
            self.pool.returned.notify_one();
        }
    }
}
