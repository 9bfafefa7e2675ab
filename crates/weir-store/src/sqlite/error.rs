//! What SQLite reports, as the store's errors.

use rusqlite::ErrorCode;

use crate::telemetry::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let what = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "the disk is full",
            Some(ErrorCode::ReadOnly) => "the database is read-only",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process holds the database",
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the database file is damaged",
            Some(ErrorCode::CannotOpen) => "the database file cannot be opened",
            Some(ErrorCode::SystemIoFailure) => "the disk fails",
            _ => return Self::Unavailable(error.to_string()),
        };
        Self::Unavailable(format!("{what} ({error})"))
    }
}

impl StoreError {
    /// The same, naming the file and what to do: for errors at the start, which a person reads.
    pub(super) fn at(self, file: &std::path::Path) -> Self {
        match self {
            Self::Unavailable(what) => {
                let damaged = what.contains("damaged");
                let hint = if damaged { "; move the file away to begin a new one, or put back a copy" } else { "" };
                Self::Unavailable(format!("{}: {what}{hint}", file.display()))
            }
            other => other,
        }
    }
}
