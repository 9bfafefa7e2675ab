//! Logged models as they look on the wire.

use std::borrow::Cow;

use serde::Serialize;
use weir_store::catalog::{LoggedModel, MeasuredPoint};

use super::STATUSES;
use crate::mlflow::wire::double;

/// The tag in which MLflow's own pages look for a model's registrations.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct Registration<'a> {
    name: &'a str,
    version: String,
}

#[derive(Serialize)]
struct Info<'a> {
    model_id: &'a str,
    experiment_id: String,
    name: &'a str,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: &'a str,
    status: &'static str,
    model_type: &'a str,
    source_run_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Pair<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registrations: Vec<Registration<'a>>,
}

#[derive(Serialize)]
struct PointForm<'a> {
    key: &'a str,
    #[serde(serialize_with = "double")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_digest: Option<&'a str>,
    model_id: &'a str,
    run_id: &'a str,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<Pair<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<PointForm<'a>>,
}

/// A model.
#[derive(Serialize)]
pub(super) struct ModelForm<'a> {
    info: Info<'a>,
    data: Data<'a>,
}

/// `{"model": ...}`
#[derive(Serialize)]
pub(super) struct OneModel<'a> {
    pub(super) model: ModelForm<'a>,
}

/// A page of models.
#[derive(Serialize)]
pub(super) struct ManyModels<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) models: Vec<ModelForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_token: Option<String>,
}

impl<'a> ModelForm<'a> {
    pub(super) fn of(model: &'a LoggedModel) -> Self {
        let pair = |(key, value): (&'a String, &'a String)| Pair { key, value: Cow::Borrowed(value) };
        let registrations = model.registrations.iter();
        Self {
            info: Info {
                model_id: &model.id,
                experiment_id: model.project.to_string(),
                name: &model.name,
                creation_timestamp_ms: model.created_ms,
                last_updated_timestamp_ms: model.updated_ms,
                artifact_uri: &model.artifact_uri,
                status: STATUSES.iter().find(|(.., status)| *status == model.status).map_or("", |(name, ..)| name),
                model_type: &model.model_type,
                source_run_id: &model.run_id,
                tags: tags(model),
                registrations: registrations
                    .map(|(name, version)| Registration { name, version: version.to_string() })
                    .collect(),
            },
            data: Data {
                params: model.params.iter().map(pair).collect(),
                metrics: model.points.iter().map(|point| PointForm::of(point, &model.id)).collect(),
            },
        }
    }
}

/// Its own tags, and the one that tells where it is registered.
fn tags(model: &LoggedModel) -> Vec<Pair<'_>> {
    let own = model.tags.iter().filter(|(key, _)| model.registrations.is_empty() || *key != VERSIONS_TAG);
    let mut tags: Vec<_> = own.map(|(key, value)| Pair { key, value: Cow::Borrowed(value) }).collect();
    if !model.registrations.is_empty() {
        let versions = model.registrations.iter();
        let versions = versions.map(|(name, version)| serde_json::json!({"name": name, "version": version}));
        let value = serde_json::Value::Array(versions.collect()).to_string();
        tags.push(Pair { key: VERSIONS_TAG, value: Cow::Owned(value) });
    }
    tags
}

impl<'a> PointForm<'a> {
    fn of(point: &'a MeasuredPoint, model_id: &'a str) -> Self {
        Self {
            key: &point.key,
            value: point.value,
            timestamp: point.timestamp_ms,
            step: point.step,
            dataset_name: point.dataset_name.as_deref(),
            dataset_digest: point.dataset_digest.as_deref(),
            model_id,
            run_id: &point.run_id,
        }
    }
}
