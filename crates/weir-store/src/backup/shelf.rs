//! The folder that backups stand in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{BackupError, MANIFEST, Manifest, Verified, file};

/// Backups that are looked at, at most.
const MOST: usize = 10_000;

/// A backup on the shelf.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Its folder.
    pub path: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
    /// Its last trial, if it was verified.
    pub verified: Option<Verified>,
}

/// The backups of a shelf, newest first. What is none, or cannot be read, is passed over.
///
/// # Errors
/// When the folder cannot be read. One that is not there is empty.
pub fn list(shelf: &Path) -> Result<Vec<Backup>, BackupError> {
    let mut found: Vec<Backup> =
        names(shelf)?.into_iter().filter(|name| !name.starts_with('.')).filter_map(|n| read(&shelf.join(n))).collect();
    found.sort_by_key(|backup| std::cmp::Reverse((backup.manifest.began_at, backup.path.clone())));
    Ok(found)
}

/// A backup that is named by its own folder, or the newest of a shelf.
///
/// # Errors
/// When it is neither.
pub fn newest(path: &Path) -> Result<PathBuf, BackupError> {
    if path.join(MANIFEST).is_file() {
        return Ok(path.to_owned());
    }
    let newest = list(path)?.into_iter().next();
    newest.map(|backup| backup.path).ok_or_else(|| {
        BackupError::Refused(format!("there is no backup in {}: make one with `weir backup --to`", path.display()))
    })
}

fn read(path: &Path) -> Option<Backup> {
    let manifest = Manifest::read(path).ok()?;
    let verified = Verified::read(path, &manifest).ok()?;
    Some(Backup { path: path.to_owned(), manifest, verified })
}

/// Removes all but the newest `keep` backups, at least one, and never the newest that was verified. Returns those removed.
///
/// # Errors
/// When one cannot be removed; those before it are gone.
pub fn prune(shelf: &Path, keep: usize) -> Result<Vec<PathBuf>, BackupError> {
    let all = list(shelf)?;
    let sound = all.iter().position(|backup| backup.verified.is_some());
    let old = all.iter().enumerate().skip(keep.max(1)).filter(|(place, _)| Some(*place) != sound);
    let mut gone = Vec::new();
    for (_, backup) in old {
        // Half of a backup is none: it loses its name first.
        let name = backup.path.file_name().unwrap_or_default().to_string_lossy();
        let going = shelf.join(format!(".{name}.partial"));
        fs::rename(&backup.path, &going).map_err(BackupError::at(&backup.path))?;
        file::remove(&going)?;
        gone.push(backup.path.clone());
    }
    Ok(gone)
}

/// Removes what a kill left half-written. Only for who has the shelf's lock.
pub(super) fn sweep(shelf: &Path) -> Result<(), BackupError> {
    let left = |name: &String| name.starts_with(".weir-") && name.ends_with(".partial");
    names(shelf)?.into_iter().filter(left).try_for_each(|name| file::remove(&shelf.join(name)))
}

fn names(shelf: &Path) -> Result<Vec<String>, BackupError> {
    match fs::read_dir(shelf) {
        Ok(entries) => Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).take(MOST).collect()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(BackupError::at(shelf)(e)),
    }
}
