use std::collections::BTreeMap;

use rusqlite::Connection;

use super::SqliteCatalog;
use crate::catalog::{PromptNote, PromptNotes, VersionNote};
use crate::telemetry::StoreError;

impl PromptNotes for SqliteCatalog {
    fn prompt_notes(&self, name: Option<&str>) -> Result<BTreeMap<String, PromptNote>, StoreError> {
        self.read(|db| read(db, name))
    }

    fn put_prompt_note(&self, name: &str, note: PromptNote) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |db| put(db, &name, &note))
    }

    fn delete_prompt_note(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            db.prepare_cached("DELETE FROM prompt_notes WHERE name = ?1")?.execute([name])?;
            Ok(())
        })
    }
}

fn read(db: &Connection, name: Option<&str>) -> Result<BTreeMap<String, PromptNote>, StoreError> {
    let mut all = BTreeMap::new();
    let mut statement = db.prepare_cached(
        "SELECT name, description, created_ms, updated_ms, last_number, tags FROM prompt_notes
         WHERE ?1 IS NULL OR name = ?1",
    )?;
    let mut rows = statement.query([name])?;
    while let Some(row) = rows.next()? {
        let note = PromptNote {
            description: row.get(1)?,
            created_ms: row.get(2)?,
            updated_ms: row.get(3)?,
            last_number: row.get(4)?,
            tags: parsed(&row.get::<_, String>(5)?)?,
            versions: Vec::new(),
        };
        all.insert(row.get(0)?, note);
    }
    let mut statement = db.prepare_cached(
        "SELECT name, number, version, description, updated_ms, tags FROM prompt_version_notes
         WHERE ?1 IS NULL OR name = ?1 ORDER BY name, number",
    )?;
    let mut rows = statement.query([name])?;
    while let Some(row) = rows.next()? {
        let note = VersionNote {
            number: row.get(1)?,
            version: row.get(2)?,
            description: row.get(3)?,
            updated_ms: row.get(4)?,
            tags: parsed(&row.get::<_, String>(5)?)?,
        };
        if let Some(prompt) = all.get_mut(&row.get::<_, String>(0)?) {
            prompt.versions.push(note);
        }
    }
    Ok(all)
}

fn put(db: &Connection, name: &str, note: &PromptNote) -> Result<(), StoreError> {
    // What stands on it goes along.
    db.prepare_cached("DELETE FROM prompt_notes WHERE name = ?1")?.execute([name])?;
    db.prepare_cached("INSERT INTO prompt_notes VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
        name,
        &note.description,
        note.created_ms,
        note.updated_ms,
        note.last_number,
        serde_json::to_string(&note.tags).unwrap_or_default(),
    ))?;
    let mut statement = db.prepare_cached("INSERT INTO prompt_version_notes VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for version in &note.versions {
        let tags = serde_json::to_string(&version.tags).unwrap_or_default();
        statement.execute((name, version.number, &version.version, &version.description, version.updated_ms, tags))?;
    }
    Ok(())
}

fn parsed(json: &str) -> Result<BTreeMap<String, String>, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Incompatible(format!("stored tags cannot be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_kept_whole_and_forgotten_whole() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        let version = |number: i64| VersionNote {
            number,
            version: format!("v{number}.0"),
            tags: [("k".to_owned(), "\"ä".to_owned())].into(),
            ..VersionNote::default()
        };
        let note = PromptNote { last_number: 3, versions: vec![version(1), version(3)], ..PromptNote::default() };
        catalog.put_prompt_note("a", note.clone()).unwrap();
        catalog.put_prompt_note("b", PromptNote::default()).unwrap();
        let less = PromptNote { versions: vec![version(3)], ..note };
        catalog.put_prompt_note("a", less.clone()).unwrap();
        assert_eq!(catalog.prompt_notes(Some("a")).unwrap(), [("a".to_owned(), less)].into());
        assert_eq!(catalog.prompt_notes(None).unwrap().len(), 2);
        catalog.delete_prompt_note("a").unwrap();
        assert_eq!(catalog.prompt_notes(Some("a")).unwrap(), BTreeMap::new());
    }
}
