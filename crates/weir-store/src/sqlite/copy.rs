//! Copies of the database files, taken beside whoever writes them, and whether a copy is sound.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::connect;
use crate::telemetry::StoreError;

/// Copies a database as it is at one instant; `to` must not be there yet. Writers go on meanwhile, in this process and in
/// others: the copy is a read transaction, so that the WAL grows until it is done.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let copied = || -> Result<(), StoreError> {
        let db = connect::copier(from)?;
        let to = to.to_str().ok_or_else(|| StoreError::Unavailable("its path is not UTF-8".into()))?;
        db.execute("VACUUM INTO ?1", [to])?;
        Ok(())
    };
    copied().map_err(|e| e.at(from))
}

/// The rows of each table.
pub(crate) fn rows(path: &Path) -> Result<BTreeMap<String, u64>, StoreError> {
    let counted = || -> Result<BTreeMap<String, u64>, StoreError> {
        let db = connect::copier(path)?;
        let mut statement = db.prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        names.into_iter().map(|name| Ok((name.clone(), count(&db, &name)?))).collect()
    };
    counted().map_err(|e| e.at(path))
}

fn count(db: &Connection, table: &str) -> rusqlite::Result<u64> {
    let quoted = table.replace('"', "\"\"");
    db.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), [], |row| row.get::<_, i64>(0)).map(|n| n as u64)
}

/// Reads all of a database and says what is wrong with it, if anything is.
pub(crate) fn check(path: &Path) -> Result<Option<String>, StoreError> {
    let checked = || -> Result<String, StoreError> {
        let db = connect::copier(path)?;
        Ok(db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?)
    };
    let said = checked().map_err(|e| e.at(path))?;
    Ok(if said == "ok" { None } else { Some(said) })
}
