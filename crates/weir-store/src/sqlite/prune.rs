//! Deletes old spans in small transactions, so that ingest goes on beside it.

use parking_lot::Mutex;
use rusqlite::Connection;
use weir_core::time::Micros;

use super::exports;
use super::payload::block;
use super::payload::dictionary::Dictionaries;
use super::seq;
use super::write::Writer;
use super::{Inner, StoreError};

/// Rows that one transaction deletes.
const ROWS_AT_ONCE: i64 = 5_000;
/// Blocks that one transaction deletes or rewrites.
const BLOCKS_AT_ONCE: i64 = 64;
/// Free pages that one step gives back to the file system.
const PAGES_AT_ONCE: i64 = 2_000;

/// Deletes the spans that started before an instant, their payloads and groups. Returns how many spans.
pub(super) fn prune(inner: &Inner, before: Micros) -> Result<u64, StoreError> {
    let writer = inner.writer()?;
    let edge = seq::floor(before);
    // Rows of the edge's own millisecond by their exact start; a row without a start goes by its place.
    let last = edge | ((1 << 20) - 1);
    let mut deleted = 0;
    loop {
        let n = in_transaction(writer, |writer| {
            let db = &writer.db;
            // Groups first: a group must never claim less than it holds, but may well be missing.
            db.prepare_cached("DELETE FROM groups WHERE first_seq < ?1")?.execute([edge])?;
            let n = db
                .prepare_cached(
                    "DELETE FROM spans WHERE seq IN (SELECT seq FROM spans WHERE seq <= ?1 \
                     AND (seq < ?2 OR start_us < ?3) ORDER BY seq LIMIT ?4)",
                )?
                .execute((last, edge, before, ROWS_AT_ONCE))?;
            db.prepare_cached("DELETE FROM payload_text WHERE seq < ?1")?.execute([oldest(db)?])?;
            Ok(n as u64)
        })?;
        if let Some(cover) = &mut writer.lock().cover {
            cover.cut(edge);
        }
        deleted += n;
        if n < ROWS_AT_ONCE as u64 {
            break;
        }
    }
    forget_queued(writer, before)?;
    while in_transaction(writer, |w| delete_blocks(&w.db))? {}
    while in_transaction(writer, |w| rewrite_blocks(&w.db, &inner.dictionaries))? {}
    for field in 0..super::groups::field::INDEXED.len() as i64 {
        in_transaction(writer, |w| {
            // Not those of a group that was built in the meantime.
            w.db.prepare_cached(
                "DELETE FROM group_index WHERE field = ?1 AND first_seq < ?2 \
                 AND first_seq NOT IN (SELECT first_seq FROM groups)",
            )?
            .execute((field, edge))
            .map_err(Into::into)
        })?;
    }
    while give_back(&writer.lock().db)? {}
    Ok(deleted)
}

/// Takes deleted spans out of the exporters' queue, which an outage would else let grow beyond the retention.
fn forget_queued(writer: &Mutex<Writer>, before: Micros) -> Result<(), StoreError> {
    let mut forgotten = 0;
    loop {
        let n = in_transaction(writer, |w| Ok(exports::forget(&w.db, before)?))?;
        forgotten += n;
        if !exports::may_have_more(n) {
            break;
        }
    }
    if forgotten > 0 {
        tracing::warn!(count = forgotten, "spans were deleted before they could be exported");
    }
    Ok(())
}

pub(super) fn in_transaction<T>(
    writer: &Mutex<Writer>,
    work: impl FnOnce(&mut Writer) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut writer = writer.lock();
    writer.db.execute_batch("BEGIN IMMEDIATE")?;
    let done = work(&mut writer).and_then(|value| {
        writer.db.execute_batch("COMMIT")?;
        Ok(value)
    });
    if done.is_err() && !writer.db.is_autocommit() {
        writer.db.execute_batch("ROLLBACK")?;
    }
    done
}

/// The oldest row that is left. Asked within the transaction that deletes what is older: a late span may have come.
fn oldest(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT min(seq) FROM spans")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .map(|seq| seq.unwrap_or(i64::MAX))
}

/// Blocks of deleted spans only.
fn delete_blocks(db: &Connection) -> Result<bool, StoreError> {
    let n = db
        .prepare_cached(
            "DELETE FROM payload_blocks WHERE id IN (SELECT id FROM payload_blocks WHERE last_seq < ?1 LIMIT ?2)",
        )?
        .execute((oldest(db)?, BLOCKS_AT_ONCE))?;
    Ok(n as i64 == BLOCKS_AT_ONCE)
}

/// Blocks that also hold younger spans: their old texts are blanked.
fn rewrite_blocks(db: &Connection, dictionaries: &Dictionaries) -> Result<bool, StoreError> {
    let edge = oldest(db)?;
    let mut find = db.prepare_cached(
        "SELECT id, dictionary, data FROM payload_blocks WHERE last_seq >= ?1 AND first_seq < ?1 LIMIT ?2",
    )?;
    let blocks = find
        .query_map((edge, BLOCKS_AT_ONCE), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for (id, dictionary, data) in &blocks {
        rewrite(db, dictionaries, edge, *id, *dictionary, data)?;
    }
    Ok(blocks.len() as i64 == BLOCKS_AT_ONCE)
}

/// Blanks the texts of a block that no span points to; it then begins at `edge`.
pub(super) fn rewrite(
    db: &Connection,
    dictionaries: &Dictionaries,
    edge: i64,
    id: i64,
    dictionary: Option<i64>,
    data: &[u8],
) -> Result<(), StoreError> {
    let damaged =
        |what: &dyn std::fmt::Display| StoreError::Unavailable(format!("payload block {id} is damaged: {what}"));
    let dictionary = dictionary.map(|d| dictionaries.bytes(db, d)).transpose()?;
    let bytes = block::decompress(data, dictionary.as_deref()).map_err(|e| damaged(&e))?;
    let slots = block::parse(&bytes).ok_or_else(|| damaged(&"its slots cannot be read"))?;
    // Which slots still have a span: those of rows in the block's range that point to it.
    let mut statement = db.prepare_cached(
        "SELECT s.payload & 63 FROM payload_blocks AS b JOIN spans AS s ON s.seq BETWEEN b.first_seq AND b.last_seq \
         WHERE b.id = ?1 AND s.payload >> 6 = ?1",
    )?;
    let mut kept = vec![[None; 3]; slots.len()];
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let slot = row.get::<_, i64>(0)? as usize;
        if let (Some(to), Some(from)) = (kept.get_mut(slot), slots.get(slot)) {
            *to = *from;
        }
    }
    drop(rows);
    let mut laid_out = Vec::new();
    block::lay_out(kept.iter().copied(), &mut laid_out);
    let (data, dictionary) = dictionaries.compress(&laid_out, slots.len()).map_err(|e| damaged(&e))?;
    db.prepare_cached("UPDATE payload_blocks SET first_seq = ?2, dictionary = ?3, data = ?4 WHERE id = ?1")?
        .execute((id, edge, dictionary, data))?;
    Ok(())
}

/// Shrinks the file by some pages. `true` when there are more.
fn give_back(db: &Connection) -> Result<bool, StoreError> {
    let free = |db: &Connection| db.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
    let before = free(db)?;
    if before == 0 {
        return Ok(false);
    }
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    drop(statement);
    let after = free(db)?;
    Ok(after > 0 && after < before)
}
