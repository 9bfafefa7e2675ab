//! A call's way to MLflow: create the run, log it in one batch, put its artifacts, end it.
//!
//! Creating is the only step that must not be repeated: where a run may exist that nobody here knows of, it is looked
//! for by its tag first. All later steps say the same again and change nothing. The end comes last, so that a run with
//! an end is whole.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_core::span::Span;
use weir_fronts::mlflow::call_run::{Artifact, CallRun, Template};

use super::client::{Client, Trouble};
use super::experiment::Experiment;
use super::settings::Settings;
use super::twins::{Suspect, Twins};
use super::wire::{CreateRun, LogBatch, RunAnswer, RunInfo, Runs, SearchRuns, UpdateRun};
use crate::exporter::Artifacts;
use crate::failure::{Failure, Reason};
use crate::target::{Delivery, Target};

/// The text of the template with a hash. Runs on the exporter's own thread.
pub type TemplateText = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How the artifacts of servers that keep them themselves are addressed.
const PROXIED: &str = "mlflow-artifacts:";

/// An MLflow server.
pub(super) struct Mlflow {
    client: Client,
    experiment: Experiment,
    environment: String,
    templates: TemplateText,
    artifacts: Artifacts,
    twins: Twins,
}

/// How far a call has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    run: Option<RunInfo>,
    /// Whether another run of the call may have been made.
    twin: bool,
    logged: bool,
    /// Artifacts that are done with.
    files: usize,
}

impl Mlflow {
    pub(super) fn new(client: Client, settings: Settings, templates: TemplateText, artifacts: Artifacts) -> Self {
        let experiment = Experiment::new(settings.experiment);
        let twins = Twins::new(settings.timeout);
        Self { client, experiment, environment: settings.environment, templates, artifacts, twins }
    }

    fn run_of(&self, span: &Span) -> CallRun {
        let text = template_hash(span).map(|hash| (self.templates)(&hash));
        let template = match &text {
            None => Template::Passed,
            Some(None) => Template::Unknown,
            Some(Some(text)) => Template::Text(text),
        };
        CallRun::new(span, template, &self.environment)
    }

    /// The run, found or made. `None` when it is complete already.
    async fn run(
        &self,
        call: &CallRun,
        doubtful: &mut bool,
        progress: &mut Progress,
    ) -> Result<Option<RunInfo>, Failure> {
        let experiment = self.experiment.id(&self.client).await?;
        if *doubtful && let Some(found) = self.find(&experiment, call).await? {
            return Ok((!found.is_complete()).then_some(found));
        }
        // Until the answer is there, nobody knows; this future may also be dropped.
        let looked_for = std::mem::replace(doubtful, true);
        let made: Result<RunAnswer, _> =
            self.client.post(&["runs", "create"], &CreateRun::new(&experiment, call)).await;
        match made {
            Ok(answer) => {
                // What was asked for before may still be under way in the server.
                progress.twin |= looked_for;
                Ok(Some(answer.run.info))
            }
            Err(Trouble::Failed(failure)) if failure.may_have_happened() => Err(failure),
            Err(trouble) => {
                *doubtful = looked_for;
                let failure = trouble.into_failure();
                if matches!(failure, Failure::Refused(_)) && self.experiment.check(&self.client, &experiment).await? {
                    return Err(Failure::outage(
                        Reason::Place,
                        "the experiment is another one now; trying again there",
                    ));
                }
                Err(failure)
            }
        }
    }

    /// The run of a call: one that is not deleted, and whole, if there are several.
    async fn find(&self, experiment: &str, call: &CallRun) -> Result<Option<RunInfo>, Failure> {
        let mut runs = self.search(experiment, &call.call_id, call.start_ms).await?;
        runs.sort_by_key(|run| (run.lifecycle_stage == "deleted", !run.is_complete()));
        let mut runs = runs.into_iter();
        let first = runs.next();
        for twin in runs.filter(|run| run.lifecycle_stage != "deleted") {
            self.delete(&twin.run_id).await?;
        }
        Ok(first)
    }

    async fn search(&self, experiment: &str, call_id: &str, start_ms: i64) -> Result<Vec<RunInfo>, Failure> {
        let search = SearchRuns::new(experiment, call_id, start_ms);
        let found: Runs = self.client.post(&["runs", "search"], &search).await.map_err(Trouble::into_failure)?;
        Ok(found.runs.into_iter().map(|run| run.info).collect())
    }

    async fn delete(&self, run_id: &str) -> Result<(), Failure> {
        let body = json!({"run_id": run_id});
        let _: Value = self.client.post(&["runs", "delete"], &body).await.map_err(Trouble::into_failure)?;
        tracing::info!(target = super::NAME, run_id, "a run that was made twice is deleted");
        Ok(())
    }

    /// Deletes the other runs of a call.
    async fn delete_twins(&self, suspect: &Suspect) -> Result<(), Failure> {
        let experiment = self.experiment.id(&self.client).await?;
        for run in self.search(&experiment, &suspect.call_id, suspect.start_ms).await? {
            if run.run_id != suspect.run_id && run.lifecycle_stage != "deleted" {
                self.delete(&run.run_id).await?;
            }
        }
        Ok(())
    }

    /// Puts the artifacts that are not there yet.
    async fn put(&self, run: &RunInfo, files: Vec<Artifact>, done: &mut usize) -> Result<(), Failure> {
        for file in files.into_iter().skip(*done) {
            match self.put_one(run, file).await {
                Ok(()) => {}
                Err(Trouble::Failed(failure @ Failure::Outage { .. })) => return Err(failure),
                Err(trouble) => self.artifacts.refused(trouble.into_failure().message()),
            }
            *done += 1;
        }
        Ok(())
    }

    async fn put_one(&self, run: &RunInfo, file: Artifact) -> Result<(), Trouble> {
        match proxied_root(&run.artifact_uri) {
            Some(root) => self.client.put_artifact(root, file.name, file.text).await,
            // That way takes no empty files.
            None if file.text.is_empty() => Ok(()),
            None => match self.client.upload_artifact(&run.run_id, file.name, file.text).await {
                // Older servers and those of clouds do not have it: the run is better off without files than not at all.
                Err(Trouble::Failed(Failure::Outage { reason: Reason::NotFound, message, .. })) => {
                    Err(Trouble::Failed(Failure::Refused(message)))
                }
                other => other,
            },
        }
    }
}

impl Target for Mlflow {
    type Progress = Progress;

    fn name(&self) -> &'static str {
        super::NAME
    }

    async fn deliver(&self, delivery: &mut Delivery<Progress>) -> Result<(), Failure> {
        let Delivery { span, doubtful, progress } = delivery;
        let call = self.run_of(span);
        if progress.run.is_none() {
            match self.run(&call, doubtful, progress).await? {
                Some(run) => progress.run = Some(run),
                None => return Ok(()),
            }
        }
        let Some(run) = &progress.run else { return Ok(()) };
        let id = run.run_id.as_str();
        if !progress.logged {
            let batch = LogBatch::new(id, &call);
            let _: Value = self.client.post(&["runs", "log-batch"], &batch).await.map_err(Trouble::into_failure)?;
            progress.logged = true;
        }
        let update = UpdateRun::new(id, &call);
        self.put(run, call.artifacts, &mut progress.files).await?;
        let _: Value = self.client.post(&["runs", "update"], &update).await.map_err(Trouble::into_failure)?;
        if progress.twin {
            self.twins.suspect(&call.call_id, call.start_ms, id);
        }
        Ok(())
    }

    async fn tidy(&self) {
        if let Some(suspect) = self.twins.due() {
            match self.delete_twins(&suspect).await {
                Ok(()) => self.twins.looked_up(suspect),
                Err(_) => self.twins.put_back(suspect),
            }
        }
    }
}

/// The hash of the template that a call was rendered from.
fn template_hash(span: &Span) -> Option<String> {
    let prompt: Value = serde_json::from_str(span.attributes.get("prompt")?).ok()?;
    Some(prompt.get("hash")?.as_str()?.to_owned())
}

/// The path of a run's artifacts behind the server's proxy. An address with a host of its own is another server's.
fn proxied_root(uri: &str) -> Option<&str> {
    let path = uri.strip_prefix(PROXIED)?;
    let path = match path.strip_prefix("//") {
        Some(rest) => rest.strip_prefix('/')?,
        None => path,
    };
    let clean = !path.split('/').any(|part| matches!(part, "." | ".."));
    (clean && !path.contains(['?', '#'])).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_artifacts_of_the_server_itself_are_put() {
        assert_eq!(proxied_root("mlflow-artifacts:/1/abc/artifacts"), Some("/1/abc/artifacts"));
        assert_eq!(proxied_root("mlflow-artifacts:///1/abc/artifacts"), Some("1/abc/artifacts"));
        for other in ["mlflow-artifacts://host:1/1/abc", "s3://bucket/1", "/tmp/x", "", "mlflow-artifacts:/1/../2"] {
            assert_eq!(proxied_root(other), None, "{other}");
        }
    }

    #[test]
    fn a_deleted_or_ended_run_is_complete() {
        let run = |json: &str| serde_json::from_str::<RunInfo>(json).unwrap();
        assert!(run(r#"{"status":"FINISHED","end_time":5}"#).is_complete());
        assert!(!run(r#"{"status":"RUNNING"}"#).is_complete());
        assert!(!run(r#"{"status":"FINISHED"}"#).is_complete());
        assert!(run(r#"{"status":"RUNNING","lifecycle_stage":"deleted"}"#).is_complete());
    }
}
