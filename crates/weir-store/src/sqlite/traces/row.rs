//! Rows of traces: read, and merged with what is said later.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use weir_core::id::TraceId;
use weir_core::span::Status;
use weir_core::time::Micros;

use super::key;
use crate::telemetry::StoreError;
use crate::traces::{Texts, TraceRow, TraceWrite};

/// Every column that [`read`] reads, in its order.
pub(super) const COLUMNS: &str = "foreign_id, project, name, session, start_us, duration_us, status, request_preview, \
    response_preview, client_request_id, tags, metadata";

/// The row of a trace.
pub(super) fn find(db: &Connection, id: TraceId) -> rusqlite::Result<Option<TraceRow>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM traces WHERE trace_id = ?1"))?
        .query_row([key(&id)], |row| read(row, 0))
        .optional()
}

/// Reads the columns from the `at`-th on.
pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<TraceRow> {
    let texts = |column: usize| -> rusqlite::Result<Texts> {
        let json: Option<String> = row.get(at + column)?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
    };
    Ok(TraceRow {
        foreign_id: row.get(at)?,
        project: row.get(at + 1)?,
        name: row.get(at + 2)?,
        session: row.get(at + 3)?,
        start_us: row.get(at + 4)?,
        duration_us: row.get(at + 5)?,
        status: row.get::<_, Option<i64>>(at + 6)?.and_then(Status::from_number),
        request_preview: row.get(at + 7)?,
        response_preview: row.get(at + 8)?,
        client_request_id: row.get(at + 9)?,
        tags: texts(10)?,
        metadata: texts(11)?,
    })
}

/// Adds to a row, or makes it.
pub(super) fn merge(db: &Connection, write: &TraceWrite, now: Micros) -> Result<(), StoreError> {
    let TraceWrite { id, row: new, removed_tags } = write;
    let mut row = find(db, *id)?.unwrap_or_default();
    macro_rules! later {
        ($($field:ident),+) => { $(if new.$field.is_some() { row.$field.clone_from(&new.$field); })+ };
    }
    later!(
        foreign_id,
        project,
        name,
        session,
        start_us,
        duration_us,
        status,
        request_preview,
        response_preview,
        client_request_id
    );
    row.metadata.extend(new.metadata.clone());
    row.tags.retain(|tag, _| !removed_tags.contains(tag));
    row.tags.extend(new.tags.clone());
    let text = |text: &Option<String>| text.clone().map_or(Sql::Null, Sql::Text);
    let number = |number: Option<i64>| number.map_or(Sql::Null, Sql::Integer);
    let texts = |texts: &Texts| match texts.is_empty() {
        true => Sql::Null,
        false => Sql::Text(serde_json::to_string(texts).unwrap_or_default()),
    };
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO traces (trace_id, updated_us, {COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    ))?
    .execute(params_from_iter([
        Sql::Blob(key(id).to_vec()),
        Sql::Integer(now),
        text(&row.foreign_id),
        text(&row.project),
        text(&row.name),
        text(&row.session),
        number(row.start_us),
        number(row.duration_us),
        number(row.status.map(Status::number)),
        text(&row.request_preview),
        text(&row.response_preview),
        text(&row.client_request_id),
        texts(&row.tags),
        texts(&row.metadata),
    ]))?;
    Ok(())
}
