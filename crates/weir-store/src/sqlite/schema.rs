//! Migrations: numbered SQL files, applied in order, never changed once released.

use rusqlite::{Connection, OptionalExtension};
use weir_core::time::Clock;

use crate::telemetry::StoreError;

/// Every migration: its number and its text.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_spans.sql")),
    (2, include_str!("migrations/0002_views.sql")),
    (4, include_str!("migrations/0004_exports.sql")),
];

/// Brings the database to this version's schema.
pub(super) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
           version INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, applied_at TEXT NOT NULL)",
    )?;
    check(db)?;
    for (version, sql) in MIGRATIONS {
        let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let applied: Option<i64> = transaction
            .query_row("SELECT checksum FROM schema_migrations WHERE version = ?1", [version], |row| row.get(0))
            .optional()?;
        match applied {
            Some(sum) if sum == checksum(sql) => continue,
            Some(_) => {
                return Err(StoreError::Incompatible(format!(
                    "schema migration {version} of this database is not the one that this Weir knows"
                )));
            }
            None => {}
        }
        transaction.execute_batch(sql)?;
        let at = weir_core::time::to_rfc3339(Clock::system().now());
        transaction.execute("INSERT INTO schema_migrations VALUES (?1, ?2, ?3)", (version, checksum(sql), at))?;
        transaction.commit()?;
    }
    Ok(())
}

/// Refuses a database that a newer Weir has written.
pub(super) fn check(db: &Connection) -> Result<(), StoreError> {
    let newest: Option<i64> = db.query_row("SELECT max(version) FROM schema_migrations", [], |row| row.get(0))?;
    let known = MIGRATIONS.last().map_or(0, |(version, _)| *version);
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
