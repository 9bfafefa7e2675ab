//! Lists of traces: those that say when they began and those that are known by their spans alone, merged by millisecond.
//!
//! A trace that says nothing stands where its root does: its earliest span without a parent, or its earliest span where
//! every one has a parent, as of a call whose caller is traced elsewhere. Roots are looked for along the rows of spans by
//! start, past the groups that hold none of the projects; whether a span is one is asked of the index of its trace.

use std::collections::BTreeMap;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use weir_core::filter::{Field, Filter};
use weir_core::id::TraceId;

use super::{has_table, id, key, listed_ms, row};
use crate::sqlite::groups::probe::Probe;
use crate::sqlite::groups::walk::{Range, Walk};
use crate::sqlite::names::NameTexts;
use crate::sqlite::{row as span_row, seq};
use crate::telemetry::StoreError;
use crate::traces::{HeadQuery, Place, TraceHead};

/// Most heads of one answer.
const MOST: usize = 10_000;
/// Microseconds of a millisecond.
const MS: i64 = 1_000;

/// Milliseconds, both inside.
#[derive(Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
}

struct Lister<'a> {
    db: &'a Connection,
    texts: &'a NameTexts,
    projects: &'a [String],
    /// The same as numbers of `names`.
    numbers: Vec<i64>,
    probe: Probe,
    has_rows: bool,
}

/// The head of one trace.
pub(super) fn head(db: &Connection, texts: &NameTexts, id: TraceId) -> Result<Option<TraceHead>, StoreError> {
    let row = if has_table(db)? { row::find(db, id)? } else { None };
    let root = root(db, texts, id)?;
    let at_ms = match (row.as_ref().and_then(|row| row.start_us), &root) {
        (Some(start), _) => start.div_euclid(MS),
        (None, Some((at_ms, _))) => *at_ms,
        (None, None) if row.is_none() => return Ok(None),
        (None, None) => 0,
    };
    Ok(Some(TraceHead { id, at_ms, row, root: root.map(|(_, span)| span) }))
}

/// The root of a trace, and its millisecond.
fn root(db: &Connection, texts: &NameTexts, id: TraceId) -> Result<Option<(i64, weir_core::span::Span)>, StoreError> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {} FROM spans INDEXED BY spans_key WHERE trace_id = ?1 ORDER BY parent_id IS NOT NULL, seq LIMIT 1",
            span_row::COLUMNS
        ))?
        .query_row([key(&id)], |found| span_row::read(db, texts, found))
        .optional()?;
    Ok(found.map(|stored| (listed_ms(&stored), stored.merged.span)))
}

/// Heads, newest first.
pub(super) fn list(db: &Connection, texts: &NameTexts, query: &HeadQuery) -> Result<Vec<TraceHead>, StoreError> {
    let limit = query.limit.clamp(1, MOST);
    let mut numbers = Vec::new();
    for project in &query.projects {
        numbers.extend(NameTexts::find(db, project)?);
    }
    let of_projects = query.projects.iter().map(|project| Filter::eq(Field::Project, project.clone())).collect();
    let lister = Lister {
        db,
        texts,
        projects: &query.projects,
        numbers,
        probe: Probe::compile(db, &Filter::Or(of_projects))?,
        has_rows: has_table(db)?,
    };
    let first = query.from_ms.unwrap_or(i64::MIN / MS);
    let mut last = query.to_ms.map_or(i64::MAX / MS, |to| to.saturating_sub(1));
    let mut out = Vec::new();
    if let Some(Place { at_ms, id }) = query.after
        && at_ms <= last
    {
        let rest = lister.within(Span { first: at_ms.max(first), last: at_ms }, usize::MAX)?;
        out.extend(rest.0.into_iter().filter(|head| head.id > id));
        last = at_ms.saturating_sub(1);
    }
    while out.len() < limit && first <= last {
        let (found, complete_to) = lister.within(Span { first, last }, limit - out.len())?;
        out.extend(found);
        let Some(cut) = complete_to else { break };
        last = cut.saturating_sub(1);
    }
    out.truncate(limit);
    Ok(out)
}

impl Lister<'_> {
    /// The heads of a span of time in their order, at least so many or all; the millisecond down to which they are
    /// complete, where that is not its beginning.
    fn within(&self, span: Span, wanted: usize) -> Result<(Vec<TraceHead>, Option<i64>), StoreError> {
        let mut roots = self.roots(span, wanted)?;
        let mut rows = self.rows(span, wanted)?;
        let end = |heads: &[TraceHead]| (heads.len() >= wanted).then(|| heads.last().map(|head| head.at_ms)).flatten();
        let cut = end(&roots).max(end(&rows));
        if let Some(cut) = cut {
            // The last millisecond may go on; it is read whole.
            let later = |head: &TraceHead| head.at_ms > cut;
            roots.retain(later);
            rows.retain(later);
            let one = Span { first: cut, last: cut };
            roots.extend(self.roots(one, usize::MAX)?);
            rows.extend(self.rows(one, usize::MAX)?);
        }
        roots.append(&mut rows);
        roots.sort_by_key(|head| (std::cmp::Reverse(head.at_ms), head.id));
        Ok((roots, cut))
    }

    /// Traces that are known by their root.
    fn roots(&self, span: Span, wanted: usize) -> Result<Vec<TraceHead>, StoreError> {
        if self.numbers.is_empty() || span.last < seq::EPOCH_MS {
            return Ok(Vec::new());
        }
        let within = Range {
            first: seq::floor(span.first.saturating_mul(MS)),
            last: seq::floor(span.last.saturating_mul(MS)) | ((1 << 20) - 1),
        };
        let numbers: Vec<_> = self.numbers.iter().map(ToString::to_string).collect();
        let unsaid = match self.has_rows {
            true => {
                "NOT EXISTS (SELECT 1 FROM traces AS t WHERE t.trace_id = spans.trace_id AND t.start_us IS NOT NULL)"
            }
            false => "1",
        };
        let other = "EXISTS (SELECT 1 FROM spans AS o INDEXED BY spans_key WHERE o.trace_id = spans.trace_id";
        let sql = format!(
            "SELECT {} FROM spans WHERE seq >= ?1 AND seq <= ?2 AND project IN ({}) \
             AND CASE WHEN parent_id IS NULL THEN NOT {other} AND o.seq < spans.seq AND o.parent_id IS NULL) \
             ELSE NOT {other} AND o.seq < spans.seq) AND NOT {other} AND o.parent_id IS NULL) END \
             AND {unsaid} ORDER BY seq DESC LIMIT ?3",
            span_row::COLUMNS,
            numbers.join(",")
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut walk = Walk::new(self.db, &self.probe, within, false);
        let mut heads: Vec<TraceHead> = Vec::new();
        while heads.len() < wanted
            && let Some(range) = walk.next()?
        {
            let left = i64::try_from(wanted - heads.len()).unwrap_or(i64::MAX);
            let mut found = statement.query((range.first, range.last, left))?;
            while let Some(found) = found.next()? {
                let stored = span_row::read(self.db, self.texts, found)?;
                let id = stored.merged.span.trace_id;
                heads.push(TraceHead { id, at_ms: listed_ms(&stored), row: None, root: Some(stored.merged.span) });
            }
        }
        if self.has_rows {
            for head in &mut heads {
                head.row = row::find(self.db, head.id)?;
            }
        }
        Ok(heads)
    }

    /// Traces that say when they began.
    fn rows(&self, span: Span, wanted: usize) -> Result<Vec<TraceHead>, StoreError> {
        if !self.has_rows {
            return Ok(Vec::new());
        }
        let mut heads = BTreeMap::new();
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT trace_id, {} FROM traces INDEXED BY traces_start WHERE project = ? AND start_us >= ? \
             AND start_us <= ? AND start_us IS NOT NULL ORDER BY start_us DESC LIMIT ?",
            row::COLUMNS
        ))?;
        let first = span.first.saturating_mul(MS);
        let last = span.last.saturating_mul(MS).saturating_add(MS - 1);
        for project in self.projects {
            let parameters = [
                Sql::Text(project.clone()),
                Sql::Integer(first),
                Sql::Integer(last),
                Sql::Integer(i64::try_from(wanted).unwrap_or(i64::MAX)),
            ];
            let mut found = statement.query(params_from_iter(parameters))?;
            while let Some(found) = found.next()? {
                let id = id(found.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
                let row = row::read(found, 1)?;
                let at_ms = row.start_us.unwrap_or_default().div_euclid(MS);
                heads.insert((std::cmp::Reverse(at_ms), id), row);
                // Of several projects only the latest of all are wanted.
                if heads.len() > wanted {
                    heads.pop_last();
                }
            }
        }
        let head = |((std::cmp::Reverse(at_ms), id), row)| {
            let root = root(self.db, self.texts, id)?.map(|(_, span)| span);
            Ok(TraceHead { id, at_ms, row: Some(row), root })
        };
        heads.into_iter().map(head).collect()
    }
}
