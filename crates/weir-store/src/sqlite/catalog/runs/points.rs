//! Metric points.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use weir_core::id::RunId;

use super::super::keys::Keys;
use super::Log;
use super::write::Active;
use crate::catalog::{ModelPoint, NewPoint, Point, PointOfModel};
use crate::telemetry::StoreError;

/// A point as it is stored: NaN is 0 with a mark, infinities are the greatest numbers.
#[derive(Clone, Copy)]
struct Stored {
    step: i64,
    timestamp_ms: i64,
    value: f64,
    nan: bool,
}

impl Stored {
    fn of(point: &Point) -> Self {
        let nan = point.value.is_nan();
        let value = if nan { 0.0 } else { point.value.clamp(f64::MIN, f64::MAX) };
        Self { step: point.step, timestamp_ms: point.timestamp_ms, value, nan }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let by_place = (self.step, self.timestamp_ms).cmp(&(other.step, other.timestamp_ms));
        by_place.then(self.value.total_cmp(&other.value))
    }
}

pub(super) fn log(db: &Connection, log: &mut Log<'_>, run: &Active, points: &[NewPoint]) -> rusqlite::Result<()> {
    let mut latest: BTreeMap<i64, Stored> = BTreeMap::new();
    let mut before: Option<(&str, i64)> = None;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO metric_points VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for new in points {
        let key = match before {
            Some((text, key)) if text == new.key => key,
            _ => log.key(db, &new.key)?,
        };
        before = Some((&new.key, key));
        let point = Stored::of(&new.point);
        insert.execute((run.row, key, point.timestamp_ms, point.step, point.value, point.nan))?;
        let greatest = latest.entry(key).or_insert(point);
        if point.cmp(greatest).is_gt() {
            *greatest = point;
        }
        if let Some(of) = &new.model {
            log_for_model(db, run.row, key, point, of)?;
        }
    }
    for (key, point) in latest {
        keep_latest(db, run, key, point)?;
    }
    Ok(())
}

fn keep_latest(db: &Connection, run: &Active, key: i64, point: Stored) -> rusqlite::Result<()> {
    let held = db
        .prepare_cached("SELECT step, timestamp_ms, value, nan FROM run_metrics WHERE run = ?1 AND key = ?2")?
        .query_row((run.row, key), |row| {
            Ok(Stored { step: row.get(0)?, timestamp_ms: row.get(1)?, value: row.get(2)?, nan: row.get(3)? })
        })
        .optional()?;
    if held.is_some_and(|held| point.cmp(&held).is_le()) {
        return Ok(());
    }
    db.prepare_cached("INSERT OR REPLACE INTO run_metrics VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute((
        run.row,
        key,
        run.project,
        point.nan,
        point.value,
        point.step,
        point.timestamp_ms,
    ))?;
    Ok(())
}

fn log_for_model(db: &Connection, row: i64, key: i64, point: Stored, of: &PointOfModel) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO model_points VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute(
        params![
            of.model,
            key,
            point.timestamp_ms,
            point.step,
            row,
            point.value,
            point.nan,
            of.dataset_name,
            of.dataset_digest
        ],
    )?;
    Ok(())
}

/// Reads timestamp, step, value and the mark of NaN, from a column on.
pub(super) fn point(row: &Row<'_>, at: usize) -> rusqlite::Result<Point> {
    let nan: bool = row.get(at + 3)?;
    let value = if nan { f64::NAN } else { row.get(at + 2)? };
    Ok(Point { timestamp_ms: row.get(at)?, step: row.get(at + 1)?, value })
}

pub(super) fn history(db: &Connection, row: i64, key: i64, offset: u64, limit: usize) -> rusqlite::Result<Vec<Point>> {
    let mut statement = db.prepare_cached(
        "SELECT timestamp_ms, step, value, nan FROM metric_points WHERE run = ?1 AND key = ?2
         ORDER BY timestamp_ms, step, value, nan LIMIT ?4 OFFSET ?3",
    )?;
    let bounded = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    statement.query_map((row, key, bounded(offset), bounded(limit as u64)), |row| point(row, 0))?.collect()
}

pub(super) fn sample(
    db: &Connection,
    row: i64,
    key: i64,
    steps: Option<(i64, i64)>,
    most: usize,
) -> rusqlite::Result<Vec<Point>> {
    let (first, last) = steps.unwrap_or((i64::MIN, i64::MAX));
    let total: usize = db
        .prepare_cached("SELECT count(*) FROM metric_points WHERE run = ?1 AND key = ?2 AND step BETWEEN ?3 AND ?4")?
        .query_row((row, key, first, last), |row| row.get::<_, i64>(0))?
        .try_into()
        .unwrap_or_default();
    let mut statement = db.prepare_cached(
        "SELECT timestamp_ms, step, value, nan FROM metric_points WHERE run = ?1 AND key = ?2 AND step BETWEEN ?3 AND ?4
         ORDER BY step, timestamp_ms, value, nan",
    )?;
    let mut rows = statement.query((row, key, first, last))?;
    let mut chosen = Chosen::new(total, most.max(1));
    let mut points = Vec::with_capacity(total.min(most) + 1);
    let mut n = 0;
    while let Some(row) = rows.next()? {
        let last = n + 1 == total;
        if chosen.takes(n) || last {
            if last && points.len() >= most.max(1) {
                points.pop();
            }
            points.push(point(row, 0)?);
        }
        n += 1;
    }
    Ok(points)
}

/// The first place of each of some equal parts; earlier parts are one longer where they cannot all be equal.
struct Chosen {
    each: usize,
    longer: usize,
    part: usize,
}

impl Chosen {
    fn new(total: usize, parts: usize) -> Self {
        Self { each: total / parts, longer: total % parts, part: 0 }
    }

    /// Whether a place begins a part; asked for places one after the other.
    fn takes(&mut self, place: usize) -> bool {
        let next = self.part * self.each + self.part.min(self.longer);
        let takes = place == next;
        if takes {
            self.part += 1;
        }
        takes
    }
}

pub(super) fn of_models(db: &Connection, keys: &Keys, models: &[String]) -> Result<Vec<ModelPoint>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT p.timestamp_ms, p.step, p.value, p.nan, p.key, e.uuid, p.dataset_name, p.dataset_digest
         FROM model_points AS p JOIN runs AS e ON e.id = p.run WHERE p.model = ?1
         ORDER BY p.key, p.timestamp_ms, p.step, p.run",
    )?;
    let mut all = Vec::new();
    for model in models {
        let mut rows = statement.query([model])?;
        while let Some(row) = rows.next()? {
            all.push(ModelPoint {
                point: point(row, 0)?,
                key: keys.text(db, row.get(4)?)?,
                run: RunId(row.get(5)?),
                of: PointOfModel { model: model.clone(), dataset_name: row.get(6)?, dataset_digest: row.get(7)? },
            });
        }
    }
    Ok(all)
}
