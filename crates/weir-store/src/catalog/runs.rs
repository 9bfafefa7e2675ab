//! Runs of tracking clients: params, tags, metric points, what they read and made.
//!
//! Invariants: a param never changes; of each metric every different point is kept and the latest is the greatest by
//! step, timestamp and value; a batch is stored whole or not at all.

use std::sync::Arc;

use weir_core::id::RunId;
use weir_core::query::{Condition, Sort};

use super::Stage;
use crate::telemetry::StoreError;

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunStatus {
    /// It goes on.
    #[default]
    Running,
    /// It is to begin.
    Scheduled,
    /// It ended well.
    Finished,
    /// It failed.
    Failed,
    /// It was ended from outside.
    Killed,
}

impl RunStatus {
    /// All of them: name, number, status.
    pub const ALL: [(&'static str, i64, Self); 5] = [
        ("RUNNING", 1, Self::Running),
        ("SCHEDULED", 2, Self::Scheduled),
        ("FINISHED", 3, Self::Finished),
        ("FAILED", 4, Self::Failed),
        ("KILLED", 5, Self::Killed),
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(.., status)| *status == self).map_or("", |(name, ..)| name)
    }
}

/// A run itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The number of its project.
    pub project: i64,
    /// What it is called.
    pub name: String,
    /// Who made it, as the client says.
    pub user: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began, Unix milliseconds.
    pub start_ms: i64,
    /// When it ended.
    pub end_ms: Option<i64>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// Whether it is in the bin.
    pub deleted: bool,
}

/// A point of a metric. The value may be NaN, and is finite otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When, Unix milliseconds.
    pub timestamp_ms: i64,
    /// At which step.
    pub step: i64,
    /// The value.
    pub value: f64,
}

/// A dataset that a run read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetInput {
    /// Its name.
    pub name: String,
    /// Its digest: with the name it identifies a dataset in a project.
    pub digest: String,
    /// What sort of place it comes from.
    pub source_type: String,
    /// From where.
    pub source: String,
    /// Its schema.
    pub schema: Option<String>,
    /// Figures about it.
    pub profile: Option<String>,
    /// Tags of its use in this run; `mlflow.data.context` among them.
    pub tags: Vec<(String, String)>,
}

/// A run with all that belongs to it. Keys are in the order of their texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run itself.
    pub record: RunRecord,
    /// Params.
    pub params: Vec<(Arc<str>, String)>,
    /// The latest point of each metric.
    pub metrics: Vec<(Arc<str>, Point)>,
    /// Tags.
    pub tags: Vec<(Arc<str>, String)>,
    /// Datasets that it read.
    pub datasets: Vec<DatasetInput>,
    /// Logged models that it read.
    pub models_in: Vec<String>,
    /// Logged models that it made, with the step.
    pub models_out: Vec<(String, i64)>,
}

/// A run that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The number of its project.
    pub project: i64,
    /// What it is called.
    pub name: String,
    /// Who makes it.
    pub user: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began, Unix milliseconds.
    pub start_ms: i64,
    /// When it ended.
    pub end_ms: Option<i64>,
    /// Its tags; of several with one key the last counts.
    pub tags: Vec<(String, String)>,
}

/// What is to change of a run; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct RunChange {
    /// How it stands.
    pub status: Option<RunStatus>,
    /// When it ended.
    pub end_ms: Option<i64>,
    /// What it is called; the tag `mlflow.runName` follows.
    pub name: Option<String>,
}

/// The logged model that a metric point is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointOfModel {
    /// The model's id.
    pub model: String,
    /// The dataset it was measured on.
    pub dataset_name: Option<String>,
    /// That dataset's digest.
    pub dataset_digest: Option<String>,
}

/// A metric point that is to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPoint {
    /// The metric.
    pub key: String,
    /// The point; infinities become the greatest numbers.
    pub point: Point,
    /// The model it is about.
    pub model: Option<PointOfModel>,
}

/// What is logged together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Params: each key once.
    pub params: Vec<(String, String)>,
    /// Metric points.
    pub metrics: Vec<NewPoint>,
    /// Tags; of several with one key the last counts. `mlflow.runName` renames the run.
    pub tags: Vec<(String, String)>,
}

/// A param that is there with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamConflict {
    /// Its key.
    pub key: String,
    /// The value that is there.
    pub old: String,
    /// The value that was to be stored.
    pub new: String,
}

/// Why a run was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RunProblem {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such run.
    #[error("there is no such run")]
    Missing,
    /// It is in the bin.
    #[error("the run is deleted")]
    Deleted,
    /// There is no project of that number.
    #[error("there is no such project")]
    NoProject,
    /// The project is in the bin.
    #[error("the project is deleted")]
    ProjectDeleted,
    /// A run of that id is there.
    #[error("there is a run of that id")]
    Taken,
    /// It has no such tag.
    #[error("the run has no such tag")]
    NoTag,
    /// Params are there with other values.
    #[error("params never change")]
    Params(Vec<ParamConflict>),
    /// A change that depends on what is there refused it.
    #[error("{0}")]
    Refused(String),
}

/// Makes a tag's new value of its value so far.
pub type TagChange = Box<dyn FnOnce(Option<&str>) -> Result<String, String> + Send>;

/// Runs are looked for so. Fields: `run_id`, `run_name`, `status`, `user_id`, `artifact_uri`, `start_time`, `end_time`;
/// collections `params`, `metrics`, `tags`; related `datasets` with `name`, `digest`, `context`.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    /// In these projects.
    pub projects: Vec<i64>,
    /// In which stage.
    pub stage: Stage,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// In what order; ties go to the later start, then to the smaller id.
    pub order: Vec<Sort>,
    /// So many of them are passed over.
    pub offset: u64,
    /// At most that many.
    pub limit: usize,
}

/// A page of runs.
#[derive(Clone, Debug, Default)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Whether more follow.
    pub more: bool,
}

/// A metric point of a logged model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPoint {
    /// The model and the dataset.
    pub of: PointOfModel,
    /// The run that logged it.
    pub run: RunId,
    /// The metric.
    pub key: Arc<str>,
    /// The point.
    pub point: Point,
}

/// A dataset as a list of a project's datasets shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetSummary {
    /// The number of the project.
    pub project: i64,
    /// The dataset's name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// What it was used for.
    pub context: Option<String>,
}

/// Runs.
pub trait Runs: Send + Sync {
    /// Makes a run in an active project.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn create_run(&self, new: NewRun) -> Result<RunRecord, RunProblem>;

    /// The run of an id, without what belongs to it.
    ///
    /// # Errors
    /// When the engine fails.
    fn run_record(&self, id: RunId) -> Result<Option<RunRecord>, StoreError>;

    /// The run of an id, deleted or not.
    ///
    /// # Errors
    /// When the engine fails.
    fn run(&self, id: RunId) -> Result<Option<Run>, StoreError>;

    /// Changes an active run.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn update_run(&self, id: RunId, change: RunChange) -> Result<RunRecord, RunProblem>;

    /// Puts a run into the bin or takes it out of it, whatever it was.
    ///
    /// # Errors
    /// [`RunProblem::Missing`], or when the engine fails.
    fn mark_run(&self, id: RunId, deleted: bool, now_ms: i64) -> Result<(), RunProblem>;

    /// Stores params, metric points and tags of an active run, all of them or none.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn log_batch(&self, id: RunId, batch: Batch) -> Result<(), RunProblem>;

    /// Changes a tag of an active run by what it was.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn change_run_tag(&self, id: RunId, key: &str, change: TagChange) -> Result<(), RunProblem>;

    /// Takes a tag of an active run away.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn delete_run_tag(&self, id: RunId, key: &str) -> Result<(), RunProblem>;

    /// Adds datasets and logged models that an active run read; what is there already stays as it is.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn log_inputs(&self, id: RunId, datasets: Vec<DatasetInput>, models: Vec<String>) -> Result<(), RunProblem>;

    /// Adds logged models that an active run made.
    ///
    /// # Errors
    /// [`RunProblem`]
    fn log_outputs(&self, id: RunId, models: Vec<(String, i64)>) -> Result<(), RunProblem>;

    /// The points of a metric by timestamp, step and value, after `offset` of them.
    ///
    /// # Errors
    /// [`RunProblem::Missing`], or when the engine fails.
    fn metric_history(&self, id: RunId, key: &str, offset: u64, limit: usize) -> Result<Vec<Point>, RunProblem>;

    /// At most `most` points of a metric by step, timestamp and value, evenly taken from all whose step is within the
    /// bounds; the last one is among them.
    ///
    /// # Errors
    /// [`RunProblem::Missing`], or when the engine fails.
    fn metric_sample(
        &self,
        id: RunId,
        key: &str,
        steps: Option<(i64, i64)>,
        most: usize,
    ) -> Result<Vec<Point>, RunProblem>;

    /// The points that were logged for logged models, by model, metric, timestamp and step.
    ///
    /// # Errors
    /// When the engine fails.
    fn model_points(&self, models: &[String]) -> Result<Vec<ModelPoint>, StoreError>;

    /// The datasets that runs of projects read, each use once.
    ///
    /// # Errors
    /// When the engine fails.
    fn datasets_of(&self, projects: &[i64], limit: usize) -> Result<Vec<DatasetSummary>, StoreError>;

    /// Runs that a query finds. Without an order: latest start first.
    ///
    /// # Errors
    /// When the engine fails, or the query names what runs do not have.
    fn search_runs(&self, query: &RunQuery) -> Result<RunPage, StoreError>;
}
