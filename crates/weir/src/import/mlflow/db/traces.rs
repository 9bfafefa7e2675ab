//! Traces with spans and assessments.

use jiff::Timestamp;
use rusqlite::Row;
use serde_json::{Map, Value, json};

use super::{Database, pair, text};
use crate::import::mlflow::source::{Page, SourceTrace};
use crate::import::mlflow::spans;

/// Traces of one page: each comes with all its spans.
const PAGE: i64 = 64;
/// Metadata that stands in columns of its own.
const TOKENS: [&str; 5] =
    ["input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
const COSTS: [&str; 3] = ["input_cost", "output_cost", "total_cost"];

impl Database {
    pub(super) fn traces_of(&self, experiment: i64, after: Option<&str>) -> Page<SourceTrace> {
        let mut all = self.rows(
            "SELECT request_id, timestamp_ms, execution_time_ms, status, client_request_id, request_preview,
             response_preview, trace_name, session_id, input_tokens, output_tokens, total_tokens,
             cache_read_input_tokens, cache_creation_input_tokens, input_cost, output_cost, total_cost
             FROM trace_info WHERE experiment_id = ?1 AND request_id > ?2 ORDER BY request_id LIMIT ?3",
            (experiment, after.unwrap_or_default(), PAGE),
            info,
        )?;
        for trace in &mut all {
            self.fill_trace(trace)?;
        }
        let next = if all.len() < PAGE as usize { None } else { all.last().map(|trace| trace.id.clone()) };
        Ok((all, next))
    }

    fn fill_trace(&self, trace: &mut SourceTrace) -> anyhow::Result<()> {
        let of_trace = |sql: &str| self.rows(sql, [&trace.id], pair);
        for (name, said) in [
            ("tags", of_trace("SELECT key, value FROM trace_tags WHERE request_id = ?1")?),
            ("trace_metadata", of_trace("SELECT key, value FROM trace_request_metadata WHERE request_id = ?1")?),
        ] {
            for (key, value) in said {
                // What stands in a column goes before.
                if trace.info[name].get(&key).is_none() {
                    trace.info[name][key] = Value::from(value);
                }
            }
        }
        let contents = self.rows(
            "SELECT content FROM spans WHERE trace_id = ?1 ORDER BY start_time_unix_nano",
            [&trace.id],
            |row| row.get::<_, String>(0),
        )?;
        trace.spans = contents.iter().map(|content| spans::of_stored(content)).collect::<anyhow::Result<_>>()?;
        let assessments = self.rows(
            "SELECT assessment_id, name, assessment_type, value, error, created_timestamp, last_updated_timestamp,
             source_type, source_id, span_id, rationale, overrides, valid, assessment_metadata
             FROM assessments WHERE trace_id = ?1 ORDER BY created_timestamp, assessment_id",
            [&trace.id],
            assessment,
        )?;
        trace.info["assessments"] = Value::Array(assessments);
        let linked = |to: &str| {
            self.rows(
                "SELECT destination_id FROM entity_associations
                 WHERE source_type = 'trace' AND source_id = ?1 AND destination_type = ?2",
                [&trace.id, to],
                |row| row.get::<_, String>(0),
            )
        };
        let (runs, prompts) = (linked("run")?, linked("prompt_version")?);
        (trace.runs, trace.prompts) = (runs, prompts);
        Ok(())
    }
}

fn info(row: &Row<'_>) -> rusqlite::Result<SourceTrace> {
    let id: String = row.get(0)?;
    let mut metadata = Map::new();
    if let Some(session) = row.get::<_, Option<String>>(8)? {
        metadata.insert("mlflow.trace.session".to_owned(), session.into());
    }
    let mut tokens = Map::new();
    for (n, name) in TOKENS.iter().enumerate() {
        if let Some(count) = row.get::<_, Option<i64>>(9 + n)? {
            tokens.insert((*name).to_owned(), count.into());
        }
    }
    let mut costs = Map::new();
    for (n, name) in COSTS.iter().enumerate() {
        if let Some(cost) = row.get::<_, Option<f64>>(9 + TOKENS.len() + n)? {
            costs.insert((*name).to_owned(), cost.into());
        }
    }
    for (name, said) in [("mlflow.trace.tokenUsage", tokens), ("mlflow.trace.cost", costs)] {
        if !said.is_empty() {
            // With the blanks that the server writes.
            let members: Vec<String> = said.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
            metadata.insert(name.to_owned(), format!("{{{}}}", members.join(", ")).into());
        }
    }
    let mut tags = Map::new();
    if let Some(name) = row.get::<_, Option<String>>(7)? {
        tags.insert("mlflow.traceName".to_owned(), name.into());
    }
    let info = json!({
        "trace_id": id,
        "request_time": time(row.get(1)?),
        "execution_duration": row.get::<_, Option<i64>>(2)?.map(|ms| format!("{:.3}s", ms as f64 / 1_000.0)),
        "state": text(row, 3)?,
        "client_request_id": row.get::<_, Option<String>>(4)?,
        "request_preview": row.get::<_, Option<String>>(5)?,
        "response_preview": row.get::<_, Option<String>>(6)?,
        "trace_metadata": metadata,
        "tags": tags,
    });
    Ok(SourceTrace { id, info, ..SourceTrace::default() })
}

fn assessment(row: &Row<'_>) -> rusqlite::Result<Value> {
    let json = |n: usize| -> rusqlite::Result<Value> {
        let text = row.get::<_, Option<String>>(n)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    };
    let value = json(3)?;
    let mut all = json!({
        "assessment_id": row.get::<_, String>(0)?,
        "assessment_name": row.get::<_, String>(1)?,
        "source": {"source_type": row.get::<_, String>(7)?, "source_id": row.get::<_, Option<String>>(8)?},
        "create_time": time(row.get(5)?),
        "last_update_time": time(row.get(6)?),
        "span_id": row.get::<_, Option<String>>(9)?,
        "rationale": row.get::<_, Option<String>>(10)?,
        "overrides": row.get::<_, Option<String>>(11)?,
        "valid": row.get::<_, bool>(12)?,
        "metadata": json(13)?,
    });
    let (kind, said) = match row.get::<_, String>(2)?.as_str() {
        "expectation" if value.is_array() || value.is_object() => (
            "expectation",
            json!({"serialized_value": {"serialization_format": "JSON_FORMAT", "value": value.to_string()}}),
        ),
        "expectation" => ("expectation", json!({"value": value})),
        "issue" => ("issue", json!({"issue_name": value["issue_name"]})),
        _ => ("feedback", json!({"value": value, "error": json(4)?})),
    };
    all[kind] = said;
    Ok(all)
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default()
}
