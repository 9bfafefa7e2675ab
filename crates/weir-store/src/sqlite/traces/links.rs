//! Which traces belong to runs and to versions of prompts.

use rusqlite::Connection;
use weir_core::id::TraceId;
use weir_core::time::Micros;

use super::{has_table, id, key};
use crate::telemetry::StoreError;
use crate::traces::Link;

const RUN: i64 = 1;
const PROMPT: i64 = 2;

fn columns(link: &Link) -> (i64, &str) {
    match link {
        Link::Run(run) => (RUN, run),
        Link::Prompt(version) => (PROMPT, version),
    }
}

pub(super) fn put(db: &Connection, ids: &[TraceId], links: &[Link], now: Micros) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT OR IGNORE INTO trace_links (trace_id, kind, target, created_us) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for id in ids {
        for link in links {
            let (kind, target) = columns(link);
            insert.execute((key(id), kind, target, now))?;
        }
    }
    Ok(())
}

pub(super) fn traces(db: &Connection, link: &Link, limit: usize) -> Result<Vec<TraceId>, StoreError> {
    if !has_table(db)? {
        return Ok(Vec::new());
    }
    let (kind, target) = columns(link);
    let mut statement = db.prepare_cached(
        "SELECT trace_id FROM trace_links WHERE kind = ?1 AND target = ?2 ORDER BY created_us DESC LIMIT ?3",
    )?;
    let mut rows = statement.query((kind, target, limit as i64))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(id(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

pub(super) fn of(db: &Connection, id: TraceId) -> Result<Vec<Link>, StoreError> {
    if !has_table(db)? {
        return Ok(Vec::new());
    }
    let mut statement =
        db.prepare_cached("SELECT kind, target FROM trace_links WHERE trace_id = ?1 ORDER BY kind, target")?;
    let mut rows = statement.query([key(&id)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let target: String = row.get(1)?;
        found.push(if row.get::<_, i64>(0)? == RUN { Link::Run(target) } else { Link::Prompt(target) });
    }
    Ok(found)
}
