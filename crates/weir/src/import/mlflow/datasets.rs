//! Evaluation datasets with their records. Ids stay.

use anyhow::anyhow;
use weir_core::id::{DatasetId, ExampleId};
use weir_core::json;
use weir_store::catalog::{DatasetRecord, Datasets, Example, ExampleQuery};

use super::{Import, pair};
use crate::import::Kind;

/// The member under which MLflow stores outputs.
const WRAPPED: &str = "mlflow_wrapped";

pub(super) fn import(import: &Import<'_>) -> anyhow::Result<Kind> {
    let mut kind = Kind::new("datasets");
    let all = import.rows(
        "SELECT dataset_id, name, schema, digest, coalesce(created_time, 0), coalesce(last_update_time, 0), created_by,
         last_updated_by FROM evaluation_datasets ORDER BY dataset_id",
        [],
        |row| {
            let dataset = DatasetRecord {
                name: row.get(1)?,
                schema: row.get(2)?,
                digest: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                created_ms: row.get(4)?,
                updated_ms: row.get(5)?,
                created_by: row.get(6)?,
                updated_by: row.get(7)?,
                ..DatasetRecord::default()
            };
            Ok((row.get::<_, String>(0)?, dataset))
        },
    )?;
    let total = all.len() as u64;
    for (name, mut there) in all {
        there.id = name
            .strip_prefix("d-")
            .and_then(DatasetId::parse)
            .ok_or_else(|| anyhow!("{name:?} is no id of a dataset"))?;
        let tags =
            import.rows("SELECT key, value FROM evaluation_dataset_tags WHERE dataset_id = ?1", [&name], pair)?;
        there.tags = tags.into_iter().collect();
        let mut examples = records(import, &name)?;
        // In the order in which they are read here.
        examples.sort_by_key(|example| (example.created_ms, example.id));
        there.examples = examples.len() as i64;
        let projects = projects(import, &name)?;
        let text = text(&there, &projects, &examples);
        kind.there(name.as_str(), &text);
        if here(import, there.id)?.as_deref() != Some(text.as_str()) {
            import.catalog.put_dataset(&there, &projects, examples)?;
        }
        if let Some(here) = here(import, there.id)? {
            kind.here(name, &here);
        }
    }
    import.progress.done("datasets", total);
    Ok(kind)
}

fn projects(import: &Import<'_>, dataset: &str) -> anyhow::Result<Vec<i64>> {
    let ids = import.rows(
        "SELECT destination_id FROM entity_associations WHERE source_type = 'evaluation_dataset' AND source_id = ?1
         AND destination_type = 'experiment' ORDER BY created_time, destination_id",
        [dataset],
        |row| row.get::<_, String>(0),
    )?;
    Ok(ids.iter().filter_map(|id| import.numbers.get(&id.parse().ok()?).copied()).collect())
}

fn records(import: &Import<'_>, dataset: &str) -> anyhow::Result<Vec<Example>> {
    let found = import.rows(
        "SELECT dataset_record_id, inputs, outputs, expectations, tags, source, coalesce(created_time, 0),
         coalesce(last_update_time, 0), created_by, last_updated_by FROM evaluation_dataset_records WHERE dataset_id = ?1",
        [dataset],
        |row| {
            let json = |n: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(n)?.filter(|json| json != "null"));
            let example = Example {
                inputs: json(1)?.unwrap_or_else(|| "{}".to_owned()),
                outputs: Some(json(2)?.as_deref().and_then(unwrapped).unwrap_or_else(|| "null".to_owned())),
                expected: json(3)?,
                metadata: json(4)?,
                source: json(5)?,
                created_ms: row.get(6)?,
                updated_ms: row.get(7)?,
                created_by: row.get(8)?,
                updated_by: row.get(9)?,
                ..Example::default()
            };
            Ok((row.get::<_, String>(0)?, example))
        },
    )?;
    let with_id = |(name, mut example): (String, Example)| {
        let id = name.strip_prefix("dr-").and_then(ExampleId::parse);
        example.id = id.ok_or_else(|| anyhow!("{name:?} is no id of a record"))?;
        Ok(example)
    };
    found.into_iter().map(with_id).collect()
}

fn unwrapped(outputs: &str) -> Option<String> {
    let members = json::members(outputs)?;
    members.into_iter().find(|(name, _)| name == WRAPPED).map(|(_, value)| value.to_owned())
}

/// The dataset of an id as it is here.
fn here(import: &Import<'_>, id: DatasetId) -> anyhow::Result<Option<String>> {
    let Some(dataset) = import.catalog.dataset(id)? else { return Ok(None) };
    let all = ExampleQuery { dataset: id, revision: None, after: None, limit: usize::MAX };
    let examples = import.catalog.examples(&all)?;
    Ok(Some(text(&dataset, &import.catalog.dataset_projects(id)?, &examples)))
}

fn text(dataset: &DatasetRecord, projects: &[i64], examples: &[Example]) -> String {
    let whole = DatasetRecord { revision: 0, ..dataset.clone() };
    format!("{whole:?} {projects:?} {examples:?}")
}
