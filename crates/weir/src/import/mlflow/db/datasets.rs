//! Evaluation datasets and their records.

use anyhow::anyhow;
use weir_core::id::ExampleId;
use weir_core::json;
use weir_store::catalog::{DatasetRecord, Example};

use super::{Database, PAGE, page, pair, text};
use crate::import::mlflow::source::{Page, SourceDataset};

/// The member under which MLflow stores outputs.
const WRAPPED: &str = "mlflow_wrapped";

impl Database {
    pub(super) fn evaluation_datasets(&self, after: Option<&str>) -> Page<SourceDataset> {
        let mut all = self.rows(
            "SELECT dataset_id, name, schema, digest, coalesce(created_time, 0), coalesce(last_update_time, 0),
             created_by, last_updated_by FROM evaluation_datasets WHERE dataset_id > ?1 ORDER BY dataset_id LIMIT ?2",
            (after.unwrap_or_default(), PAGE),
            |row| {
                let record = DatasetRecord {
                    name: row.get(1)?,
                    schema: row.get(2)?,
                    digest: text(row, 3)?,
                    created_ms: row.get(4)?,
                    updated_ms: row.get(5)?,
                    created_by: row.get(6)?,
                    updated_by: row.get(7)?,
                    ..DatasetRecord::default()
                };
                Ok(SourceDataset { id: row.get(0)?, record, experiments: Vec::new() })
            },
        )?;
        for dataset in &mut all {
            let tags = "SELECT key, value FROM evaluation_dataset_tags WHERE dataset_id = ?1";
            dataset.record.tags = self.rows(tags, [&dataset.id], pair)?.into_iter().collect();
            let of = self.rows(
                "SELECT destination_id FROM entity_associations WHERE source_type = 'evaluation_dataset'
                 AND source_id = ?1 AND destination_type = 'experiment' ORDER BY created_time, destination_id",
                [&dataset.id],
                |row| row.get::<_, String>(0),
            )?;
            dataset.experiments = of.iter().filter_map(|id| id.parse().ok()).collect();
        }
        page(all, |dataset| dataset.id.clone())
    }

    pub(super) fn examples_of(&self, dataset: &str) -> anyhow::Result<Vec<Example>> {
        let found = self.rows(
            "SELECT dataset_record_id, inputs, outputs, expectations, tags, source, coalesce(created_time, 0),
             coalesce(last_update_time, 0), created_by, last_updated_by
             FROM evaluation_dataset_records WHERE dataset_id = ?1",
            [dataset],
            |row| {
                let json =
                    |n: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(n)?.filter(|json| json != "null"));
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
}

fn unwrapped(outputs: &str) -> Option<String> {
    let members = json::members(outputs)?;
    members.into_iter().find(|(name, _)| name == WRAPPED).map(|(_, value)| value.to_owned())
}
