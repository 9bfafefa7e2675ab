use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use weir_core::prompt::{PromptContent, PromptVersion};

use super::SqliteCatalog;
use crate::catalog::{PromptRecord, Prompts, Put};
use crate::telemetry::StoreError;

impl Prompts for SqliteCatalog {
    fn prompts(&self) -> Result<Vec<PromptRecord>, StoreError> {
        self.transact(|db| {
            let mut all: BTreeMap<String, PromptRecord> = BTreeMap::new();
            let mut statement = db.prepare_cached("SELECT name, description FROM prompts")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                all.insert(name.clone(), PromptRecord { name, description: row.get(1)?, ..PromptRecord::default() });
            }
            let mut statement = db.prepare_cached(
                "SELECT v.name, v.version, c.content, v.defaults, v.message, v.created_us FROM prompt_versions AS v
                 JOIN prompt_contents AS c ON c.hash = v.hash ORDER BY v.created_us, v.version",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let version = PromptVersion {
                    version: row.get(1)?,
                    content: parsed(&row.get::<_, String>(2)?)?,
                    defaults: parsed(&row.get::<_, String>(3)?)?,
                    message: row.get(4)?,
                    created_us: row.get(5)?,
                };
                if let Some(prompt) = all.get_mut(&name) {
                    prompt.versions.push(version);
                }
            }
            let mut statement = db.prepare_cached("SELECT name, label, version FROM prompt_labels")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(prompt) = all.get_mut(&row.get::<_, String>(0)?) {
                    prompt.labels.insert(row.get(1)?, row.get(2)?);
                }
            }
            Ok(all.into_values().collect())
        })
    }

    fn put_version(
        &self,
        name: &str,
        description: Option<&str>,
        version: &PromptVersion,
        labels: &[String],
    ) -> Result<Put, StoreError> {
        self.transact(|db| {
            db.execute(
                "INSERT INTO prompts (name, description) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET description = coalesce(excluded.description, description)",
                (name, description),
            )?;
            let hash = keep(db, &version.content)?;
            let defaults = serde_json::to_string(&version.defaults).unwrap_or_default();
            let before: Option<(String, String)> = db
                .query_row(
                    "SELECT hash, defaults FROM prompt_versions WHERE name = ?1 AND version = ?2",
                    (name, &version.version),
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let put = match before {
                Some((was, with)) if (&was, &with) == (&hash, &defaults) => Put::Same,
                Some(_) => return Ok(Put::Conflict),
                None => {
                    db.execute(
                        "INSERT INTO prompt_versions VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        (name, &version.version, &hash, &defaults, &version.message, version.created_us),
                    )?;
                    Put::Created
                }
            };
            for label in labels {
                db.execute(
                    "INSERT OR REPLACE INTO prompt_labels VALUES (?1, ?2, ?3)",
                    (name, label, &version.version),
                )?;
            }
            Ok(put)
        })
    }

    fn set_label(&self, name: &str, label: &str, version: Option<&str>) -> Result<bool, StoreError> {
        self.transact(|db| {
            let changed = match version {
                Some(version) => db.execute(
                    "INSERT OR REPLACE INTO prompt_labels
                     SELECT name, ?2, version FROM prompt_versions WHERE name = ?1 AND version = ?3",
                    (name, label, version),
                )?,
                None => db.execute("DELETE FROM prompt_labels WHERE name = ?1 AND label = ?2", (name, label))?,
            };
            Ok(changed > 0)
        })
    }

    fn delete_prompt_version(&self, name: &str, version: &str) -> Result<bool, StoreError> {
        self.transact(|db| {
            db.execute("DELETE FROM prompt_labels WHERE name = ?1 AND version = ?2", (name, version))?;
            Ok(db.execute("DELETE FROM prompt_versions WHERE name = ?1 AND version = ?2", (name, version))? > 0)
        })
    }

    fn delete_prompt(&self, name: &str) -> Result<bool, StoreError> {
        self.transact(|db| {
            db.execute("DELETE FROM prompt_labels WHERE name = ?1", [name])?;
            db.execute("DELETE FROM prompt_versions WHERE name = ?1", [name])?;
            Ok(db.execute("DELETE FROM prompts WHERE name = ?1", [name])? > 0)
        })
    }

    fn keep_content(&self, content: &PromptContent) -> Result<(), StoreError> {
        self.transact(|db| keep(db, content).map(|_| ()))
    }

    fn content(&self, hash: &str) -> Result<Option<PromptContent>, StoreError> {
        let json: Option<String> = self
            .db
            .lock()
            .query_row("SELECT content FROM prompt_contents WHERE hash = ?1", [hash], |row| row.get(0))
            .optional()?;
        json.map(|json| parsed(&json)).transpose()
    }
}

fn keep(db: &Connection, content: &PromptContent) -> Result<String, StoreError> {
    let hash = content.hash();
    let json = serde_json::to_string(content).unwrap_or_default();
    db.execute("INSERT OR IGNORE INTO prompt_contents (hash, content) VALUES (?1, ?2)", (&hash, json))?;
    Ok(hash)
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Incompatible(format!("a stored prompt cannot be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::prompt::{PromptDefaults, PromptRole, TemplateBody, TemplateFormat};

    fn version(name: &str, template: &str) -> PromptVersion {
        PromptVersion {
            version: name.into(),
            content: PromptContent {
                format: TemplateFormat::Jinja2,
                body: TemplateBody::Text { role: PromptRole::User, template: template.into() },
            },
            defaults: PromptDefaults::default(),
            message: None,
            created_us: 7,
        }
    }

    #[test]
    fn versions_never_change_and_labels_move() {
        let folder = tempfile::tempdir().unwrap();
        let labels = ["production".to_owned()];
        {
            let catalog = SqliteCatalog::open(folder.path()).unwrap();
            assert_eq!(catalog.put_version("greet", Some("x"), &version("v1", "Hi"), &labels).unwrap(), Put::Created);
            assert_eq!(catalog.put_version("greet", None, &version("v1", "Hi"), &[]).unwrap(), Put::Same);
            assert_eq!(catalog.put_version("greet", None, &version("v1", "Ho"), &labels).unwrap(), Put::Conflict);
            assert_eq!(catalog.put_version("greet", None, &version("v2", "Ho"), &[]).unwrap(), Put::Created);
            assert!(catalog.set_label("greet", "production", Some("v2")).unwrap());
            assert!(catalog.set_label("greet", "staging", Some("v1")).unwrap());
            assert!(!catalog.set_label("greet", "staging", Some("v9")).unwrap());
            assert!(catalog.set_label("greet", "staging", None).unwrap());
        }
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        let all = catalog.prompts().unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].description.as_deref(), Some("x"));
        assert_eq!(all[0].versions, [version("v1", "Hi"), version("v2", "Ho")]);
        assert_eq!(all[0].labels.iter().collect::<Vec<_>>(), [(&"production".to_owned(), &"v2".to_owned())]);
        let content = version("v1", "Hi").content;
        assert_eq!(catalog.content(&content.hash()).unwrap(), Some(content));
        assert_eq!(catalog.content("0").unwrap(), None);
        assert!(catalog.delete_prompt_version("greet", "v2").unwrap());
        assert!(!catalog.delete_prompt_version("greet", "v2").unwrap());
        let left = catalog.prompts().unwrap().remove(0);
        assert_eq!((left.versions, left.labels.len()), (vec![version("v1", "Hi")], 0), "its label went with it");
        assert!(catalog.delete_prompt("greet").unwrap() && catalog.prompts().unwrap().is_empty());
        assert!(catalog.content(&version("v2", "Ho").content.hash()).unwrap().is_some(), "calls still show it");
    }
}
