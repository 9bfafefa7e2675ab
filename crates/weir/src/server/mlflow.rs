//! MLflow's tracking server: its routes over the stores.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use weir_core::error::Error;
use weir_fronts::mlflow::{self, Front, NewPromptVersion, PromptShelf};
use weir_gateway::Gateway;
use weir_gateway::prompts::{Library, NewVersion, Prompt};
use weir_store::catalog::PromptRecord;

/// The routes, each behind its role.
pub(super) fn routes(front: &Arc<Front>, gateway: &Arc<Gateway>) -> Router {
    let guarded = |role, routes| weir_web::auth::guarded_with(routes, gateway, role, mlflow::refusal);
    let routes = mlflow::routes(front);
    let routes = routes.into_iter().fold(Router::new(), |all, (role, routes)| all.merge(guarded(role, routes)));
    // Clients ask it without a key.
    routes.route("/version", get(async || ([(CONTENT_TYPE, "text/html; charset=utf-8")], mlflow::VERSION)))
}

/// The gateway's prompts, for the front: what it writes is in use at once.
pub(crate) struct Shelf(pub(crate) Arc<Library>);

impl PromptShelf for Shelf {
    fn prompts(&self, name: Option<&str>) -> Vec<PromptRecord> {
        let set = self.0.set();
        let record = |(name, prompt): (&String, &Prompt)| PromptRecord {
            name: name.clone(),
            description: prompt.description.clone(),
            versions: prompt.versions.iter().map(|v| v.record.clone()).collect(),
            labels: prompt.labels.clone(),
        };
        match name {
            Some(name) => set.prompts.get_key_value(name).map(record).into_iter().collect(),
            None => set.prompts.iter().map(record).collect(),
        }
    }

    fn create(&self, new: NewPromptVersion) -> Result<String, Error> {
        let NewPromptVersion { name, version, description, content, defaults, message } = new;
        let new = NewVersion { name, version, description, content, defaults, message, labels: Vec::new() };
        self.0.create(new).map(|made| made.record.version.clone())
    }

    fn set_label(&self, name: &str, label: &str, version: Option<&str>) -> Result<(), Error> {
        self.0.set_label(name, label, version)
    }

    fn delete_version(&self, name: &str, version: &str) -> Result<(), Error> {
        self.0.delete_version(name, version)
    }

    fn delete(&self, name: &str) -> Result<(), Error> {
        self.0.delete(name)
    }
}
