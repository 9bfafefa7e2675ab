//! Rows by latency, cost or tokens: the groups whose extremes promise most are visited first, until none can improve
//! the page any more. Rows without a value come last, by start.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rusqlite::params_from_iter;
use rusqlite::types::Value as Sql;
use weir_core::filter::Field;

use super::{Search, by_start, fetch};
use crate::sqlite::cursor::{Cursor, Place};
use crate::sqlite::filter;
use crate::sqlite::groups::probe::{Entries, Probe};
use crate::sqlite::groups::walk::{Range, read_entries, read_groups};
use crate::sqlite::groups::{entry, field};
use crate::sqlite::row::StoredSpan;
use crate::telemetry::{OrderBy, StoreError};

/// A range to scan, and the best value in it as a key that is greatest first.
struct Candidate {
    best: i128,
    range: Range,
}

/// What is wanted so far, best first: key of the value, key of the seq, seq.
type Best = BTreeSet<(Reverse<i128>, Reverse<i128>, i64)>;

/// The rows of a page by a value.
pub(super) fn by_value(
    search: &Search<'_>,
    probe: &Probe,
    order: OrderBy,
    cursor: Option<Cursor>,
) -> Result<Vec<StoredSpan>, StoreError> {
    let of = ordered_field(order);
    let Some(expression) = filter::number_expression(&of) else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    if !matches!(cursor, Some(Cursor { place: Place::Absent, .. })) {
        let seqs = with_value(search, probe, &of, expression, cursor)?;
        rows = fetch(search, &seqs)?;
    }
    if rows.len() < search.limit {
        let after = cursor.filter(|c| c.place == Place::Absent);
        let absent = match field::number(&of) {
            Some((number, _)) => Probe::All(vec![probe.clone(), Probe::Absent(number)]),
            None => probe.clone(),
        };
        let absent = if *probe == Probe::No { Probe::No } else { absent };
        let rest = by_start(search, &absent, after, &format!("({expression}) IS NULL"))?;
        rows.extend(rest);
        rows.truncate(search.limit);
    }
    Ok(rows)
}

fn with_value(
    search: &Search<'_>,
    probe: &Probe,
    of: &Field,
    expression: &str,
    cursor: Option<Cursor>,
) -> Result<Vec<i64>, StoreError> {
    let descending = !search.ascending;
    let key = |n: i64| if descending { i128::from(n) } else { -i128::from(n) };
    let after = cursor.and_then(|c| match c.place {
        Place::Value(value) => Some((value, c.seq)),
        _ => None,
    });
    let mut candidates = candidates(search, probe, of, key, after.map(|(value, _)| key(value)))?;
    candidates.sort_unstable_by_key(|c| Reverse(c.best));

    let (beyond, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
    let at_least = if descending { ">=" } else { "<=" };
    let sql = format!(
        "SELECT ({expression}) AS v, seq FROM spans WHERE seq >= ? AND seq <= ? AND v IS NOT NULL AND {} \
         AND (v {beyond} ? OR v = ? AND seq {beyond} ?) AND v {at_least} ? \
         ORDER BY v {direction}, seq {direction} LIMIT ?",
        search.condition.sql
    );
    let mut statement = search.db.prepare_cached(&sql)?;
    let (end_value, end_seq) = if descending { (i64::MAX, i64::MAX) } else { (i64::MIN, -1) };
    let (after_value, after_seq) = after.unwrap_or((end_value, end_seq));
    let mut best: Best = BTreeSet::new();
    for candidate in candidates {
        let mut threshold = if descending { i64::MIN } else { i64::MAX };
        if let Some((Reverse(worst), ..)) = best.last()
            && best.len() >= search.limit
        {
            if candidate.best < *worst {
                break;
            }
            threshold = (if descending { *worst } else { -*worst }) as i64;
        }
        let mut parameters = vec![Sql::Integer(candidate.range.first), Sql::Integer(candidate.range.last)];
        parameters.extend(search.condition.parameters.iter().cloned());
        for n in [after_value, after_value, after_seq, threshold, search.limit as i64] {
            parameters.push(Sql::Integer(n));
        }
        let mut found = statement.query(params_from_iter(parameters))?;
        while let Some(r) = found.next()? {
            let (value, seq): (i64, i64) = (r.get(0)?, r.get(1)?);
            best.insert((Reverse(key(value)), Reverse(key(seq)), seq));
        }
        while best.len() > search.limit {
            best.pop_last();
        }
    }
    Ok(best.into_iter().map(|(_, _, seq)| seq).collect())
}

/// Every group that may hold a row of the page, and what no group covers. `after` is the key that the page begins at.
fn candidates(
    search: &Search<'_>,
    probe: &Probe,
    of: &Field,
    key: impl Fn(i64) -> i128,
    after: Option<i128>,
) -> Result<Vec<Candidate>, StoreError> {
    let Range { first, last } = search.within;
    let mut out = Vec::new();
    if *probe == Probe::No || first > last {
        return Ok(out);
    }
    let Some((number, _)) = field::number(of) else {
        return Ok(vec![Candidate { best: i128::MAX, range: search.within }]);
    };
    let mut fields = BTreeSet::from([number]);
    probe.fields(&mut fields);
    let groups = read_groups(search.db, search.within, true, usize::MAX >> 1)?;
    let entries = read_entries(search.db, &fields, &groups)?;
    let none = Entries::new();
    let mut at = first;
    for group in &groups {
        if at < group.first {
            out.push(Candidate { best: i128::MAX, range: Range { first: at, last: (group.first - 1).min(last) } });
        }
        at = at.max(group.end);
        let held = entries.get(&group.first).unwrap_or(&none);
        let Some(range) = held.get(&number) else { continue };
        if !probe.may_match(held, group.rows) {
            continue;
        }
        let best = match entry::read_range(range) {
            Some((_, least, greatest)) => {
                let (a, b) = (key(least), key(greatest));
                if after.is_some_and(|after| a.min(b) > after) {
                    continue;
                }
                after.map_or(a.max(b), |after| a.max(b).min(after))
            }
            None => i128::MAX,
        };
        out.push(Candidate { best, range: Range { first: group.first.max(first), last: (group.end - 1).min(last) } });
    }
    if at <= last {
        out.push(Candidate { best: i128::MAX, range: Range { first: at, last } });
    }
    Ok(out)
}

/// What an order is by.
pub(super) fn ordered_field(order: OrderBy) -> Field {
    match order {
        OrderBy::Start => Field::Start,
        OrderBy::Latency => Field::Latency,
        OrderBy::Cost => Field::Cost,
        OrderBy::Tokens => Field::TotalTokens,
    }
}
