mod examples;
mod schema;

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use sha2::{Digest, Sha256};
use weir_core::id::{DatasetId, ExampleId, from_significant, significant};
use weir_core::query::{Sort, Target};

use super::SqliteCatalog;
use super::compile::{Entries, Shape, Sql};
use crate::catalog::{
    DatasetQuery, DatasetRecord, Datasets, Example, ExampleQuery, ExampleWrite, ExamplesPut, NewDataset,
};
use crate::telemetry::StoreError;

const SHAPE: Shape = Shape {
    fields: &[
        ("id", "e.id"),
        ("name", "e.name"),
        ("created_ms", "e.created_ms"),
        ("updated_ms", "e.updated_ms"),
        ("created_by", "e.created_by"),
        ("updated_by", "e.updated_by"),
    ],
    entries: &[(
        "tags",
        Entries { from: "dataset_tags AS k WHERE k.dataset = e.id", key_is: "k.key = ?", value: "k.value", rank: None },
    )],
    related: &[],
};

const COLUMNS: &str = "e.id, e.name, e.schema, e.digest, e.revision, e.created_ms, e.updated_ms, e.created_by, \
                       e.updated_by, (SELECT count(*) FROM examples AS x WHERE x.dataset = e.id AND x.ended IS NULL)";

impl Datasets for SqliteCatalog {
    fn create_dataset(&self, new: &NewDataset) -> Result<DatasetRecord, StoreError> {
        let new = new.clone();
        self.write(move |db| {
            let dataset = DatasetRecord {
                id: DatasetId::new(),
                digest: digest(&new.name, new.now_ms),
                name: new.name,
                tags: new.tags,
                created_ms: new.now_ms,
                updated_ms: new.now_ms,
                created_by: new.user.clone(),
                updated_by: new.user,
                ..DatasetRecord::default()
            };
            insert(db, &dataset, &new.projects)?;
            Ok(dataset)
        })
    }

    fn put_dataset(&self, dataset: &DatasetRecord, projects: &[i64], all: Vec<Example>) -> Result<(), StoreError> {
        let mut dataset = dataset.clone();
        dataset.revision = i64::from(!all.is_empty());
        let projects = projects.to_vec();
        self.write(move |db| {
            delete(db, dataset.id)?;
            insert(db, &dataset, &projects)?;
            if dataset.revision > 0 {
                revise(db, dataset.id, dataset.updated_ms)?;
            }
            for example in &all {
                examples::insert(db, dataset.id, example, dataset.revision)?;
            }
            Ok(())
        })
    }

    fn dataset(&self, id: DatasetId) -> Result<Option<DatasetRecord>, StoreError> {
        self.read(|db| one(db, id))
    }

    fn search_datasets(&self, query: &DatasetQuery) -> Result<Vec<DatasetRecord>, StoreError> {
        let mut sql = Sql::default();
        sql.push("SELECT ").push(COLUMNS).push(" FROM datasets AS e WHERE ");
        sql.push(if query.projects.is_empty() {
            "1"
        } else {
            "e.id IN (SELECT dataset FROM dataset_projects WHERE project IN ("
        });
        for (n, project) in query.projects.iter().enumerate() {
            sql.push(if n == 0 { "?" } else { ", ?" }).bind(*project);
        }
        sql.push(if query.projects.is_empty() { "" } else { "))" });
        sql.conditions(&SHAPE, &query.conditions)?.push(" ORDER BY ");
        let by = |field| Sort { target: Target::Field(field), descending: true };
        let mut order = query.order.clone();
        if order.is_empty() {
            order.push(by("created_ms"));
        }
        order.push(by("id"));
        sql.order(&SHAPE, &order)?.push(" LIMIT ? OFFSET ?");
        sql.bind(query.limit as i64).bind(query.offset.min(i64::MAX as u64) as i64);
        self.read(|db| {
            let mut statement = db.prepare_cached(&sql.text)?;
            let mut rows = statement.query(params_from_iter(&sql.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(record(db, row)?);
            }
            Ok(found)
        })
    }

    fn delete_dataset(&self, id: DatasetId) -> Result<bool, StoreError> {
        self.write(move |db| delete(db, id))
    }

    fn tag_dataset(&self, id: DatasetId, tags: &[(String, Option<String>)]) -> Result<bool, StoreError> {
        let tags = tags.to_vec();
        self.write(move |db| {
            if !is_there(db, id)? {
                return Ok(false);
            }
            for (key, value) in &tags {
                match value {
                    Some(value) => set_tag(db, id, key, value)?,
                    None => {
                        db.prepare_cached("DELETE FROM dataset_tags WHERE dataset = ?1 AND key = ?2")?
                            .execute((significant(&id.0), key))?;
                    }
                }
            }
            Ok(true)
        })
    }

    fn dataset_projects(&self, id: DatasetId) -> Result<Vec<i64>, StoreError> {
        self.read(|db| {
            let mut statement =
                db.prepare_cached("SELECT project FROM dataset_projects WHERE dataset = ?1 ORDER BY place")?;
            Ok(statement.query_map([significant(&id.0)], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    fn link_dataset(
        &self,
        id: DatasetId,
        projects: &[i64],
        linked: bool,
        now_ms: i64,
    ) -> Result<Option<DatasetRecord>, StoreError> {
        let projects = projects.to_vec();
        self.write(move |db| {
            if !is_there(db, id)? {
                return Ok(None);
            }
            let mut changed = 0;
            for project in projects {
                changed += if linked {
                    link(db, id, project)?
                } else {
                    db.prepare_cached("DELETE FROM dataset_projects WHERE dataset = ?1 AND project = ?2")?
                        .execute((significant(&id.0), project))?
                };
            }
            if linked || changed > 0 {
                db.prepare_cached("UPDATE datasets SET updated_ms = ?2 WHERE id = ?1")?
                    .execute((significant(&id.0), now_ms))?;
            }
            one(db, id)
        })
    }

    fn put_examples(
        &self,
        id: DatasetId,
        writes: Vec<ExampleWrite>,
        now_ms: i64,
    ) -> Result<Option<ExamplesPut>, StoreError> {
        self.write(move |db| {
            let Some(dataset) = one(db, id)? else { return Ok(None) };
            let revision = revise(db, id, now_ms)?;
            let mut put = ExamplesPut::default();
            for write in &writes {
                if examples::merge(db, id, write, revision, now_ms)? {
                    put.updated += 1;
                } else {
                    put.inserted += 1;
                }
            }
            let user = writes.iter().rev().find_map(|write| write.user.as_deref());
            let schema = schema::extended(dataset.schema.as_deref(), &writes);
            db.prepare_cached(
                "UPDATE datasets SET schema = ?2, digest = ?3, updated_ms = ?4, updated_by = ?5 WHERE id = ?1",
            )?
            .execute((significant(&id.0), schema, digest(&dataset.name, now_ms), now_ms, user))?;
            Ok(Some(put))
        })
    }

    fn examples(&self, query: &ExampleQuery) -> Result<Vec<Example>, StoreError> {
        self.read(|db| examples::page(db, query))
    }

    fn delete_examples(&self, id: DatasetId, ids: &[ExampleId], now_ms: i64) -> Result<i64, StoreError> {
        let ids = ids.to_vec();
        self.write(move |db| {
            if !is_there(db, id)? {
                return Ok(0);
            }
            let revision = revise(db, id, now_ms)?;
            let mut ended = 0;
            for example in &ids {
                ended += examples::end(db, id, *example, revision)?;
            }
            Ok(ended as i64)
        })
    }
}

/// The first digits of a hash of a dataset's name and the time of its last write.
fn digest(name: &str, at_ms: i64) -> String {
    let hash = Sha256::digest(format!("{name}:{at_ms}"));
    hash[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn insert(db: &Connection, dataset: &DatasetRecord, projects: &[i64]) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO datasets VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)")?.execute((
        significant(&dataset.id.0),
        &dataset.name,
        &dataset.schema,
        &dataset.digest,
        dataset.created_ms,
        dataset.updated_ms,
        &dataset.created_by,
        &dataset.updated_by,
    ))?;
    for (key, value) in &dataset.tags {
        set_tag(db, dataset.id, key, value)?;
    }
    for project in projects {
        link(db, dataset.id, *project)?;
    }
    Ok(())
}

fn delete(db: &Connection, id: DatasetId) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("DELETE FROM datasets WHERE id = ?1")?.execute([significant(&id.0)])? > 0)
}

fn set_tag(db: &Connection, id: DatasetId, key: &str, value: &str) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO dataset_tags VALUES (?1, ?2, ?3)")?.execute((
        significant(&id.0),
        key,
        value,
    ))?;
    Ok(())
}

fn link(db: &Connection, id: DatasetId, project: i64) -> Result<usize, StoreError> {
    Ok(db
        .prepare_cached("INSERT OR IGNORE INTO dataset_projects (dataset, project) VALUES (?1, ?2)")?
        .execute((significant(&id.0), project))?)
}

/// Begins the next revision; its number.
fn revise(db: &Connection, id: DatasetId, now_ms: i64) -> Result<i64, StoreError> {
    let key = significant(&id.0);
    let number = db
        .prepare_cached("UPDATE datasets SET revision = revision + 1 WHERE id = ?1 RETURNING revision")?
        .query_row([key], |row| row.get(0))?;
    db.prepare_cached("INSERT INTO dataset_revisions VALUES (?1, ?2, ?3)")?.execute((key, number, now_ms))?;
    Ok(number)
}

fn is_there(db: &Connection, id: DatasetId) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("SELECT 1 FROM datasets WHERE id = ?1")?.exists([significant(&id.0)])?)
}

fn one(db: &Connection, id: DatasetId) -> Result<Option<DatasetRecord>, StoreError> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM datasets AS e WHERE e.id = ?1"))?
        .query_row([significant(&id.0)], |row| Ok(record(db, row)))
        .optional()?
        .transpose()
}

fn record(db: &Connection, row: &Row<'_>) -> Result<DatasetRecord, StoreError> {
    let id: Vec<u8> = row.get(0)?;
    let mut statement = db.prepare_cached("SELECT key, value FROM dataset_tags WHERE dataset = ?1")?;
    let tags = statement.query_map([&id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(DatasetRecord {
        id: DatasetId(id_of(&id)?),
        name: row.get(1)?,
        tags: tags.collect::<Result<BTreeMap<_, _>, _>>()?,
        schema: row.get(2)?,
        digest: row.get(3)?,
        revision: row.get(4)?,
        created_ms: row.get(5)?,
        updated_ms: row.get(6)?,
        created_by: row.get(7)?,
        updated_by: row.get(8)?,
        examples: row.get(9)?,
    })
}

fn id_of(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    from_significant(bytes).ok_or_else(|| StoreError::Unavailable("an id in the catalog cannot be read".into()))
}

#[cfg(test)]
mod tests;
