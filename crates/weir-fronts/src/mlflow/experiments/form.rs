//! An experiment as JSON.

use serde::Serialize;
use weir_store::catalog::ProjectRecord;

#[derive(Serialize)]
pub(super) struct Experiment<'a> {
    experiment_id: String,
    name: &'a str,
    artifact_location: &'a str,
    lifecycle_stage: &'static str,
    last_update_time: i64,
    creation_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag<'a>>,
    workspace: &'static str,
}

#[derive(Serialize)]
struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> Experiment<'a> {
    pub(super) fn of(project: &'a ProjectRecord) -> Self {
        Self {
            experiment_id: project.number.to_string(),
            name: &project.name,
            artifact_location: &project.artifact_location,
            lifecycle_stage: if project.deleted { "deleted" } else { "active" },
            last_update_time: project.updated_ms,
            creation_time: project.created_ms,
            tags: project.tags.iter().map(|(key, value)| Tag { key, value }).collect(),
            workspace: "default",
        }
    }
}
