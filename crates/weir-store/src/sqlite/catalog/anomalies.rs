use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};
use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Feedback, Severity};
use weir_core::time::Micros;

use super::SqliteCatalog;
use crate::catalog::{Anomalies, AnomalyQuery, AnomalyWrite, EngineRecord, MAX_ANOMALIES};
use crate::telemetry::StoreError;

const RULE: &str = "rule";

impl Anomalies for SqliteCatalog {
    fn put_anomalies(&self, write: AnomalyWrite) -> Result<(), StoreError> {
        self.write(move |db| {
            for (project, from) in &write.anew {
                forget(db, project, *from, &write.anomalies)?;
            }
            write.anomalies.iter().try_for_each(|anomaly| put(db, anomaly))?;
            write.engines.iter().try_for_each(|engine| put_engine(db, engine))
        })
    }

    fn anomalies(&self, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
        self.read(|db| list(db, query))
    }

    fn anomaly(&self, id: &str) -> Result<Option<Anomaly>, StoreError> {
        self.read(|db| by_id(db, id))
    }

    fn open_anomalies(&self) -> Result<[u64; 3], StoreError> {
        self.read(|db| {
            let mut open = [0; 3];
            let mut statement = db.prepare_cached(
                "SELECT severity, count(*) FROM anomalies WHERE firing AND kind <> 'rule' GROUP BY 1",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(count) = open.get_mut(row.get::<_, i64>(0)? as usize) {
                    *count = row.get::<_, i64>(1)? as u64;
                }
            }
            Ok(open)
        })
    }

    fn put_feedback(
        &self,
        id: &str,
        feedback: Option<Feedback>,
        engine: Option<EngineRecord>,
    ) -> Result<Option<Anomaly>, StoreError> {
        let id = id.to_owned();
        self.write(move |db| {
            let changed = db
                .prepare_cached("UPDATE anomalies SET feedback = ?2 WHERE id = ?1")?
                .execute((&id, feedback.map(feedback_name)))?;
            if changed == 0 {
                return Ok(None);
            }
            engine.iter().try_for_each(|engine| put_engine(db, engine))?;
            by_id(db, &id)
        })
    }

    fn engines(&self) -> Result<Vec<EngineRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached("SELECT project, until_us, live, late_us, x'' FROM anomaly_engines ORDER BY project")?;
            Ok(statement.query_map([], engine)?.collect::<Result<_, _>>()?)
        })
    }

    fn engine(&self, project: &str) -> Result<Option<EngineRecord>, StoreError> {
        self.read(|db| engine_of(db, project))
    }

    fn mark_late(&self, late: Vec<(String, Micros)>) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut mark = db.prepare_cached(
                "UPDATE anomaly_engines SET late_us = min(coalesce(late_us, ?2), ?2) WHERE project = ?1",
            )?;
            for (project, at) in &late {
                mark.execute((project, at))?;
            }
            Ok(())
        })
    }

    fn delete_anomalies(&self, before: Micros) -> Result<u64, StoreError> {
        self.write(move |db| {
            let deleted = db.prepare_cached("DELETE FROM anomalies WHERE NOT firing AND ended_us < ?1")?;
            Ok({ deleted }.execute([before])? as u64)
        })
    }
}

pub(super) fn list(db: &Connection, query: &AnomalyQuery) -> Result<Vec<Anomaly>, StoreError> {
    let (condition, values) = compile(query);
    let mut statement = db.prepare_cached(&format!(
        "SELECT record, feedback FROM anomalies WHERE {condition} ORDER BY detected_us DESC, id DESC LIMIT {}",
        query.limit.min(MAX_ANOMALIES)
    ))?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read(row)?);
    }
    Ok(out)
}

pub(super) fn engine_of(db: &Connection, project: &str) -> Result<Option<EngineRecord>, StoreError> {
    let sql = "SELECT project, until_us, live, late_us, state FROM anomaly_engines WHERE project = ?1";
    Ok(db.prepare_cached(sql)?.query_row([project], engine).optional()?)
}

/// Deletes what was found in a project from an instant on, but for what is found again and what people judged.
fn forget(db: &Connection, project: &str, from: Micros, again: &[Anomaly]) -> Result<(), StoreError> {
    let mut find =
        db.prepare_cached("SELECT id FROM anomalies WHERE project = ?1 AND detected_us >= ?2 AND feedback IS NULL")?;
    let ids: Vec<String> = find.query_map((project, from), |row| row.get(0))?.collect::<Result<_, _>>()?;
    let again: std::collections::HashSet<&str> = again.iter().map(|a| a.id.as_str()).collect();
    let mut delete = db.prepare_cached("DELETE FROM anomalies WHERE id = ?1")?;
    for id in ids.iter().filter(|id| !again.contains(id.as_str())) {
        delete.execute([id])?;
    }
    Ok(())
}

fn put(db: &Connection, anomaly: &Anomaly) -> Result<(), StoreError> {
    let record = serde_json::to_string(&Anomaly { feedback: None, ..anomaly.clone() })
        .map_err(|e| StoreError::Unsupported(format!("anomaly {}: {e}", anomaly.id)))?;
    db.prepare_cached(
        "INSERT INTO anomalies (id, project, metric, kind, severity, firing, onset_us, detected_us, ended_us, feedback,
           record) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET project = ?2, metric = ?3, kind = ?4, severity = ?5, firing = ?6, onset_us = ?7,
           detected_us = ?8, ended_us = ?9, feedback = coalesce(?10, feedback), record = ?11",
    )?
    .execute((
        &anomaly.id,
        &anomaly.project,
        &anomaly.metric,
        kind_name(anomaly.kind),
        severity_number(anomaly.severity),
        anomaly.state == AnomalyState::Firing,
        anomaly.onset,
        anomaly.detected_at,
        anomaly.ended_at,
        anomaly.feedback.map(feedback_name),
        record,
    ))?;
    Ok(())
}

fn put_engine(db: &Connection, engine: &EngineRecord) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO anomaly_engines (project, until_us, live, late_us, state) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((&engine.project, engine.until, engine.live, engine.late, &engine.state))?;
    Ok(())
}

fn engine(row: &Row<'_>) -> rusqlite::Result<EngineRecord> {
    Ok(EngineRecord {
        project: row.get(0)?,
        until: row.get(1)?,
        live: row.get(2)?,
        late: row.get(3)?,
        state: row.get(4)?,
    })
}

fn by_id(db: &Connection, id: &str) -> Result<Option<Anomaly>, StoreError> {
    let mut statement = db.prepare_cached("SELECT record, feedback FROM anomalies WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<Anomaly, StoreError> {
    let record: String = row.get(0)?;
    let mut anomaly: Anomaly = serde_json::from_str(&record)
        .map_err(|e| StoreError::Unavailable(format!("an anomaly's record cannot be read: {e}")))?;
    let feedback: Option<String> = row.get(1)?;
    anomaly.feedback = feedback.and_then(|name| match name.as_str() {
        "expected" => Some(Feedback::Expected),
        "new_normal" => Some(Feedback::NewNormal),
        _ => None,
    });
    Ok(anomaly)
}

/// The condition of a query as SQL, with its values.
fn compile(query: &AnomalyQuery) -> (String, Vec<Value>) {
    let mut sql = String::from("1");
    let mut values: Vec<Value> = Vec::new();
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        sql.push_str(" AND ");
        sql.push_str(&condition.replace('$', &format!("?{}", values.len())));
    };
    let list = |texts: Vec<&str>| Value::Text(serde_json::json!(texts).to_string());
    let texts = |texts: &[String]| Value::Text(serde_json::json!(texts).to_string());
    match query.projects.as_slice() {
        [] => {}
        [one] => add("project = $", Value::Text(one.clone())),
        many => add("project IN (SELECT value FROM json_each($))", texts(many)),
    }
    if !query.metrics.is_empty() {
        add("metric IN (SELECT value FROM json_each($))", texts(&query.metrics));
    }
    if query.kinds.is_empty() {
        add("kind <> $", Value::Text(RULE.into()));
    } else {
        let kinds = query.kinds.iter().copied().map(kind_name).collect();
        add("kind IN (SELECT value FROM json_each($))", list(kinds));
    }
    if let Some(severity) = query.severity {
        add("severity >= $", Value::Integer(severity_number(severity)));
    }
    if let Some(state) = query.state {
        add("firing = $", Value::Integer(i64::from(state == AnomalyState::Firing)));
    }
    if query.judged {
        add("feedback IS NOT NULL = $", Value::Integer(1));
    }
    if let Some(from) = query.range.from {
        add("(ended_us IS NULL OR ended_us >= $)", Value::Integer(from));
    }
    if let Some(to) = query.range.to {
        add("onset_us < $", Value::Integer(to));
    }
    if let Some((at, id)) = &query.after {
        add("detected_us <= $", Value::Integer(*at));
        values.push(Value::Integer(*at));
        values.push(Value::Text(id.clone()));
        sql.push_str(&format!(" AND (detected_us < ?{} OR id < ?{})", values.len() - 1, values.len()));
    }
    (sql, values)
}

fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

fn kind_name(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Spike => "spike",
        AnomalyKind::Shift => "shift",
        AnomalyKind::Proportion => "proportion",
        AnomalyKind::Drift => "drift",
        AnomalyKind::Silence => "silence",
        AnomalyKind::Rule => RULE,
    }
}

fn feedback_name(feedback: Feedback) -> &'static str {
    match feedback {
        Feedback::Expected => "expected",
        Feedback::NewNormal => "new_normal",
    }
}

#[cfg(test)]
#[path = "anomalies_tests.rs"]
mod tests;
