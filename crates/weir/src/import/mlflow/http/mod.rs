//! A running tracking server, through its REST API. It is only read.

mod client;
mod datasets;
mod models;
mod runs;
mod traces;
mod values;

use std::collections::HashMap;

use anyhow::{Context, bail};
use parking_lot::Mutex;
use serde_json::{Value, json};
use weir_store::catalog::{Example, LoggedModel, ModelVersion, Point, ProjectRecord, ScorerRecord};

use super::is_remote;
use super::source::{Content, Counted, Entry, Page, Reach, Source, SourceDataset, SourceModel, SourceRun, SourceTrace};
use client::Client;
use values::{int, list, pairs, text, token};

/// The oldest version whose answers are known.
const OLDEST: (u64, u64) = (3, 17);
const API: &str = "api/2.0/mlflow";
/// Experiments of one page.
const PAGE: u64 = 1_000;

/// A server.
pub(super) struct Server {
    client: Client,
    /// Runs by the traces that they are linked to, of the experiment whose traces are read.
    links: Mutex<HashMap<String, Vec<String>>>,
}

impl Server {
    /// Opens a server: it must answer as one of MLflow's does, in a version that is known.
    pub(super) fn open(url: &str) -> anyhow::Result<Self> {
        let client = Client::new(url)?;
        let version = client.text("version").with_context(|| {
            format!(
                "{} is not known to be an MLflow tracking server: give the address that MLFLOW_TRACKING_URI has",
                client.shown()
            )
        })?;
        check(version.trim()).with_context(|| client.shown().to_owned())?;
        Ok(Self { client, links: Mutex::default() })
    }
}

/// Refuses versions that may say less, or something else.
fn check(version: &str) -> anyhow::Result<()> {
    let mut parts = version.split('.').map(str::parse::<u64>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        bail!("it is no MLflow tracking server: /version says {:?}", version.chars().take(60).collect::<String>())
    };
    if (major, minor) < OLDEST {
        bail!(
            "it runs MLflow {version}; 3.17 and 3.18 are read. Upgrade it: `pip install mlflow==3.17.2`, `mlflow db upgrade`, \
             start it again"
        );
    }
    Ok(())
}

impl Source for Server {
    fn count(&self, _: Counted) -> Option<u64> {
        None
    }

    fn experiments(&self) -> anyhow::Result<Vec<ProjectRecord>> {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let body =
                json!({"max_results": PAGE, "view_type": "ALL", "order_by": ["experiment_id ASC"], "page_token": next});
            let mut answer = self.client.post(&format!("{API}/experiments/search"), &body)?;
            for experiment in list(&mut answer, "experiments") {
                all.push(ProjectRecord {
                    number: text(&experiment, "experiment_id").parse().context("an experiment's id is no number")?,
                    name: text(&experiment, "name"),
                    artifact_location: text(&experiment, "artifact_location"),
                    deleted: text(&experiment, "lifecycle_stage") == "deleted",
                    created_ms: int(&experiment, "creation_time"),
                    tags: pairs(&experiment["tags"]).into_iter().collect(),
                    ..ProjectRecord::default()
                });
            }
            match token(&answer, &next) {
                Some(token) => next = token,
                None => break,
            }
        }
        all.sort_by_key(|experiment| experiment.number);
        Ok(all)
    }

    fn runs(&self, experiment: i64, page: Option<&str>) -> Page<SourceRun> {
        self.runs_of(experiment, page)
    }

    fn points(&self, run: &str, key: &str, page: Option<&str>) -> Page<Point> {
        self.points_of(run, key, page)
    }

    fn logged_models(&self, experiment: i64, page: Option<&str>) -> Page<LoggedModel> {
        self.logged_models_of(experiment, page)
    }

    fn models(&self, page: Option<&str>) -> Page<SourceModel> {
        self.registered_models(page)
    }

    fn versions(&self, model: &SourceModel) -> anyhow::Result<Vec<ModelVersion>> {
        self.versions_of(model)
    }

    fn datasets(&self, page: Option<&str>) -> Page<SourceDataset> {
        self.evaluation_datasets(page)
    }

    fn examples(&self, dataset: &str) -> anyhow::Result<Vec<Example>> {
        self.examples_of(dataset)
    }

    fn scorers(&self, experiment: i64) -> anyhow::Result<Vec<ScorerRecord>> {
        self.scorers_of(experiment)
    }

    fn traces(&self, experiment: i64, page: Option<&str>) -> Page<SourceTrace> {
        self.traces_of(experiment, page)
    }

    fn is_near(&self) -> bool {
        false
    }

    fn reach(&self, location: &str) -> Reach {
        match location.split_once(':') {
            _ if is_remote(location) => Reach::Stays,
            Some(("mlflow-artifacts", _)) => Reach::Open,
            _ => Reach::Closed,
        }
    }

    fn files(&self, location: &str, folder: &str) -> anyhow::Result<Vec<Entry>> {
        let path = below(location, folder).join("/");
        let query: &[(&str, &str)] = if path.is_empty() { &[] } else { &[("path", &path)] };
        let mut answer = self.client.find("api/2.0/mlflow-artifacts/artifacts", query)?.unwrap_or_default();
        let entry = |file: Value| {
            let folder = file["is_dir"].as_bool().unwrap_or_default();
            // Some servers tell the whole path.
            let name = text(&file, "path").rsplit('/').next().unwrap_or_default().to_owned();
            Entry { name, size: (!folder).then(|| int(&file, "file_size").unsigned_abs()) }
        };
        Ok(list(&mut answer, "files").into_iter().map(entry).collect())
    }

    fn open(&self, location: &str, path: &str) -> anyhow::Result<Content> {
        self.client.file(&below(location, path))
    }
}

/// The parts of a path below a location of the server's own store.
fn below<'a>(location: &'a str, path: &'a str) -> Vec<&'a str> {
    let rest = location.strip_prefix("mlflow-artifacts:").unwrap_or_default();
    let root = match rest.strip_prefix("//") {
        // Another host's name stands first, or none.
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    };
    root.split('/').chain(path.split('/')).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_not_known_are_refused_with_what_to_do() {
        assert!(check("3.17.0").is_ok() && check("3.18.0").is_ok() && check("4.0.1").is_ok());
        assert!(check("3.4.0").unwrap_err().to_string().contains("mlflow db upgrade"));
        assert!(check("<html>").unwrap_err().to_string().contains("no MLflow tracking server"));
    }

    #[test]
    fn locations_of_the_servers_own_store_are_paths() {
        assert_eq!(below("mlflow-artifacts:/1", "r/artifacts"), ["1", "r", "artifacts"]);
        assert_eq!(below("mlflow-artifacts://host/1/", ""), ["1"]);
    }

    #[test]
    fn what_is_no_url_is_told() {
        let said = |url| format!("{:#}", Server::open(url).err().unwrap());
        assert!(said("http:/").contains("is no http or https URL"), "{}", said("http:/"));
    }
}
