//! Experiments: projects here. A project of the same name is taken for the same one; ids stay where they are free.

use std::collections::BTreeMap;

use weir_store::catalog::{NewProject, ProjectRecord, Projects};

use super::{Import, pair};
use crate::import::Kind;

/// Places that clients reach without the server: they stay. Others become the server's own.
const REMOTE: [&str; 6] = ["s3://", "gs://", "wasbs://", "abfss://", "hdfs://", "dbfs:/"];

pub(super) fn import(import: &mut Import<'_>) -> anyhow::Result<Kind> {
    let mut kind = Kind::new("experiments");
    let all = import.rows(
        "SELECT experiment_id, name, artifact_location, lifecycle_stage = 'deleted', coalesce(creation_time, 0)
         FROM experiments ORDER BY experiment_id",
        [],
        |row| {
            Ok(ProjectRecord {
                number: row.get(0)?,
                name: row.get(1)?,
                artifact_location: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                deleted: row.get(3)?,
                created_ms: row.get(4)?,
                ..ProjectRecord::default()
            })
        },
    )?;
    let total = all.len() as u64;
    for (n, mut there) in all.into_iter().enumerate() {
        let tags =
            import.rows("SELECT key, value FROM experiment_tags WHERE experiment_id = ?1", [there.number], pair)?;
        there.tags = tags.into_iter().collect();
        kind.there(there.name.as_str(), &text(&there));
        let known = import.catalog.project_named(&there.name)?;
        let here = match known {
            Some(here) => here,
            None => import.catalog.create_project(&NewProject {
                number: Some(there.number),
                name: there.name.clone(),
                artifact_location: REMOTE
                    .iter()
                    .any(|scheme| there.artifact_location.starts_with(scheme))
                    .then(|| there.artifact_location.clone()),
                tags: BTreeMap::new(),
                now_ms: there.created_ms,
            })?,
        };
        if !here.deleted {
            for (key, value) in &there.tags {
                if !here.tags.contains_key(key) {
                    import.catalog.tag_project(here.number, key, Some(value))?;
                }
            }
        }
        import.numbers.insert(there.number, here.number);
        import.progress.at("experiments", n as u64 + 1, total);
    }
    // Marked at the end, as what is marked takes no more runs: see `runs`.
    import.progress.done("experiments", total);
    for number in import.numbers.values() {
        if let Some(here) = import.catalog.project(*number)? {
            kind.here(here.name.as_str(), &text(&here));
        }
    }
    Ok(kind)
}

fn text(project: &ProjectRecord) -> String {
    format!("{:?} {:?}", project.name, project.tags)
}
