//! Examples: what each was like from one revision up to another.

use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};
use weir_core::id::{DatasetId, ExampleId, significant};
use weir_core::json;

use super::id_of;
use crate::catalog::{Example, ExampleQuery, ExampleWrite};
use crate::telemetry::StoreError;

const COLUMNS: &str =
    "id, inputs, outputs, expected, metadata, source, created_ms, updated_ms, created_by, updated_by, first";

pub(super) fn insert(db: &Connection, dataset: DatasetId, example: &Example, revision: i64) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO examples VALUES (?1, ?2, ?3, NULL, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?
        .execute((
            significant(&dataset.0),
            significant(&example.id.0),
            revision,
            inputs_key(&example.inputs)?,
            &example.inputs,
            &example.outputs,
            &example.expected,
            &example.metadata,
            &example.source,
            example.created_ms,
            example.updated_ms,
            &example.created_by,
            &example.updated_by,
        ))?;
    Ok(())
}

/// Adds an example, or merges it into the valid one with equal inputs: `true`.
pub(super) fn merge(
    db: &Connection,
    dataset: DatasetId,
    write: &ExampleWrite,
    revision: i64,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let find = format!("SELECT {COLUMNS} FROM examples WHERE dataset = ?1 AND inputs_key = ?2 AND ended IS NULL");
    let found = db
        .prepare_cached(&find)?
        .query_row((significant(&dataset.0), inputs_key(&write.inputs)?), |row| {
            Ok((read(row), row.get::<_, i64>("first")?))
        })
        .optional()?;
    let Some((old, first)) = found else {
        let example = Example {
            id: ExampleId::new(),
            inputs: write.inputs.clone(),
            outputs: write.outputs.clone(),
            expected: write.expected.clone(),
            metadata: write.metadata.clone(),
            source: write.source.clone(),
            created_ms: now_ms,
            updated_ms: now_ms,
            created_by: write.user.clone(),
            updated_by: write.user.clone(),
        };
        insert(db, dataset, &example, revision)?;
        return Ok(false);
    };
    let mut example = old?;
    if write.outputs.is_some() {
        example.outputs.clone_from(&write.outputs);
    }
    example.expected = joined(example.expected.take(), write.expected.as_deref());
    example.metadata = joined(example.metadata.take(), write.metadata.as_deref());
    example.updated_ms = now_ms;
    example.updated_by = write.user.clone().or(example.updated_by);
    if first == revision {
        // Twice in one write: no revision ever shows what it was in between.
        db.prepare_cached("DELETE FROM examples WHERE dataset = ?1 AND id = ?2 AND first = ?3")?.execute((
            significant(&dataset.0),
            significant(&example.id.0),
            revision,
        ))?;
    } else {
        end(db, dataset, example.id, revision)?;
    }
    insert(db, dataset, &example, revision)?;
    Ok(true)
}

/// Ends an example; how many there were.
pub(super) fn end(db: &Connection, dataset: DatasetId, example: ExampleId, revision: i64) -> Result<usize, StoreError> {
    Ok(db
        .prepare_cached("UPDATE examples SET ended = ?3 WHERE dataset = ?1 AND id = ?2 AND ended IS NULL")?
        .execute((significant(&dataset.0), significant(&example.0), revision))?)
}

pub(super) fn page(db: &Connection, query: &ExampleQuery) -> Result<Vec<Example>, StoreError> {
    let valid = match query.revision {
        None => "ended IS NULL AND ?5 IS NULL",
        Some(_) => "first <= ?5 AND (ended IS NULL OR ended > ?5)",
    };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM examples WHERE dataset = ?1 AND (created_ms, id) > (?2, ?3) AND {valid}
         ORDER BY created_ms, id LIMIT ?4"
    ))?;
    let (at, id) = query.after.unwrap_or((i64::MIN, ExampleId::default()));
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((significant(&query.dataset.0), at, significant(&id.0), limit, query.revision))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Example, StoreError> {
    Ok(Example {
        id: ExampleId(id_of(&row.get::<_, Vec<u8>>("id")?)?),
        inputs: row.get("inputs")?,
        outputs: row.get("outputs")?,
        expected: row.get("expected")?,
        metadata: row.get("metadata")?,
        source: row.get("source")?,
        created_ms: row.get("created_ms")?,
        updated_ms: row.get("updated_ms")?,
        created_by: row.get("created_by")?,
        updated_by: row.get("updated_by")?,
    })
}

fn inputs_key(inputs: &str) -> Result<Vec<u8>, StoreError> {
    let canonical = json::canonical(inputs)
        .ok_or_else(|| StoreError::Unsupported("the inputs of an example are no JSON, or nested too deeply".into()))?;
    Ok(Sha256::digest(canonical).to_vec())
}

/// An object with the members of another one added; of equal names the newer one stays.
fn joined(old: Option<String>, new: Option<&str>) -> Option<String> {
    let Some(new) = new.and_then(json::members).filter(|members| !members.is_empty()) else { return old };
    let before = old.as_deref().and_then(json::members).unwrap_or_default();
    let mut all: Vec<_> = before;
    for (name, value) in new {
        match all.iter_mut().find(|(other, _)| *other == name) {
            Some(there) => there.1 = value,
            None => all.push((name, value)),
        }
    }
    Some(json::object(all))
}
