//! Rules that were made over the API.

use rusqlite::{Connection, OptionalExtension, Row};
use weir_core::time::Micros;

use crate::catalog::{AlertRuleProblem, AlertRulePut, AlertRuleRecord, MAX_ALERT_RULES};
use crate::telemetry::StoreError;

pub(in super::super) fn all(db: &Connection) -> Result<Vec<AlertRuleRecord>, StoreError> {
    let sql = "SELECT id, document, version, created_us, updated_us FROM alert_rules ORDER BY id";
    Ok(db.prepare_cached(sql)?.query_map([], record)?.collect::<Result<_, _>>()?)
}

pub(super) fn put(
    db: &Connection,
    id: &str,
    document: &str,
    at: Micros,
    put: AlertRulePut,
) -> Result<AlertRuleRecord, AlertRuleProblem> {
    let of = |e: rusqlite::Error| AlertRuleProblem::Store(e.into());
    let sql = "SELECT id, document, version, created_us, updated_us FROM alert_rules WHERE id = ?1";
    let old = db.prepare_cached(sql).map_err(of)?.query_row([id], record).optional().map_err(of)?;
    let (version, created_us) = match (put, old) {
        (AlertRulePut::New, Some(_)) => return Err(AlertRuleProblem::Exists),
        (AlertRulePut::New, None) => {
            let count: i64 = db.query_row("SELECT count(*) FROM alert_rules", [], |row| row.get(0)).map_err(of)?;
            if count >= MAX_ALERT_RULES as i64 {
                return Err(AlertRuleProblem::TooMany);
            }
            (1, at)
        }
        (AlertRulePut::Change(_), None) => return Err(AlertRuleProblem::Unknown),
        (AlertRulePut::Change(Some(wanted)), Some(old)) if old.version != wanted => {
            return Err(AlertRuleProblem::Changed(old.version));
        }
        (AlertRulePut::Change(_), Some(old)) => (old.version.saturating_add(1), old.created_us),
    };
    db.prepare_cached("INSERT OR REPLACE INTO alert_rules VALUES (?1, ?2, ?3, ?4, ?5)")
        .map_err(of)?
        .execute((id, document, version, created_us, at))
        .map_err(of)?;
    Ok(AlertRuleRecord { id: id.to_owned(), document: document.to_owned(), version, created_us, updated_us: at })
}

fn record(row: &Row<'_>) -> rusqlite::Result<AlertRuleRecord> {
    Ok(AlertRuleRecord {
        id: row.get(0)?,
        document: row.get(1)?,
        version: row.get(2)?,
        created_us: row.get(3)?,
        updated_us: row.get(4)?,
    })
}
