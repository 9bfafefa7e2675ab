//! Restoring a backup: for good, or on trial.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::Duration;

use weir_core::observe::Unobserved;
use weir_core::time::Clock;

use super::file::{self, Partial};
use super::{ARTIFACTS, BackupError, DATABASES, FILES, JOURNAL, Manifest, SUMS, Tables, VERIFIED, Verified};
use crate::exports::Exports;
use crate::ingest::{Ingest, IngestOptions};
use crate::journal::Journal;
use crate::sqlite::{SqliteCatalog, SqliteStore, copy};
use crate::telemetry::StoreError;

/// How long the store may take over what the journal holds.
const DRAIN: Duration = Duration::from_secs(3_600);
/// The table of calls and other steps.
const SPANS: &str = "spans";

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Spans in the database: calls and other steps.
    pub spans: u64,
    /// Whether calls are left in the journal, for the next start to take over.
    pub journal_left: bool,
}

/// Makes a data folder of a backup. Calls of its journal are brought into the database, unless some are to be exported:
/// then the server does so, which knows where to. Blocks.
///
/// # Errors
/// The folder is there and not empty, the backup is damaged, or a file cannot be written; then nothing stands there.
pub fn restore(backup: &Path, data: &Path) -> Result<Restored, BackupError> {
    let data = file::whole(data)?;
    if fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_some()) || data.is_file() {
        return Err(BackupError::Refused(format!(
            "{} is not empty: move it away or choose another folder",
            data.display()
        )));
    }
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    let partial = Partial::begin(data.with_file_name(format!(".{name}.partial")))?;
    let manifest = Manifest::read(backup)?;
    unpack(backup, &manifest, partial.path())?;
    let journal_left = !SqliteStore::open_read_only(partial.path())?.targets()?.is_empty();
    if !journal_left {
        take_over(partial.path())?;
    }
    let spans = spans(partial.path())?;
    partial.name(&data)?;
    Ok(Restored { spans, journal_left })
}

/// Restores a backup into a folder beside it, opens that as a server does, compares it with the manifest, and notes the
/// success in the backup. Blocks.
///
/// # Errors
/// What is wrong with the backup; then nothing is noted.
pub fn verify(backup: &Path, version: &str, clock: &Clock) -> Result<Verified, BackupError> {
    let backup = file::whole(backup)?;
    let manifest = Manifest::read(&backup)?;
    let name = backup.file_name().unwrap_or_default().to_string_lossy();
    // Beside the backup there is room for it.
    let trial = Partial::begin(backup.with_file_name(format!(".{name}.trial")))?;
    unpack(&backup, &manifest, trial.path())?;
    take_over(trial.path())?;
    SqliteCatalog::open(trial.path())?;
    for database in DATABASES {
        sound(&trial.path().join(database))?;
    }
    let held = manifest.tables.get(DATABASES[0]).and_then(|t| t.get(SPANS)).copied().unwrap_or_default();
    let calls = spans(trial.path())?;
    if calls < held {
        return Err(BackupError::Damaged(format!("{calls} spans came back of {held}")));
    }
    let verified = Verified { verified_at: clock.now(), weir: version.to_owned(), sums: manifest.sums, calls };
    file::write_json(&backup.join(VERIFIED), &verified)?;
    Ok(verified)
}

/// Copies what a backup holds and compares it with digests and counts.
fn unpack(backup: &Path, manifest: &Manifest, to: &Path) -> Result<(), BackupError> {
    let sums = backup.join(SUMS);
    if file::content(&sums)?.digest != manifest.sums {
        return Err(BackupError::Damaged(format!("{SUMS} is not the one that was written")));
    }
    for folder in [JOURNAL, ARTIFACTS, FILES] {
        if backup.join(folder).is_dir() {
            fs::create_dir_all(to.join(folder)).map_err(BackupError::at(to))?;
        }
    }
    let (mut files, mut bytes) = (0, 0);
    for line in BufReader::new(File::open(&sums).map_err(BackupError::at(&sums))?).lines() {
        let line = line.map_err(BackupError::at(&sums))?;
        let (digest, name) =
            line.split_once("  ").ok_or_else(|| BackupError::Damaged(format!("{SUMS}: {line:?} is no line of it")))?;
        if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(BackupError::Damaged(format!("{SUMS}: {name:?} leads out of the backup")));
        }
        let place = to.join(name);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(BackupError::at(parent))?;
        }
        let Some(content) = file::copy(&backup.join(name), &place)? else {
            return Err(BackupError::Damaged(format!("{name} is missing")));
        };
        if content.digest != digest {
            return Err(BackupError::Damaged(format!("{name} has changed since it was written")));
        }
        files += 1;
        bytes += content.bytes;
    }
    if (files, bytes) != (manifest.files, manifest.bytes) {
        return Err(BackupError::Damaged(format!(
            "{files} files with {bytes} bytes came back of {} with {}",
            manifest.files, manifest.bytes
        )));
    }
    let mut tables = Tables::new();
    for database in manifest.tables.keys() {
        let path = to.join(database);
        sound(&path)?;
        tables.insert(database.clone(), copy::rows(&path)?);
    }
    if tables != manifest.tables {
        return Err(BackupError::Damaged("its tables do not have the rows that the manifest counts".into()));
    }
    Ok(())
}

fn sound(database: &Path) -> Result<(), BackupError> {
    match copy::check(database)? {
        None => Ok(()),
        Some(wrong) => Err(BackupError::Damaged(format!("{}: {wrong}", database.display()))),
    }
}

fn spans(data: &Path) -> Result<u64, BackupError> {
    Ok(copy::rows(&data.join(DATABASES[0]))?.get(SPANS).copied().unwrap_or_default())
}

/// Brings the calls of the journal into the database, as a start does.
fn take_over(data: &Path) -> Result<(), BackupError> {
    let journal = Journal::open(data, u64::MAX).map_err(|e| BackupError::Io(e.to_string()))?;
    let store = Arc::new(SqliteStore::open(data)?);
    let ingest = Ingest::start(store, Arc::new(journal), Arc::new(Unobserved), IngestOptions::default())?;
    let drained = ingest.drain(DRAIN);
    let status = ingest.status();
    ingest.stop();
    match (drained, status.last_error) {
        (true, _) => Ok(()),
        (false, error) => Err(BackupError::Store(StoreError::Unavailable(format!(
            "the calls of the journal are not taken: {}",
            error.unwrap_or_else(|| "it takes too long".to_owned())
        )))),
    }
}
