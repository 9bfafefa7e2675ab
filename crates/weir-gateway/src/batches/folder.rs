//! The folder of file contents, `<data>/files`: `<id>` is a whole file, `<id>.part` one that a batch still writes,
//! `<id>.tmp` one that is being uploaded. Names are ids that Weir made, never what a caller sent.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use weir_core::id::TraceId;

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Opens or makes it.
    ///
    /// # Errors
    /// When it can be neither found nor made.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let root = data.join("files");
        fs::create_dir_all(&root)
            .map_err(|e| io::Error::new(e.kind(), format!("the folder {} cannot be made: {e}", root.display())))?;
        Ok(Self(root))
    }

    /// A new id.
    pub(super) fn new_id() -> String {
        format!("file-{}", TraceId::new())
    }

    /// Where a whole file lies.
    pub(super) fn path(&self, id: &str) -> PathBuf {
        self.0.join(id)
    }

    /// Where one lies that a batch still writes.
    pub(super) fn part(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.part"))
    }

    /// Where one lies that is being uploaded.
    pub(super) fn upload(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.tmp"))
    }

    /// Bytes of a file that a batch still writes, or had made whole when it died; 0 where there is none.
    pub(super) fn growing_bytes(&self, id: &str) -> u64 {
        [self.part(id), self.path(id)].iter().find_map(|path| fs::metadata(path).ok()).map_or(0, |found| found.len())
    }

    /// Makes a synced file whole under its id.
    ///
    /// # Errors
    /// When the file system fails.
    pub(super) fn complete(&self, from: &Path, id: &str) -> io::Result<()> {
        fs::rename(from, self.path(id))?;
        // The name itself must survive too.
        File::open(&self.0)?.sync_all()
    }

    /// Makes a whole file a growing one again, if that is what is left of it: its batch died between the renaming and
    /// the catalog's commit.
    ///
    /// # Errors
    /// When the file system fails.
    pub(super) fn reopen(&self, id: &str) -> io::Result<()> {
        if self.path(id).exists() && !self.part(id).exists() {
            fs::rename(self.path(id), self.part(id))?;
        }
        Ok(())
    }

    /// Deletes a file in whatever state; one that is not there is none the worse.
    pub(super) fn remove(&self, id: &str) {
        for path in [self.path(id), self.part(id), self.upload(id)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "a file cannot be deleted");
                }
                _ => {}
            }
        }
    }

    /// Deletes what nobody knows: uploads that broke off, and files whose row was never written or is gone.
    ///
    /// # Errors
    /// When the folder cannot be read, or `is_known` fails.
    pub(super) fn clean<E: From<io::Error>>(&self, is_known: impl Fn(&str) -> Result<bool, E>) -> Result<(), E> {
        for entry in fs::read_dir(&self.0).map_err(E::from)? {
            let path = entry.map_err(E::from)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let (id, kind) = name.split_once('.').unwrap_or((name, ""));
            if !id.starts_with("file-") {
                continue;
            }
            if kind == "tmp" || !is_known(id)? {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_stays() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        let ids: Vec<String> = (0..3).map(|_| Folder::new_id()).collect();
        fs::write(folder.upload(&ids[0]), "x").unwrap();
        folder.complete(&folder.upload(&ids[0]), &ids[0]).unwrap();
        fs::write(folder.part(&ids[1]), "y").unwrap();
        fs::write(folder.upload(&ids[1]), "y").unwrap();
        fs::write(folder.path(&ids[2]), "z").unwrap();
        folder.clean(|id| Ok::<_, io::Error>(id != ids[2])).unwrap();
        let is = |path: PathBuf| path.exists();
        assert!(is(folder.path(&ids[0])) && is(folder.part(&ids[1])));
        assert!(!is(folder.upload(&ids[1])) && !is(folder.path(&ids[2])));
        assert_eq!((folder.growing_bytes(&ids[0]), folder.growing_bytes(&ids[2])), (1, 0));
        folder.reopen(&ids[0]).unwrap();
        assert_eq!(folder.growing_bytes(&ids[0]), 1);
        assert!(is(folder.part(&ids[0])) && !is(folder.path(&ids[0])));
        folder.remove(&ids[0]);
        assert!(!is(folder.part(&ids[0])));
    }
}
