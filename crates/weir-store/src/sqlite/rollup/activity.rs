//! Answers [`Activity`]: minute slices where they are kept, rows before.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{DAY, Micros};

use super::super::names::NameTexts;
use super::super::{attributes, seq};
use super::cell::{cell_columns, read_numbers, sums_of, whole};
use super::floors::Floors;
use super::measures::{MEASURED, Measures};
use super::spread::add_spread;
use super::step::{self, Step};
use super::{align, slice_number};
use crate::activity::{ActivityBucket, ActivityPage, PARTS, ProjectActivity, ProjectSpan};
use crate::telemetry::{Dimension, StoreError, TimeRange};

/// Reads a page on one snapshot.
pub(in crate::sqlite) fn page(
    db: &Connection,
    texts: &NameTexts,
    floors: Floors,
    (from, to): (Micros, Micros),
    width: Micros,
    rows: usize,
) -> Result<ActivityPage, StoreError> {
    super::stats::check_bucket(Some(width))?;
    let mut page = Page { db, texts, width, rows, read: 0, at: from, open: BTreeMap::new(), buckets: Vec::new() };
    // A bucket is read from one place; from minutes only when all of it is kept in minutes.
    let edge = super::plan::align_up(floors.minute, width).clamp(from, to);
    let full = page.rows(from, edge)? || page.slices(edge, to)?;
    page.close();
    let next = full.then_some(page.at.saturating_add(width)).filter(|next| *next < to);
    Ok(ActivityPage { buckets: page.buckets, next })
}

/// What a slice is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    All,
    Limited,
    Branches,
    Part(Dimension),
}

struct Page<'a> {
    db: &'a Connection,
    texts: &'a NameTexts,
    width: Micros,
    /// How many rows or slices are enough.
    rows: usize,
    read: usize,
    /// The bucket at hand.
    at: Micros,
    open: BTreeMap<i64, ProjectActivity>,
    buckets: Vec<ActivityBucket>,
}

impl Page<'_> {
    /// Goes to the bucket of an instant; `false` when that is another one and enough was read.
    fn go_to(&mut self, at: Micros) -> Result<bool, StoreError> {
        let at = align(at, self.width);
        if at != self.at {
            if self.read >= self.rows {
                return Ok(false);
            }
            self.close();
            self.at = at;
        }
        self.read += 1;
        Ok(true)
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if open.is_empty() {
            return;
        }
        let named = |id: i64| match id {
            0 => Ok(None),
            id => self.texts.text(self.db, id).map(|text| Some(text.as_ref().to_owned())),
        };
        let mut projects = BTreeMap::new();
        for (id, activity) in open {
            match named(id) {
                Ok(name) => drop(projects.insert(name, activity)),
                Err(error) => tracing::warn!(%error, "a project's name cannot be read"),
            }
        }
        self.buckets.push(ActivityBucket { start: self.at, projects });
    }

    /// Adds minute slices; `true` when enough was read before the end.
    fn slices(&mut self, from: Micros, to: Micros) -> Result<bool, StoreError> {
        if from >= to {
            return Ok(false);
        }
        let db = self.db;
        let sql = format!(
            "SELECT dim, t, project, value, {} FROM rollup
             WHERE level = 0 AND dim = ?1 AND t >= ?2 AND t < ?3 AND (?4 = 0 OR value = ?4)",
            cell_columns()
        );
        let limited = NameTexts::find(db, Status::RateLimited.as_str())?;
        let all = slice_number(None);
        let status = slice_number(Some(Dimension::Status));
        let branch = step::number(SpanKind::Branch).unwrap_or_default();
        let mut start = align(from, self.width);
        // Buckets in turn, so that no two slices of the table have to be merged.
        while start < to {
            let end = start.saturating_add(self.width).min(to);
            let parts = PARTS.map(|dimension| (slice_number(Some(dimension)), 0, Source::Part(dimension)));
            let whole = [
                (all, 0, Source::All),
                (status, limited.unwrap_or(-1), Source::Limited),
                (branch, 0, Source::Branches),
            ];
            for (dim, value, source) in whole.into_iter().chain(parts) {
                let mut statement = db.prepare_cached(&sql)?;
                let mut rows = statement.query((dim, start, end, value))?;
                while let Some(row) = rows.next()? {
                    if !self.go_to(start)? {
                        return Ok(true);
                    }
                    self.slice(row, source)?;
                }
            }
            let Some(next) = self.next_slice(end, to, all, branch)? else { return Ok(false) };
            start = align(next, self.width);
        }
        Ok(false)
    }

    /// The first minute from an instant on that has anything: stretches without traffic cost nothing.
    fn next_slice(&self, from: Micros, to: Micros, all: i64, branch: i64) -> Result<Option<Micros>, StoreError> {
        let mut first = self.db.prepare_cached(
            "SELECT t FROM rollup WHERE level = 0 AND dim = ?1 AND t >= ?2 AND t < ?3 ORDER BY t LIMIT 1",
        )?;
        let mut earliest: Option<Micros> = None;
        for dim in [all, branch] {
            let mut rows = first.query((dim, from, to))?;
            if let Some(row) = rows.next()? {
                let t: Micros = row.get(0)?;
                earliest = Some(earliest.map_or(t, |e| e.min(t)));
            }
        }
        Ok(earliest)
    }

    fn slice(&mut self, row: &Row<'_>, source: Source) -> Result<(), StoreError> {
        let project = self.open.entry(row.get(2)?).or_default();
        let numbers = read_numbers(row, 4)?;
        let [count, ..] = numbers;
        if source == Source::Limited {
            project.calls.rate_limited = project.calls.rate_limited.saturating_add(whole(count));
            return Ok(());
        }
        if source == Source::Branches {
            let text = self.texts.text(self.db, row.get(3)?)?;
            if let Some(Step { workflow, step, target: Some(target) }) = Step::decode(&text) {
                *project.branches.entry((workflow, step, target)).or_default() += whole(count);
            }
            return Ok(());
        }
        let calls = match source {
            Source::Part(dimension) => {
                let id: i64 = row.get(3)?;
                if id == 0 {
                    return Ok(());
                }
                let value = self.texts.text(self.db, id)?.as_ref().to_owned();
                project.parts.entry((dimension, value)).or_default()
            }
            _ => &mut project.calls,
        };
        calls.add(&sums_of(&numbers));
        add_spread(calls, row, 4)?;
        Ok(())
    }

    /// Adds rows; `true` when enough was read before the end.
    fn rows(&mut self, from: Micros, to: Micros) -> Result<bool, StoreError> {
        if from >= to {
            return Ok(false);
        }
        let branch = SpanKind::Branch.number();
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT start_us, kind, project, model, provider, department, prompt_name, prompt_version,
               CASE WHEN kind = {branch} THEN attributes END, {MEASURED}
             FROM spans WHERE seq >= ?1 AND seq <= ?2"
        ))?;
        let last = seq::floor(to) | ((1 << 20) - 1);
        let mut rows = statement.query((seq::floor(from), last))?;
        while let Some(row) = rows.next()? {
            let Some(start) = row.get::<_, Option<i64>>(0)?.filter(|start| (from..to).contains(start)) else {
                continue;
            };
            let Some(kind) = row.get::<_, Option<i64>>(1)?.and_then(SpanKind::from_number) else { continue };
            let is_call = matches!(kind, SpanKind::Llm | SpanKind::Embedding);
            if !(is_call || kind == SpanKind::Branch) {
                continue;
            }
            let Some((measures, status)) = Measures::of_row(self.db, self.texts, row, 9)? else { continue };
            if !self.go_to(start)? {
                return Ok(true);
            }
            let project = row.get::<_, Option<i64>>(2)?.unwrap_or_default();
            if is_call {
                let one = measures.sums();
                let activity = self.open.entry(project).or_default();
                activity.calls.add(&one);
                activity.calls.rate_limited += u64::from(status == Some(Status::RateLimited));
                for part in PARTS {
                    if let Some(value) = value_of(self.db, self.texts, row, part)? {
                        // As in slices: rate limits are not told apart.
                        activity.parts.entry((part, value)).or_default().add(&one);
                    }
                }
            } else if let Some(text) = row.get::<_, Option<String>>(8)? {
                let attributes = attributes::decode(&text);
                let span = Span { kind: Some(SpanKind::Branch), attributes, ..Span::default() };
                if let Some(Step { workflow, step, target: Some(target) }) = Step::of(&span) {
                    let branches = &mut self.open.entry(project).or_default().branches;
                    *branches.entry((workflow, step, target)).or_default() += 1;
                }
            }
        }
        Ok(false)
    }
}

/// The value of a dimension of [`PARTS`] of the call of a row.
fn value_of(
    db: &Connection,
    texts: &NameTexts,
    row: &Row<'_>,
    dimension: Dimension,
) -> Result<Option<String>, StoreError> {
    let text = |column: usize| -> Result<Option<String>, StoreError> {
        let id = row.get::<_, Option<i64>>(column)?.filter(|id| *id != 0);
        Ok(match id {
            Some(id) => Some(texts.text(db, id)?.as_ref().to_owned()),
            None => None,
        })
    };
    Ok(match dimension {
        Dimension::Model => text(3)?,
        Dimension::Provider => text(4)?,
        Dimension::Department => text(5)?,
        Dimension::PromptVersion => match (text(6)?, text(7)?) {
            (name, Some(version)) => Some(format!("{}@{version}", name.unwrap_or_default())),
            (name, None) => name,
        },
        Dimension::Project | Dimension::Status | Dimension::Key => None,
    })
}

/// The projects of the days of a range.
pub(in crate::sqlite) fn projects(
    db: &Connection,
    texts: &NameTexts,
    range: TimeRange,
    limit: usize,
) -> Result<Vec<ProjectSpan>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT project, min(t), max(t), sum(iif(dim = ?1, count, 0)) AS calls FROM rollup
         WHERE level = 2 AND dim IN (?1, ?2) AND t >= ?3 AND t < ?4 GROUP BY project ORDER BY calls DESC, project LIMIT ?5",
    )?;
    let from = range.from.map_or(i64::MIN, |from| align(from, DAY));
    let branch = step::number(SpanKind::Branch).unwrap_or_default();
    let to = range.to.unwrap_or(i64::MAX);
    let mut rows = statement.query((slice_number(None), branch, from, to, limit as i64))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let project = match row.get::<_, i64>(0)? {
            0 => None,
            id => Some(texts.text(db, id)?.as_ref().to_owned()),
        };
        let last: Micros = row.get(2)?;
        let calls = whole(row.get(3)?);
        out.push(ProjectSpan { project, first: row.get(1)?, last: last.saturating_add(DAY), calls });
    }
    Ok(out)
}
