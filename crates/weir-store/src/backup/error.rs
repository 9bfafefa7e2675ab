use std::io;
use std::path::Path;

use crate::telemetry::StoreError;

/// Why a backup cannot be made, read or restored. Each says where.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// What was asked for cannot be done so; says what to change.
    #[error("{0}")]
    Refused(String),
    /// The copy is not what its manifest says.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The file system refused.
    #[error("{0}")]
    Io(String),
    /// A database cannot be read or copied.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// An error of the file system at a path.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |e| Self::Io(format!("{}: {e}", path.display()))
    }
}
