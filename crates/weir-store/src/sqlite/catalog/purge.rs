//! What was in the bin long enough goes for good, a few runs at a time, so that other writes come in between.

use rusqlite::{Connection, params};

use super::{SqliteCatalog, artifacts, runs};
use crate::artifacts::ArtifactPath;
use crate::catalog::{DEFAULT_PROJECT, LoggedModels, Purge, Purged};
use crate::telemetry::StoreError;

/// Runs or models that go in one transaction.
const BATCH: usize = 100;

impl Purge for SqliteCatalog {
    fn purgeable(&self, before_ms: i64) -> Result<Purged, StoreError> {
        self.read(|db| {
            let count = |sql: &str| -> Result<u64, StoreError> {
                let n: i64 = db.prepare_cached(sql)?.query_row([before_ms], |row| row.get(0))?;
                Ok(u64::try_from(n).unwrap_or_default())
            };
            Ok(Purged {
                projects: count(
                    "SELECT count(*) FROM projects WHERE deleted AND updated_ms < ?1 AND number <> 0
                     AND artifact_location <> ''",
                )?,
                runs: count("SELECT count(*) FROM runs WHERE deleted AND coalesce(deleted_ms, 0) < ?1")?,
                logged_models: count(
                    "SELECT count(*) FROM logged_models AS m LEFT JOIN projects AS p ON p.number = m.project
                     WHERE (m.deleted AND m.updated_ms < ?1) OR (p.deleted AND p.updated_ms < ?1)",
                )?,
                files: 0,
            })
        })
    }

    fn purge(&self, before_ms: i64, is_used: &dyn Fn(&str) -> bool) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        loop {
            let (runs, files) = self.write(move |db| runs::purge(db, before_ms, BATCH))?;
            purged.runs += runs;
            purged.files += files;
            if runs == 0 {
                break;
            }
        }
        let projects = self.read(|db| old_projects(db, before_ms))?;
        for project in &projects {
            let number = project.number;
            self.write(move |db| {
                db.prepare_cached("UPDATE logged_models SET deleted = 1, updated_ms = 0 WHERE project = ?1")?
                    .execute([number])?;
                Ok::<_, StoreError>(())
            })?;
        }
        loop {
            let models = self.deleted_logged_models(before_ms, BATCH)?;
            if models.is_empty() {
                break;
            }
            for model in models {
                purged.files += self.delete_tree(&model.artifact_uri, &model.id)?;
                purged.logged_models += u64::from(self.purge_logged_model(&model.id)?);
            }
        }
        for project in projects {
            let used = is_used(&project.key);
            let (gone, files) = self.write(move |db| purge_project(db, &project, used))?;
            purged.projects += u64::from(gone);
            purged.files += files;
        }
        Ok(purged)
    }

    fn compact(&self) -> Result<(), StoreError> {
        Ok(self.db.lock().execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?)
    }
}

impl SqliteCatalog {
    fn delete_tree(&self, uri: &str, id: &str) -> Result<u64, StoreError> {
        let Some(path) = own_tree(uri, id) else { return Ok(0) };
        self.write(move |db| artifacts::delete(db, &path))
    }
}

/// The folder of the tree that only an entity has: the one that is named after it in its root.
pub(super) fn own_tree(uri: &str, id: &str) -> Option<String> {
    let (scheme, path) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("mlflow-artifacts") {
        return None;
    }
    let path = match path.strip_prefix("//") {
        Some(rest) => rest.split_once('/')?.1,
        None => path,
    };
    let path = ArtifactPath::parse(path.trim_matches('/')).ok()?;
    let mut parts = Vec::new();
    for part in path.parts() {
        parts.push(part);
        if part == id {
            return Some(parts.join("/"));
        }
    }
    None
}

struct Project {
    number: i64,
    key: String,
    location: String,
}

fn old_projects(db: &Connection, before_ms: i64) -> Result<Vec<Project>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT number, key, artifact_location FROM projects
         WHERE deleted AND updated_ms < ?1 AND number <> ?2 AND artifact_location <> ''",
    )?;
    let rows = statement.query_map([before_ms, DEFAULT_PROJECT], |row| {
        Ok(Project { number: row.get(0)?, key: row.get(1)?, location: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn purge_project(db: &Connection, project: &Project, used: bool) -> Result<(bool, u64), StoreError> {
    let left: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM runs WHERE project = ?1)")?
        .query_row([project.number], |row| row.get(0))?;
    let restored: bool = db
        .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM projects WHERE number = ?1 AND deleted)")?
        .query_row([project.number], |row| row.get(0))?;
    if left || restored {
        return Ok((false, 0));
    }
    let files = match own_tree(&project.location, &project.number.to_string()) {
        Some(path) => artifacts::delete(db, &path)?,
        None => 0,
    };
    db.prepare_cached("DELETE FROM project_tags WHERE project = ?1")?.execute([project.number])?;
    db.prepare_cached("DELETE FROM run_datasets WHERE project = ?1")?.execute([project.number])?;
    if used {
        db.prepare_cached(
            "UPDATE projects SET name = name || ' (purged ' || number || ')', artifact_location = '' WHERE number = ?1",
        )?
        .execute([project.number])?;
    } else {
        db.prepare_cached("DELETE FROM projects WHERE number = ?1")?.execute(params![project.number])?;
    }
    Ok((true, files))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::{Artifacts, BlobRecord, NewProject, NewRun, Projects, Runs};

    fn put(catalog: &SqliteCatalog, path: &str) {
        let blob = BlobRecord { digest: path.to_owned(), size: 1, place: None };
        catalog.put_artifact(path, &blob, 1).unwrap();
    }

    fn files(catalog: &SqliteCatalog) -> u64 {
        let root = catalog.artifacts_in(None, 100).unwrap();
        root.iter().map(|entry| catalog.artifacts_under(&entry.name).unwrap().0).sum()
    }

    #[test]
    fn what_was_in_the_bin_long_enough_goes_with_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        let make = |name: &str| {
            let new = NewProject { name: name.to_owned(), tags: BTreeMap::new(), now_ms: 10, ..NewProject::default() };
            catalog.create_project(&new).unwrap().number
        };
        let (kept, gone, traced) = (make("kept"), make("gone"), make("traced"));
        let run = |project: i64| {
            let id = weir_core::id::RunId::new();
            catalog.create_run(NewRun { id, project, start_ms: 10, ..NewRun::default() }).unwrap();
            put(&catalog, &format!("{project}/{id}/artifacts/f"));
            id
        };
        let (live, old, late, with) = (run(kept), run(kept), run(kept), run(gone));
        put(&catalog, &format!("{gone}/traces/tr-1/artifacts/traces.json"));
        put(&catalog, &format!("{traced}/f"));
        catalog.mark_run(old, true, 100).unwrap();
        catalog.mark_run(late, true, 300).unwrap();
        catalog.mark_project(gone, true, 100).unwrap();
        catalog.mark_project(traced, true, 100).unwrap();
        let expected = Purged { projects: 2, runs: 2, logged_models: 0, files: 4 };
        assert_eq!(catalog.purgeable(200).unwrap(), Purged { files: 0, ..expected });
        assert_eq!(catalog.purge(200, &|key| key == "traced").unwrap(), expected);
        assert_eq!(catalog.purge(200, &|_| true).unwrap(), Purged::default());
        for (id, there) in [(live, true), (old, false), (late, true), (with, false)] {
            assert_eq!(catalog.run(id).unwrap().is_some(), there);
        }
        assert_eq!(files(&catalog), 2);
        assert!(catalog.project(gone).unwrap().is_none() && catalog.project_named("traced").unwrap().is_none());
        assert!(catalog.project_of_key("traced").unwrap().is_some_and(|project| project.deleted));
        assert!(make("gone") > traced, "numbers are never given again");
        catalog.compact().unwrap();
    }

    #[test]
    fn only_the_folder_of_an_entity_goes() {
        for (uri, id, tree) in [
            ("mlflow-artifacts:/1/r/artifacts", "r", Some("1/r")),
            ("mlflow-artifacts://host/x/r/artifacts/", "r", Some("x/r")),
            ("mlflow-artifacts:/1/models/m-1/artifacts", "m-1", Some("1/models/m-1")),
            ("mlflow-artifacts:/shared", "r", None),
            ("mlflow-artifacts:/", "r", None),
            ("s3://b/r/artifacts", "r", None),
            ("mlflow-artifacts:/../r", "r", None),
        ] {
            assert_eq!(own_tree(uri, id).as_deref(), tree, "{uri}");
        }
    }
}
