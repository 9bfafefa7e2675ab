//! The experiment that runs are filed under: found or made at first use, looked up again when the server says that it
//! cannot be used.

use serde_json::json;
use tokio::sync::Mutex;

use super::client::{Client, Trouble};
use super::wire::{CreatedExperiment, ExperimentAnswer};
use crate::failure::{Failure, Reason};

/// An experiment by its name.
pub(super) struct Experiment {
    name: String,
    /// Held while it is looked up, so that calls under way together do it once.
    id: Mutex<Option<String>>,
}

impl Experiment {
    pub(super) fn new(name: String) -> Self {
        Self { name, id: Mutex::new(None) }
    }

    /// Its id.
    pub(super) async fn id(&self, client: &Client) -> Result<String, Failure> {
        let mut held = self.id.lock().await;
        if let Some(id) = &*held {
            return Ok(id.clone());
        }
        let id = self.find_or_make(client).await?;
        *held = Some(id.clone());
        Ok(id)
    }

    /// Looks it up again after a run was refused there. `Ok(true)` when it is another one now.
    pub(super) async fn check(&self, client: &Client, used: &str) -> Result<bool, Failure> {
        let mut held = self.id.lock().await;
        if held.as_deref() != Some(used) {
            return Ok(true);
        }
        *held = None;
        let id = self.find_or_make(client).await?;
        let changed = id != used;
        *held = Some(id);
        Ok(changed)
    }

    async fn find_or_make(&self, client: &Client) -> Result<String, Failure> {
        if let Some(id) = self.find(client).await? {
            return Ok(id);
        }
        match client.post::<CreatedExperiment>(&["experiments", "create"], &json!({"name": self.name})).await {
            Ok(made) => Ok(made.experiment_id),
            // Somebody else was quicker.
            Err(Trouble::Exists) => self.find(client).await?.ok_or_else(|| self.unusable("is there and is not")),
            Err(Trouble::Missing(why) | Trouble::Failed(Failure::Refused(why))) => Err(self.unusable(&why)),
            Err(Trouble::Failed(failure)) => Err(failure),
        }
    }

    async fn find(&self, client: &Client) -> Result<Option<String>, Failure> {
        let found: Result<ExperimentAnswer, _> =
            client.get(&["experiments", "get-by-name"], &[("experiment_name", &self.name)]).await;
        match found {
            Ok(answer) if answer.experiment.lifecycle_stage == "deleted" => {
                Err(self.unusable("is deleted; restore it in MLflow, or name another one under mlflow.experiment"))
            }
            Ok(answer) => Ok(Some(answer.experiment.experiment_id)),
            Err(Trouble::Missing(_)) => Ok(None),
            Err(Trouble::Failed(Failure::Refused(why))) => Err(self.unusable(&why)),
            Err(trouble) => Err(trouble.into_failure()),
        }
    }

    /// No call can be exported while that is so, so that it counts as an outage.
    fn unusable(&self, why: &str) -> Failure {
        Failure::outage(Reason::Place, format!("the experiment {:?} {why}", self.name))
    }
}
