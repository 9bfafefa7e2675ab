//! Whose file a database is: nothing is written into what other programs have made.

use rusqlite::{Connection, ErrorCode};

use crate::telemetry::StoreError;

/// How many tables of a foreign file its message names.
const NAMED: usize = 3;

/// Refuses a file that is neither empty nor a telemetry store. Says whether it has its tables.
pub(super) fn check(db: &Connection) -> Result<bool, StoreError> {
    let mut tables = tables(db).map_err(|e| match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            StoreError::Incompatible("this is a file of something else, no database: choose another file".into())
        }
        _ => e.into(),
    })?;
    // One that is being made by another process may have no more than the first of its tables.
    let made = |name: &str| tables.iter().any(|table| table == name);
    let known: i64 = db.query_row(
        "SELECT count(*) FROM pragma_table_info('schema_migrations') WHERE name IN ('version', 'checksum', 'applied_at')",
        [],
        |row| row.get(0),
    )?;
    if tables.is_empty() || known == 3 && (made("spans") || tables.len() == 1) {
        return Ok(made("spans"));
    }
    tables.truncate(NAMED);
    Err(StoreError::Incompatible(format!(
        "this is a database of something else, with the tables {}: choose another file",
        tables.join(", ")
    )))
}

fn tables(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         ORDER BY name",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}
