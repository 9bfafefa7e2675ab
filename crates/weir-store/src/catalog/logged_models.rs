use std::collections::BTreeMap;

use weir_core::query::Condition;

use crate::telemetry::StoreError;

/// A model as a run made it, before and whether or not it is registered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedModel {
    /// `m-` and 32 hex digits.
    pub id: String,
    /// The number of its project.
    pub project: i64,
    /// What it is called; several may be called the same.
    pub name: String,
    /// Where its files are.
    pub artifact_uri: String,
    /// Whether its files are all there.
    pub status: LoggedModelStatus,
    /// What sort of model it is, or nothing.
    pub model_type: String,
    /// The run that made it, or nothing.
    pub run_id: String,
    /// Whether it is in the bin.
    pub deleted: bool,
    /// When it was made, milliseconds.
    pub created_ms: i64,
    /// When it was changed last.
    pub updated_ms: i64,
    /// What was noted on it.
    pub tags: BTreeMap<String, String>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// What was measured of it, the newest [`MAX_MODEL_POINTS`].
    pub points: Vec<MeasuredPoint>,
    /// Where it is registered: names and versions.
    pub registrations: Vec<(String, i64)>,
}

/// Points that are read of a model, at most.
pub const MAX_MODEL_POINTS: usize = 10_000;

/// Whether the files of a model are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoggedModelStatus {
    /// Nobody said.
    Unspecified,
    /// They are on their way.
    #[default]
    Pending,
    /// They are.
    Ready,
    /// Their way ended.
    Failed,
}

impl LoggedModelStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Unspecified, Self::Pending, Self::Ready, Self::Failed];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }

    /// A status by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A point of a metric that was measured of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredPoint {
    /// The metric.
    pub key: String,
    /// The value; it may be NaN.
    pub value: f64,
    /// When, milliseconds.
    pub timestamp_ms: i64,
    /// At which step.
    pub step: i64,
    /// The run that measured it, 32 hex digits.
    pub run_id: String,
    /// On which dataset.
    pub dataset_name: Option<String>,
    /// That dataset's digest.
    pub dataset_digest: Option<String>,
}

/// A model that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewLoggedModel {
    /// `m-` and 32 hex digits.
    pub id: String,
    /// The number of its project.
    pub project: i64,
    /// What it is called.
    pub name: String,
    /// Where its files will be.
    pub artifact_uri: String,
    /// What sort of model it is, or nothing.
    pub model_type: String,
    /// The run that makes it, or nothing.
    pub run_id: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// When it is made, milliseconds.
    pub now_ms: i64,
}

/// A dataset that points were measured on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeasuredOn {
    /// Its name.
    pub name: String,
    /// Its digest; absent, any.
    pub digest: Option<String>,
}

/// One level of an order. What is missing comes last either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedModelSort {
    /// By what.
    pub by: LoggedModelKey,
    /// Greatest first.
    pub descending: bool,
}

/// What an order goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggedModelKey {
    /// A field: `name`, `model_id`, `model_type`, `status`, `run_id`, `created`, `updated`.
    Field(&'static str),
    /// The newest point of a metric, on a dataset if one is named.
    Metric(String, Option<MeasuredOn>),
}

/// A page of what is looked for. Without an order, and between equals: newest first.
#[derive(Clone, Debug, Default)]
pub struct LoggedModelQuery {
    /// In which projects.
    pub projects: Vec<i64>,
    /// What must hold: the fields that orders know, collections `params`, `tags` and `metrics`; of a metric one point must
    /// do.
    pub conditions: Vec<Condition>,
    /// Points on these datasets alone count, and without a condition on metrics there must be one. None named: all count.
    pub datasets: Vec<MeasuredOn>,
    /// In what order.
    pub order: Vec<LoggedModelSort>,
    /// So many of them are passed over.
    pub offset: u64,
    /// At most that many.
    pub limit: u64,
}

/// Why a model was not changed.
#[derive(Debug, thiserror::Error)]
pub enum LoggedModelProblem {
    /// No model of that id.
    #[error("there is no such logged model")]
    Missing,
    /// It has no such tag.
    #[error("the model has no such tag")]
    NoTag,
    /// It has the param with another value, which is named here.
    #[error("the param {0:?} is there with the value {1:?}")]
    ParamTaken(String, String),
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Logged models. What is in the bin can be read and changed, but is not found by searches.
pub trait LoggedModels: Send + Sync {
    /// Makes a model.
    ///
    /// # Errors
    /// When the engine fails.
    fn create_logged_model(&self, new: NewLoggedModel) -> Result<LoggedModel, StoreError>;

    /// A model by its id, deleted or not.
    ///
    /// # Errors
    /// When the engine fails.
    fn logged_model(&self, id: &str) -> Result<Option<LoggedModel>, StoreError>;

    /// Says how its files stand.
    ///
    /// # Errors
    /// [`LoggedModelProblem::Missing`]; when the engine fails.
    fn mark_logged_model(
        &self,
        id: &str,
        status: LoggedModelStatus,
        now_ms: i64,
    ) -> Result<LoggedModel, LoggedModelProblem>;

    /// Puts a model into the bin.
    ///
    /// # Errors
    /// [`LoggedModelProblem::Missing`]; when the engine fails.
    fn delete_logged_model(&self, id: &str, now_ms: i64) -> Result<(), LoggedModelProblem>;

    /// Notes something on a model.
    ///
    /// # Errors
    /// [`LoggedModelProblem::Missing`]; when the engine fails.
    fn tag_logged_model(&self, id: &str, tags: BTreeMap<String, String>) -> Result<LoggedModel, LoggedModelProblem>;

    /// Takes a note away.
    ///
    /// # Errors
    /// [`LoggedModelProblem::Missing`], [`LoggedModelProblem::NoTag`]; when the engine fails.
    fn untag_logged_model(&self, id: &str, key: &str) -> Result<(), LoggedModelProblem>;

    /// Adds params, all or none. One that is there with the same value stays.
    ///
    /// # Errors
    /// [`LoggedModelProblem::Missing`], [`LoggedModelProblem::ParamTaken`]; when the engine fails.
    fn add_logged_model_params(&self, id: &str, params: BTreeMap<String, String>) -> Result<(), LoggedModelProblem>;

    /// The models that a query is for.
    ///
    /// # Errors
    /// When the engine fails, or the query names what models do not have.
    fn search_logged_models(&self, query: &LoggedModelQuery) -> Result<Vec<LoggedModel>, StoreError>;

    /// Models that were put into the bin before a time, the longest there first.
    ///
    /// # Errors
    /// When the engine fails.
    fn deleted_logged_models(&self, before_ms: i64, limit: usize) -> Result<Vec<LoggedModel>, StoreError>;

    /// Forgets a model in the bin and all that was noted and measured of it. `false` where there is none.
    ///
    /// # Errors
    /// When the engine fails.
    fn purge_logged_model(&self, id: &str) -> Result<bool, StoreError>;
}
