//! Pages of spans: by start along the rows, by a value along the groups' extremes, or within one trace.

use std::collections::BTreeMap;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use weir_core::filter::{Field, Filter, Op, Value};

use super::cursor::{Cursor, Place};
use super::filter::{self, Condition};
use super::groups::probe::Probe;
use super::groups::walk::{Range, Walk};
use super::names::NameTexts;
use super::row::{self, StoredSpan};
use super::seq;
use crate::telemetry::{OrderBy, SpanQuery, StoreError, TimeRange};

mod in_trace;
mod ranked;

/// Rows and where to go on.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<StoredSpan>,
    pub(super) next: Option<String>,
}

/// What a page looks for, compiled.
struct Search<'a> {
    db: &'a Connection,
    texts: &'a NameTexts,
    /// Seqs that the range of starts allows.
    within: Range,
    /// The filter and the exact range.
    condition: Condition,
    ascending: bool,
    /// One more than the page holds, to know whether there is a next one.
    limit: usize,
}

/// Reads a page on one snapshot.
pub(super) fn read(db: &Connection, texts: &NameTexts, query: &SpanQuery) -> Result<Page, StoreError> {
    let limit = query.limit.clamp(1, 1_000);
    let cursor = query.cursor.as_deref().map(|text| Cursor::parse(text, query.order, query.ascending)).transpose()?;
    let (within, condition) = conditions(query.range, &query.filter);
    let search = Search { db, texts, within, condition, ascending: query.ascending, limit: limit + 1 };
    let probe = Probe::compile(db, &query.filter)?;
    let mut rows = if let Some(trace) = trace_of(&query.filter) {
        in_trace::read(&search, query.order, &trace, cursor)?
    } else if query.order == OrderBy::Start {
        by_start(&search, &probe, cursor, "1")?
    } else {
        ranked::by_value(&search, &probe, query.order, cursor)?
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = match (more, rows.last()) {
        (true, Some(last)) => {
            Some(Cursor { place: place(query.order, last), seq: last.seq }.print(query.order, query.ascending))
        }
        _ => None,
    };
    Ok(Page { rows, next })
}

/// The seqs of a range of starts and the exact condition.
pub(super) fn conditions(range: TimeRange, filter: &Filter) -> (Range, Condition) {
    let mut within = Range { first: 0, last: i64::MAX };
    let mut exact = Condition { sql: "(1".into(), parameters: Vec::new() };
    if let Some(from) = range.from {
        within.first = seq::floor(from);
        exact.sql.push_str(" AND start_us >= ?");
        exact.parameters.push(Sql::Integer(from));
    }
    if let Some(to) = range.to {
        within.last = seq::floor(to) | ((1 << 20) - 1);
        exact.sql.push_str(" AND start_us < ?");
        exact.parameters.push(Sql::Integer(to));
    }
    let compiled = filter::compile(filter);
    exact.sql.push_str(") AND ");
    exact.sql.push_str(&compiled.sql);
    exact.parameters.extend(compiled.parameters);
    (within, exact)
}

/// Rows by start: along the ranges that may match. `also` is a further condition without parameters.
fn by_start(
    search: &Search<'_>,
    probe: &Probe,
    cursor: Option<Cursor>,
    also: &str,
) -> Result<Vec<StoredSpan>, StoreError> {
    let mut within = search.within;
    if let Some(Cursor { seq, .. }) = cursor {
        if search.ascending {
            within.first = within.first.max(seq.saturating_add(1));
        } else {
            within.last = within.last.min(seq - 1);
        }
    }
    let order = if search.ascending { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT {} FROM spans WHERE seq >= ? AND seq <= ? AND {also} AND {} ORDER BY seq {order} LIMIT ?",
        row::COLUMNS,
        search.condition.sql
    );
    let mut statement = search.db.prepare_cached(&sql)?;
    let mut walk = Walk::new(search.db, probe, within, search.ascending);
    let mut rows = Vec::new();
    while let Some(range) = walk.next()? {
        let mut parameters = vec![Sql::Integer(range.first), Sql::Integer(range.last)];
        parameters.extend(search.condition.parameters.iter().cloned());
        parameters.push(Sql::Integer((search.limit - rows.len()) as i64));
        let mut found = statement.query(params_from_iter(parameters))?;
        while let Some(r) = found.next()? {
            rows.push(row::read(search.db, search.texts, r)?);
        }
        if rows.len() >= search.limit {
            break;
        }
    }
    Ok(rows)
}

/// Rows in the order of seqs.
fn fetch(search: &Search<'_>, seqs: &[i64]) -> Result<Vec<StoredSpan>, StoreError> {
    let mut statement = search.db.prepare_cached(&format!("SELECT {} FROM spans WHERE seq = ?1", row::COLUMNS))?;
    let mut read: BTreeMap<i64, StoredSpan> = BTreeMap::new();
    let mut sorted = seqs.to_vec();
    sorted.sort_unstable();
    for seq in sorted {
        read.insert(seq, statement.query_row([seq], |r| row::read(search.db, search.texts, r))?);
    }
    Ok(seqs.iter().filter_map(|seq| read.remove(seq)).collect())
}

/// The trace that a filter asks for among other conditions.
fn trace_of(filter: &Filter) -> Option<Vec<u8>> {
    match filter {
        Filter::Compare(Field::TraceId, Op::Eq, Value::Text(text)) => filter::id_bytes(&Field::TraceId, text),
        Filter::And(parts) => parts.iter().find_map(trace_of),
        _ => None,
    }
}

fn place(order: OrderBy, row: &StoredSpan) -> Place {
    let span = &row.merged.span;
    let value = match order {
        OrderBy::Start => return Place::Start,
        OrderBy::Latency => span.latency_us(),
        OrderBy::Cost => span.cost.map(|c| c.0),
        OrderBy::Tokens => span.tokens.map(|t| i64::try_from(t.total()).unwrap_or(i64::MAX)),
    };
    value.map_or(Place::Absent, Place::Value)
}
