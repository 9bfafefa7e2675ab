//! Datasets and their records as MLflow shows them.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use weir_core::id::{DatasetId, ExampleId};
use weir_core::json;
use weir_store::catalog::{DatasetRecord, Example};

use crate::mlflow::wire::dumps;

/// A dataset. What is JSON within is a text.
#[derive(Serialize)]
pub(super) struct Form<'a> {
    dataset_id: String,
    name: &'a str,
    tags: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    digest: &'a str,
    created_time: i64,
    last_update_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    experiment_ids: Vec<String>,
}

impl<'a> Form<'a> {
    pub(super) fn of(dataset: &'a DatasetRecord, projects: &[i64]) -> Self {
        let schema = dataset.schema.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        Self {
            dataset_id: dataset_id(dataset.id),
            name: &dataset.name,
            tags: dumps(&dataset.tags),
            schema: schema.map(|schema| dumps(&schema)),
            profile: (dataset.examples > 0).then(|| dumps(&json!({ "num_records": dataset.examples }))),
            digest: &dataset.digest,
            created_time: dataset.created_ms,
            last_update_time: dataset.updated_ms,
            created_by: dataset.created_by.as_deref(),
            last_updated_by: dataset.updated_by.as_deref(),
            experiment_ids: projects.iter().map(i64::to_string).collect(),
        }
    }
}

/// The texts of records, as a list.
pub(super) fn records(dataset: DatasetId, examples: &[Example]) -> String {
    let all: Vec<_> = examples.iter().map(|example| record(dataset, example)).collect();
    format!("[{}]", all.join(", "))
}

/// A record as JSON. What came as JSON goes as the same text.
fn record(dataset: DatasetId, example: &Example) -> String {
    let text = |text: &str| json::quoted(text);
    let part = |part: &Option<String>| part.clone().filter(|part| part != "null");
    let members = [
        ("dataset_record_id", Some(text(&record_id(example.id)))),
        ("dataset_id", Some(text(&dataset_id(dataset)))),
        ("inputs", Some(example.inputs.clone())),
        // Nothing said is an empty object; null, said, is nothing.
        ("outputs", part(&Some(example.outputs.clone().unwrap_or_else(|| "{}".to_owned())))),
        ("expectations", part(&example.expected)),
        ("tags", Some(part(&example.metadata).unwrap_or_else(|| "{}".to_owned()))),
        ("source", part(&example.source)),
        ("source_id", source(example).and_then(|(_, id)| id).map(|id| text(&id))),
        ("source_type", source(example).map(|(kind, _)| text(&kind))),
        ("created_by", example.created_by.as_deref().map(text)),
        ("last_updated_by", example.updated_by.as_deref().map(text)),
        ("created_time", Some(example.created_ms.to_string())),
        ("last_update_time", Some(example.updated_ms.to_string())),
    ];
    json::object(members.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

/// The kind of a record's source, and the id of what it is.
fn source(example: &Example) -> Option<(String, Option<String>)> {
    #[derive(serde::Deserialize)]
    struct Source<'a> {
        source_type: String,
        #[serde(borrow)]
        source_data: Option<&'a RawValue>,
    }
    let source: Source<'_> = serde_json::from_str(example.source.as_deref()?).ok()?;
    let name = if source.source_type == "TRACE" { "trace_id" } else { "source_id" };
    let data = source.source_data.and_then(|data| json::members(data.get()));
    let id = data.and_then(|data| data.into_iter().find(|(key, _)| key == name));
    Some((source.source_type, id.and_then(|(_, value)| json::unquoted(value)).map(|id| id.into_owned())))
}

pub(super) fn dataset_id(id: DatasetId) -> String {
    format!("d-{:032x}", u128::from_be_bytes(id.0))
}

/// The dataset that an id names; `None` where it cannot be one of Weir's.
pub(super) fn to_id(text: &str) -> Option<DatasetId> {
    text.strip_prefix("d-").and_then(DatasetId::parse)
}

pub(super) fn record_id(id: ExampleId) -> String {
    format!("dr-{:032x}", u128::from_be_bytes(id.0))
}

/// The record that an id names.
pub(super) fn to_record(text: &str) -> Option<ExampleId> {
    text.strip_prefix("dr-").and_then(ExampleId::parse)
}
