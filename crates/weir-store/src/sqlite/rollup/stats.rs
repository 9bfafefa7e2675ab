//! Answers [`StatsQuery`]: from slices where one dimension suffices, else from the cube, with rows at its edges.

use std::collections::{BTreeMap, HashMap};

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

/// A combination of values; 0 is absence.
type GroupKey = Vec<i64>;

/// Sums by group, and by bucket within it.
#[derive(Default)]
pub(super) struct Groups {
    totals: HashMap<GroupKey, Sum>,
    series: HashMap<GroupKey, BTreeMap<Micros, Sum>>,
}

/// A query with its texts looked up.
pub(super) struct Compiled {
    /// Numbers allowed, per dimension asked about.
    filters: Vec<(Dimension, Vec<i64>)>,
    group_by: Vec<Dimension>,
    bucket: Option<Micros>,
}

impl Compiled {
    /// Adds the sum of cells that share their values. `value` gives a dimension's number.
    pub(super) fn add(&self, groups: &mut Groups, t: Micros, value: impl Fn(Dimension) -> i64, sum: &Sum) {
        if self.filters.iter().any(|(dimension, allowed)| !allowed.contains(&value(*dimension))) {
            return;
        }
        let key: GroupKey = self.group_by.iter().map(|d| value(*d)).collect();
        if let Some(width) = self.bucket {
            groups.series.entry(key.clone()).or_default().entry(align(t, width)).or_default().add(sum);
        }
        groups.totals.entry(key).or_default().add(sum);
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
    let compiled = compile(db, query)?;
    let mut groups = Groups::default();
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
    let mut asked: Vec<Dimension> = query.filters.iter().map(|(d, _)| *d).chain(query.group_by.iter().copied()).collect();
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
        let (inner_from, inner_to) = (plan::align_up(from, HOUR), align(to, HOUR));
        if inner_from >= inner_to {
            return raw::read(db, query, from, to, groups);
        }
        raw::read(db, query, from, inner_from, groups)?;
        read_cube(db, query, inner_from, inner_to, groups)?;
        // The cube's last hour is whole when no call started after the range.
        if inner_to < to {
            if raw::newest(db)? < to {
                read_cube(db, query, inner_to, inner_to + HOUR, groups)
            } else {
                raw::read(db, query, inner_to, to, groups)
            }
        } else {
            Ok(())
        }
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
        let mut sum = Sum::default();
        read_cell(row, 3, &mut sum)?;
        query.add(groups, t, |d| if d == Dimension::Project { project } else { value }, &sum);
    }
    Ok(())
}

fn read_cube(db: &Connection, query: &Compiled, from: Micros, to: Micros, groups: &mut Groups) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT t, project, model, provider, department, prompt_version, status, key, {CELL_COLUMNS} FROM cube \
         WHERE t >= ?1 AND t < ?2"
    ))?;
    let mut rows = statement.query((from, to))?;
    while let Some(row) = rows.next()? {
        let t: i64 = row.get(0)?;
        let mut values = [0i64; CUBED];
        for (n, value) in values.iter_mut().enumerate() {
            *value = row.get(n + 1)?;
        }
        let value = |d| cube_value(&values, d);
        if query.filters.iter().any(|(dimension, allowed)| !allowed.contains(&value(*dimension))) {
            continue;
        }
        let mut sum = Sum::default();
        read_cell(row, 1 + CUBED, &mut sum)?;
        query.add(groups, t, value, &sum);
    }
    Ok(())
}

/// A dimension's number in the order of the cube, which is that of [`Dimension::ALL`].
pub(super) fn cube_value(values: &[i64; CUBED], dimension: Dimension) -> i64 {
    Dimension::ALL.iter().position(|d| *d == dimension).and_then(|at| values.get(at)).copied().unwrap_or_default()
}

fn finish(db: &Connection, texts: &NameTexts, query: &Compiled, mut groups: Groups) -> Result<Stats, StoreError> {
    let mut total = Sum::default();
    for sum in groups.totals.values() {
        total.add(sum);
    }
    let mut ranked: Vec<(GroupKey, Sum)> = groups.totals.drain().collect();
    ranked.sort_unstable_by(|(ka, a), (kb, b)| b.numbers.cmp(&a.numbers).then_with(|| ka.cmp(kb)));
    ranked.truncate(GROUPS);
    let mut out = Vec::with_capacity(ranked.len());
    for (key, sum) in ranked {
        let mut values = Vec::with_capacity(key.len());
        for id in &key {
            values.push(if *id == 0 { None } else { Some(texts.text(db, *id)?.as_ref().to_owned()) });
        }
        let series = match query.bucket {
            Some(_) => groups.series.remove(&key).unwrap_or_default(),
            None => BTreeMap::new(),
        };
        let series = series.into_iter().map(|(t, sum)| (t, sum.figures())).collect();
        out.push(StatsGroup { values, total: sum.figures(), series });
    }
    Ok(Stats { groups: out, total: total.figures() })
}
