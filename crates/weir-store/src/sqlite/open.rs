//! How a store is opened: in a data folder, as a file of any name, or for reading only.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;

use super::background::Background;
use super::connect::{self, Readers};
use super::names::{NameIds, NameTexts};
use super::payload::dictionary::Dictionaries;
use super::place::Place;
use super::rollup::floors::Floors;
use super::write::Writer;
use super::{FILE, Inner, SqliteOptions, SqliteStore, exports, groups, owner, schema};
use crate::lock::FolderLock;
use crate::telemetry::StoreError;

impl SqliteStore {
    /// Opens or makes `<dir>/telemetry.db` for writing; no other process may have it open so.
    ///
    /// # Errors
    /// As [`SqliteStore::open_file`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, SqliteOptions::default())
    }

    /// [`SqliteStore::open`] with options.
    ///
    /// # Errors
    /// As [`SqliteStore::open_file`].
    pub fn open_with(dir: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        Self::open_file(&dir.join(FILE), options)
    }

    /// Opens or makes a database file of any name for writing, and the folders that it lies in.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] naming what is wrong with the folder or file, or who has it;
    /// [`StoreError::Incompatible`] when a newer Weir wrote it, or when it is no file of Weir's, which is left as it is.
    pub fn open_file(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        if options.shared && !options.exports.is_empty() {
            return Err(StoreError::Unsupported("a file that several processes write cannot be exported from".into()));
        }
        let path = whole_path(path)?;
        let lock = lock(&path, options.shared)?;
        let mut db = connect::writer(&path, options.shared).map_err(|e| e.at(&path))?;
        schema::migrate(&mut db, schema::TELEMETRY).map_err(|e| e.at(&path))?;
        exports::register(&db, &options.exports)?;
        let dictionaries = Dictionaries::default();
        dictionaries.load(&db)?;
        let now = options.clock.now();
        Floors::begin(&db, now)?;
        let writer = Writer {
            ids: NameIds::default(),
            counter: now as u32,
            cover: if options.shared { None } else { Some(groups::Cover::load(&db)?) },
            encoding: options.payload,
            queued: exports::widest(&options.exports),
            place: options.shared.then(|| Place::of(&path)),
            db,
        };
        let shared = options.shared;
        let inner = Arc::new(Inner {
            writer: Some(Mutex::new(writer)),
            dictionaries,
            _lock: lock,
            ..Inner::reading(path.clone(), options)
        });
        let background = if shared { None } else { Some(Arc::new(Background::start(&inner, &path)?)) };
        Ok(Self { inner, _background: background })
    }

    /// Opens the database of a data folder, or a database file, for reading only, also beside those that write it.
    ///
    /// # Errors
    /// As [`SqliteStore::open_file`]; also when there is no database yet.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        if !file.is_file() {
            let at = if path.is_dir() { "in" } else { "at" };
            let why = format!("there is no database {at} {}; `weir serve --data DIR` makes one", path.display());
            return Err(StoreError::Unavailable(why));
        }
        let inner = Inner::reading(whole_path(&file)?, SqliteOptions::default());
        inner
            .readers
            .get()
            .and_then(|reader| {
                reader.snapshot(|db| match owner::check(db)? {
                    true => schema::check(db, schema::TELEMETRY),
                    false => Err(StoreError::Unavailable("there is nothing in it yet".into())),
                })
            })
            .map_err(|e| e.at(&file))?;
        Ok(Self { inner: Arc::new(inner), _background: None })
    }
}

impl Inner {
    /// What only reads.
    fn reading(path: PathBuf, options: SqliteOptions) -> Self {
        Self {
            readers: Readers::new(path.clone()),
            path,
            commits: AtomicU64::new(0),
            building: Mutex::new(()),
            failure: Mutex::new(None),
            retained: Mutex::new(None),
            writer: None,
            texts: NameTexts::default(),
            dictionaries: Dictionaries::default(),
            options,
            _lock: None,
        }
    }
}

/// The path of a file from the root, with its folders made: as it stands, SQLite could take it for something else
/// ("file:…", ":memory:"), and a link would hide whose file it is.
fn whole_path(path: &Path) -> Result<PathBuf, StoreError> {
    let refused = |what: String| StoreError::Unavailable(what);
    if path.is_dir() {
        return Err(refused(format!("{} is a folder: name a file in it", path.display())));
    }
    let path = std::path::absolute(path).map_err(|e| refused(format!("{} is no path: {e}", path.display())))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|e| refused(format!("the folder {} cannot be made: {e}", folder.display())))?;
    }
    Ok(std::fs::canonicalize(&path).unwrap_or(path))
}

/// Keeps other processes off the file, or only those that want it for themselves. A file that no server would open has
/// no lock of the second kind.
fn lock(path: &Path, shared: bool) -> Result<Option<FolderLock>, StoreError> {
    let pid = path.with_extension("pid");
    let (Some(folder), Some(name)) = (pid.parent(), pid.file_name().and_then(|name| name.to_str())) else {
        return Ok(None);
    };
    if !shared {
        let held = FolderLock::acquire(folder, name).map_err(|e| StoreError::Unavailable(e.to_string()))?;
        return Ok(Some(held));
    }
    if path.file_name().is_none_or(|name| name != FILE) && !pid.exists() {
        return Ok(None);
    }
    FolderLock::share(folder, name).map(Some).map_err(|e| {
        StoreError::Unavailable(match e.kind() {
            std::io::ErrorKind::ResourceBusy => format!(
                "{} is the database of a running server ({e}): give the server's url instead of the file, or stop the \
                 server",
                path.display()
            ),
            _ => format!("the pid file {} cannot be used: {e}", pid.display()),
        })
    })
}
