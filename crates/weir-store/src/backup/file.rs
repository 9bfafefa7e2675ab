//! Files copied with their digest, and what makes them stay.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::BackupError;

const PIECE: usize = 1 << 20;

/// Length and SHA-256 of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub bytes: u64,
    pub digest: String,
}

/// Copies a file as far as it reaches now and syncs the copy. `None` when there is none.
pub(super) fn copy(from: &Path, to: &Path) -> Result<Option<Content>, BackupError> {
    let source = match File::open(from) {
        Ok(source) => source,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(BackupError::at(from)(e)),
    };
    let mut copy = File::create_new(to).map_err(BackupError::at(to))?;
    let content = read(source, &mut |piece| copy.write_all(piece)).map_err(BackupError::at(to))?;
    copy.sync_all().map_err(BackupError::at(to))?;
    Ok(Some(content))
}

/// What a file holds.
pub(super) fn content(path: &Path) -> Result<Content, BackupError> {
    let file = File::open(path).map_err(BackupError::at(path))?;
    read(file, &mut |_| Ok(())).map_err(BackupError::at(path))
}

fn read(mut source: File, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<Content> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; PIECE];
    loop {
        let length = source.read(&mut buffer)?;
        let piece = buffer.get(..length).unwrap_or_default();
        if piece.is_empty() {
            return Ok(Content { bytes, digest: hex::encode(hasher.finalize()) });
        }
        hasher.update(piece);
        each(piece)?;
        bytes += length as u64;
    }
}

/// Makes what was written into a file or a folder outlast a power cut.
pub(super) fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(BackupError::at(path))
}

/// Writes a JSON file whole or not at all.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), BackupError> {
    let text = serde_json::to_vec_pretty(value).map_err(|e| BackupError::Io(e.to_string()))?;
    let beside = path.with_extension("partial");
    let write = || -> io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(BackupError::at(path))?;
    path.parent().map_or(Ok(()), sync)
}

/// A folder that goes away again unless it is given its name.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    named: bool,
}

impl Partial {
    /// Makes it; what stands there from before goes first.
    pub(super) fn begin(path: PathBuf) -> Result<Self, BackupError> {
        remove(&path)?;
        fs::create_dir_all(&path).map_err(BackupError::at(&path))?;
        Ok(Self { path, named: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, on which nothing stands, or an empty folder.
    pub(super) fn name(mut self, name: &Path) -> Result<(), BackupError> {
        sync(&self.path)?;
        fs::rename(&self.path, name).map_err(BackupError::at(name))?;
        self.named = true;
        name.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.named
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(folder = %self.path.display(), %error, "a half-written copy could not be removed");
        }
    }
}

/// Removes a folder if there is one.
pub(super) fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(BackupError::at(path)(e)),
        _ => Ok(()),
    }
}

/// The path of a folder with its links resolved as far as it is there.
pub(super) fn whole(path: &Path) -> Result<PathBuf, BackupError> {
    let path = std::path::absolute(path).map_err(BackupError::at(path))?;
    let mut missing = Vec::new();
    let mut there = path.as_path();
    loop {
        if let Ok(mut found) = fs::canonicalize(there) {
            found.extend(missing.iter().rev());
            return Ok(found);
        }
        let (Some(parent), Some(name)) = (there.parent(), there.file_name()) else { return Ok(path) };
        missing.push(name);
        there = parent;
    }
}
