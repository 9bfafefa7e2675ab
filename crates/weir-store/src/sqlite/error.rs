//! What SQLite reports, as the store's errors.

use rusqlite::ErrorCode;

use crate::ingest::CommitError;
use crate::telemetry::StoreError;

impl From<rusqlite::Error> for CommitError {
    /// What the written values themselves cause never passes; the state of the disk, the file or the process may. An
    /// error that names no cause ("no such table") is of the second kind, so that nothing is dropped for it.
    fn from(error: rusqlite::Error) -> Self {
        let never = match &error {
            rusqlite::Error::SqliteFailure(e, _) => matches!(
                e.code,
                ErrorCode::ConstraintViolation
                    | ErrorCode::TooBig
                    | ErrorCode::TypeMismatch
                    | ErrorCode::ParameterOutOfRange
            ),
            // Of a value, stored or to be stored.
            _ => true,
        };
        if never { Self::Never(error.to_string()) } else { Self::Again(error.into()) }
    }
}

/// Whether a row could not be inserted because another one has its number.
pub(super) fn is_place_taken(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID};
    let code = match error {
        rusqlite::Error::SqliteFailure(e, _) => e.extended_code,
        _ => 0,
    };
    code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID
}

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
            Self::Incompatible(what) => Self::Incompatible(format!("{}: {what}", file.display())),
            Self::Unsupported(what) => Self::Unsupported(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn only_what_values_cause_is_never_accepted() {
        let of = |code| CommitError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_CONSTRAINT_NOTNULL, ffi::SQLITE_TOOBIG, ffi::SQLITE_MISMATCH, ffi::SQLITE_RANGE] {
            assert!(matches!(of(code), CommitError::Never(_)), "{code}");
        }
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_ERROR,
        ] {
            assert!(matches!(of(code), CommitError::Again(_)), "{code}");
        }
        assert!(matches!(CommitError::from(rusqlite::Error::IntegralValueOutOfRange(1, 2)), CommitError::Never(_)));
    }
}
