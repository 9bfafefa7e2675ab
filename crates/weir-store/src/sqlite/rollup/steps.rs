//! Answers [`StepsQuery`]: from slices, or from the rows where the buckets are finer than the slices that are left.

use std::collections::HashMap;

use rusqlite::Connection;
use weir_core::time::{MINUTE, Micros};

use super::super::names::NameTexts;
use super::super::{row, seq};
use super::align;
use super::cell::{Sum, columns_for};
use super::contribution::Contribution;
use super::floors::Floors;
use super::groups::{Group, GroupKey, Groups};
use super::plan::{self, Piece};
use super::raw::ROWS;
use super::stats::{bounds, check_bucket, coarsest};
use super::step::{self, Step};
use super::under::Under;
use crate::sums::Detail;
use crate::telemetry::{Figures, StepFigures, StepGroup, StepsQuery, StoreError};

/// Most steps of an answer.
const STEPS: usize = 10_000;

/// Answers a query on one snapshot.
pub(in crate::sqlite) fn answer(
    db: &Connection,
    texts: &NameTexts,
    floors: Floors,
    query: &StepsQuery,
) -> Result<Vec<StepGroup>, StoreError> {
    check_bucket(query.bucket)?;
    let Some(dim) = step::number(query.kind) else { return Ok(Vec::new()) };
    let project = match &query.project {
        Some(name) => match NameTexts::find(db, name)? {
            Some(number) => Some(number),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let mut read = Read { db, texts, query, dim, project, known: HashMap::new(), groups: Groups::default() };
    if let Some((from, to)) = bounds(db, dim, query.range, floors)? {
        match plan::pieces(from, to, coarsest(query.bucket), floors) {
            Some(pieces) => {
                for piece in pieces {
                    read.slices(piece)?;
                }
            }
            None => read.rows(from, to)?,
        }
    }
    read.finish()
}

struct Read<'a> {
    db: &'a Connection,
    texts: &'a NameTexts,
    query: &'a StepsQuery,
    dim: i64,
    /// The number of the project that is asked for.
    project: Option<i64>,
    /// Steps by their number; `None` for those that are not asked for.
    known: HashMap<i64, Option<Step>>,
    groups: Groups,
}

impl Read<'_> {
    /// Where a step is summed up; `None` when it is not asked for.
    fn sum(&mut self, t: Micros, project: i64, value: i64) -> rusqlite::Result<Option<&mut Sum>> {
        if self.project.is_some_and(|wanted| wanted != project) || !self.is_asked_for(value)? {
            return Ok(None);
        }
        let mut key = GroupKey::default();
        let [first, second, ..] = &mut key;
        (*first, *second) = (project, value);
        Ok(self.groups.sum(key, self.query.bucket.map(|width| align(t, width))))
    }

    fn is_asked_for(&mut self, value: i64) -> rusqlite::Result<bool> {
        if let Some(known) = self.known.get(&value) {
            return Ok(known.is_some());
        }
        let step = Step::decode(&self.texts.text(self.db, value)?)
            .filter(|step| self.query.workflow.as_ref().is_none_or(|wanted| *wanted == step.workflow));
        let asked = step.is_some();
        self.known.insert(value, step);
        Ok(asked)
    }

    fn slices(&mut self, piece: Piece) -> Result<(), StoreError> {
        let db = self.db;
        let mut statement = db.prepare_cached(&format!(
            "SELECT t, project, value, {} FROM rollup WHERE level = ?1 AND dim = ?2 AND t >= ?3 AND t < ?4",
            columns_for(Detail::LATENCIES)
        ))?;
        let mut rows = statement.query((piece.level as i64, self.dim, piece.from, piece.to))?;
        while let Some(row) = rows.next()? {
            if let Some(sum) = self.sum(row.get(0)?, row.get(1)?, row.get(2)?)? {
                sum.add_row(row, 3)?;
            }
        }
        Ok(())
    }

    fn rows(&mut self, from: Micros, to: Micros) -> Result<(), StoreError> {
        let db = self.db;
        let mut statement = db.prepare_cached(&format!(
            "SELECT {}, kind = ?3 AS is_asked_for FROM spans WHERE seq >= ?1 AND seq <= ?2 LIMIT {}",
            row::COLUMNS,
            ROWS + 1
        ))?;
        let last = seq::floor(to) | ((1 << 20) - 1);
        let mut rows = statement.query((seq::floor(from), last, self.query.kind.number()))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            if read > ROWS {
                return Err(StoreError::Unsupported(format!(
                    "this needs more than {ROWS} single spans: ask for buckets of at least one hour, or for a shorter \
                     range"
                )));
            }
            if row.get::<_, Option<bool>>("is_asked_for")? != Some(true) {
                continue;
            }
            let span = row::read(db, self.texts, row)?.merged.span;
            let Some(part) = Contribution::of(&span).filter(|part| (from..to).contains(&part.start)) else { continue };
            let numbers = part.under.try_map(|text| match text {
                Some(text) => Ok::<_, rusqlite::Error>(NameTexts::find(db, &text)?.unwrap_or_default()),
                None => Ok(0),
            })?;
            if let Under::Step { project, value, .. } = numbers
                && let Some(sum) = self.sum(align(part.start, MINUTE), project, value)?
            {
                sum.add_call(&part.measures, Detail::LATENCIES);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<StepGroup>, StoreError> {
        let mut ranked: Vec<Group> = self.groups.finish();
        ranked.sort_unstable_by(|a, b| b.total.numbers.cmp(&a.total.numbers).then_with(|| a.key.cmp(&b.key)));
        ranked.truncate(STEPS);
        let mut out = Vec::with_capacity(ranked.len());
        for mut group in ranked {
            let [project, value, ..] = group.key;
            let Some(Some(step)) = self.known.get(&value).cloned() else { continue };
            let project =
                if project == 0 { None } else { Some(self.texts.text(self.db, project)?.as_ref().to_owned()) };
            out.push(StepGroup {
                project,
                workflow: step.workflow,
                step: step.step,
                target: step.target,
                total: step_figures(&group.total.figures()),
                series: group.series.iter().map(|(t, figures)| (*t, step_figures(figures))).collect(),
            });
        }
        Ok(out)
    }
}

fn step_figures(of: &Figures) -> StepFigures {
    StepFigures {
        count: of.count,
        errors: of.errors,
        latency_sum_us: of.latency_sum_us,
        p50_us: of.p50_us,
        p95_us: of.p95_us,
        p99_us: of.p99_us,
    }
}
