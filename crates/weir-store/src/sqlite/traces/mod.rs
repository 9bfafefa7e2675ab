//! Traces in the same file as the spans: a row for those that say something of themselves, and reads over both.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, TransactionBehavior};
use weir_core::id::{SpanKey, TraceId, from_significant, significant};
use weir_core::span::Span;
use weir_core::time::Micros;

use super::payload::read::PayloadReader;
use super::row::{self as span_row, StoredSpan};
use super::{Inner, SqliteStore, write};
use crate::telemetry::StoreError;
use crate::traces::{HeadQuery, Link, Totals, TraceHead, TraceWrite, Traces};

mod delete;
mod links;
mod list;
mod row;
mod totals;

impl Traces for SqliteStore {
    fn write_traces(&self, writes: &[TraceWrite]) -> Result<(), StoreError> {
        let now = self.inner.options.clock.now();
        self.inner.write_aside(|db| writes.iter().try_for_each(|write| row::merge(db, write, now)))
    }

    fn trace_heads(&self, ids: &[TraceId]) -> Result<Vec<Option<TraceHead>>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| ids.iter().map(|id| list::head(db, &inner.texts, *id)).collect())
    }

    fn list_traces(&self, query: &HeadQuery) -> Result<Vec<TraceHead>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| list::list(db, &inner.texts, query))
    }

    fn trace_totals(&self, ids: &[TraceId]) -> Result<Vec<Totals>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| ids.iter().map(|id| totals::of(db, &inner.texts, *id)).collect())
    }

    fn trace_spans(&self, ids: &[TraceId], with_payload: bool, most: usize) -> Result<Vec<Vec<Span>>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {} FROM spans INDEXED BY spans_key WHERE trace_id = ?1 ORDER BY seq LIMIT ?2",
                span_row::COLUMNS
            ))?;
            let mut payloads = PayloadReader::new(db, &inner.dictionaries);
            let mut all = Vec::with_capacity(ids.len());
            for id in ids {
                let mut rows = statement.query((key(id), most as i64))?;
                let mut spans = Vec::new();
                while let Some(row) = rows.next()? {
                    let mut stored = span_row::read(db, &inner.texts, row)?;
                    if with_payload {
                        payloads.fill(&mut stored)?;
                    }
                    spans.push(stored.merged.span);
                }
                all.push(spans);
            }
            Ok(all)
        })
    }

    fn spans_by_key(&self, keys: &[SpanKey]) -> Result<Vec<Option<Span>>, StoreError> {
        let inner = &self.inner;
        inner.readers.get()?.snapshot(|db| {
            let mut payloads = PayloadReader::new(db, &inner.dictionaries);
            let mut one = |key: &SpanKey| {
                let Some(mut stored) = write::find(db, &inner.texts, key.trace, key.span)? else { return Ok(None) };
                payloads.fill(&mut stored)?;
                Ok(Some(stored.merged.span))
            };
            keys.iter().map(&mut one).collect()
        })
    }

    fn delete_traces(&self, ids: &[TraceId]) -> Result<u64, StoreError> {
        let deleted = delete::delete(&self.inner, ids);
        self.inner.commits.fetch_add(1, Ordering::Relaxed);
        deleted
    }

    fn link_traces(&self, ids: &[TraceId], links: &[Link]) -> Result<(), StoreError> {
        let now = self.inner.options.clock.now();
        self.inner.write_aside(|db| links::put(db, ids, links, now))
    }

    fn linked_traces(&self, link: &Link, limit: usize) -> Result<Vec<TraceId>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| links::traces(db, link, limit))
    }

    fn trace_links(&self, ids: &[TraceId]) -> Result<Vec<Vec<Link>>, StoreError> {
        self.inner.readers.get()?.snapshot(|db| ids.iter().map(|id| links::of(db, *id)).collect())
    }
}

impl Inner {
    /// A transaction of its own, beside those of the ingest; durable when it returns.
    fn write_aside(&self, work: impl FnOnce(&Connection) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let writer = self.writer()?.lock();
        let transaction = rusqlite::Transaction::new_unchecked(&writer.db, TransactionBehavior::Immediate)?;
        work(&transaction)?;
        transaction.commit()?;
        drop(writer);
        // So that the background checkpoints what was written.
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Deletes what was said before an instant of traces that began before it, in small transactions.
pub(super) fn prune(inner: &Inner, before: Micros) -> Result<(), StoreError> {
    delete::prune(inner, before)
}

/// Whether there are rows of traces at all. A file of an older Weir, opened for reading only, has no table of them.
fn has_table(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'traces')")?
        .query_row([], |row| row.get(0))
}

/// A trace's id as both tables hold it.
fn key(id: &TraceId) -> &[u8] {
    significant(&id.0)
}

fn id(bytes: &[u8]) -> Result<TraceId, StoreError> {
    let damaged = || StoreError::Unavailable("a trace in the database cannot be read".into());
    from_significant(bytes).map(TraceId).ok_or_else(damaged)
}

/// The millisecond that a root is listed by.
fn listed_ms(root: &StoredSpan) -> i64 {
    super::seq::millisecond_us(root.seq) / 1_000
}

#[cfg(test)]
mod tests;
