use rusqlite::{OptionalExtension, Row};

use super::SqliteCatalog;
use crate::catalog::{ScorerRecord, Scorers};
use crate::telemetry::StoreError;

const COLUMNS: &str = "s.id, s.project, s.name, v.version, v.content, v.created_ms";
const FROM: &str = "scorers AS s JOIN scorer_versions AS v ON v.scorer = s.id";

impl Scorers for SqliteCatalog {
    fn add_scorer(&self, project: i64, name: &str, content: &str, now_ms: i64) -> Result<ScorerRecord, StoreError> {
        let (name, content) = (name.to_owned(), content.to_owned());
        self.write(move |db| {
            let found: Option<String> = db
                .prepare_cached("SELECT id FROM scorers WHERE project = ?1 AND name = ?2")?
                .query_row((project, &name), |row| row.get(0))
                .optional()?;
            let id = match found {
                Some(id) => id,
                None => {
                    let id = uuid();
                    db.prepare_cached("INSERT INTO scorers VALUES (?1, ?2, ?3)")?.execute((&id, project, &name))?;
                    id
                }
            };
            let version = db
                .prepare_cached("SELECT coalesce(max(version), 0) + 1 FROM scorer_versions WHERE scorer = ?1")?
                .query_row([&id], |row| row.get(0))?;
            db.prepare_cached("INSERT INTO scorer_versions VALUES (?1, ?2, ?3, ?4)")?
                .execute((&id, version, &content, now_ms))?;
            Ok(ScorerRecord { id, project, name, version, content, created_ms: now_ms })
        })
    }

    fn put_scorer(&self, scorer: &ScorerRecord) -> Result<(), StoreError> {
        let scorer = scorer.clone();
        self.write(move |db| {
            db.prepare_cached("INSERT OR IGNORE INTO scorers VALUES (?1, ?2, ?3)")?.execute((
                &scorer.id,
                scorer.project,
                &scorer.name,
            ))?;
            db.prepare_cached(
                "INSERT OR REPLACE INTO scorer_versions
                 SELECT id, ?3, ?4, ?5 FROM scorers WHERE project = ?1 AND name = ?2",
            )?
            .execute((
                scorer.project,
                &scorer.name,
                scorer.version,
                &scorer.content,
                scorer.created_ms,
            ))?;
            Ok(())
        })
    }

    fn scorers(&self, projects: &[i64]) -> Result<Vec<ScorerRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM {FROM} WHERE s.project = ?1
                 AND v.version = (SELECT max(version) FROM scorer_versions WHERE scorer = s.id) ORDER BY s.name"
            ))?;
            let mut found = Vec::new();
            let mut projects = projects.to_vec();
            projects.sort_unstable();
            projects.dedup();
            for project in projects {
                for scorer in statement.query_map([project], record)? {
                    found.push(scorer?);
                }
            }
            Ok(found)
        })
    }

    fn scorer_versions(&self, project: i64, name: &str) -> Result<Vec<ScorerRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM {FROM} WHERE s.project = ?1 AND s.name = ?2 ORDER BY v.version"
            ))?;
            Ok(statement.query_map((project, name), record)?.collect::<Result<_, _>>()?)
        })
    }

    fn delete_scorer(&self, project: i64, name: &str, version: Option<i64>) -> Result<usize, StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            let deleted = db
                .prepare_cached(
                    "DELETE FROM scorer_versions WHERE (?3 IS NULL OR version = ?3)
                     AND scorer = (SELECT id FROM scorers WHERE project = ?1 AND name = ?2)",
                )?
                .execute((project, &name, version))?;
            if version.is_none() {
                db.prepare_cached("DELETE FROM scorers WHERE project = ?1 AND name = ?2")?.execute((project, &name))?;
            }
            Ok(deleted)
        })
    }
}

/// A new id, written as a UUID.
fn uuid() -> String {
    let hex = weir_core::id::ScoreId::new().to_string();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn record(row: &Row<'_>) -> rusqlite::Result<ScorerRecord> {
    Ok(ScorerRecord {
        id: row.get(0)?,
        project: row.get(1)?,
        name: row.get(2)?,
        version: row.get(3)?,
        content: row.get(4)?,
        created_ms: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_within_a_project() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(dir.path()).unwrap();
        let add = |project, name: &str, content: &str| catalog.add_scorer(project, name, content, 7).unwrap();
        let first = add(1, "tone", "{}");
        let second = add(1, "tone", "{\"a\":1}");
        assert_eq!((first.version, second.version, first.id == second.id), (1, 2, true));
        assert_eq!(add(2, "tone", "{}").version, 1);
        add(1, "ab", "{}");
        let names: Vec<_> =
            catalog.scorers(&[2, 1, 1]).unwrap().into_iter().map(|s| (s.project, s.name, s.version)).collect();
        assert_eq!(names, [(1, "ab".into(), 1), (1, "tone".into(), 2), (2, "tone".into(), 1)]);
        assert_eq!(catalog.delete_scorer(1, "tone", Some(1)).unwrap(), 1);
        assert_eq!(catalog.scorer_versions(1, "tone").unwrap(), std::slice::from_ref(&second));
        assert_eq!(add(1, "tone", "{}").version, 3);
        assert_eq!(catalog.delete_scorer(1, "tone", None).unwrap(), 2);
        assert_eq!(catalog.delete_scorer(1, "tone", None).unwrap(), 0);
        catalog.put_scorer(&second).unwrap();
        catalog.put_scorer(&second).unwrap();
        assert_eq!(catalog.scorer_versions(1, "tone").unwrap(), [second]);
    }
}
