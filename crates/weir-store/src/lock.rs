//! Keeps two processes from writing to one data folder: an exclusive lock on a pid file, released by the system when
//! the process ends, however it ends. Those that share a file keep off who wants it alone, and the other way round.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The lock; held until dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of `<folder>/<name>` and writes the process id into it.
    ///
    /// # Errors
    /// A sentence that names the folder, the pid file and, where it can be read, the process that holds it.
    pub(crate) fn acquire(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(|e| {
                io::Error::new(e.kind(), format!("cannot write to the data folder {}: {e}", folder.display()))
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    format!(
                        "the data folder {} is in use by {holder} (pid file {}): stop it or choose another folder",
                        folder.display(),
                        path.display()
                    ),
                ));
            }
            Err(TryLockError::Error(e)) => return Err(e),
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(std::process::id().to_string().as_bytes())?;
        Ok(Self { _file: file })
    }

    /// Takes the lock of `<folder>/<name>` beside others that take it so.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] with who has it alone; or why the file cannot be used.
    pub(crate) fn share(folder: &Path, name: &str) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(name))?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, holder(&mut file)));
            }
            Err(TryLockError::Error(e)) => return Err(e),
        }
        // Whoever had it alone is gone, and nobody is to be told of it.
        file.set_len(0)?;
        Ok(Self { _file: file })
    }
}

/// Who has the lock alone, as far as the file says.
fn holder(file: &mut File) -> String {
    let mut pid = String::new();
    match file.read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => format!("process {}", pid.trim()),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::acquire(folder.path(), "weir.pid").unwrap();
        let refused = FolderLock::acquire(folder.path(), "weir.pid").unwrap_err().to_string();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        assert!(refused.contains("weir.pid"), "{refused}");
        drop(first);
        FolderLock::acquire(folder.path(), "weir.pid").unwrap();
    }

    #[test]
    fn several_share_it_and_nobody_has_it_alone_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let alone = FolderLock::acquire(folder.path(), "weir.pid").unwrap();
        let refused = FolderLock::share(folder.path(), "weir.pid").unwrap_err();
        assert_eq!(refused.to_string(), format!("process {}", std::process::id()));
        drop(alone);
        let shared = [0; 2].map(|_| FolderLock::share(folder.path(), "weir.pid").unwrap());
        let refused = FolderLock::acquire(folder.path(), "weir.pid").unwrap_err().to_string();
        assert!(refused.contains("in use by another process"), "{refused}");
        drop(shared);
        FolderLock::acquire(folder.path(), "weir.pid").unwrap();
    }
}
