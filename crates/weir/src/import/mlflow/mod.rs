//! From the SQLite database of an MLflow tracking server (3.17) into a data folder, through the catalog's own writes.

mod datasets;
mod experiments;
mod models;
mod runs;
mod scorers;

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use rusqlite::{Connection, OpenFlags, Row};
use weir_store::sqlite::{SqliteCatalog, SqliteStore};

use super::{Progress, Report};

/// Kinds that are counted and left: table and name.
const LEFT: [(&str, &str); 3] =
    [("trace_info", "traces"), ("assessments", "assessments"), ("logged_models", "logged models")];

/// What an import works with.
struct Import<'a> {
    source: Connection,
    catalog: SqliteCatalog,
    progress: &'a Progress,
    /// The numbers that experiments have here.
    numbers: HashMap<i64, i64>,
}

/// Moves everything, and compares.
pub(crate) fn run(source: &Path, data: &Path, progress: &Progress) -> anyhow::Result<Report> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db =
        Connection::open_with_flags(source, flags).with_context(|| format!("{} cannot be read", source.display()))?;
    let version: Result<String, _> = db.query_row("SELECT version_num FROM alembic_version", [], |row| row.get(0));
    version.map_err(|_| anyhow!("{} is no database of an MLflow tracking server", source.display()))?;
    std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    // Its lock keeps servers off the folder as long as this runs.
    let _telemetry = SqliteStore::open(data)?;
    let catalog = SqliteCatalog::open(data)?;
    let mut import = Import { source: db, catalog, progress, numbers: HashMap::new() };
    let mut report = Report::default();
    report.kinds.push(experiments::import(&mut import)?);
    report.kinds.extend(runs::import(&import)?);
    report.kinds.extend(models::import(&import)?);
    report.kinds.push(datasets::import(&import)?);
    report.kinds.push(scorers::import(&import)?);
    for (table, name) in LEFT {
        report.left.push((name, import.count(table)?));
    }
    Ok(report)
}

impl Import<'_> {
    /// All rows of a query of the source.
    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let mut statement = self.source.prepare_cached(sql)?;
        let rows = statement.query_map(values, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn count(&self, table: &str) -> anyhow::Result<u64> {
        let count: i64 = self.source.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The number that an experiment has here.
    fn number(&self, of: i64) -> anyhow::Result<i64> {
        self.numbers.get(&of).copied().ok_or_else(|| anyhow!("something names experiment {of}, which is not there"))
    }
}

/// A key and a value.
fn pair(row: &Row<'_>) -> rusqlite::Result<(String, String)> {
    Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default()))
}
