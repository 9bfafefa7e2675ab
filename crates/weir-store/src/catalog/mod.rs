//! The contract of the catalog: what is small and transactional, one trait per concept. Calls block; async callers go
//! through a thread.

mod alerts;
mod anomalies;
mod artifacts;
mod batches;
mod call_marks;
mod datasets;
mod happenings;
mod logged_models;
mod notifications;
mod projects;
mod prompt_notes;
mod prompts;
mod purge;
mod registry;
mod runs;
mod scorers;

pub use alerts::{
    AlertAck, AlertEvaluation, AlertHistoryQuery, AlertQuery, AlertRecord, AlertRuleProblem, AlertRulePut,
    AlertRuleRecord, AlertTransition, AlertWrite, Alerts, MAX_ALERT_HISTORY, MAX_ALERT_MUTES, MAX_ALERT_RULES,
    MAX_ALERTS,
};
pub use anomalies::{Anomalies, AnomalyQuery, AnomalyWrite, EngineRecord, MAX_ANOMALIES};
pub use artifacts::{ArtifactEntry, ArtifactRecord, Artifacts, BlobRecord, PutArtifact, UploadRecord};
pub use batches::{
    BatchCounts, BatchProblem, BatchPut, BatchRecord, BatchStatus, Batches, FileDeleted, FileQuery, FileRecord,
};
pub use call_marks::{CallMark, CallMarks};
pub use datasets::{
    DatasetQuery, DatasetRecord, Datasets, Example, ExampleQuery, ExampleWrite, ExamplesPut, NewDataset,
};
pub use happenings::Happenings;
pub use logged_models::{
    LoggedModel, LoggedModelKey, LoggedModelProblem, LoggedModelQuery, LoggedModelSort, LoggedModelStatus,
    LoggedModels, MAX_MODEL_POINTS, MeasuredOn, MeasuredPoint, NewLoggedModel,
};
pub use notifications::{
    Attempt, ChannelDeliveries, ChannelTest, Delivery, MAX_NOTIFICATION, MAX_SETTLED, MAX_STANDING, MAX_WAITING,
    NewNotification, NotificationQuery, NotificationRecord, Notifications, Standing, StandingAlert,
};
pub use projects::{
    DEFAULT_PROJECT, DEFAULT_PROJECT_KEY, NewProject, ProjectProblem, ProjectQuery, ProjectRecord, Projects, Stage,
};
pub use prompt_notes::{PromptNote, PromptNotes, VersionNote};
pub use prompts::{PromptRecord, Prompts, Put};
pub use purge::{Purge, Purged};
pub use scorers::{ScorerRecord, Scorers};

pub use registry::{
    ModelStage, ModelVersion, NewModelVersion, RegisteredModel, Registry, RegistryError, RegistryQuery,
};

pub use runs::{
    Batch, DatasetInput, DatasetSummary, ModelPoint, NewPoint, NewRun, ParamConflict, Point, PointOfModel, Run,
    RunChange, RunPage, RunProblem, RunQuery, RunRecord, RunStatus, Runs, TagChange,
};

/// Everything that a catalog keeps.
pub trait Catalog:
    Prompts
    + Batches
    + Projects
    + Registry
    + Runs
    + Datasets
    + Scorers
    + CallMarks
    + LoggedModels
    + Artifacts
    + Purge
    + PromptNotes
    + Notifications
    + Anomalies
    + Alerts
    + Happenings
{
}

impl<T> Catalog for T where
    T: Prompts
        + Batches
        + Projects
        + Registry
        + Runs
        + Datasets
        + Scorers
        + CallMarks
        + LoggedModels
        + Artifacts
        + Purge
        + PromptNotes
        + Notifications
        + Anomalies
        + Alerts
        + Happenings
{
}
