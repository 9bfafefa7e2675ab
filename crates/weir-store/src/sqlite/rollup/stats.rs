//! Answers [`StatsQuery`]: from slices where one dimension suffices, else from the cube, with rows at its edges.

use std::collections::HashMap;

use rusqlite::Connection;
use weir_core::time::{DAY, HOUR, MINUTE, Micros};

use super::super::names::NameTexts;
use super::cell::{CELL_COLUMNS, Sum};
use super::plan::{self, Piece};
use super::write::{Floors, read_cell};
use super::{CUBED, Level, align, raw, slice_number};
use crate::telemetry::{Dimension, Stats, StatsGroup, StatsQuery, StoreError};

/// Most groups of an answer.
const GROUPS: usize = 1_000;

/// A combination of values in the order of `group_by`, the rest 0; 0 is absence.
type GroupKey = [i64; CUBED];

/// Sums by group and bucket; without buckets there is one at 0.
pub(super) type Groups = HashMap<(GroupKey, Micros), Sum>;

/// A query with its texts looked up.
pub(super) struct Compiled {
    /// Numbers allowed, per dimension asked about.
    filters: Vec<(Dimension, Vec<i64>)>,
    group_by: Vec<Dimension>,
    bucket: Option<Micros>,
}

impl Compiled {
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
        Some(groups.entry((key, self.bucket.map_or(0, |width| align(t, width)))).or_default())
    }
}

/// Answers a query on one snapshot.
pub(in crate::sqlite) fn answer(
    db: &Connection,
    texts: &NameTexts,
    floors: Floors,
    query: &StatsQuery,
) -> Result<Stats, StoreError> {
    if let Some(bucket) = query.bucket
        && (bucket < MINUTE || bucket % MINUTE != 0)
    {
        return Err(StoreError::Unsupported("the bucket must be a whole number of minutes".into()));
    }
    if query.group_by.len() > CUBED {
        return Err(StoreError::Unsupported("a dimension can be grouped by only once".into()));
    }
    let compiled = compile(db, query)?;
    let mut groups = Groups::new();
    if let Some((from, to)) = bounds(db, query, floors)? {
        read(db, &compiled, from, to, floors, &mut groups)?;
    }
    finish(db, texts, &compiled, groups)
}

fn compile(db: &Connection, query: &StatsQuery) -> Result<Compiled, StoreError> {
    let mut filters = Vec::with_capacity(query.filters.len());
    for (dimension, values) in &query.filters {
        let mut numbers = Vec::with_capacity(values.len());
        for value in values {
            numbers.extend(NameTexts::find(db, value)?);
        }
        filters.push((*dimension, numbers));
    }
    Ok(Compiled { filters, group_by: query.group_by.clone(), bucket: query.bucket })
}

/// The range, cut to what there is. `None` when that is nothing.
fn bounds(db: &Connection, query: &StatsQuery, floors: Floors) -> Result<Option<(Micros, Micros)>, StoreError> {
    let (first, last): (Option<Micros>, Option<Micros>) = (
        db.query_row("SELECT min(t) FROM rollup WHERE level = 2 AND dim = 0", [], |row| row.get(0))?,
        db.query_row("SELECT max(t) FROM rollup WHERE level = 2 AND dim = 0", [], |row| row.get(0))?,
    );
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let from = query.range.from.unwrap_or(first).max(first);
    let to = query.range.to.unwrap_or(i64::MAX).min(last.saturating_add(DAY));
    Ok((from < to).then(|| plan::round(from, to, floors)))
}

fn read(
    db: &Connection,
    query: &Compiled,
    from: Micros,
    to: Micros,
    floors: Floors,
    groups: &mut Groups,
) -> Result<(), StoreError> {
    let mut asked: Vec<Dimension> =
        query.filters.iter().map(|(d, _)| *d).chain(query.group_by.iter().copied()).collect();
    asked.retain(|d| *d != Dimension::Project);
    asked.sort_unstable();
    asked.dedup();
    let coarsest = match query.bucket {
        None => Level::Day,
        Some(width) if width % DAY == 0 => Level::Day,
        Some(width) if width % HOUR == 0 => Level::Hour,
        Some(_) => Level::Minute,
    };
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
    let mut statement = db.prepare_cached(&format!(
        "SELECT t, project, value, {CELL_COLUMNS} FROM rollup WHERE level = ?1 AND dim = ?2 AND t >= ?3 AND t < ?4"
    ))?;
    let mut rows = statement.query((piece.level as i64, slice_number(dimension), piece.from, piece.to))?;
    while let Some(row) = rows.next()? {
        let (t, project, value): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let value = |d| if d == Dimension::Project { project } else { value };
        if let Some(sum) = query.sum_of(groups, t, value) {
            sum.add_cell(read_cell(row, 3)?);
        }
    }
    Ok(())
}

fn read_cube(db: &Connection, query: &Compiled, piece: Piece, groups: &mut Groups) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT t, project, model, provider, department, prompt_version, status, key, {CELL_COLUMNS} FROM cube \
         WHERE level = ?1 AND t >= ?2 AND t < ?3"
    ))?;
    let mut rows = statement.query((piece.level as i64, piece.from, piece.to))?;
    while let Some(row) = rows.next()? {
        let t: i64 = row.get(0)?;
        let mut values = [0i64; CUBED];
        for (n, value) in values.iter_mut().enumerate() {
            *value = row.get(n + 1)?;
        }
        if let Some(sum) = query.sum_of(groups, t, |d| cube_value(&values, d)) {
            sum.add_cell(read_cell(row, 1 + CUBED)?);
        }
    }
    Ok(())
}

/// A dimension's number in the order of the cube, which is that of [`Dimension::ALL`].
pub(super) fn cube_value(values: &[i64; CUBED], dimension: Dimension) -> i64 {
    Dimension::ALL.iter().position(|d| *d == dimension).and_then(|at| values.get(at)).copied().unwrap_or_default()
}

fn finish(db: &Connection, texts: &NameTexts, query: &Compiled, groups: Groups) -> Result<Stats, StoreError> {
    let mut total = Sum::default();
    let mut by_group: HashMap<GroupKey, (Sum, Vec<(Micros, Sum)>)> = HashMap::new();
    for ((key, t), sum) in groups {
        let (group, series) = by_group.entry(key).or_default();
        group.add(&sum);
        if query.bucket.is_some() {
            series.push((t, sum));
        }
    }
    let mut ranked: Vec<_> = by_group.into_iter().collect();
    for (_, (sum, _)) in &ranked {
        total.add(sum);
    }
    ranked.sort_unstable_by(|(ka, (a, _)), (kb, (b, _))| b.numbers.cmp(&a.numbers).then_with(|| ka.cmp(kb)));
    ranked.truncate(GROUPS);
    let mut out = Vec::with_capacity(ranked.len());
    for (key, (sum, mut series)) in ranked {
        let mut values = Vec::with_capacity(query.group_by.len());
        for id in key.iter().take(query.group_by.len()) {
            values.push(if *id == 0 { None } else { Some(texts.text(db, *id)?.as_ref().to_owned()) });
        }
        series.sort_unstable_by_key(|(t, _)| *t);
        let series = series.into_iter().map(|(t, sum)| (t, sum.figures())).collect();
        out.push(StatsGroup { values, total: sum.figures(), series });
    }
    Ok(Stats { groups: out, total: total.figures() })
}
