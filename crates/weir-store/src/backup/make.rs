//! Making a backup, of a data folder in use or not.
//!
//! The order makes that nothing is missed. A call is acknowledged when it is in the journal, and leaves the journal when it
//! is in `telemetry.db`: so the journal is copied first, and what has left it meanwhile is in the database that is copied
//! then. Contents are on disk before `catalog.db` speaks of them, so they are copied last. What the copy holds of later
//! than its beginning may be incomplete, as after a power cut; what was acknowledged before is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use weir_core::time::{Clock, Micros, to_rfc3339};

use super::file::{self, Content, Partial};
use super::manifest::FORMAT;
use super::{ARTIFACTS, BackupError, DATABASES, FILES, JOURNAL, Journalled, MANIFEST, Manifest, SUMS, shelf};
use crate::lock::FolderLock;
use crate::sqlite::copy;

/// How deep folders of contents lie in each other, at most.
const DEEPEST: usize = 16;
/// Held by whoever writes a backup onto the shelf.
const LOCK: &str = ".weir-backup.pid";

/// What is backed up.
#[derive(Clone, Debug)]
pub struct Source {
    /// The data folder.
    pub data: PathBuf,
    /// The folder of artifacts' contents; `None` when they are not in a folder.
    pub artifacts: Option<PathBuf>,
    /// Where they are then, for people.
    pub artifacts_elsewhere: Option<String>,
    /// Version of the program.
    pub version: String,
    /// What time it is.
    pub clock: Clock,
}

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its folder.
    pub path: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
}

/// Copies a data folder into a new folder on the shelf, which is made if it is not there. Blocks.
///
/// # Errors
/// There is no store in the data folder, the shelf lies in it, another backup is being written onto the shelf, or a file
/// cannot be read or written. Nothing half-written stays under a final name.
pub fn make(source: &Source, shelf: &Path) -> Result<Made, BackupError> {
    let data = file::whole(&source.data)?;
    if !data.join(DATABASES[0]).is_file() {
        return Err(BackupError::Refused(format!("there is no store in {}: nothing to back up", data.display())));
    }
    let shelf = file::whole(shelf)?;
    let inside = |folder: &Path| shelf.starts_with(folder);
    if inside(&data) || source.artifacts.as_deref().map(file::whole).transpose()?.is_some_and(|a| inside(&a)) {
        return Err(BackupError::Refused(format!(
            "{} lies in the data folder and would be lost with it: choose a folder on another disk",
            shelf.display()
        )));
    }
    fs::create_dir_all(&shelf).map_err(BackupError::at(&shelf))?;
    let _lock = FolderLock::acquire(&shelf, LOCK).map_err(|e| match e.kind() {
        std::io::ErrorKind::ResourceBusy => {
            BackupError::Refused(format!("another backup is being written into {}", shelf.display()))
        }
        _ => BackupError::at(&shelf)(e),
    })?;
    shelf::sweep(&shelf)?;
    let began_at = source.clock.now();
    let name = name_at(&shelf, began_at);
    let partial = Partial::begin(shelf.join(format!(".{name}.partial")))?;
    let manifest = write(source, &data, partial.path(), began_at)?;
    let path = shelf.join(name);
    partial.name(&path)?;
    Ok(Made { path, manifest })
}

/// A name that is free, from the time: `weir-20261128T041500Z`.
fn name_at(shelf: &Path, at: Micros) -> String {
    let time = to_rfc3339(at);
    let digits: String = time.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    let name = format!("weir-{digits}Z");
    let later = (2..).map(|n| format!("{name}-{n}"));
    std::iter::once(name.clone()).chain(later).find(|name| !shelf.join(name).exists()).unwrap_or(name)
}

/// Everything into the folder, with what describes it last.
fn write(source: &Source, data: &Path, to: &Path, began_at: Micros) -> Result<Manifest, BackupError> {
    let mut copies = Copies::begin(to)?;
    copies.folder(&data.join(JOURNAL), JOURNAL, 0)?;
    let journal = Journalled { segments: copies.files, bytes: copies.bytes };
    let mut tables = BTreeMap::new();
    for name in DATABASES {
        if data.join(name).is_file() {
            copies.database(&data.join(name), name)?;
            tables.insert(name.to_owned(), copy::rows(&to.join(name))?);
        }
    }
    if let Some(artifacts) = &source.artifacts {
        copies.folder(artifacts, ARTIFACTS, 0)?;
    }
    copies.folder(&data.join(FILES), FILES, 0)?;
    let (files, bytes) = (copies.files, copies.bytes);
    copies.end()?;
    let manifest = Manifest {
        format: FORMAT,
        weir: source.version.clone(),
        began_at,
        made_at: source.clock.now(),
        files,
        bytes,
        sums: file::content(&to.join(SUMS))?.digest,
        tables,
        journal,
        artifacts_elsewhere: source.artifacts_elsewhere.clone(),
    };
    file::write_json(&to.join(MANIFEST), &manifest)?;
    Ok(manifest)
}

/// Files that were copied into a folder, with their sums.
struct Copies<'a> {
    to: &'a Path,
    sums: BufWriter<File>,
    files: u64,
    bytes: u64,
}

impl<'a> Copies<'a> {
    fn begin(to: &'a Path) -> Result<Self, BackupError> {
        let path = to.join(SUMS);
        let sums = File::create_new(&path).map_err(BackupError::at(&path))?;
        Ok(Self { to, sums: BufWriter::new(sums), files: 0, bytes: 0 })
    }

    fn database(&mut self, from: &Path, name: &str) -> Result<(), BackupError> {
        let to = self.to.join(name);
        copy::copy(from, &to)?;
        file::sync(&to)?;
        let content = file::content(&to)?;
        self.add(name, &content)
    }

    /// A folder with all in it, in the order of names. What goes away meanwhile is not missed; files that are being written,
    /// locks and links are left out.
    fn folder(&mut self, from: &Path, name: &str, depth: usize) -> Result<(), BackupError> {
        let entries = match fs::read_dir(from) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(BackupError::at(from)(e)),
        };
        if depth > DEEPEST {
            return Err(BackupError::Refused(format!("{} lies too deep", from.display())));
        }
        let to = self.to.join(name);
        fs::create_dir_all(&to).map_err(BackupError::at(&to))?;
        let mut found = entries
            .map(|entry| entry.and_then(|e| Ok((e.file_name(), e.file_type()?))))
            .collect::<Result<Vec<_>, _>>()
            .map_err(BackupError::at(from))?;
        found.sort_by(|a, b| a.0.cmp(&b.0));
        for (entry, kind) in found {
            let Some(entry) = entry.to_str() else { continue };
            let inside = format!("{name}/{entry}");
            if kind.is_dir() && !(depth == 0 && entry == "tmp") {
                self.folder(&from.join(entry), &inside, depth + 1)?;
            } else if kind.is_file()
                && Path::new(entry).extension().is_none_or(|e| e != "pid")
                && let Some(content) = file::copy(&from.join(entry), &self.to.join(&inside))?
            {
                self.add(&inside, &content)?;
            }
        }
        file::sync(&to)
    }

    fn add(&mut self, name: &str, content: &Content) -> Result<(), BackupError> {
        self.files += 1;
        self.bytes += content.bytes;
        writeln!(self.sums, "{}  {name}", content.digest).map_err(BackupError::at(self.to))
    }

    fn end(self) -> Result<(), BackupError> {
        let sums = self.sums.into_inner().map_err(|e| BackupError::Io(e.to_string()))?;
        sums.sync_all().map_err(BackupError::at(self.to))
    }
}
