//! Deletes traces with everything that hangs on them.
//!
//! Invariants: after it no block holds a text of theirs; rollups keep what was spent; a group never claims less than it
//! holds.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use weir_core::id::TraceId;
use weir_core::time::Micros;

use super::key;
use crate::sqlite::payload::block;
use crate::sqlite::prune::{in_transaction, rewrite};
use crate::sqlite::write::Writer;
use crate::sqlite::{Inner, groups};
use crate::telemetry::StoreError;

/// Traces that one transaction deletes.
const TRACES_AT_ONCE: usize = 200;
/// Rows that one transaction deletes.
const ROWS_AT_ONCE: usize = 5_000;

/// Deletes traces; returns how many there were.
pub(super) fn delete(inner: &Inner, ids: &[TraceId]) -> Result<u64, StoreError> {
    let writer = inner.writer()?;
    let mut deleted = 0;
    for ids in ids.chunks(TRACES_AT_ONCE) {
        let mut writer = writer.lock();
        let transaction = rusqlite::Transaction::new_unchecked(&writer.db, TransactionBehavior::Immediate)?;
        let (count, touched) = delete_some(&writer, inner, ids)?;
        transaction.commit()?;
        if let Some(cover) = &mut writer.cover {
            cover.committed(&touched);
        }
        deleted += count;
    }
    Ok(deleted)
}

fn delete_some(writer: &Writer, inner: &Inner, ids: &[TraceId]) -> Result<(u64, Vec<i64>), StoreError> {
    let db = &writer.db;
    let (mut deleted, mut seqs, mut blocks) = (0, Vec::new(), BTreeSet::new());
    let mut find = db.prepare_cached("SELECT seq, payload FROM spans INDEXED BY spans_key WHERE trace_id = ?1")?;
    for id in ids {
        let before = seqs.len();
        let mut rows = find.query([key(id)])?;
        while let Some(row) = rows.next()? {
            seqs.push(row.get::<_, i64>(0)?);
            if let Some(place) = row.get::<_, Option<i64>>(1)? {
                blocks.insert(block::block_and_slot(place).0);
            }
        }
        drop(rows);
        let mut gone = seqs.len() - before;
        for table in ["traces", "trace_links", "scores"] {
            let rows = db.prepare_cached(&format!("DELETE FROM {table} WHERE trace_id = ?1"))?.execute([key(id)])?;
            gone += if table == "traces" { rows } else { 0 };
        }
        deleted += u64::from(gone > 0);
    }
    let mut delete = db.prepare_cached("DELETE FROM spans WHERE seq = ?1")?;
    let mut delete_text = db.prepare_cached("DELETE FROM payload_text WHERE seq = ?1")?;
    for seq in &seqs {
        delete.execute([seq])?;
        delete_text.execute([seq])?;
    }
    for block in blocks {
        blank(db, inner, block)?;
    }
    match &writer.cover {
        Some(cover) => cover.forget(db, &seqs)?,
        None => groups::cover::forget_unseen(db, &seqs)?,
    }
    Ok((deleted, seqs))
}

/// Takes out of a block what no span points to any more.
fn blank(db: &Connection, inner: &Inner, id: i64) -> Result<(), StoreError> {
    let found: Option<(i64, Option<i64>, Vec<u8>, bool)> = db
        .prepare_cached(
            "SELECT first_seq, dictionary, data, EXISTS (SELECT 1 FROM spans AS s \
             WHERE s.seq BETWEEN b.first_seq AND b.last_seq AND s.payload >> 6 = b.id) \
             FROM payload_blocks AS b WHERE id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    match found {
        Some((first, dictionary, data, true)) => rewrite(db, &inner.dictionaries, first, id, dictionary, &data),
        Some(_) => {
            db.prepare_cached("DELETE FROM payload_blocks WHERE id = ?1")?.execute([id])?;
            Ok(())
        }
        None => Ok(()),
    }
}

/// Deletes rows of traces that began, or were said something of, before an instant; and older links.
pub(super) fn prune(inner: &Inner, before: Micros) -> Result<(), StoreError> {
    let writer = inner.writer()?;
    for sql in [
        "DELETE FROM traces WHERE trace_id IN (SELECT trace_id FROM traces \
         WHERE coalesce(start_us, updated_us) < ?1 LIMIT ?2)",
        "DELETE FROM trace_links WHERE (trace_id, kind, target) IN (SELECT trace_id, kind, target FROM trace_links \
         WHERE created_us < ?1 LIMIT ?2)",
    ] {
        while in_transaction(writer, |w| Ok(w.db.prepare_cached(sql)?.execute((before, ROWS_AT_ONCE as i64))?))?
            == ROWS_AT_ONCE
        {}
    }
    Ok(())
}
