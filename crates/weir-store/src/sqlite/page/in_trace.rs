//! Rows of one trace. By start its rows are not read to be sorted: the index knows their places, which are in that order.

use rusqlite::params_from_iter;
use rusqlite::types::Value as Sql;

use super::Search;
use super::ranked::ordered_field;
use crate::sqlite::cursor::{Cursor, Place};
use crate::sqlite::filter;
use crate::sqlite::row::{self, StoredSpan};
use crate::telemetry::{OrderBy, StoreError};

/// The rows of a page within one trace, in any order.
pub(super) fn read(
    search: &Search<'_>,
    order: OrderBy,
    trace: &[u8],
    cursor: Option<Cursor>,
) -> Result<Vec<StoredSpan>, StoreError> {
    match order {
        OrderBy::Start => by_start(search, trace, cursor.map(|cursor| cursor.seq)),
        _ => by_value(search, order, trace, cursor),
    }
}

fn by_start(search: &Search<'_>, trace: &[u8], after: Option<i64>) -> Result<Vec<StoredSpan>, StoreError> {
    let beyond = |seq: &i64| after.is_none_or(|after| if search.ascending { *seq > after } else { *seq < after });
    let mut places = search.db.prepare_cached("SELECT seq FROM spans INDEXED BY spans_key WHERE trace_id = ?1")?;
    let mut seqs = Vec::new();
    for seq in places.query_map([trace], |row| row.get(0))? {
        let seq = seq?;
        if beyond(&seq) {
            seqs.push(seq);
        }
    }
    seqs.sort_unstable();
    if !search.ascending {
        seqs.reverse();
    }
    let sql = format!("SELECT {} FROM spans WHERE seq = ? AND {}", row::COLUMNS, search.condition.sql);
    let mut statement = search.db.prepare_cached(&sql)?;
    let mut rows = Vec::new();
    for seq in seqs {
        let parameters = std::iter::once(Sql::Integer(seq)).chain(search.condition.parameters.iter().cloned());
        let mut found = statement.query(params_from_iter(parameters))?;
        if let Some(r) = found.next()? {
            rows.push(row::read(search.db, search.texts, r)?);
        }
        if rows.len() >= search.limit {
            break;
        }
    }
    Ok(rows)
}

fn by_value(
    search: &Search<'_>,
    order: OrderBy,
    trace: &[u8],
    cursor: Option<Cursor>,
) -> Result<Vec<StoredSpan>, StoreError> {
    let of = ordered_field(order);
    let value = filter::number_expression(&of).unwrap_or("seq");
    let (beyond, direction) = if search.ascending { (">", "ASC") } else { ("<", "DESC") };
    let (after, numbers) = match cursor {
        None => ("1".to_owned(), vec![]),
        Some(Cursor { place: Place::Start, seq }) => (format!("seq {beyond} ?"), vec![seq]),
        Some(Cursor { place: Place::Absent, seq }) => (format!("(({value}) IS NULL AND seq {beyond} ?)"), vec![seq]),
        Some(Cursor { place: Place::Value(n), seq }) => (
            format!("(({value}) {beyond} ? OR ({value}) = ? AND seq {beyond} ? OR ({value}) IS NULL)"),
            vec![n, n, seq],
        ),
    };
    let sql = format!(
        "SELECT {} FROM spans INDEXED BY spans_key WHERE trace_id = ? AND {} AND {after} \
         ORDER BY ({value}) IS NULL, ({value}) {direction}, seq {direction} LIMIT ?",
        row::COLUMNS,
        search.condition.sql
    );
    let mut parameters = vec![Sql::Blob(trace.to_vec())];
    parameters.extend(search.condition.parameters.iter().cloned());
    parameters.extend(numbers.into_iter().map(Sql::Integer));
    parameters.push(Sql::Integer(search.limit as i64));
    let mut statement = search.db.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(r) = found.next()? {
        rows.push(row::read(search.db, search.texts, r)?);
    }
    Ok(rows)
}
