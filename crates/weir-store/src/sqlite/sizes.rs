//! How much room the store takes.

use std::path::Path;

use rusqlite::Connection;

use super::background::wal_path;
use crate::telemetry::{StoreError, TableSize};

/// Above that, counting per table would read too much.
const COUNTED_BYTES: u64 = 1 << 30;

/// The tables of the database and the files beside it; of a large database only the files.
pub(super) fn sizes(db: &Connection, path: &Path) -> Result<Vec<TableSize>, StoreError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |m| m.len());
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (file, wal) = (length(path), wal_path(path));
    let mut sizes =
        vec![TableSize { name: name(path), bytes: file }, TableSize { name: name(&wal), bytes: length(&wal) }];
    if file <= COUNTED_BYTES {
        let mut statement =
            db.prepare_cached("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY sum(pgsize) DESC")?;
        let tables =
            statement.query_map([], |row| Ok(TableSize { name: row.get(0)?, bytes: row.get::<_, i64>(1)? as u64 }))?;
        for table in tables {
            sizes.push(table?);
        }
    }
    Ok(sizes)
}
