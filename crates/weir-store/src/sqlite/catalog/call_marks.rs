use std::collections::HashMap;

use rusqlite::Connection;
use weir_core::id::RunId;

use super::SqliteCatalog;
use crate::catalog::{CallMark, CallMarks};
use crate::telemetry::StoreError;

impl CallMarks for SqliteCatalog {
    fn call_marks(&self, runs: &[RunId]) -> Result<HashMap<RunId, CallMark>, StoreError> {
        self.read(|db| {
            let mut marks: HashMap<RunId, CallMark> = HashMap::new();
            let mut deleted = db.prepare_cached("SELECT deleted FROM call_marks WHERE run = ?1 AND deleted")?;
            let mut tags = db.prepare_cached("SELECT key, value FROM call_tags WHERE run = ?1")?;
            for run in runs {
                if deleted.exists([run.0])? {
                    marks.entry(*run).or_default().deleted = true;
                }
                let mut rows = tags.query([run.0])?;
                while let Some(row) = rows.next()? {
                    marks.entry(*run).or_default().tags.insert(row.get(0)?, row.get(1)?);
                }
            }
            Ok(marks)
        })
    }

    fn deleted_calls(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read(|db| ids(db, "SELECT run FROM call_marks WHERE deleted = ?1 LIMIT ?2", 1, limit))
    }

    fn calls_tagged(&self, key: &str, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read(|db| ids(db, "SELECT run FROM call_tags WHERE key = ?1 LIMIT ?2", key, limit))
    }

    fn mark_call(&self, run: RunId, deleted: bool) -> Result<(), StoreError> {
        self.write(move |db| {
            db.prepare_cached("INSERT OR REPLACE INTO call_marks VALUES (?1, ?2)")?.execute((run.0, deleted))?;
            Ok(())
        })
    }

    fn tag_call(&self, run: RunId, tags: Vec<(String, Option<String>)>) -> Result<(), StoreError> {
        self.write(move |db| {
            let mut set = db.prepare_cached("INSERT OR REPLACE INTO call_tags VALUES (?1, ?2, ?3)")?;
            for (key, value) in &tags {
                set.execute((run.0, key, value))?;
            }
            Ok(())
        })
    }
}

fn ids(db: &Connection, sql: &str, which: impl rusqlite::ToSql, limit: usize) -> Result<Vec<RunId>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((which, limit as i64), |row| Ok(RunId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_by_run_and_by_tag() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        let (a, b) = (RunId::new(), RunId::new());
        catalog.tag_call(a, vec![("k".into(), Some("v".into())), ("gone".into(), None)]).unwrap();
        catalog.mark_call(b, true).unwrap();
        let marks = catalog.call_marks(&[a, b, RunId::new()]).unwrap();
        assert_eq!(marks.len(), 2);
        assert_eq!(marks[&a].tags["gone"], None);
        assert!(marks[&b].deleted && !marks[&a].deleted);
        assert_eq!(catalog.calls_tagged("k", 9).unwrap(), [a]);
        assert_eq!(catalog.deleted_calls(9).unwrap(), [b]);
        catalog.mark_call(b, false).unwrap();
        assert!(catalog.deleted_calls(9).unwrap().is_empty() && catalog.call_marks(&[b]).unwrap().is_empty());
    }
}
