//! Evaluation datasets and their records.

use anyhow::{Context, anyhow};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use weir_core::id::ExampleId;
use weir_store::catalog::{DatasetRecord, Example};

use super::Server;
use super::values::{int, list, maybe, text, token};
use crate::import::mlflow::source::{Page, SourceDataset};

const API: &str = "api/3.0/mlflow/datasets";
/// Things of one page.
const PAGE: u64 = 500;

/// A record as the server's text of records has it; what is JSON stays as it is written.
#[derive(serde::Deserialize)]
struct Record {
    dataset_record_id: String,
    #[serde(default)]
    inputs: Option<Box<RawValue>>,
    #[serde(default)]
    outputs: Option<Box<RawValue>>,
    #[serde(default)]
    expectations: Option<Box<RawValue>>,
    #[serde(default)]
    tags: Option<Box<RawValue>>,
    #[serde(default)]
    source: Option<Box<RawValue>>,
    #[serde(default)]
    created_time: i64,
    #[serde(default)]
    last_update_time: i64,
    #[serde(default)]
    created_by: Option<String>,
    #[serde(default)]
    last_updated_by: Option<String>,
}

impl Server {
    pub(super) fn evaluation_datasets(&self, page: Option<&str>) -> Page<SourceDataset> {
        let page = page.unwrap_or_default();
        let body = json!({"max_results": PAGE, "page_token": page});
        let mut answer = self.client.post(&format!("{API}/search"), &body)?;
        let mut all = Vec::new();
        for dataset in list(&mut answer, "datasets") {
            let id = text(&dataset, "dataset_id");
            let said = self.client.get(&format!("{API}/{id}/experiment-ids"), &[])?;
            let of = said["experiment_ids"].as_array().into_iter().flatten();
            let tags: serde_json::Map<String, Value> =
                serde_json::from_str(&text(&dataset, "tags")).unwrap_or_default();
            let tag = |(key, value): (String, Value)| (key, value.as_str().unwrap_or_default().to_owned());
            let record = DatasetRecord {
                name: text(&dataset, "name"),
                schema: maybe(&dataset, "schema"),
                digest: text(&dataset, "digest"),
                created_ms: int(&dataset, "created_time"),
                updated_ms: int(&dataset, "last_update_time"),
                created_by: maybe(&dataset, "created_by"),
                updated_by: maybe(&dataset, "last_updated_by"),
                tags: tags.into_iter().map(tag).collect(),
                ..DatasetRecord::default()
            };
            let experiments = of.filter_map(|id| id.as_str()?.parse().ok()).collect();
            all.push(SourceDataset { id, record, experiments });
        }
        Ok((all, token(&answer, page)))
    }

    pub(super) fn examples_of(&self, dataset: &str) -> anyhow::Result<Vec<Example>> {
        let (mut all, mut sent, most) = (Vec::new(), String::new(), PAGE.to_string());
        loop {
            let mut query = vec![("max_results", most.as_str())];
            query.extend(Some(("page_token", sent.as_str())).filter(|_| !sent.is_empty()));
            let answer = self.client.get(&format!("{API}/{dataset}/records"), &query)?;
            let records = text(&answer, "records");
            let records: Vec<Record> = if records.is_empty() {
                Vec::new()
            } else {
                serde_json::from_str(&records).with_context(|| format!("the records of {dataset} cannot be read"))?
            };
            for record in records {
                all.push(example(record)?);
            }
            match token(&answer, &sent) {
                Some(token) => sent = token,
                None => return Ok(all),
            }
        }
    }
}

fn example(record: Record) -> anyhow::Result<Example> {
    let id = record.dataset_record_id.strip_prefix("dr-").and_then(ExampleId::parse);
    let json = |raw: Option<Box<RawValue>>| raw.map(|raw| raw.get().to_owned()).filter(|json| json != "null");
    Ok(Example {
        id: id.ok_or_else(|| anyhow!("{:?} is no id of a record", record.dataset_record_id))?,
        inputs: json(record.inputs).unwrap_or_else(|| "{}".to_owned()),
        outputs: Some(json(record.outputs).unwrap_or_else(|| "null".to_owned())),
        expected: json(record.expectations),
        metadata: json(record.tags),
        source: json(record.source),
        created_ms: record.created_time,
        updated_ms: record.last_update_time,
        created_by: record.created_by,
        updated_by: record.last_updated_by,
    })
}
