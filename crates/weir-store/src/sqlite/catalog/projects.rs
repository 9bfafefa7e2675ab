use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use weir_core::query::{Sort, Target};
use weir_core::time::Clock;

use super::SqliteCatalog;
use super::compile::{Entries, Shape, Sql};
use crate::catalog::{NewProject, ProjectProblem, ProjectQuery, ProjectRecord, Projects, Stage};
use crate::telemetry::StoreError;

/// Names that are tried for a project whose own is taken.
const TRIES: u32 = 10_000;

const SHAPE: Shape = Shape {
    fields: &[
        ("name", "e.name"),
        ("id", "CAST(e.number AS TEXT)"),
        ("number", "e.number"),
        ("created_ms", "e.created_ms"),
        ("updated_ms", "e.updated_ms"),
    ],
    entries: &[(
        "tags",
        Entries {
            from: "project_tags AS k WHERE k.project = e.number",
            key_is: "k.key = ?",
            value: "k.value",
            rank: None,
        },
    )],
    related: &[],
};

const COLUMNS: &str = "e.number, e.key, e.name, e.artifact_location, e.deleted, e.created_ms, e.updated_ms";

impl Projects for SqliteCatalog {
    fn project(&self, number: i64) -> Result<Option<ProjectRecord>, StoreError> {
        self.read(|db| one(db, "e.number = ?1", number))
    }

    fn project_named(&self, name: &str) -> Result<Option<ProjectRecord>, StoreError> {
        self.read(|db| one(db, "e.name = ?1", name))
    }

    fn project_of_key(&self, key: &str) -> Result<Option<ProjectRecord>, StoreError> {
        self.read(|db| one(db, "e.key = ?1", key))
    }

    fn ensure_projects(&self, keys: &[String]) -> Result<(), StoreError> {
        let missing = self.read(|db| {
            let mut known = db.prepare_cached("SELECT 1 FROM projects WHERE key = ?1")?;
            let mut missing = Vec::new();
            for key in keys.iter().collect::<HashSet<_>>() {
                if !key.is_empty() && !known.exists([key])? {
                    missing.push(key.clone());
                }
            }
            Ok::<_, StoreError>(missing)
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        let now_ms = Clock::system().now().div_euclid(1_000);
        self.write(move |db| {
            for key in missing {
                if is_free(db, "key", &key)? {
                    let name = free(db, "name", &key, |n| format!("{key} ({n})"))?;
                    insert(db, None, &key, &name, None, now_ms)?;
                }
            }
            Ok(())
        })
    }

    fn create_project(&self, new: &NewProject) -> Result<ProjectRecord, ProjectProblem> {
        let new = new.clone();
        self.write(move |db| {
            if !is_free(db, "name", &new.name)? {
                return Err(ProjectProblem::Taken);
            }
            let key = free(db, "key", &new.name, |n| format!("{}~{n}", new.name))?;
            let number = insert(db, new.number, &key, &new.name, new.artifact_location.as_deref(), new.now_ms)?;
            for (key, value) in &new.tags {
                set_tag(db, number, key, value)?;
            }
            one(db, "e.number = ?1", number)?.ok_or(ProjectProblem::Missing)
        })
    }

    fn search_projects(&self, query: &ProjectQuery) -> Result<Vec<ProjectRecord>, StoreError> {
        let mut sql = Sql::default();
        sql.push("SELECT ").push(COLUMNS).push(" FROM projects AS e WHERE ").push(match query.stage {
            Stage::Active => "e.deleted = 0",
            Stage::Deleted => "e.deleted = 1",
            Stage::All => "1",
        });
        sql.conditions(&SHAPE, &query.conditions)?.push(" ORDER BY ");
        let by = |field, descending| Sort { target: Target::Field(field), descending };
        let mut order = query.order.clone();
        if order.is_empty() {
            order = vec![by("created_ms", true), by("number", false)];
        } else if order.iter().all(|sort| sort.target != Target::Field("number")) {
            order.push(by("number", true));
        }
        sql.order(&SHAPE, &order)?.push(" LIMIT ? OFFSET ?");
        sql.bind(query.limit as i64).bind(query.offset.min(i64::MAX as u64) as i64);
        self.read(|db| {
            let mut statement = db.prepare_cached(&sql.text)?;
            let rows = statement.query_map(params_from_iter(&sql.values), record)?;
            let mut all = rows.collect::<Result<Vec<_>, _>>()?;
            for project in &mut all {
                project.tags = tags(db, project.number)?;
            }
            Ok(all)
        })
    }

    fn rename_project(&self, number: i64, name: &str, now_ms: i64) -> Result<(), ProjectProblem> {
        let name = name.to_owned();
        self.write(move |db| {
            active(db, number)?;
            let holder: Option<i64> = db
                .prepare_cached("SELECT number FROM projects WHERE name = ?1")?
                .query_row([&name], |row| row.get(0))
                .optional()?;
            if holder.is_some_and(|holder| holder != number) {
                return Err(ProjectProblem::Taken);
            }
            db.prepare_cached("UPDATE projects SET name = ?2, updated_ms = ?3 WHERE number = ?1")?
                .execute((number, &name, now_ms))?;
            Ok(())
        })
    }

    fn mark_project(&self, number: i64, deleted: bool, now_ms: i64) -> Result<(), ProjectProblem> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE projects SET deleted = ?2, updated_ms = ?3 WHERE number = ?1 AND deleted = NOT ?2",
                (number, deleted, now_ms),
            )?;
            if changed == 0 {
                return Err(ProjectProblem::Missing);
            }
            db.execute(
                "UPDATE runs SET deleted = ?2, deleted_ms = ?3 WHERE project = ?1 AND deleted = NOT ?2",
                (number, deleted, deleted.then_some(now_ms)),
            )?;
            Ok(())
        })
    }

    fn tag_project(&self, number: i64, key: &str, value: Option<&str>) -> Result<(), ProjectProblem> {
        let (key, value) = (key.to_owned(), value.map(str::to_owned));
        self.write(move |db| {
            active(db, number)?;
            match value {
                Some(value) => set_tag(db, number, &key, &value)?,
                None => {
                    let gone = db
                        .prepare_cached("DELETE FROM project_tags WHERE project = ?1 AND key = ?2")?
                        .execute((number, &key))?;
                    if gone == 0 {
                        return Err(ProjectProblem::NoTag);
                    }
                }
            }
            Ok(())
        })
    }
}

impl From<rusqlite::Error> for ProjectProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

fn one(db: &Connection, which: &str, value: impl rusqlite::ToSql) -> Result<Option<ProjectRecord>, StoreError> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM projects AS e WHERE {which}"))?
        .query_row([value], record)
        .optional()?;
    let Some(mut project) = found else { return Ok(None) };
    project.tags = tags(db, project.number)?;
    Ok(Some(project))
}

fn record(row: &Row<'_>) -> rusqlite::Result<ProjectRecord> {
    Ok(ProjectRecord {
        number: row.get(0)?,
        key: row.get(1)?,
        name: row.get(2)?,
        artifact_location: row.get(3)?,
        deleted: row.get(4)?,
        created_ms: row.get(5)?,
        updated_ms: row.get(6)?,
        tags: BTreeMap::new(),
    })
}

fn tags(db: &Connection, number: i64) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement = db.prepare_cached("SELECT key, value FROM project_tags WHERE project = ?1")?;
    statement.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn set_tag(db: &Connection, number: i64, key: &str, value: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO project_tags VALUES (?1, ?2, ?3)")?.execute((number, key, value))?;
    Ok(())
}

/// Refuses a project that is missing or in the bin.
fn active(db: &Connection, number: i64) -> Result<(), ProjectProblem> {
    let deleted = db
        .prepare_cached("SELECT deleted FROM projects WHERE number = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    match deleted {
        None => Err(ProjectProblem::Missing),
        Some(true) => Err(ProjectProblem::Deleted),
        Some(false) => Ok(()),
    }
}

fn insert(
    db: &Connection,
    number: Option<i64>,
    key: &str,
    name: &str,
    location: Option<&str>,
    now_ms: i64,
) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "INSERT INTO projects (number, key, name, artifact_location, created_ms, updated_ms)
         VALUES (iif(?1 IN (SELECT number FROM projects), NULL, ?1), ?2, ?3, ?4, ?5, ?5)",
    )?
    .execute((number, key, name, location.unwrap_or_default(), now_ms))?;
    let number = db.last_insert_rowid();
    if location.is_none() {
        db.prepare_cached("UPDATE projects SET artifact_location = 'mlflow-artifacts:/' || number WHERE number = ?1")?
            .execute([number])?;
    }
    Ok(number)
}

fn is_free(db: &Connection, column: &str, text: &str) -> rusqlite::Result<bool> {
    Ok(!db.prepare_cached(&format!("SELECT 1 FROM projects WHERE {column} = ?1"))?.exists([text])?)
}

/// The wish, or the first of what else may be tried that is free.
fn free(db: &Connection, column: &str, wish: &str, other: impl Fn(u32) -> String) -> Result<String, StoreError> {
    if is_free(db, column, wish)? {
        return Ok(wish.to_owned());
    }
    for n in 2..TRIES {
        let tried = other(n);
        if is_free(db, column, &tried)? {
            return Ok(tried);
        }
    }
    Err(StoreError::Unsupported(format!("there are too many projects whose {column} begins with {wish:?}")))
}

#[cfg(test)]
mod tests {
    use weir_core::query::{Condition, Op, Operand, Test};

    use super::*;

    fn new(name: &str, now_ms: i64) -> NewProject {
        NewProject { name: name.into(), now_ms, ..NewProject::default() }
    }

    fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        (folder, catalog)
    }

    #[test]
    fn numbers_begin_behind_the_default_and_names_stay_taken() {
        let (_folder, catalog) = catalog();
        let default = catalog.project(0).unwrap().unwrap();
        assert_eq!((default.name.as_str(), default.key.as_str()), ("Default", "default"));
        assert!(default.created_ms > 1_600_000_000_000);
        let made = catalog.create_project(&new("a", 5)).unwrap();
        assert_eq!((made.number, made.artifact_location.as_str()), (1, "mlflow-artifacts:/1"));
        assert!(matches!(catalog.create_project(&new("a", 6)), Err(ProjectProblem::Taken)));
        catalog.mark_project(1, true, 7).unwrap();
        assert!(matches!(catalog.mark_project(1, true, 7), Err(ProjectProblem::Missing)));
        assert!(matches!(catalog.create_project(&new("a", 6)), Err(ProjectProblem::Taken)));
        assert!(matches!(catalog.rename_project(1, "b", 8), Err(ProjectProblem::Deleted)));
        catalog.mark_project(1, false, 9).unwrap();
        catalog.rename_project(1, "b", 10).unwrap();
        // The key stays; another project of the old name gets another key.
        assert_eq!(catalog.project_of_key("a").unwrap().unwrap().name, "b");
        assert_eq!(catalog.create_project(&new("a", 11)).unwrap().key, "a~2");
        assert!(matches!(catalog.rename_project(2, "b", 12), Err(ProjectProblem::Taken)));
    }

    #[test]
    fn projects_of_spans_appear_once() {
        let (_folder, catalog) = catalog();
        let keys = ["default".to_owned(), "Default".to_owned(), "shop".to_owned(), "shop".to_owned(), String::new()];
        catalog.ensure_projects(&keys).unwrap();
        catalog.ensure_projects(&keys).unwrap();
        let all = catalog.search_projects(&ProjectQuery { limit: 10, ..ProjectQuery::default() }).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(catalog.project_of_key("shop").unwrap().unwrap().name, "shop");
        // The name "Default" is that of the project whose key is "default".
        assert_eq!(catalog.project_of_key("Default").unwrap().unwrap().name, "Default (2)");
    }

    #[test]
    fn searches_filter_and_order() {
        let (_folder, catalog) = catalog();
        for (name, at) in [("x", i64::MAX - 3), ("y", i64::MAX - 2), ("z", i64::MAX - 2)] {
            catalog.create_project(&new(name, at)).unwrap();
        }
        catalog.tag_project(2, "team", Some("a")).unwrap();
        assert!(matches!(catalog.tag_project(2, "none", None), Err(ProjectProblem::NoTag)));
        assert!(matches!(catalog.tag_project(9, "team", Some("a")), Err(ProjectProblem::Missing)));
        let names = |query: ProjectQuery| -> Vec<String> {
            catalog.search_projects(&query).unwrap().into_iter().map(|p| p.name).collect()
        };
        assert_eq!(names(ProjectQuery { limit: 10, ..ProjectQuery::default() }), ["y", "z", "x", "Default"]);
        assert_eq!(names(ProjectQuery { limit: 1, offset: 1, ..ProjectQuery::default() }), ["z"]);
        let by_time = vec![Sort { target: Target::Field("created_ms"), descending: true }];
        assert_eq!(names(ProjectQuery { limit: 2, order: by_time, ..ProjectQuery::default() }), ["z", "y"]);
        let tagged = Condition {
            target: Target::Entry("tags", "team".into()),
            test: Test::Compare(Op::Eq, Operand::Text("a".into())),
        };
        assert_eq!(names(ProjectQuery { limit: 9, conditions: vec![tagged], ..ProjectQuery::default() }), ["y"]);
        let ids = Condition { target: Target::Field("id"), test: Test::In(vec!["1".into(), "3".into()]) };
        assert_eq!(names(ProjectQuery { limit: 9, conditions: vec![ids], ..ProjectQuery::default() }), ["z", "x"]);
        assert_eq!(names(ProjectQuery { limit: 9, stage: Stage::Deleted, ..ProjectQuery::default() }), [""; 0]);
    }
}
