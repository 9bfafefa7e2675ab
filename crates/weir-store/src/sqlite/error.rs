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
