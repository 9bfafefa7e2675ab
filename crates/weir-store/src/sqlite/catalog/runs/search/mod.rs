//! Searches of runs: fast for pages of a few among a million, whichever condition is the rare one.
//!
//! Three ways, tried in this order:
//! 1. A condition that an index answers holds for few runs: their rows are collected, intersected and ordered ([`rare`]).
//! 2. The order is that of an index (latest start, or a metric): runs are walked in it and every one is put to the
//!    conditions, until the page is full or a budget is spent ([`walk`]).
//! 3. What is collected may be more, then all runs of the projects are gone through.
//!
//! Invariant: every way gives the same page; an index only ever proposes runs, the conditions decide.

mod ranges;
mod shape;
mod walk;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use weir_core::query::{Condition, Target, Test};

use super::super::compile::Sql;
use super::super::keys::Keys;
use crate::catalog::{RunQuery, Stage};
use crate::telemetry::StoreError;
use ranges::Range;
use shape::SHAPE;

/// How long each way is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Rows of a condition that are collected at first.
    few: usize,
    /// Runs that are walked before rare conditions are looked for more thoroughly, besides those of the page.
    walked: usize,
    /// Rows of a condition that are collected then.
    many: usize,
}

const LIMITS: Limits = Limits { few: 1_000, walked: 2_000, many: 100_000 };

#[cfg(test)]
impl Limits {
    /// The usual ones, and such that a few runs take every way.
    pub(super) fn for_tests() -> [Self; 3] {
        [LIMITS, Self { few: 2, walked: 3, many: 6 }, Self { few: 0, walked: usize::MAX, many: 0 }]
    }
}

/// Orders of indexes that are walked side by side at most.
const STREAMS: usize = 64;

/// A search that is under way.
struct Search<'a> {
    db: &'a Connection,
    keys: &'a Keys,
    query: &'a RunQuery,
    projects: Vec<i64>,
    conditions: Vec<&'a Condition>,
    limits: Limits,
}

/// The rows of a page, and whether more follow.
pub(super) fn rows(db: &Connection, keys: &Keys, query: &RunQuery) -> Result<(Vec<i64>, bool), StoreError> {
    rows_within(db, keys, query, LIMITS)
}

pub(super) fn rows_within(
    db: &Connection,
    keys: &Keys,
    query: &RunQuery,
    limits: Limits,
) -> Result<(Vec<i64>, bool), StoreError> {
    let mut projects = query.projects.clone();
    projects.sort_unstable();
    projects.dedup();
    let mut search = Search { db, keys, query, projects, conditions: Vec::new(), limits };
    if search.projects.is_empty() || !search.consider()? {
        return Ok((Vec::new(), false));
    }
    let mut rows = search.run()?;
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    Ok((rows, more))
}

impl Search<'_> {
    /// Leaves out what always holds; `false` when something never does, because no run has such a key.
    fn consider(&mut self) -> Result<bool, StoreError> {
        for condition in &self.query.conditions {
            if let Target::Entry(_, key) = &condition.target
                && self.keys.find(self.db, key)?.is_none()
            {
                if condition.test != Test::Null {
                    return Ok(false);
                }
                continue;
            }
            self.conditions.push(condition);
        }
        Ok(true)
    }

    /// Runs up to the end of the page and one more.
    fn wanted(&self) -> usize {
        usize::try_from(self.query.offset).unwrap_or(usize::MAX).saturating_add(self.query.limit).saturating_add(1)
    }

    fn run(&self) -> Result<Vec<i64>, StoreError> {
        let ranges = ranges::of(self)?;
        if let Some(rows) = self.rare(&ranges, self.limits.few)? {
            return self.ordered(Some(&rows));
        }
        let streams = walk::Streams::of(self, &ranges)?;
        if let Some(streams) = &streams {
            let budget =
                if self.conditions.is_empty() { usize::MAX } else { self.limits.walked.saturating_add(self.wanted()) };
            if let Some(rows) = streams.walk(self, budget)? {
                return Ok(rows);
            }
        }
        if let Some(rows) = self.rare(&ranges, self.limits.many)? {
            return self.ordered(Some(&rows));
        }
        match streams.map(|streams| streams.walk(self, usize::MAX)).transpose()?.flatten() {
            Some(rows) => Ok(rows),
            None => self.ordered(None),
        }
    }

    /// The rows that are in every range of at most `most`; `None` where each range is larger.
    fn rare(&self, ranges: &[Range], most: usize) -> Result<Option<Vec<i64>>, StoreError> {
        let mut common: Option<Vec<i64>> = None;
        for range in ranges {
            let Some(mut rows) = range.collect(self, most)? else { continue };
            rows.sort_unstable();
            rows.dedup();
            if let Some(before) = common {
                rows.retain(|row| before.binary_search(row).is_ok());
            }
            let none = rows.is_empty();
            common = Some(rows);
            if none {
                break;
            }
        }
        Ok(common)
    }

    /// The page of some rows, or of all runs of the projects.
    fn ordered(&self, rows: Option<&[i64]>) -> Result<Vec<i64>, StoreError> {
        let mut sql = Sql::default();
        sql.push("SELECT e.id FROM ");
        if let Some(rows) = rows {
            sql.push("json_each(?) AS j CROSS JOIN runs AS e ON e.id = j.value");
            sql.bind(serde_json::to_string(rows).unwrap_or_default());
        } else {
            sql.push("runs AS e");
        }
        if let [only] = self.projects.as_slice() {
            // So its runs are read in the order of their starts, either way.
            sql.push(" WHERE e.project = ?").bind(*only);
        } else {
            sql.push(" WHERE e.project IN (SELECT value FROM json_each(?))");
            sql.bind(serde_json::to_string(&self.projects).unwrap_or_default());
        }
        sql.push(match self.query.stage {
            Stage::Active => " AND e.deleted = 0",
            Stage::Deleted => " AND e.deleted = 1",
            Stage::All => "",
        });
        for condition in &self.conditions {
            sql.conditions(&SHAPE, std::slice::from_ref(condition))?;
        }
        sql.push(" ORDER BY ");
        shape::order(&mut sql, &self.query.order)?;
        let bounded = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        sql.push(" LIMIT ? OFFSET ?").bind(bounded(self.query.limit as u64 + 1)).bind(bounded(self.query.offset));
        let mut statement = self.db.prepare_cached(&sql.text)?;
        let rows = statement.query_map(params_from_iter(&sql.values), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The stages of runs that are looked for.
    fn stages(&self) -> &'static [bool] {
        match self.query.stage {
            Stage::Active => &[false],
            Stage::Deleted => &[true],
            Stage::All => &[false, true],
        }
    }
}
