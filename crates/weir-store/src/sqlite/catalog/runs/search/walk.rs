//! Walking runs in the order of an index, several projects side by side, each run put to the conditions.

use rusqlite::types::Value;
use rusqlite::{CachedStatement, Rows, ToSql, params_from_iter};
use weir_core::query::{Op, Target, Test};

use super::ranges::Range;
use super::{STREAMS, Search};
use crate::catalog::Stage;
use crate::telemetry::StoreError;

use super::super::super::compile::Sql;
use super::shape::SHAPE;

/// What is walked: a statement, and what is bound to it for each stream.
pub(super) struct Streams {
    sql: String,
    bound: Vec<Vec<Value>>,
    /// The order is wholly that of the index: what is found needs no further ordering.
    whole: bool,
    /// All runs that the conditions hold for are walked, so that the end of the streams is the end of the search.
    all: bool,
    /// The conditions hold for whatever is walked.
    decided: bool,
    descending: bool,
}

/// Where a run stands in the order of the index: greater is later in ascending order.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    value: f64,
    start_ms: i64,
    uuid: [u8; 16],
}

impl Streams {
    /// What there is to walk for the search's order; `None` where no index has it.
    pub(super) fn of(search: &Search<'_>, ranges: &[Range]) -> Result<Option<Self>, StoreError> {
        let streams = search.projects.len() * search.stages().len();
        if streams > STREAMS {
            return Ok(None);
        }
        match search.query.order.as_slice() {
            [] => Self::newest(search, ranges).map(Some),
            [first] if first.target == Target::Field("start_time") && first.descending => {
                Self::newest(search, ranges).map(Some)
            }
            [first, ..] => match &first.target {
                Target::Entry("metrics", key) => Self::by_metric(search, key, first.descending),
                _ => Ok(None),
            },
        }
    }

    /// Latest start first: of the runs with one value of a param or tag where a condition wants it, else of all.
    fn newest(search: &Search<'_>, ranges: &[Range]) -> Result<Self, StoreError> {
        let whole =
            Self { sql: String::new(), bound: Vec::new(), whole: true, all: true, decided: false, descending: true };
        if let Some(range) = ranges.iter().find(|range| range.newest_first.is_some()) {
            let bound = search.projects.iter().map(|project| range.values_for(*project)).collect();
            return Ok(Self { sql: range.walked(), bound, ..whole });
        }
        let mut sql = Sql::default();
        sql.push("SELECT e.id, e.start_ms, e.uuid FROM runs AS e INDEXED BY runs_newest WHERE e.project = ?1");
        sql.push(" AND e.deleted = ?2");
        for condition in search.conditions.iter().filter(|c| c.target == Target::Field("start_time")) {
            sql.conditions(&SHAPE, std::slice::from_ref(condition))?;
        }
        sql.push(" ORDER BY e.start_ms DESC, e.uuid");
        let mut bound = Vec::new();
        for project in &search.projects {
            for stage in search.stages() {
                let mut values = vec![Value::Integer(*project), Value::Integer(i64::from(*stage))];
                values.extend(sql.values.iter().cloned());
                bound.push(values);
            }
        }
        let decided = search.conditions.iter().all(|c| c.target == Target::Field("start_time"));
        Ok(Self { sql: sql.text, bound, decided, ..whole })
    }

    fn by_metric(search: &Search<'_>, key: &str, descending: bool) -> Result<Option<Self>, StoreError> {
        let Some(number) = search.keys.find(search.db, key)? else { return Ok(None) };
        let way = if descending { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT run, value FROM run_metrics INDEXED BY metric_index WHERE project = ?1 AND key = ?2 AND nan = 0
             ORDER BY value {way}"
        );
        let bound = |project: &i64| vec![Value::Integer(*project), Value::Integer(number)];
        // Runs without the metric come last and are not walked, unless a condition leaves them out anyway.
        let all = search.conditions.iter().any(|condition| {
            matches!(&condition.target, Target::Entry("metrics", k) if k == key)
                && matches!(condition.test, Test::Compare(op, _) if op != Op::Ne)
        });
        Ok(Some(Self {
            sql,
            bound: search.projects.iter().map(bound).collect(),
            whole: false,
            all,
            decided: false,
            descending,
        }))
    }

    /// The page, if it is full (or the search at its end) before more than `budget` runs were put to the conditions.
    pub(super) fn walk(&self, search: &Search<'_>, budget: usize) -> Result<Option<Vec<i64>>, StoreError> {
        let wanted = search.wanted();
        let skip = usize::try_from(search.query.offset).unwrap_or(usize::MAX);
        let mut statements = Vec::with_capacity(self.bound.len());
        for _ in &self.bound {
            statements.push(search.db.prepare_cached(&self.sql)?);
        }
        let mut streams = Vec::with_capacity(self.bound.len());
        for (statement, values) in statements.iter_mut().zip(&self.bound) {
            streams.push(Stream::new(statement, values, self.whole)?);
        }
        let mut probe = if self.decided { Probe { statement: None } } else { Probe::new(search)? };
        let mut found = Vec::new();
        let mut last: Option<Place> = None;
        let mut walked = 0;
        while let Some(next) = self.first(&streams) {
            let Some((row, place)) = streams[next].head else { break };
            // Those of one value are ordered by what follows it, so all of them are needed.
            let tied = !self.whole && last.is_some_and(|last| last.value == place.value);
            if found.len() >= wanted && !tied {
                break;
            }
            if walked == budget {
                return Ok(None);
            }
            walked += 1;
            streams[next].advance(self.whole)?;
            if probe.holds(row)? {
                found.push(row);
                last = Some(place);
            }
        }
        if found.len() < wanted && !self.all {
            return Ok(None);
        }
        drop(probe);
        if self.whole {
            found.truncate(wanted);
            found.drain(..skip.min(found.len()));
            return Ok(Some(found));
        }
        search.ordered(Some(&found)).map(Some)
    }

    /// The stream whose run is next.
    fn first(&self, streams: &[Stream<'_>]) -> Option<usize> {
        let heads = streams.iter().enumerate().filter_map(|(n, stream)| Some((n, stream.head?.1)));
        let order = |a: &Place, b: &Place| {
            let value = a.value.total_cmp(&b.value);
            let value = if self.descending { value.reverse() } else { value };
            value.then(b.start_ms.cmp(&a.start_ms)).then(a.uuid.cmp(&b.uuid))
        };
        heads.min_by(|(_, a), (_, b)| order(a, b)).map(|(n, _)| n)
    }
}

/// Runs of one project in the order of the index.
struct Stream<'a> {
    rows: Rows<'a>,
    head: Option<(i64, Place)>,
}

impl<'a> Stream<'a> {
    fn new(statement: &'a mut CachedStatement<'_>, values: &[Value], by_start: bool) -> Result<Self, StoreError> {
        let rows = statement.query(params_from_iter(values.iter().map(|value| -> &dyn ToSql { value })))?;
        let mut stream = Self { rows, head: None };
        stream.advance(by_start)?;
        Ok(stream)
    }

    fn advance(&mut self, by_start: bool) -> Result<(), StoreError> {
        self.head = match self.rows.next()? {
            None => None,
            Some(row) if by_start => {
                Some((row.get(0)?, Place { value: 0.0, start_ms: row.get(1)?, uuid: row.get(2)? }))
            }
            Some(row) => Some((row.get(0)?, Place { value: row.get(1)?, start_ms: 0, uuid: [0; 16] })),
        };
        Ok(())
    }
}

/// Puts runs to the conditions.
struct Probe<'a> {
    statement: Option<CachedStatement<'a>>,
}

impl<'a> Probe<'a> {
    fn new(search: &Search<'a>) -> Result<Self, StoreError> {
        let mut sql = Sql::default();
        sql.push("SELECT 1 FROM runs AS e WHERE e.id = ?1").push(match search.query.stage {
            Stage::Active => " AND e.deleted = 0",
            Stage::Deleted => " AND e.deleted = 1",
            Stage::All => "",
        });
        for condition in &search.conditions {
            sql.conditions(&SHAPE, std::slice::from_ref(condition))?;
        }
        let mut statement = search.db.prepare_cached(&sql.text)?;
        for (n, value) in sql.values.iter().enumerate() {
            statement.raw_bind_parameter(n + 2, value)?;
        }
        Ok(Self { statement: Some(statement) })
    }

    fn holds(&mut self, row: i64) -> Result<bool, StoreError> {
        let Some(statement) = &mut self.statement else { return Ok(true) };
        statement.raw_bind_parameter(1, row)?;
        Ok(statement.raw_query().next()?.is_some())
    }
}
