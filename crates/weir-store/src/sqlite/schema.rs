//! Migrations: numbered SQL files, applied in order, never changed once released. Each database file has its own list.

use rusqlite::{Connection, OptionalExtension};
use weir_core::time::Clock;

use crate::telemetry::StoreError;

/// Migrations of one database file: number and text each.
pub(super) type Migrations = &'static [(i64, &'static str)];

/// Those of `telemetry.db`.
pub(super) const TELEMETRY: Migrations = &[
    (1, include_str!("migrations/0001_spans.sql")),
    (2, include_str!("migrations/0002_views.sql")),
    (3, include_str!("migrations/0003_scores.sql")),
    (4, include_str!("migrations/0004_exports.sql")),
    (5, include_str!("migrations/0005_details.sql")),
    (6, include_str!("migrations/0006_export_scope.sql")),
    (7, include_str!("migrations/0007_views.sql")),
    (8, include_str!("migrations/0008_traces.sql")),
    (9, include_str!("migrations/0009_assessments.sql")),
    (10, include_str!("migrations/0010_spreads.sql")),
];

/// Brings the database to this version's schema.
pub(super) fn migrate(db: &mut Connection, migrations: Migrations) -> Result<(), StoreError> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
           version INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, applied_at TEXT NOT NULL)",
    )?;
    check(db, migrations)?;
    for (version, sql) in migrations {
        if is_applied(db, *version, sql)? {
            continue;
        }
        let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Another process may have been quicker.
        if is_applied(&transaction, *version, sql)? {
            continue;
        }
        transaction.execute_batch(sql)?;
        let at = weir_core::time::to_rfc3339(Clock::system().now());
        transaction.execute("INSERT INTO schema_migrations VALUES (?1, ?2, ?3)", (version, checksum(sql), at))?;
        transaction.commit()?;
    }
    Ok(())
}

fn is_applied(db: &Connection, version: i64, sql: &str) -> Result<bool, StoreError> {
    let applied: Option<i64> = db
        .query_row("SELECT checksum FROM schema_migrations WHERE version = ?1", [version], |row| row.get(0))
        .optional()?;
    match applied {
        None => Ok(false),
        Some(sum) if sum == checksum(sql) => Ok(true),
        Some(_) => Err(StoreError::Incompatible(format!(
            "schema migration {version} of this database is not the one that this Weir knows"
        ))),
    }
}

/// Refuses a database that a newer Weir has written.
pub(super) fn check(db: &Connection, migrations: Migrations) -> Result<(), StoreError> {
    let newest: Option<i64> = db.query_row("SELECT max(version) FROM schema_migrations", [], |row| row.get(0))?;
    let known = migrations.last().map_or(0, |(version, _)| *version);
    if newest.unwrap_or_default() > known {
        return Err(StoreError::Incompatible(format!(
            "the database has schema version {}, this Weir knows up to {known}: use a newer Weir",
            newest.unwrap_or_default()
        )));
    }
    Ok(())
}

fn checksum(sql: &str) -> i64 {
    i64::from(crc32fast::hash(sql.as_bytes()))
}
