//! Reads of alerts, their history and how far rules are.

use rusqlite::types::Value;
use rusqlite::{Connection, Row};
use weir_core::anomaly::Severity;

use crate::catalog::{
    AlertAck, AlertEvaluation, AlertHistoryQuery, AlertQuery, AlertRecord, AlertTransition, MAX_ALERTS,
};
use crate::telemetry::StoreError;

const COLUMNS: &str =
    "fingerprint, rule, project, phase, severity, starts_us, ends_us, evaluated_us, state, alert, ack";

pub(in super::super) fn list(db: &Connection, query: &AlertQuery) -> Result<Vec<AlertRecord>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM alerts WHERE 1");
    let mut values: Vec<Value> = Vec::new();
    for (column, texts) in [("rule", &query.rules), ("project", &query.projects), ("phase", &query.phases)] {
        if !texts.is_empty() {
            values.push(Value::Text(serde_json::json!(texts).to_string()));
            sql.push_str(&format!(" AND {column} IN (SELECT value FROM json_each(?{}))", values.len()));
        }
    }
    if let Some(severity) = query.severity {
        values.push(Value::Integer(number(severity)));
        sql.push_str(&format!(" AND severity >= ?{}", values.len()));
    }
    // What goes on comes first.
    sql.push_str(
        " ORDER BY phase IN ('firing', 'no_data') DESC, phase = 'pending' DESC, severity DESC, starts_us DESC, fingerprint",
    );
    sql.push_str(&format!(" LIMIT {}", query.limit.min(MAX_ALERTS)));
    collect(db.prepare_cached(&sql)?.query(rusqlite::params_from_iter(values))?)
}

pub(super) fn every(db: &Connection) -> Result<Vec<AlertRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM alerts ORDER BY rule, fingerprint");
    collect(db.prepare_cached(&sql)?.query([])?)
}

pub(super) fn one(db: &Connection, fingerprint: &str) -> Result<Option<AlertRecord>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM alerts WHERE fingerprint = ?1");
    Ok(collect(db.prepare_cached(&sql)?.query([fingerprint])?)?.pop())
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<AlertRecord>, StoreError> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(AlertRecord {
            fingerprint: row.get(0)?,
            rule: row.get(1)?,
            project: row.get(2)?,
            phase: row.get(3)?,
            severity: severity(row.get(4)?),
            starts_us: row.get(5)?,
            ends_us: row.get(6)?,
            evaluated_us: row.get(7)?,
            state: row.get(8)?,
            alert: row.get(9)?,
            ack: ack(row.get(10)?)?,
        });
    }
    Ok(all)
}

pub(super) fn history(db: &Connection, query: &AlertHistoryQuery) -> Result<Vec<AlertTransition>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT seq, rule, fingerprint, at_us, phase, event, severity, value, threshold, summary, person
         FROM alert_history WHERE (?1 IS NULL OR fingerprint = ?1) AND (?2 IS NULL OR rule = ?2)
         AND (?3 IS NULL OR seq < ?3) ORDER BY seq DESC LIMIT ?4",
    )?;
    let limit = query.limit.min(MAX_ALERTS) as i64;
    let rows = statement.query_map((&query.fingerprint, &query.rule, query.before, limit), line)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn line(row: &Row<'_>) -> rusqlite::Result<AlertTransition> {
    Ok(AlertTransition {
        seq: row.get(0)?,
        rule: row.get(1)?,
        fingerprint: row.get(2)?,
        at: row.get(3)?,
        phase: row.get(4)?,
        event: row.get(5)?,
        severity: severity(row.get(6)?),
        value: row.get(7)?,
        threshold: row.get(8)?,
        summary: row.get(9)?,
        person: row.get(10)?,
    })
}

pub(in super::super) fn evaluations(db: &Connection) -> Result<Vec<AlertEvaluation>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT rule, evaluated_us, ran_us, took_us, series, error, left_out FROM alert_evaluations ORDER BY rule",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(AlertEvaluation {
            rule: row.get(0)?,
            evaluated_us: row.get(1)?,
            ran_us: row.get(2)?,
            took_us: row.get(3)?,
            series: row.get::<_, i64>(4)?.unsigned_abs(),
            error: row.get(5)?,
            left_out: row.get::<_, i64>(6)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn ack(text: Option<String>) -> Result<Option<AlertAck>, StoreError> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|e| StoreError::Unavailable(format!("who takes care of an alert cannot be read: {e}")))
}

pub(super) fn json(ack: &AlertAck) -> Result<String, StoreError> {
    serde_json::to_string(ack).map_err(|e| StoreError::Unsupported(e.to_string()))
}

pub(super) fn number(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

fn severity(number: i64) -> Severity {
    match number {
        0 => Severity::Info,
        1 => Severity::Warning,
        _ => Severity::Critical,
    }
}
