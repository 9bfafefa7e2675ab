//! Runs and points of metrics.

use weir_store::catalog::{DatasetInput, Point, RunStatus};

use super::{Database, PAGE, page, pair, text};
use crate::import::mlflow::source::{Page, SourceRun};

/// Points that are read at once.
const POINTS: i64 = 20_000;

impl Database {
    pub(super) fn runs_of(&self, experiment: i64, after: Option<&str>) -> Page<SourceRun> {
        let mut all = self.rows(
            "SELECT run_uuid, experiment_id, name, user_id, status, start_time, end_time, lifecycle_stage = 'deleted'
             FROM runs WHERE experiment_id = ?1 AND run_uuid > ?2 ORDER BY run_uuid LIMIT ?3",
            (experiment, after.unwrap_or_default(), PAGE),
            |row| {
                let status = text(row, 4)?;
                let status = RunStatus::ALL.iter().find(|(name, ..)| status == *name);
                Ok(SourceRun {
                    id: row.get(0)?,
                    experiment: row.get(1)?,
                    name: text(row, 2)?,
                    user: text(row, 3)?,
                    status: status.map_or(RunStatus::Running, |(.., status)| *status),
                    start_ms: row.get::<_, Option<i64>>(5)?.unwrap_or_default(),
                    end_ms: row.get(6)?,
                    deleted: row.get(7)?,
                    ..SourceRun::default()
                })
            },
        )?;
        for run in &mut all {
            self.fill(run)?;
        }
        page(all, |run| run.id.clone())
    }

    fn fill(&self, run: &mut SourceRun) -> anyhow::Result<()> {
        let of_run = |sql: &str| self.rows(sql, [&run.id], pair);
        let params = of_run("SELECT key, value FROM params WHERE run_uuid = ?1 ORDER BY key")?;
        let tags = of_run("SELECT key, value FROM tags WHERE run_uuid = ?1 ORDER BY key")?;
        let keys = "SELECT DISTINCT key FROM metrics WHERE run_uuid = ?1 ORDER BY key";
        let metrics = self.rows(keys, [&run.id], |row| row.get(0))?;
        let models = |of: &str| {
            self.rows(
                "SELECT CASE WHEN source_type LIKE 'RUN%' THEN destination_id ELSE source_id END, step FROM inputs
                 WHERE (source_id = ?1 AND source_type = ?2)
                    OR (destination_id = ?1 AND destination_type = ?2 AND source_type <> 'DATASET')
                 ORDER BY 1",
                (&run.id, of),
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?.unwrap_or_default())),
            )
        };
        let (models_in, models_out) = (models("RUN_INPUT")?, models("RUN_OUTPUT")?);
        let datasets = self.inputs(&run.id)?;
        run.models_in = models_in.into_iter().map(|(model, _)| model).collect();
        (run.params, run.tags, run.metrics, run.models_out, run.datasets) =
            (params, tags, metrics, models_out, datasets);
        Ok(())
    }

    fn inputs(&self, run: &str) -> anyhow::Result<Vec<DatasetInput>> {
        let mut found = self.rows(
            "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema,
             d.dataset_profile FROM inputs AS i JOIN datasets AS d ON d.dataset_uuid = i.source_id
             WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?1
             ORDER BY d.name, d.digest",
            [run],
            |row| {
                let input = DatasetInput {
                    name: text(row, 1)?,
                    digest: text(row, 2)?,
                    source_type: text(row, 3)?,
                    source: text(row, 4)?,
                    schema: row.get(5)?,
                    profile: row.get(6)?,
                    tags: Vec::new(),
                };
                Ok((row.get::<_, String>(0)?, input))
            },
        )?;
        for (id, input) in &mut found {
            input.tags = self.rows("SELECT name, value FROM input_tags WHERE input_uuid = ?1", [&*id], pair)?;
        }
        Ok(found.into_iter().map(|(_, input)| input).collect())
    }

    /// Pages end with the row of their last point.
    pub(super) fn points_of(&self, run: &str, key: &str, after: Option<&str>) -> Page<Point> {
        let after: i64 = after.and_then(|after| after.parse().ok()).unwrap_or(-1);
        let found = self.rows(
            "SELECT rowid, timestamp, step, value, is_nan FROM metrics
             WHERE run_uuid = ?1 AND key = ?2 AND rowid > ?3 ORDER BY rowid LIMIT ?4",
            (run, key, after, POINTS),
            |row| {
                let value = if row.get(4)? { f64::NAN } else { row.get::<_, Option<f64>>(3)?.unwrap_or(f64::NAN) };
                let value = value.clamp(f64::MIN, f64::MAX);
                Ok((row.get::<_, i64>(0)?, Point { timestamp_ms: row.get(1)?, step: row.get(2)?, value }))
            },
        )?;
        let is_last = found.len() < POINTS as usize;
        let next = found.last().filter(|_| !is_last).map(|(row, _)| row.to_string());
        Ok((found.into_iter().map(|(_, point)| point).collect(), next))
    }
}
