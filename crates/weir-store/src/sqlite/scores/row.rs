//! A score as a row.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use weir_core::id::{ScoreId, SpanId, SpanKey, TraceId, from_significant, significant};
use weir_core::score::{Score, ScoreKind, ScoreSource, ScoreTarget, ScoreValue};

use crate::telemetry::StoreError;

/// The columns that [`read`] wants.
const COLUMNS: &str = "id, call, trace_id, name, value, source, author, reason, created_us, \
                       kind, valid, overrides, metadata, error, updated_us";
/// The same of a file of an older Weir that is only read.
const OLD_COLUMNS: &str = "id, call, trace_id, name, value, source, author, reason, created_us, \
                           0 AS kind, 1 AS valid, NULL AS overrides, NULL AS metadata, NULL AS error, NULL AS updated_us";

/// What the file's table of scores is like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Form {
    /// There is no score.
    Empty,
    /// Scores that are values alone.
    Old,
    /// As this Weir writes them.
    Whole,
}

impl Form {
    /// That of a file. One of an older Weir, opened for reading only, may have no table, or one without later columns.
    pub(in super::super) fn of(db: &Connection) -> rusqlite::Result<Self> {
        let exists = |sql: &str| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, bool>(0));
        let is_there = exists("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'scores')")?
            && exists("SELECT EXISTS (SELECT 1 FROM scores)")?;
        if !is_there {
            return Ok(Self::Empty);
        }
        let whole = exists("SELECT EXISTS (SELECT 1 FROM pragma_table_info('scores') WHERE name = 'kind')")?;
        Ok(if whole { Self::Whole } else { Self::Old })
    }

    pub(super) fn columns(self) -> &'static str {
        if self == Self::Old { OLD_COLUMNS } else { COLUMNS }
    }

    /// What holds of the rows that count.
    pub(in super::super) fn counts(self) -> &'static str {
        if self == Self::Old { "number IS NOT NULL" } else { "number IS NOT NULL AND valid AND kind = 0" }
    }
}

/// An id as the table keeps it.
pub(super) fn blob(id: &[u8; 16]) -> Sql {
    Sql::Blob(significant(id).to_vec())
}

/// `call` and `trace_id` of a target.
pub(super) fn place(target: &ScoreTarget) -> (Sql, Sql) {
    match target {
        ScoreTarget::Call(call) => (Sql::Text(call.clone()), Sql::Null),
        ScoreTarget::Trace(trace) => (Sql::Null, blob(&trace.0)),
        ScoreTarget::Span(key) => (Sql::Text(key.span.to_string()), blob(&key.trace.0)),
    }
}

pub(super) fn insert(db: &Connection, score: &Score) -> Result<(), StoreError> {
    let unwritable = |e: serde_json::Error| StoreError::Unsupported(e.to_string());
    let (call, trace) = place(&score.target);
    let value = serde_json::to_string(&score.value).map_err(unwritable)?;
    let text = |text: &Option<String>| text.clone().map_or(Sql::Null, Sql::Text);
    let metadata = match score.metadata.is_empty() {
        true => Sql::Null,
        false => Sql::Text(serde_json::to_string(&score.metadata).map_err(unwritable)?),
    };
    let error = match &score.error {
        None => Sql::Null,
        Some(error) => Sql::Text(serde_json::to_string(error).map_err(unwritable)?),
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO scores (id, call, trace_id, name, value, number, source, author, reason, created_us, \
         kind, valid, overrides, metadata, error, updated_us) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params_from_iter([
        blob(&score.id.0),
        call,
        trace,
        Sql::Text(score.name.clone()),
        Sql::Text(value),
        score.value.number().map_or(Sql::Null, Sql::Real),
        Sql::Integer(score.source.number()),
        text(&score.author),
        text(&score.reason),
        Sql::Integer(score.created_us),
        Sql::Integer(score.kind.number()),
        Sql::Integer(score.valid.into()),
        score.overrides.map_or(Sql::Null, |id| blob(&id.0)),
        metadata,
        error,
        Sql::Integer(score.updated_us),
    ]))?;
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> Result<Score, StoreError> {
    let damaged = || StoreError::Unavailable("a score in the database cannot be read".into());
    let id = |bytes: Vec<u8>| from_significant(&bytes).ok_or_else(damaged);
    let (call, trace): (Option<String>, Option<Vec<u8>>) = (row.get("call")?, row.get("trace_id")?);
    let target = match (call, trace) {
        (Some(call), None) => ScoreTarget::Call(call),
        (None, Some(trace)) => ScoreTarget::Trace(TraceId(id(trace)?)),
        (Some(call), Some(trace)) => {
            let span = SpanId::parse(&call).ok_or_else(damaged)?;
            ScoreTarget::Span(SpanKey { trace: TraceId(id(trace)?), span })
        }
        (None, None) => return Err(damaged()),
    };
    let json = |name: &str| row.get::<_, Option<String>>(name);
    let created_us = row.get("created_us")?;
    Ok(Score {
        id: ScoreId(id(row.get("id")?)?),
        target,
        kind: ScoreKind::from_number(row.get("kind")?).ok_or_else(damaged)?,
        name: row.get("name")?,
        value: ScoreValue::parse(&row.get::<_, String>("value")?).map_err(|_| damaged())?,
        source: ScoreSource::from_number(row.get("source")?).ok_or_else(damaged)?,
        author: row.get("author")?,
        reason: row.get("reason")?,
        metadata: match json("metadata")? {
            Some(text) => serde_json::from_str(&text).map_err(|_| damaged())?,
            None => Default::default(),
        },
        error: json("error")?.map(|text| serde_json::from_str(&text)).transpose().map_err(|_| damaged())?,
        overrides: row.get::<_, Option<Vec<u8>>>("overrides")?.map(id).transpose()?.map(ScoreId),
        valid: row.get("valid")?,
        created_us,
        updated_us: row.get::<_, Option<i64>>("updated_us")?.unwrap_or(created_us),
    })
}
