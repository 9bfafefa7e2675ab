//! The contract of the catalog: what is small and transactional, one trait per concept. Calls block; async callers go
//! through a thread.

mod batches;
mod logged_models;
mod projects;
mod prompt_notes;
mod prompts;
mod registry;
mod runs;

pub use batches::{
    BatchCounts, BatchProblem, BatchPut, BatchRecord, BatchStatus, Batches, FileDeleted, FileQuery, FileRecord,
};
pub use logged_models::{
    LoggedModel, LoggedModelKey, LoggedModelProblem, LoggedModelQuery, LoggedModelSort, LoggedModelStatus,
    LoggedModels, MAX_MODEL_POINTS, MeasuredOn, MeasuredPoint, NewLoggedModel,
};
pub use projects::{
    DEFAULT_PROJECT, DEFAULT_PROJECT_KEY, NewProject, ProjectProblem, ProjectQuery, ProjectRecord, Projects, Stage,
};
pub use prompt_notes::{PromptNote, PromptNotes, VersionNote};
pub use prompts::{PromptRecord, Prompts, Put};
pub use registry::{
    ModelStage, ModelVersion, NewModelVersion, RegisteredModel, Registry, RegistryError, RegistryQuery,
};

pub use runs::{
    Batch, DatasetInput, DatasetSummary, ModelPoint, NewPoint, NewRun, ParamConflict, Point, PointOfModel, Run,
    RunChange, RunPage, RunProblem, RunQuery, RunRecord, RunStatus, Runs, TagChange,
};

/// Everything that a catalog keeps.
pub trait Catalog: Prompts + Batches + Projects + Registry + Runs + LoggedModels + PromptNotes {}

impl<T: Prompts + Batches + Projects + Registry + Runs + LoggedModels + PromptNotes> Catalog for T {}
