//! What happened to runs, prompts and models, and what the runs that are evaluations came to.

use rusqlite::{Connection, OptionalExtension};
use weir_core::time::Micros;

use super::SqliteCatalog;
use crate::catalog::Happenings;
use crate::events::{EvalLabel, EvalQuery, EventKind, EventQuery, Labelled, MAX_VALUES};
use crate::telemetry::{StoreError, TimeRange};

impl Happenings for SqliteCatalog {
    fn happenings(&self, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
        self.read(|db| events(db, query))
    }

    fn eval_results(&self, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError> {
        self.read(|db| results(db, query))
    }
}

pub(super) fn events(db: &Connection, query: &EventQuery) -> Result<Vec<Labelled>, StoreError> {
    let asks = |kind: EventKind| query.kinds.contains(&kind);
    let (from_ms, to_ms) = milliseconds(query.range);
    let mut all = Vec::new();
    if asks(EventKind::RunFinished) || asks(EventKind::RunFailed) {
        let mut statement = db.prepare_cached(&format!(
            "SELECT r.end_ms, r.status = 3, p.key, r.name FROM runs AS r JOIN projects AS p ON p.number = r.project
             WHERE r.end_ms >= ?1 AND r.end_ms < ?2 AND r.status IN (3, 4, 5) AND NOT r.deleted LIMIT {}",
            MAX_VALUES + 1
        ))?;
        let mut rows = statement.query((from_ms, to_ms))?;
        while let Some(row) = rows.next()? {
            let kind = if row.get(1)? { EventKind::RunFinished } else { EventKind::RunFailed };
            if asks(kind) {
                let (project, name): (String, String) = (row.get(2)?, row.get(3)?);
                all.push(query.event(micros(row.get(0)?), kind, Some(&project), Some(&name), None));
            }
        }
    }
    // Few: what is made by hand is found without an index.
    let (from, to) = ends(query.range);
    for (kind, sql, range) in [
        (
            EventKind::PromptVersion,
            "SELECT created_us, name || '@' || version FROM prompt_versions WHERE created_us >= ?1 AND created_us < ?2",
            (from, to),
        ),
        (
            EventKind::ModelVersion,
            "SELECT v.created_ms * 1000, m.name || '@' || v.version FROM model_versions AS v
             JOIN registered_models AS m ON m.id = v.model
             WHERE v.updated_ms >= ?1 AND v.created_ms >= ?1 AND v.created_ms < ?2",
            (from_ms, to_ms),
        ),
    ] {
        if !asks(kind) {
            continue;
        }
        let mut statement = db.prepare_cached(&format!("{sql} LIMIT {}", MAX_VALUES + 1))?;
        let mut rows = statement.query(range)?;
        while let Some(row) = rows.next()? {
            all.push(query.event(row.get(0)?, kind, None, Some(&row.get::<_, String>(1)?), None));
        }
    }
    bounded(all, "events happened")
}

pub(super) fn results(db: &Connection, query: &EvalQuery) -> Result<Vec<Labelled>, StoreError> {
    let (exact, mean) = (key(db, &query.name)?, key(db, &format!("{}/mean", query.name))?);
    if exact.is_none() && mean.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare_cached(&format!(
        "SELECT m.timestamp_ms, m.value, r.id, r.name, p.key FROM run_metrics AS m JOIN runs AS r ON r.id = m.run
         JOIN projects AS p ON p.number = r.project
         WHERE m.key IN (?1, ?2) AND NOT m.nan AND m.timestamp_ms >= ?3 AND m.timestamp_ms < ?4 AND NOT r.deleted
         AND (m.key = ?1 OR NOT EXISTS (SELECT 1 FROM run_metrics AS e WHERE e.run = m.run AND e.key = ?1))
         LIMIT {}",
        MAX_VALUES + 1
    ))?;
    // No key has this number.
    const NONE: i64 = -1;
    let (from, to) = milliseconds(query.range);
    let mut rows = statement.query((exact.unwrap_or(NONE), mean.unwrap_or(NONE), from, to))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let (run, name, project): (i64, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let label = |label: &EvalLabel| match label {
            EvalLabel::Project => Ok(Some(project.clone())),
            EvalLabel::Run => Ok(Some(name.clone())),
            EvalLabel::Param(key) => entry(db, "run_params", run, key),
            EvalLabel::Tag(key) => entry(db, "run_tags", run, key),
        };
        let labels = query.labels.iter().map(label).collect::<Result<_, _>>()?;
        all.push(Labelled { at: micros(row.get(0)?), value: row.get(1)?, labels });
    }
    bounded(all, "evaluations logged the metric")
}

fn key(db: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM keys WHERE text = ?1")?.query_row([text], |row| row.get(0)).optional()
}

/// A param or tag of a run.
fn entry(db: &Connection, table: &str, run: i64, key: &str) -> rusqlite::Result<Option<String>> {
    let sql = format!("SELECT value FROM {table} WHERE run = ?1 AND key = (SELECT id FROM keys WHERE text = ?2)");
    db.prepare_cached(&sql)?.query_row((run, key), |row| row.get(0)).optional()
}

fn bounded(mut all: Vec<Labelled>, what: &str) -> Result<Vec<Labelled>, StoreError> {
    if all.len() > MAX_VALUES {
        let why = format!("more than {MAX_VALUES} {what} in that time: ask for a shorter one");
        return Err(StoreError::Unsupported(why));
    }
    all.sort_by_key(|value| value.at);
    Ok(all)
}

fn ends(range: TimeRange) -> (Micros, Micros) {
    (range.from.unwrap_or(Micros::MIN), range.to.unwrap_or(Micros::MAX))
}

/// The milliseconds whose start lies in a range.
fn milliseconds(range: TimeRange) -> (i64, i64) {
    let (from, to) = ends(range);
    let up = |at: Micros| at.div_euclid(1_000) + i64::from(at.rem_euclid(1_000) > 0);
    (up(from), up(to))
}

fn micros(ms: i64) -> Micros {
    ms.saturating_mul(1_000)
}

#[cfg(test)]
#[path = "happenings_tests.rs"]
mod tests;
