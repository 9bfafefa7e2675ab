//! The file of the gateway's answer cache, `<data>/cache.db`: what is in memory, kept for the next start.
//!
//! It holds nothing that cannot be had again by asking. So it is written without waiting for the disk, and a file that
//! is damaged or comes from a newer Weir is moved aside and begun anew instead of holding up a start. Only the process
//! that holds the data folder's lock (`telemetry.pid`) may open it. Nobody but its owner may read it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, Row, params};
use weir_core::time::Micros;

use crate::telemetry::StoreError;

/// Version of the table below, in `PRAGMA user_version`.
const VERSION: i64 = 1;
const SCHEMA: &str = "
  CREATE TABLE answers (
    key BLOB NOT NULL UNIQUE, created_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, meta TEXT NOT NULL,
    size INTEGER NOT NULL, is_zstd INTEGER NOT NULL, body BLOB NOT NULL, scope BLOB, vector BLOB);
  CREATE INDEX answers_by_expiry ON answers (expires_us);
  PRAGMA user_version = 1;";
const BUSY: Duration = Duration::from_secs(5);
/// Bodies below that are not worth compressing.
const WORTH_COMPRESSING: usize = 512;
const LEVEL: i32 = 1;
/// No answer is larger; guards against a size that damage made up.
const MAX_BODY: usize = 1 << 30;
/// What a row takes beside its blobs.
const ROW: i64 = 256;
/// Pages given back to the file system at a time.
const PAGES_AT_ONCE: u32 = 1_024;

/// The place of an answer in a semantic index.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVector {
    /// Digest of all that must be equal beside the meaning.
    pub scope: [u8; 32],
    /// The embedding.
    pub values: Vec<f32>,
}

/// An answer as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAnswer {
    /// Digest of the request.
    pub key: [u8; 32],
    /// When it was stored.
    pub created_us: Micros,
    /// When it stops to count.
    pub expires_us: Micros,
    /// What the cache notes about it, as JSON; opaque here.
    pub meta: String,
    /// The answer.
    pub body: Bytes,
    /// Its embedding, where it has one.
    pub vector: Option<StoredVector>,
}

/// A change of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerChange {
    /// Stores an answer in place of one of the same key.
    Put(Box<StoredAnswer>),
    /// Removes one.
    Delete([u8; 32]),
    /// Removes all.
    Clear,
}

/// The file, open for writing.
#[derive(Debug)]
pub struct AnswerFile {
    db: Connection,
}

impl AnswerFile {
    /// Opens or makes the file and hands over its answers that have not expired, newest first, as long as `take` says
    /// so; those it does not want are deleted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no file can be made there; not when it is damaged.
    pub fn open(path: &Path, now: Micros, take: &mut dyn FnMut(StoredAnswer) -> bool) -> Result<Self, StoreError> {
        let opened = Self::connect(path).and_then(|file| file.load(now, take).map(|()| file));
        match opened {
            Ok(file) => Ok(file),
            Err(Failure::Surroundings(error)) => Err(error.at(path)),
            Err(Failure::File(why)) => {
                let aside = set_aside(path).map_err(|e| {
                    StoreError::Unavailable(format!("{}: {why}, and it cannot be moved: {e}", path.display()))
                })?;
                tracing::warn!(
                    file = %path.display(), moved_to = %aside.display(), why,
                    "the file of cached answers cannot be used and is begun anew"
                );
                Self::connect(path).map_err(|failure| failure.into_error().at(path))
            }
        }
    }

    fn connect(path: &Path) -> Result<Self, Failure> {
        make_private(path).map_err(|e| {
            let what = format!("it cannot be made a file that only its owner reads (mode 0600): {e}");
            Failure::Surroundings(StoreError::Unavailable(what))
        })?;
        let db = Connection::open(path)?;
        db.busy_timeout(BUSY)?;
        // The first two only take effect on a new file.
        db.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216;",
        )?;
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        match version {
            VERSION => {}
            0 if tables == 0 => db.execute_batch(&format!("BEGIN; {SCHEMA} COMMIT;"))?,
            other => {
                return Err(Failure::File(format!("it has version {other}, this Weir knows version {VERSION}")));
            }
        }
        Ok(Self { db })
    }

    /// Removes the file with all that belongs to it, a damaged one that was moved aside too. It must not be open.
    ///
    /// # Errors
    /// When one of them is there and cannot be removed.
    pub fn remove(path: &Path) -> Result<(), StoreError> {
        // The file last: as long as it is there somebody may look for the others.
        for suffix in ["-wal", "-shm", ".damaged", ""] {
            let file = beside(path, suffix);
            remove_if_there(&file)
                .map_err(|e| StoreError::Unavailable(format!("{} cannot be removed: {e}", file.display())))?;
        }
        Ok(())
    }

    fn load(&self, now: Micros, take: &mut dyn FnMut(StoredAnswer) -> bool) -> Result<(), Failure> {
        self.db.execute("DELETE FROM answers WHERE expires_us <= ?1", [now])?;
        let mut unwanted = None;
        {
            let mut select = self.db.prepare(
                "SELECT rowid, key, created_us, expires_us, meta, size, is_zstd, body, scope, vector FROM answers
                 ORDER BY created_us DESC, rowid DESC",
            )?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                // A row that cannot be read is damage of one answer only.
                let Some(answer) = read(row)? else { continue };
                let created = answer.created_us;
                if !take(answer) {
                    unwanted = Some((created, row.get::<_, i64>(0)?));
                    break;
                }
            }
        }
        if let Some(from) = unwanted {
            self.db.execute("DELETE FROM answers WHERE (created_us, rowid) <= (?1, ?2)", from)?;
        }
        Ok(())
    }

    /// Writes changes in one transaction.
    ///
    /// # Errors
    /// When the file cannot be written; then none of them is.
    pub fn apply(&mut self, changes: &[AnswerChange]) -> Result<(), StoreError> {
        let clears = changes.iter().any(|change| matches!(change, AnswerChange::Clear));
        self.db.pragma_update(None, "secure_delete", clears)?;
        let transaction = self.db.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT OR REPLACE INTO answers (key, created_us, expires_us, meta, size, is_zstd, body, scope, vector)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            let mut delete = transaction.prepare_cached("DELETE FROM answers WHERE key = ?1")?;
            for change in changes {
                match change {
                    AnswerChange::Put(answer) => {
                        let packed = pack(&answer.body);
                        let vector = answer.vector.as_ref();
                        put.execute(params![
                            answer.key,
                            answer.created_us,
                            answer.expires_us,
                            answer.meta,
                            i64::try_from(answer.body.len()).unwrap_or(i64::MAX),
                            packed.is_some(),
                            packed.as_deref().unwrap_or(&answer.body),
                            vector.map(|v| v.scope),
                            vector.map(|v| v.values.iter().flat_map(|f| f.to_le_bytes()).collect::<Vec<u8>>()),
                        ])?;
                    }
                    AnswerChange::Delete(key) => {
                        delete.execute([key])?;
                    }
                    AnswerChange::Clear => {
                        transaction.execute("DELETE FROM answers", [])?;
                    }
                }
            }
        }
        transaction.commit()?;
        if clears {
            // Whoever deletes everything does not want to find it in what was a page of the file, or in its log.
            self.give_back("PRAGMA incremental_vacuum")?;
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Deletes what has expired and, oldest first, what is beyond `max` bytes; gives free pages back.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn tidy(&mut self, now: Micros, max: u64) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM answers WHERE expires_us <= ?1", [now])?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        self.db.execute(
            "DELETE FROM answers WHERE rowid IN (SELECT id FROM (
               SELECT rowid AS id, sum(length(body) + coalesce(length(vector), 0) + ?1)
                 OVER (ORDER BY created_us DESC, rowid DESC) AS total FROM answers) WHERE total > ?2)",
            [ROW, max],
        )?;
        self.give_back(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))
    }

    /// Gives free pages back to the file system.
    fn give_back(&self, vacuum: &str) -> Result<(), StoreError> {
        let mut vacuum = self.db.prepare(vacuum)?;
        // A page per row that it returns.
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }

    /// How many answers there are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        let count: i64 = self.db.query_row("SELECT count(*) FROM answers", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

/// Whose fault it is that the file cannot be used.
enum Failure {
    /// The file's: another one helps.
    File(String),
    /// The disk's, the folder's or another process'.
    Surroundings(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::File(why) => StoreError::Unavailable(why),
            Self::Surroundings(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let surroundings = matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::ReadOnly
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::CannotOpen
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::PermissionDenied
                    | ErrorCode::OutOfMemory
            )
        );
        if surroundings { Self::Surroundings(error.into()) } else { Self::File(error.to_string()) }
    }
}

/// Moves the file out of the way, over an earlier one of that fate; its log and index go.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    for suffix in ["-wal", "-shm"] {
        remove_if_there(&beside(path, suffix))?;
    }
    let aside = beside(path, ".damaged");
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

/// The path with something at its end.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Makes an empty file where there is none, and takes from everybody but the owner what rights they have: it holds whole
/// answers. SQLite gives its log and index the rights of the file.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm", ".damaged"] {
        use std::os::unix::fs::PermissionsExt;
        let file = beside(path, suffix);
        // Those of an earlier version.
        if std::fs::metadata(&file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// The compressed body, where that is smaller.
fn pack(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < WORTH_COMPRESSING {
        return None;
    }
    zstd::bulk::compress(body, LEVEL).ok().filter(|packed| packed.len() < body.len())
}

/// A row as an answer; `None` when what stands in it is none.
fn read(row: &Row<'_>) -> Result<Option<StoredAnswer>, rusqlite::Error> {
    let bytes = |index: usize| row.get_ref(index).map(|value| value.as_blob_or_null().ok().flatten());
    let digest = |blob: Option<&[u8]>| blob.and_then(|b| <[u8; 32]>::try_from(b).ok());
    let Some(key) = digest(bytes(1)?) else { return Ok(None) };
    let size = row.get::<_, i64>(5).ok().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= MAX_BODY);
    let (Some(size), Some(blob)) = (size, bytes(7)?) else { return Ok(None) };
    let body = if row.get::<_, i64>(6)? == 0 {
        blob.to_vec()
    } else {
        match zstd::bulk::decompress(blob, size) {
            Ok(body) => body,
            Err(_) => return Ok(None),
        }
    };
    if body.len() != size {
        return Ok(None);
    }
    let vector = digest(bytes(8)?).zip(bytes(9)?).map(|(scope, blob)| StoredVector {
        scope,
        values: blob.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
    });
    Ok(Some(StoredAnswer {
        key,
        created_us: row.get(2)?,
        expires_us: row.get(3)?,
        meta: row.get(4)?,
        body: body.into(),
        vector,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(n: u8, created_us: Micros) -> StoredAnswer {
        StoredAnswer {
            key: [n; 32],
            created_us,
            expires_us: created_us + 1_000,
            meta: format!("{{\"n\":{n}}}"),
            body: Bytes::from(vec![n; 100 * usize::from(n)]),
            vector: (n % 2 == 1).then(|| StoredVector { scope: [9; 32], values: vec![0.5, -1.0] }),
        }
    }

    fn put(answers: &[StoredAnswer]) -> Vec<AnswerChange> {
        answers.iter().map(|a| AnswerChange::Put(Box::new(a.clone()))).collect()
    }

    fn open(path: &Path, now: Micros, most: usize) -> (AnswerFile, Vec<StoredAnswer>) {
        let mut found = Vec::new();
        let file = AnswerFile::open(path, now, &mut |answer| {
            if found.len() == most {
                return false;
            }
            found.push(answer);
            true
        });
        (file.unwrap(), found)
    }

    #[test]
    fn answers_come_back_newest_first_without_the_expired_and_the_unwanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let all: Vec<_> = (1..=9).map(|n| answer(n, i64::from(n) * 100)).collect();
        let (mut file, found) = open(&path, 0, 99);
        assert!(found.is_empty());
        file.apply(&put(&all)).unwrap();
        // The same again changes nothing.
        file.apply(&put(&all[3..5])).unwrap();
        file.apply(&[AnswerChange::Delete([9; 32])]).unwrap();
        drop(file);
        let (file, found) = open(&path, 1_300, 99);
        assert_eq!(found, [&all[7], &all[6], &all[5], &all[4], &all[3]].map(Clone::clone));
        drop(file);
        let (file, found) = open(&path, 1_300, 2);
        assert_eq!(found, [&all[7], &all[6]].map(Clone::clone));
        assert_eq!(file.count().unwrap(), 2);
        drop(file);
        let (mut file, _) = open(&path, 1_300, 99);
        let mut other = answer(20, 9_000);
        other.meta = "a word that is found again".to_owned();
        file.apply(&put(&[other])).unwrap();
        let is_written = || {
            let mut files = std::fs::read_dir(folder.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()));
            files.any(|bytes| bytes.unwrap().windows(26).any(|text| text == b"a word that is found again"))
        };
        assert!(is_written());
        file.apply(&[AnswerChange::Clear]).unwrap();
        assert_eq!(file.count().unwrap(), 0);
        assert!(!is_written());
    }

    #[test]
    fn tidying_keeps_the_newest_within_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, _) = open(&folder.path().join("cache.db"), 0, 99);
        let all: Vec<_> = (1..=4).map(|n| answer(n, i64::from(n))).collect();
        file.apply(&put(&all)).unwrap();
        file.tidy(0, 256 * 3).unwrap();
        assert_eq!(file.count().unwrap(), 1, "each row weighs 256 and its body");
        file.tidy(1_004, u64::MAX).unwrap();
        assert_eq!(file.count().unwrap(), 0, "it has expired");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        std::fs::write(&path, b"this is no database, and long enough to be told so by its first bytes").unwrap();
        let (mut file, found) = open(&path, 0, 99);
        assert!(found.is_empty() && folder.path().join("cache.db.damaged").exists());
        file.apply(&put(&[answer(1, 1)])).unwrap();
        file.db.execute_batch("PRAGMA user_version = 77").unwrap();
        drop(file);
        let (mut file, found) = open(&path, 0, 99);
        assert!(found.is_empty(), "of a newer version");
        // Damage in the middle, found while it is read.
        file.apply(&put(&(1..=200).map(|n| answer(n, i64::from(n))).collect::<Vec<_>>())).unwrap();
        file.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        bytes[8_192..length].fill(0x5a);
        std::fs::write(&path, bytes).unwrap();
        let (file, found) = open(&path, 0, 999);
        assert!(found.len() < 200);
        drop(file);
        open(&path, 0, 99);
    }

    #[test]
    fn a_damaged_row_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let (mut file, _) = open(&path, 0, 99);
        file.apply(&put(&[answer(7, 1), answer(8, 2), answer(9, 3)])).unwrap();
        file.db.execute("UPDATE answers SET body = x'0102' WHERE created_us = 2", []).unwrap();
        drop(file);
        assert_eq!(open(&path, 0, 99).1, [answer(9, 3), answer(7, 1)]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("cache.db");
        let error = AnswerFile::open(&path, 0, &mut |_| true).unwrap_err().to_string();
        assert!(error.contains("cache.db"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it_and_removed_nothing_is_left() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let modes = || {
            let files = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
            let mut all: Vec<_> =
                files.map(|f| (f.file_name(), f.metadata().unwrap().permissions().mode() & 0o777)).collect();
            all.sort();
            all
        };
        let mut file = AnswerFile::open(&path, 0, &mut |_| true).unwrap();
        file.apply(&[AnswerChange::Put(Box::new(answer(1, 5)))]).unwrap();
        assert_eq!(modes(), ["cache.db", "cache.db-shm", "cache.db-wal"].map(|name| (name.into(), 0o600)));
        drop(file);
        // One that an earlier version made.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let file = AnswerFile::open(&path, 0, &mut |_| true).unwrap();
        assert_eq!((modes()[0].1, file.count().unwrap()), (0o600, 1));
        drop(file);
        std::fs::write(&path, "no database").unwrap();
        drop(AnswerFile::open(&path, 0, &mut |_| true).unwrap());
        assert!(modes().iter().any(|(name, mode)| name == "cache.db.damaged" && *mode == 0o600));
        AnswerFile::remove(&path).unwrap();
        assert_eq!(modes(), []);
        AnswerFile::remove(&path).unwrap();
    }
}
