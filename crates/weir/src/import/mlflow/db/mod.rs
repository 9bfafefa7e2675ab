//! The SQLite database of a tracking server. It is only read.

mod datasets;
mod files;
mod logged_models;
mod models;
mod runs;
mod traces;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Row};
use weir_store::catalog::{Example, LoggedModel, ModelVersion, Point, ProjectRecord, ScorerRecord};

use super::source::{Content, Counted, Entry, Page, Reach, Source, SourceDataset, SourceModel, SourceRun, SourceTrace};

/// Schemas that are known, and whose they are.
const SCHEMAS: [(&str, &str); 2] = [("dc11669786a5", "3.17"), ("f4a9b2c7d1e6", "3.18")];
/// Things of one page.
const PAGE: i64 = 256;

/// A database, and where its artifacts are.
pub(super) struct Database {
    db: Mutex<Connection>,
    /// The folder that the database is in: relative locations are meant from there.
    folder: PathBuf,
    /// Where the server kept what is its own.
    artifacts: Option<PathBuf>,
}

impl Database {
    /// Opens a database, and looks whether it is one of a tracking server, whole, and of a version that is known.
    pub(super) fn open(path: &Path, artifacts: Option<&Path>) -> anyhow::Result<Self> {
        let shown = path.display();
        // SQLite says no more than that it cannot.
        std::fs::File::open(path).with_context(|| format!("{shown} cannot be read"))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).with_context(|| format!("{shown} cannot be read"))?;
        db.busy_timeout(std::time::Duration::from_secs(30))?;
        let whole: Result<String, _> = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match whole {
            Ok(text) if text == "ok" => {}
            Ok(text) => bail!("{shown} is damaged, or only half of it was copied: {text}"),
            Err(error) => bail!("{shown} is no SQLite database, or only half of it was copied: {error}"),
        }
        let version: Result<String, _> = db.query_row("SELECT version_num FROM alembic_version", [], |row| row.get(0));
        let version = version.map_err(|_| anyhow!("{shown} is no database of an MLflow tracking server"))?;
        if !SCHEMAS.iter().any(|(known, _)| *known == version) {
            let known = SCHEMAS.map(|(_, mlflow)| mlflow).join(" and ");
            bail!(
                "{shown} has the schema {version}; those of MLflow {known} are read. Bring a copy of an older one up to \
                 date with `pip install mlflow==3.17.2` and `mlflow db upgrade sqlite:///{shown}`, then import that; or \
                 import from the running server with --from http://..."
            );
        }
        if let Some(folder) = artifacts
            && !folder.is_dir()
        {
            bail!("--artifacts {} is no folder", folder.display());
        }
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let artifacts = artifacts.map(Path::to_owned);
        Ok(Self { db: Mutex::new(db), folder, artifacts })
    }

    /// All rows of a query.
    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let db = self.db.lock();
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map(values, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A page that ends with the last of its things.
fn page<T>(all: Vec<T>, token: impl Fn(&T) -> String) -> Page<T> {
    let next = if all.len() < PAGE as usize { None } else { all.last().map(token) };
    Ok((all, next))
}

/// A key and a value.
fn pair(row: &Row<'_>) -> rusqlite::Result<(String, String)> {
    Ok((row.get(0)?, text(row, 1)?))
}

/// A text, empty where there is none.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(row.get::<_, Option<String>>(column)?.unwrap_or_default())
}

impl Source for Database {
    fn count(&self, kind: Counted) -> Option<u64> {
        let table = match kind {
            Counted::Runs => "runs",
            Counted::LoggedModels => "logged_models",
            Counted::Models => "registered_models",
            Counted::Datasets => "evaluation_datasets",
            Counted::Traces => "trace_info",
        };
        let count = |row: &Row<'_>| row.get::<_, i64>(0);
        self.db.lock().query_row(&format!("SELECT count(*) FROM {table}"), [], count).ok().map(i64::unsigned_abs)
    }

    fn experiments(&self) -> anyhow::Result<Vec<ProjectRecord>> {
        let mut all = self.rows(
            "SELECT experiment_id, name, artifact_location, lifecycle_stage = 'deleted', coalesce(creation_time, 0)
             FROM experiments ORDER BY experiment_id",
            [],
            |row| {
                Ok(ProjectRecord {
                    number: row.get(0)?,
                    name: row.get(1)?,
                    artifact_location: text(row, 2)?,
                    deleted: row.get(3)?,
                    created_ms: row.get(4)?,
                    ..ProjectRecord::default()
                })
            },
        )?;
        for one in &mut all {
            let tags = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1";
            one.tags = self.rows(tags, [one.number], pair)?.into_iter().collect();
        }
        Ok(all)
    }

    fn runs(&self, experiment: i64, page: Option<&str>) -> Page<SourceRun> {
        self.runs_of(experiment, page)
    }

    fn points(&self, run: &str, key: &str, page: Option<&str>) -> Page<Point> {
        self.points_of(run, key, page)
    }

    fn logged_models(&self, experiment: i64, page: Option<&str>) -> Page<LoggedModel> {
        self.logged_models_of(experiment, page)
    }

    fn models(&self, page: Option<&str>) -> Page<SourceModel> {
        self.registered_models(page)
    }

    fn versions(&self, model: &SourceModel) -> anyhow::Result<Vec<ModelVersion>> {
        self.versions_of(&model.model.name)
    }

    fn datasets(&self, page: Option<&str>) -> Page<SourceDataset> {
        self.evaluation_datasets(page)
    }

    fn examples(&self, dataset: &str) -> anyhow::Result<Vec<Example>> {
        self.examples_of(dataset)
    }

    fn scorers(&self, experiment: i64) -> anyhow::Result<Vec<ScorerRecord>> {
        self.rows(
            "SELECT s.scorer_id, s.experiment_id, s.scorer_name, v.scorer_version, v.serialized_scorer,
             coalesce(v.creation_time, 0) FROM scorers AS s JOIN scorer_versions AS v ON v.scorer_id = s.scorer_id
             WHERE s.experiment_id = ?1 ORDER BY s.scorer_name, v.scorer_version",
            [experiment],
            |row| {
                Ok(ScorerRecord {
                    id: row.get(0)?,
                    project: row.get(1)?,
                    name: row.get(2)?,
                    version: row.get(3)?,
                    content: row.get(4)?,
                    created_ms: row.get(5)?,
                })
            },
        )
    }

    fn traces(&self, experiment: i64, page: Option<&str>) -> Page<SourceTrace> {
        self.traces_of(experiment, page)
    }

    fn is_near(&self) -> bool {
        true
    }

    fn reach(&self, location: &str) -> Reach {
        self.reach_of(location)
    }

    fn files(&self, location: &str, folder: &str) -> anyhow::Result<Vec<Entry>> {
        self.files_in(location, folder)
    }

    fn open(&self, location: &str, path: &str) -> anyhow::Result<Content> {
        self.content_of(location, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        Database::open(path, None).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn what_is_no_whole_known_database_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mlflow.db");
        assert!(refusal(&path).contains("No such file"));
        std::fs::write(&path, "hello, I am a text, and certainly no database".repeat(100)).unwrap();
        assert!(refusal(&path).contains("is no SQLite database"));
        std::fs::remove_file(&path).unwrap();
        let db = Connection::open(&path).unwrap();
        db.execute_batch("CREATE TABLE t (x); INSERT INTO t SELECT randomblob(3000) FROM generate_series(1, 50)")
            .or_else(|_| db.execute_batch("CREATE TABLE IF NOT EXISTS t (x)"))
            .unwrap();
        assert!(refusal(&path).contains("no database of an MLflow tracking server"));
        db.execute_batch(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('0123456789ab')",
        )
        .unwrap();
        let said = refusal(&path);
        assert!(said.contains("0123456789ab") && said.contains("mlflow db upgrade"), "{said}");
        for n in 0..50 {
            db.execute("INSERT INTO t VALUES (randomblob(3000 + ?1))", [n]).unwrap();
        }
        drop(db);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(refusal(&path).contains("only half of it was copied"), "{}", refusal(&path));
    }
}
