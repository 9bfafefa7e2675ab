//! Answers [`StatsQuery`]: from slices where one dimension suffices, else from the cube, with rows at its edges.

use std::cmp::Ordering;
use std::collections::HashSet;

use rusqlite::Connection;
use weir_core::time::{DAY, HOUR, MINUTE, Micros};

use super::super::names::NameTexts;
use super::cell::{Sum, columns_for};
use super::floors::Floors;
use super::groups::{Group, GroupKey, Groups};
use super::plan::{self, Piece};
use super::{CUBED, Level, align, raw, slice_number};
use crate::sums::{Detail, Largest, SumGroup};
use crate::telemetry::{Dimension, Stats, StatsGroup, StatsQuery, StoreError, TimeRange};

/// Most groups of an answer.
const GROUPS: usize = 1_000;
/// Most values of a filter that SQL is given.
const SPELT_OUT: usize = 16;

/// A query with its texts looked up.
pub(super) struct Compiled {
    /// Numbers allowed, per dimension asked about.
    filters: Vec<(Dimension, Vec<i64>)>,
    group_by: Vec<Dimension>,
    bucket: Option<Micros>,
    /// What is wanted of single calls.
    pub(super) detail: Detail,
}

impl Compiled {
    /// The dimensions that it names, some of them twice.
    fn dimensions(&self) -> impl Iterator<Item = Dimension> {
        self.filters.iter().map(|(d, _)| *d).chain(self.group_by.iter().copied())
    }

    /// Where a cell with these values is summed up; `None` when it is filtered out. `value` gives a dimension's number.
    pub(super) fn sum_of<'g>(
        &self,
        groups: &'g mut Groups,
        t: Micros,
        value: impl Fn(Dimension) -> i64,
    ) -> Option<&'g mut Sum> {
        if self.filters.iter().any(|(dimension, allowed)| !allowed.contains(&value(*dimension))) {
            return None;
        }
        let mut key = GroupKey::default();
        for (slot, dimension) in key.iter_mut().zip(&self.group_by) {
            *slot = value(*dimension);
        }
        groups.sum(key, self.bucket.map(|width| align(t, width)))
    }

    /// The filters as SQL, so that most cells are passed over without being read; `column` names a dimension's column.
    fn condition(&self, column: impl Fn(Dimension) -> &'static str) -> String {
        let mut sql = String::new();
        for (dimension, allowed) in self.filters.iter().filter(|(_, allowed)| allowed.len() <= SPELT_OUT) {
            let numbers: Vec<String> = allowed.iter().map(i64::to_string).collect();
            sql.push_str(&format!(" AND {} IN ({})", column(*dimension), numbers.join(",")));
        }
        sql
    }
}

/// Answers a query on one snapshot.
pub(in crate::sqlite) fn answer(
    db: &Connection,
    texts: &NameTexts,
    floors: Floors,
    query: &StatsQuery,
) -> Result<Stats, StoreError> {
    let mut groups = Groups::default();
    let compiled = collect(db, floors, query, Detail::LATENCIES, &mut groups)?;
    finish(db, texts, &compiled, groups)
}

/// Answers a query with sums that can be added up further.
pub(in crate::sqlite) fn sums(
    db: &Connection,
    texts: &NameTexts,
    floors: Floors,
    query: &StatsQuery,
    (detail, only): (Detail, Option<&[Vec<Option<String>>]>),
) -> Result<Vec<SumGroup>, StoreError> {
    let mut groups = Groups::summable();
    if let Some(only) = only {
        groups.keep_only(keys(db, only)?);
    }
    let compiled = collect(db, floors, query, detail, &mut groups)?;
    let start = query.range.from.unwrap_or_default();
    let cells = |mut group: Group| match query.bucket {
        None => vec![(start, group.total.sums())],
        Some(_) => std::mem::take(&mut group.cells),
    };
    let mut all = groups.finish();
    rank(&mut all);
    all.into_iter()
        .map(|group| Ok(SumGroup { values: values(db, texts, &compiled, &group)?, cells: cells(group) }))
        .collect()
}

/// Names the groups with most calls.
pub(in crate::sqlite) fn largest(
    db: &Connection,
    texts: &NameTexts,
    floors: Floors,
    query: &StatsQuery,
    most: usize,
) -> Result<Largest, StoreError> {
    let mut groups = Groups::default();
    let query = StatsQuery { bucket: None, ..query.clone() };
    let compiled = collect(db, floors, &query, Detail::NONE, &mut groups)?;
    let mut all = groups.finish();
    all.sort_unstable_by(by_volume);
    let named = all.iter().take(most).map(|group| values(db, texts, &compiled, group));
    Ok(Largest { values: named.collect::<Result<_, _>>()?, others: all.len().saturating_sub(most) as u64 })
}

/// The keys of groups with these values; a text that no call has names none.
fn keys(db: &Connection, groups: &[Vec<Option<String>>]) -> Result<HashSet<GroupKey>, StoreError> {
    let mut keys = HashSet::with_capacity(groups.len());
    'groups: for values in groups {
        let mut key = GroupKey::default();
        for (slot, value) in key.iter_mut().zip(values) {
            let Some(text) = value else { continue };
            match NameTexts::find(db, text)? {
                Some(number) => *slot = number,
                None => continue 'groups,
            }
        }
        keys.insert(key);
    }
    Ok(keys)
}

fn collect(
    db: &Connection,
    floors: Floors,
    query: &StatsQuery,
    detail: Detail,
    groups: &mut Groups,
) -> Result<Compiled, StoreError> {
    check_bucket(query.bucket)?;
    if query.group_by.len() > CUBED {
        return Err(StoreError::Unsupported("a dimension can be grouped by only once".into()));
    }
    let compiled = compile(db, query, detail)?;
    if let Some((from, to)) = bounds(db, slice_number(None), query.range, floors)? {
        read(db, &compiled, from, to, floors, groups)?;
    }
    Ok(compiled)
}

fn compile(db: &Connection, query: &StatsQuery, detail: Detail) -> Result<Compiled, StoreError> {
    let mut filters = Vec::with_capacity(query.filters.len());
    for (dimension, values) in &query.filters {
        let mut numbers = Vec::with_capacity(values.len());
        for value in values {
            numbers.extend(NameTexts::find(db, value)?);
        }
        filters.push((*dimension, numbers));
    }
    Ok(Compiled { filters, group_by: query.group_by.clone(), bucket: query.bucket, detail })
}

/// Refuses buckets that slices cannot fill.
pub(super) fn check_bucket(bucket: Option<Micros>) -> Result<(), StoreError> {
    match bucket {
        Some(width) if width < MINUTE || width % MINUTE != 0 => {
            Err(StoreError::Unsupported("the bucket must be a whole number of minutes".into()))
        }
        _ => Ok(()),
    }
}

/// The range, cut to what there is of some slices. `None` when that is nothing.
pub(super) fn bounds(
    db: &Connection,
    dim: i64,
    range: TimeRange,
    floors: Floors,
) -> Result<Option<(Micros, Micros)>, StoreError> {
    let (first, last): (Option<Micros>, Option<Micros>) = (
        db.query_row("SELECT min(t) FROM rollup WHERE level = 2 AND dim = ?1", [dim], |row| row.get(0))?,
        db.query_row("SELECT max(t) FROM rollup WHERE level = 2 AND dim = ?1", [dim], |row| row.get(0))?,
    );
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let from = range.from.unwrap_or(first).max(first);
    let to = range.to.unwrap_or(i64::MAX).min(last.saturating_add(DAY));
    Ok((from < to).then(|| plan::round(from, to, floors)))
}

/// The coarsest slices that fill such buckets.
pub(super) fn coarsest(bucket: Option<Micros>) -> Level {
    match bucket {
        None => Level::Day,
        Some(width) if width % DAY == 0 => Level::Day,
        Some(width) if width % HOUR == 0 => Level::Hour,
        Some(_) => Level::Minute,
    }
}

fn read(
    db: &Connection,
    query: &Compiled,
    from: Micros,
    to: Micros,
    floors: Floors,
    groups: &mut Groups,
) -> Result<(), StoreError> {
    let mut asked: Vec<Dimension> = query.dimensions().filter(|d| *d != Dimension::Project).collect();
    asked.sort_unstable();
    asked.dedup();
    let coarsest = coarsest(query.bucket);
    if asked.len() <= 1 {
        match plan::pieces(from, to, coarsest, floors) {
            Some(pieces) => {
                for piece in pieces {
                    read_slices(db, query, asked.first().copied(), piece, groups)?;
                }
                Ok(())
            }
            None => raw::read(db, query, from, to, groups),
        }
    } else if coarsest == Level::Minute {
        raw::read(db, query, from, to, groups)
    } else {
        let (inner_from, mut inner_to) = (plan::align_up(from, HOUR), align(to, HOUR));
        if inner_to < to && raw::newest(db)? < to {
            // No call started after the range, so its last hour is whole.
            inner_to += HOUR;
        }
        if inner_from >= inner_to {
            return raw::read(db, query, from, to, groups);
        }
        raw::read(db, query, from, inner_from, groups)?;
        let hours = Floors { minute: i64::MIN, hour: i64::MIN };
        for piece in plan::pieces(inner_from, inner_to, coarsest, hours).unwrap_or_default() {
            read_cube(db, query, piece, groups)?;
        }
        raw::read(db, query, inner_to, to, groups)
    }
}

fn read_slices(
    db: &Connection,
    query: &Compiled,
    dimension: Option<Dimension>,
    piece: Piece,
    groups: &mut Groups,
) -> Result<(), StoreError> {
    let column = |d| if d == Dimension::Project { "project" } else { "value" };
    let mut statement = db.prepare_cached(&format!(
        "SELECT t, project, value, {} FROM rollup WHERE level = ?1 AND dim = ?2 AND t >= ?3 AND t < ?4{}",
        columns_for(query.detail),
        query.condition(column)
    ))?;
    let mut rows = statement.query((piece.level as i64, slice_number(dimension), piece.from, piece.to))?;
    while let Some(row) = rows.next()? {
        let (t, project, value): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let value = |d| if d == Dimension::Project { project } else { value };
        if let Some(sum) = query.sum_of(groups, t, value) {
            sum.add_row(row, 3)?;
        }
    }
    Ok(())
}

fn read_cube(db: &Connection, query: &Compiled, piece: Piece, groups: &mut Groups) -> Result<(), StoreError> {
    let mut asked: Vec<Dimension> = query.dimensions().collect();
    asked.sort_unstable();
    asked.dedup();
    // Only the columns that matter: each one costs as much as a cell's sketch.
    let mut columns: Vec<&str> = asked.iter().map(|d| d.as_str()).collect();
    if query.bucket.is_some() {
        columns.push("t");
    }
    let mut statement = db.prepare_cached(&format!(
        "SELECT {}, {} FROM cube WHERE level = ?1 AND t >= ?2 AND t < ?3{}",
        columns.join(", "),
        columns_for(query.detail),
        query.condition(Dimension::as_str)
    ))?;
    let mut rows = statement.query((piece.level as i64, piece.from, piece.to))?;
    let mut values = [0i64; CUBED];
    while let Some(row) = rows.next()? {
        for (n, value) in values.iter_mut().enumerate().take(asked.len()) {
            *value = row.get(n)?;
        }
        let t = if query.bucket.is_some() { row.get(asked.len())? } else { piece.from };
        let value = |d| asked.iter().zip(&values).find(|(asked, _)| **asked == d).map_or(0, |(_, value)| *value);
        if let Some(sum) = query.sum_of(groups, t, value) {
            sum.add_row(row, columns.len())?;
        }
    }
    Ok(())
}

/// A dimension's number in the order of the cube, which is that of [`Dimension::ALL`].
pub(super) fn cube_value(values: &[i64; CUBED], dimension: Dimension) -> i64 {
    Dimension::ALL.iter().position(|d| *d == dimension).and_then(|at| values.get(at)).copied().unwrap_or_default()
}

/// The groups with most calls, in that order.
fn rank(groups: &mut Vec<Group>) {
    groups.sort_unstable_by(by_volume);
    groups.truncate(GROUPS);
}

fn by_volume(a: &Group, b: &Group) -> Ordering {
    b.total.numbers.cmp(&a.total.numbers).then_with(|| a.key.cmp(&b.key))
}

fn values(
    db: &Connection,
    texts: &NameTexts,
    query: &Compiled,
    group: &Group,
) -> Result<Vec<Option<String>>, StoreError> {
    let named = |id: &i64| match id {
        0 => Ok(None),
        id => Ok(Some(texts.text(db, *id)?.as_ref().to_owned())),
    };
    group.key.iter().take(query.group_by.len()).map(named).collect()
}

fn finish(db: &Connection, texts: &NameTexts, query: &Compiled, groups: Groups) -> Result<Stats, StoreError> {
    let mut total = Sum::default();
    let mut all = groups.finish();
    for group in &all {
        total.add(&group.total);
    }
    rank(&mut all);
    let mut out = Vec::with_capacity(all.len());
    for mut group in all {
        let values = values(db, texts, query, &group)?;
        out.push(StatsGroup { values, total: group.total.figures(), series: group.series });
    }
    Ok(Stats { groups: out, total: total.figures() })
}
