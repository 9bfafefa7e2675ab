//! Models and versions as they look on the wire.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_store::catalog::{ModelVersion, RegisteredModel};

#[derive(Serialize)]
pub(super) struct Pair<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct AliasForm<'a> {
    alias: &'a str,
    version: String,
}

/// A model.
#[derive(Serialize)]
pub(super) struct ModelForm<'a> {
    name: &'a str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latest_versions: Vec<VersionForm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Pair<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasForm<'a>>,
}

/// A version.
#[derive(Serialize)]
pub(super) struct VersionForm<'a> {
    name: &'a str,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    current_stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    source: &'a str,
    run_id: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Pair<'a>>,
    run_link: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aliases: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    model_id: &'a str,
}

fn pairs(tags: &BTreeMap<String, String>) -> Vec<Pair<'_>> {
    tags.iter().map(|(key, value)| Pair { key, value }).collect()
}

impl<'a> ModelForm<'a> {
    pub(super) fn of(model: &'a RegisteredModel) -> Self {
        Self {
            name: &model.name,
            creation_timestamp: model.created_ms,
            last_updated_timestamp: model.updated_ms,
            description: model.description.as_deref().filter(|text| !text.is_empty()),
            latest_versions: model.latest.iter().map(VersionForm::of).collect(),
            tags: pairs(&model.tags),
            aliases: model
                .aliases
                .iter()
                .map(|(alias, version)| AliasForm { alias, version: version.to_string() })
                .collect(),
        }
    }
}

impl<'a> VersionForm<'a> {
    pub(super) fn of(version: &'a ModelVersion) -> Self {
        Self {
            name: &version.name,
            version: version.version.to_string(),
            creation_timestamp: version.created_ms,
            last_updated_timestamp: version.updated_ms,
            current_stage: version.stage.as_str(),
            description: version.description.as_deref(),
            source: &version.source,
            run_id: &version.run_id,
            status: "READY",
            tags: pairs(&version.tags),
            run_link: &version.run_link,
            aliases: &version.aliases,
            model_id: &version.model_id,
        }
    }
}

/// `{"registered_model": ...}`
#[derive(Serialize)]
pub(super) struct OneModel<'a> {
    pub(super) registered_model: ModelForm<'a>,
}

/// `{"model_version": ...}`
#[derive(Serialize)]
pub(super) struct OneVersion<'a> {
    pub(super) model_version: VersionForm<'a>,
}

/// A page of models.
#[derive(Serialize)]
pub(super) struct ManyModels<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) registered_models: Vec<ModelForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_token: Option<String>,
}

/// A page of versions.
#[derive(Serialize)]
pub(super) struct ManyVersions<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) model_versions: Vec<VersionForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_token: Option<String>,
}
