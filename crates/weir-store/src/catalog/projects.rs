//! Projects: where runs, spans and all else belong. MLflow calls them experiments.
//!
//! Invariants: a project's number and key never change and are never given again; names are unique, those of deleted
//! projects among them.

use std::collections::BTreeMap;

use weir_core::query::{Condition, Sort};

use crate::telemetry::StoreError;

/// The number of the project that is always there.
pub const DEFAULT_PROJECT: i64 = 0;
/// Its key: what spans carry that name no project.
pub const DEFAULT_PROJECT_KEY: &str = "default";

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectRecord {
    /// Its number: MLflow's `experiment_id`.
    pub number: i64,
    /// What spans carry as their project. Never changes.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// Where artifacts of its runs go.
    pub artifact_location: String,
    /// Whether it is in the bin.
    pub deleted: bool,
    /// When it was made, Unix milliseconds.
    pub created_ms: i64,
    /// When it was last changed.
    pub updated_ms: i64,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A project that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewProject {
    /// The number that it is to have, where that one is free.
    pub number: Option<i64>,
    /// What it is called.
    pub name: String,
    /// Where artifacts of its runs go; `None`: `mlflow-artifacts:/<number>`.
    pub artifact_location: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it is made, Unix milliseconds.
    pub now_ms: i64,
}

/// Which entities are looked for, by whether they are in the bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Those that are not.
    #[default]
    Active,
    /// Those that are.
    Deleted,
    /// All.
    All,
}

impl Stage {
    /// Whether it takes an entity.
    #[must_use]
    pub fn takes(self, deleted: bool) -> bool {
        match self {
            Self::Active => !deleted,
            Self::Deleted => deleted,
            Self::All => true,
        }
    }
}

/// Projects are looked for so. Fields: `name`, `id` (the number as text), `number`, `created_ms`, `updated_ms`; collection
/// `tags`.
#[derive(Clone, Debug, Default)]
pub struct ProjectQuery {
    /// In which stage.
    pub stage: Stage,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// In what order.
    pub order: Vec<Sort>,
    /// So many of them are passed over.
    pub offset: u64,
    /// At most that many.
    pub limit: usize,
}

/// Why a project was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProjectProblem {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is none of that number, or none in the stage that is needed.
    #[error("there is no such project")]
    Missing,
    /// The name is taken.
    #[error("the name is taken")]
    Taken,
    /// It is in the bin.
    #[error("the project is deleted")]
    Deleted,
    /// It has no such tag.
    #[error("the project has no such tag")]
    NoTag,
}

/// Projects.
pub trait Projects: Send + Sync {
    /// The project of a number, deleted or not.
    ///
    /// # Errors
    /// When the engine fails.
    fn project(&self, number: i64) -> Result<Option<ProjectRecord>, StoreError>;

    /// The project of a name, deleted or not.
    ///
    /// # Errors
    /// When the engine fails.
    fn project_named(&self, name: &str) -> Result<Option<ProjectRecord>, StoreError>;

    /// The project whose key spans carry, deleted or not.
    ///
    /// # Errors
    /// When the engine fails.
    fn project_of_key(&self, key: &str) -> Result<Option<ProjectRecord>, StoreError>;

    /// Makes a project for every key that has none, named by the key (or `key (2)`... where that name is taken). Cheap
    /// where all are there.
    ///
    /// # Errors
    /// When the engine fails.
    fn ensure_projects(&self, keys: &[String]) -> Result<(), StoreError>;

    /// Makes a project. Its key is its name, or `name~2`... where that key is in use.
    ///
    /// # Errors
    /// [`ProjectProblem::Taken`], or when the engine fails.
    fn create_project(&self, new: &NewProject) -> Result<ProjectRecord, ProjectProblem>;

    /// Projects that a query finds. Without an order: newest first.
    ///
    /// # Errors
    /// When the engine fails, or the query names what projects do not have.
    fn search_projects(&self, query: &ProjectQuery) -> Result<Vec<ProjectRecord>, StoreError>;

    /// Gives an active project another name.
    ///
    /// # Errors
    /// [`ProjectProblem`]
    fn rename_project(&self, number: i64, name: &str, now_ms: i64) -> Result<(), ProjectProblem>;

    /// Puts a project and all its runs into the bin, or takes them out of it. It must be in the other stage.
    ///
    /// # Errors
    /// [`ProjectProblem::Missing`], or when the engine fails.
    fn mark_project(&self, number: i64, deleted: bool, now_ms: i64) -> Result<(), ProjectProblem>;

    /// Sets a tag of an active project, or takes it away (`None`).
    ///
    /// # Errors
    /// [`ProjectProblem`]
    fn tag_project(&self, number: i64, key: &str, value: Option<&str>) -> Result<(), ProjectProblem>;
}
