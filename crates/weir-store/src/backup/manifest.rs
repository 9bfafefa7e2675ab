use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_core::time::{Micros, rfc3339};

use super::{BackupError, MANIFEST, VERIFIED};

/// The form of backups that this Weir writes, and the highest that it reads.
pub(super) const FORMAT: u32 = 1;

/// Rows of each table, by database file.
pub type Tables = BTreeMap<String, BTreeMap<String, u64>>;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Form of the backup.
    pub format: u32,
    /// Version of the Weir that made it.
    pub weir: String,
    /// When it began: what was acknowledged before is in it.
    #[serde(with = "rfc3339")]
    pub began_at: Micros,
    /// When it was whole.
    #[serde(with = "rfc3339")]
    pub made_at: Micros,
    /// Files, without those that describe the backup.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// SHA-256 of `SHA256SUMS`, in hex.
    pub sums: String,
    /// Rows.
    pub tables: Tables,
    /// Calls beside the database.
    pub journal: Journalled,
    /// Where the contents of artifacts are if they are not in the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts_elsewhere: Option<String>,
}

/// The journal in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journalled {
    /// Segments.
    pub segments: u64,
    /// Their bytes. Some of it may be in the database too; it is taken once.
    pub bytes: u64,
}

/// That a backup was restored on trial, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// When.
    #[serde(with = "rfc3339")]
    pub verified_at: Micros,
    /// Version of the Weir that did it.
    pub weir: String,
    /// The manifest's `sums` of then: it holds for that content alone.
    pub sums: String,
    /// Calls in the restored store, those of the journal included.
    pub calls: u64,
}

impl Manifest {
    /// That of a backup.
    pub(super) fn read(backup: &Path) -> Result<Self, BackupError> {
        let manifest: Option<Self> = read(&backup.join(MANIFEST))?;
        let manifest = manifest
            .ok_or_else(|| BackupError::Refused(format!("{} is no backup: it has no {MANIFEST}", backup.display())))?;
        if manifest.format > FORMAT {
            return Err(BackupError::Refused(format!(
                "{} has form {}, this Weir knows up to {FORMAT}: use a newer Weir",
                backup.display(),
                manifest.format
            )));
        }
        Ok(manifest)
    }
}

impl Verified {
    /// That of a backup with this manifest, if it was verified.
    pub(super) fn read(backup: &Path, manifest: &Manifest) -> Result<Option<Self>, BackupError> {
        let verified: Option<Self> = read(&backup.join(VERIFIED))?;
        Ok(verified.filter(|verified| verified.sums == manifest.sums))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, BackupError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(BackupError::at(path)(e)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| BackupError::Damaged(format!("{}: {e}", path.display())))
}
