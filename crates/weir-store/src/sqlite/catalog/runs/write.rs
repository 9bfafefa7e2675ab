//! Runs that are made and changed.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use weir_core::id::RunId;

use super::{Log, RUN_NAME, points, read};
use crate::catalog::{Batch, NewRun, ParamConflict, RunChange, RunProblem, RunRecord, RunStatus, TagChange};

/// Characters of a value that stand in the indexes.
pub(super) const HEAD: usize = 64;

/// A run that may be written to.
pub(super) struct Active {
    pub(super) row: i64,
    pub(super) project: i64,
    pub(super) start_ms: i64,
    pub(super) id: RunId,
}

/// The run of an id, unless it is missing or in the bin.
pub(super) fn active(db: &Connection, id: RunId) -> Result<Active, RunProblem> {
    let found = db
        .prepare_cached("SELECT id, project, start_ms, deleted FROM runs WHERE uuid = ?1")?
        .query_row([id.0], |row| {
            Ok((Active { row: row.get(0)?, project: row.get(1)?, start_ms: row.get(2)?, id }, row.get::<_, bool>(3)?))
        })
        .optional()?;
    match found {
        None => Err(RunProblem::Missing),
        Some((_, true)) => Err(RunProblem::Deleted),
        Some((run, false)) => Ok(run),
    }
}

pub(super) fn create(db: &Connection, log: &mut Log<'_>, new: NewRun) -> Result<RunRecord, RunProblem> {
    let project: Option<(String, bool)> = db
        .prepare_cached("SELECT artifact_location, deleted FROM projects WHERE number = ?1")?
        .query_row([new.project], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let location = match project {
        None => return Err(RunProblem::NoProject),
        Some((_, true)) => return Err(RunProblem::ProjectDeleted),
        Some((location, false)) => location,
    };
    let artifact_uri = below(&location, &format!("{}/artifacts", new.id));
    let inserted = db
        .prepare_cached(
            "INSERT OR IGNORE INTO runs (uuid, project, name, user, status, start_ms, end_ms, artifact_uri)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            new.id.0,
            new.project,
            new.name,
            new.user,
            number(new.status),
            new.start_ms,
            new.end_ms,
            artifact_uri
        ])?;
    if inserted == 0 {
        return Err(RunProblem::Taken);
    }
    let run = Active { row: db.last_insert_rowid(), project: new.project, start_ms: new.start_ms, id: new.id };
    for (key, value) in &new.tags {
        set_tag(db, log, &run, key, value)?;
    }
    Ok(RunRecord {
        id: new.id,
        project: new.project,
        name: new.name,
        user: new.user,
        status: new.status,
        start_ms: new.start_ms,
        end_ms: new.end_ms,
        artifact_uri,
        deleted: false,
    })
}

pub(super) fn update(
    db: &Connection,
    log: &mut Log<'_>,
    id: RunId,
    change: &RunChange,
) -> Result<RunRecord, RunProblem> {
    let run = active(db, id)?;
    db.prepare_cached("UPDATE runs SET status = coalesce(?2, status), end_ms = coalesce(?3, end_ms) WHERE id = ?1")?
        .execute((run.row, change.status.map(number), change.end_ms))?;
    if let Some(name) = &change.name {
        set_tag(db, log, &run, RUN_NAME, name)?;
        rename(db, &run, name)?;
    }
    Ok(read::record_of_row(db, run.row)?)
}

pub(super) fn batch(db: &Connection, log: &mut Log<'_>, id: RunId, batch: &Batch) -> Result<(), RunProblem> {
    let run = active(db, id)?;
    let mut conflicts = Vec::new();
    for (key, value) in &batch.params {
        if let Some(old) = set_param(db, log, &run, key, value)? {
            conflicts.push(ParamConflict { key: key.clone(), old, new: value.clone() });
        }
    }
    if !conflicts.is_empty() {
        return Err(RunProblem::Params(conflicts));
    }
    points::log(db, log, &run, &batch.metrics)?;
    // The last of several counts.
    let last: HashMap<&str, usize> = batch.tags.iter().enumerate().map(|(n, (key, _))| (key.as_str(), n)).collect();
    for (n, (key, value)) in batch.tags.iter().enumerate() {
        if last.get(key.as_str()) != Some(&n) {
            continue;
        }
        set_tag(db, log, &run, key, value)?;
        if key == RUN_NAME {
            rename(db, &run, value)?;
        }
    }
    Ok(())
}

/// Stores a param; the value that is there, if it is another one.
fn set_param(
    db: &Connection,
    log: &mut Log<'_>,
    run: &Active,
    key: &str,
    value: &str,
) -> rusqlite::Result<Option<String>> {
    let key = log.key(db, key)?;
    let inserted =
        db.prepare_cached("INSERT OR IGNORE INTO run_params VALUES (?1, ?2, ?3)")?.execute((run.row, key, value))?;
    if inserted > 0 {
        db.prepare_cached("INSERT INTO param_index VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
            key,
            run.project,
            head(value),
            run.start_ms,
            run.id.0,
            run.row,
        ))?;
        return Ok(None);
    }
    let old: String = db
        .prepare_cached("SELECT value FROM run_params WHERE run = ?1 AND key = ?2")?
        .query_row((run.row, key), |row| row.get(0))?;
    Ok((old != value).then_some(old))
}

fn set_tag(db: &Connection, log: &mut Log<'_>, run: &Active, key: &str, value: &str) -> rusqlite::Result<()> {
    let indexed = key != RUN_NAME;
    let key = log.key(db, key)?;
    let inserted =
        db.prepare_cached("INSERT OR IGNORE INTO run_tags VALUES (?1, ?2, ?3)")?.execute((run.row, key, value))?;
    if inserted == 0 {
        let old = tag(db, run.row, key)?.unwrap_or_default();
        db.prepare_cached("UPDATE run_tags SET value = ?3 WHERE run = ?1 AND key = ?2")?
            .execute((run.row, key, value))?;
        if !indexed || head(&old) == head(value) {
            return Ok(());
        }
        forget_tag(db, run, key, &old)?;
    }
    if indexed {
        db.prepare_cached("INSERT INTO tag_index VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
            key,
            run.project,
            head(value),
            run.start_ms,
            run.id.0,
            run.row,
        ))?;
    }
    Ok(())
}

fn forget_tag(db: &Connection, run: &Active, key: i64, value: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM tag_index WHERE key = ?1 AND project = ?2 AND head = ?3 AND start_ms = ?4 AND uuid = ?5",
    )?
    .execute((key, run.project, head(value), run.start_ms, run.id.0))?;
    Ok(())
}

fn tag(db: &Connection, row: i64, key: i64) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT value FROM run_tags WHERE run = ?1 AND key = ?2")?
        .query_row((row, key), |row| row.get(0))
        .optional()
}

fn rename(db: &Connection, run: &Active, name: &str) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE runs SET name = ?2 WHERE id = ?1")?.execute((run.row, name))?;
    Ok(())
}

pub(super) fn change_tag(
    db: &Connection,
    log: &mut Log<'_>,
    id: RunId,
    key: &str,
    change: TagChange,
) -> Result<(), RunProblem> {
    let run = active(db, id)?;
    let number = log.key(db, key)?;
    let value = change(tag(db, run.row, number)?.as_deref()).map_err(RunProblem::Refused)?;
    Ok(set_tag(db, log, &run, key, &value)?)
}

pub(super) fn delete_tag(db: &Connection, log: &mut Log<'_>, id: RunId, key: &str) -> Result<(), RunProblem> {
    let run = active(db, id)?;
    let Some(number) = log.keys.find(db, key)? else { return Err(RunProblem::NoTag) };
    let Some(old) = tag(db, run.row, number)? else { return Err(RunProblem::NoTag) };
    db.prepare_cached("DELETE FROM run_tags WHERE run = ?1 AND key = ?2")?.execute((run.row, number))?;
    if key != RUN_NAME {
        forget_tag(db, &run, number, &old)?;
    }
    Ok(())
}

/// The beginning of a value.
pub(super) fn head(value: &str) -> &str {
    if value.len() <= HEAD {
        return value;
    }
    value.char_indices().nth(HEAD).map_or(value, |(end, _)| &value[..end])
}

pub(super) fn number(status: RunStatus) -> i64 {
    RunStatus::ALL.iter().find(|(.., s)| *s == status).map_or(1, |(_, number, _)| *number)
}

/// A path below a location, before what a location of the web may say behind a question mark.
fn below(location: &str, path: &str) -> String {
    let (base, query) = match location.find('?') {
        Some(at) if location.contains("://") => location.split_at(at),
        _ => (location, ""),
    };
    format!("{}/{path}{query}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn artifacts_stand_below_the_location() {
        for (location, expected) in [
            ("mlflow-artifacts:/1", "mlflow-artifacts:/1/r/artifacts"),
            ("s3://b/x/", "s3://b/x/r/artifacts"),
            ("s3://b/x?k=v", "s3://b/x/r/artifacts?k=v"),
            ("/tmp/a", "/tmp/a/r/artifacts"),
        ] {
            assert_eq!(super::below(location, "r/artifacts"), expected);
        }
    }
}
