//! Runs in SQLite. Searches stand in [`search`].

mod inputs;
mod points;
mod purge;
mod read;
mod search;
mod write;

pub(super) use purge::purge;
use rusqlite::Connection;
use weir_core::id::RunId;

use super::SqliteCatalog;
use super::keys::{Keys, Met};
use crate::catalog::{
    Batch, DatasetInput, DatasetSummary, ModelPoint, NewRun, Point, Run, RunChange, RunPage, RunProblem, RunQuery,
    RunRecord, Runs, TagChange,
};
use crate::telemetry::StoreError;

/// The tag that is a run's name.
const RUN_NAME: &str = "mlflow.runName";

impl Runs for SqliteCatalog {
    fn create_run(&self, new: NewRun) -> Result<RunRecord, RunProblem> {
        self.log(move |db, log| write::create(db, log, new))
    }

    fn run_record(&self, id: RunId) -> Result<Option<RunRecord>, StoreError> {
        self.read(|db| Ok(read::record(db, id)?.map(|(_, record)| record)))
    }

    fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.read(|db| {
            let Some((row, record)) = read::record(db, id)? else { return Ok(None) };
            Ok(Some(read::whole(db, &self.keys, row, record)?))
        })
    }

    fn update_run(&self, id: RunId, change: RunChange) -> Result<RunRecord, RunProblem> {
        self.log(move |db, log| write::update(db, log, id, &change))
    }

    fn mark_run(&self, id: RunId, deleted: bool, now_ms: i64) -> Result<(), RunProblem> {
        self.write(move |db| {
            let changed = db
                .prepare_cached("UPDATE runs SET deleted = ?2, deleted_ms = ?3 WHERE uuid = ?1")?
                .execute((id.0, deleted, deleted.then_some(now_ms)))?;
            if changed == 0 { Err(RunProblem::Missing) } else { Ok(()) }
        })
    }

    fn log_batch(&self, id: RunId, batch: Batch) -> Result<(), RunProblem> {
        self.log(move |db, log| write::batch(db, log, id, &batch))
    }

    fn change_run_tag(&self, id: RunId, key: &str, change: TagChange) -> Result<(), RunProblem> {
        let key = key.to_owned();
        self.log(move |db, log| write::change_tag(db, log, id, &key, change))
    }

    fn delete_run_tag(&self, id: RunId, key: &str) -> Result<(), RunProblem> {
        let key = key.to_owned();
        self.log(move |db, log| write::delete_tag(db, log, id, &key))
    }

    fn log_inputs(&self, id: RunId, datasets: Vec<DatasetInput>, models: Vec<String>) -> Result<(), RunProblem> {
        self.write(move |db| inputs::log(db, &write::active(db, id)?, &datasets, &models))
    }

    fn log_outputs(&self, id: RunId, models: Vec<(String, i64)>) -> Result<(), RunProblem> {
        self.write(move |db| inputs::log_outputs(db, write::active(db, id)?.row, &models))
    }

    fn metric_history(&self, id: RunId, key: &str, offset: u64, limit: usize) -> Result<Vec<Point>, RunProblem> {
        self.read(|db| {
            let row = read::row_of(db, id)?.ok_or(RunProblem::Missing)?;
            let Some(key) = self.keys.find(db, key)? else { return Ok(Vec::new()) };
            Ok(points::history(db, row, key, offset, limit)?)
        })
    }

    fn metric_sample(
        &self,
        id: RunId,
        key: &str,
        steps: Option<(i64, i64)>,
        most: usize,
    ) -> Result<Vec<Point>, RunProblem> {
        self.read(|db| {
            let row = read::row_of(db, id)?.ok_or(RunProblem::Missing)?;
            let Some(key) = self.keys.find(db, key)? else { return Ok(Vec::new()) };
            Ok(points::sample(db, row, key, steps, most)?)
        })
    }

    fn model_points(&self, models: &[String]) -> Result<Vec<ModelPoint>, StoreError> {
        self.read(|db| points::of_models(db, &self.keys, models))
    }

    fn datasets_of(&self, projects: &[i64], limit: usize) -> Result<Vec<DatasetSummary>, StoreError> {
        self.read(|db| inputs::summaries(db, projects, limit))
    }

    fn search_runs(&self, query: &RunQuery) -> Result<RunPage, StoreError> {
        self.read(|db| {
            let (rows, more) = search::rows(db, &self.keys, query)?;
            let mut runs = Vec::with_capacity(rows.len());
            for row in rows {
                let record = read::record_of_row(db, row)?;
                runs.push(read::whole(db, &self.keys, row, record)?);
            }
            Ok(RunPage { runs, more })
        })
    }
}

/// What a write has at hand for keys.
struct Log<'a> {
    keys: &'a Keys,
    met: Met,
}

impl Log<'_> {
    fn key(&mut self, db: &Connection, text: &str) -> rusqlite::Result<i64> {
        self.keys.intern(db, &mut self.met, text)
    }
}

impl SqliteCatalog {
    /// Runs a write that may make keys.
    fn log<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut Log<'_>) -> Result<T, RunProblem> + Send + 'static,
    ) -> Result<T, RunProblem> {
        let keys = self.keys.clone();
        let (value, met) = self.write(move |db| {
            let mut log = Log { keys: &keys, met: Met::new() };
            let value = work(db, &mut log)?;
            Ok::<_, RunProblem>((value, log.met))
        })?;
        self.keys.learn(met);
        Ok(value)
    }
}

impl From<rusqlite::Error> for RunProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod search_tests;
#[cfg(test)]
mod tests;
