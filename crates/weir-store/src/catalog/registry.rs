use std::collections::BTreeMap;

use weir_core::query::{Condition, Sort};

use crate::telemetry::StoreError;

/// A name under which versions of a model are registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisteredModel {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made, milliseconds.
    pub created_ms: i64,
    /// When it or what stands under it was changed last.
    pub updated_ms: i64,
    /// What was noted on it.
    pub tags: BTreeMap<String, String>,
    /// Alias → version.
    pub aliases: BTreeMap<String, i64>,
    /// The newest version of each stage, by the first version of that stage.
    pub latest: Vec<ModelVersion>,
}

/// One version of a registered model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelVersion {
    /// The model that it is a version of.
    pub name: String,
    /// Its number, from 1.
    pub version: i64,
    /// When it was made, milliseconds.
    pub created_ms: i64,
    /// When it was changed last.
    pub updated_ms: i64,
    /// What is new in it.
    pub description: Option<String>,
    /// How far it has come.
    pub stage: ModelStage,
    /// Where its files are, as it was said.
    pub source: String,
    /// Where that led when the version was made.
    pub location: String,
    /// The run that made it; empty, none was named.
    pub run_id: String,
    /// Where that run is shown.
    pub run_link: String,
    /// The logged model that it is; empty, none.
    pub model_id: String,
    /// What was noted on it.
    pub tags: BTreeMap<String, String>,
    /// Aliases that stand on it.
    pub aliases: Vec<String>,
}

/// How far a version has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelStage {
    /// Nowhere yet.
    #[default]
    None,
    /// On trial.
    Staging,
    /// In use.
    Production,
    /// Put away.
    Archived,
}

impl ModelStage {
    /// Every stage.
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// A stage by its name, in upper or lower case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str().eq_ignore_ascii_case(name))
    }
}

/// A version to be made.
#[derive(Clone, Debug, Default)]
pub struct NewModelVersion {
    /// Where its files are, as it was said.
    pub source: String,
    /// Where that leads.
    pub location: String,
    /// The run that made it, or nothing.
    pub run_id: String,
    /// Where that run is shown, or nothing.
    pub run_link: String,
    /// The logged model that it is, or nothing.
    pub model_id: String,
    /// What is new in it.
    pub description: Option<String>,
    /// What is noted on it.
    pub tags: BTreeMap<String, String>,
}

/// A page of what is looked for.
#[derive(Clone, Debug, Default)]
pub struct RegistryQuery {
    /// What must hold: fields `name`; of versions also `run_id`, `source_path`, `version_number`; collection `tags`.
    pub conditions: Vec<Condition>,
    /// By fields `name`, `updated`; of versions also `created`, `version_number`. The rest is decided by name, and then by
    /// version, newest first.
    pub order: Vec<Sort>,
    /// How many to leave out.
    pub offset: u64,
    /// How many at most.
    pub limit: u64,
}

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No model of that name.
    #[error("there is no such registered model")]
    NoModel,
    /// No version of that number.
    #[error("there is no such version")]
    NoVersion,
    /// No alias of that name.
    #[error("there is no such alias")]
    NoAlias,
    /// The name belongs to another model.
    #[error("the name is taken")]
    Taken,
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registered models and their versions.
///
/// Invariants: the number of a version is never given again as long as its model is there; an alias stands on a version
/// that is there; times are the caller's.
pub trait Registry: Send + Sync {
    /// Makes a name.
    ///
    /// # Errors
    /// [`RegistryError::Taken`]; when the engine fails.
    fn create_model(
        &self,
        name: &str,
        description: Option<&str>,
        tags: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<RegisteredModel, RegistryError>;

    /// A model by its name.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`]; when the engine fails.
    fn registered_model(&self, name: &str) -> Result<RegisteredModel, RegistryError>;

    /// Changes what a model is said to be for.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`]; when the engine fails.
    fn describe_model(
        &self,
        name: &str,
        description: Option<&str>,
        now_ms: i64,
    ) -> Result<RegisteredModel, RegistryError>;

    /// Gives a model another name; its versions go with it.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`], [`RegistryError::Taken`]; when the engine fails.
    fn rename_model(&self, name: &str, new_name: &str, now_ms: i64) -> Result<RegisteredModel, RegistryError>;

    /// Deletes a model with its versions, tags and aliases.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`]; when the engine fails.
    fn delete_model(&self, name: &str) -> Result<(), RegistryError>;

    /// The models that a query is for.
    ///
    /// # Errors
    /// When the engine fails, or the query names what models do not have.
    fn search_models(&self, query: &RegistryQuery) -> Result<Vec<RegisteredModel>, StoreError>;

    /// Notes something on a model, or takes the note away; that there is none is no error.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`]; when the engine fails.
    fn set_model_tag(&self, name: &str, key: &str, value: Option<&str>) -> Result<(), RegistryError>;

    /// Adds a version under the next number.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`]; when the engine fails.
    fn create_version(&self, name: &str, new: NewModelVersion, now_ms: i64) -> Result<ModelVersion, RegistryError>;

    /// A version by its number.
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`], also without a model of the name; when the engine fails.
    fn model_version(&self, name: &str, version: i64) -> Result<ModelVersion, RegistryError>;

    /// The version that an alias stands on.
    ///
    /// # Errors
    /// [`RegistryError::NoModel`], [`RegistryError::NoAlias`]; when the engine fails.
    fn aliased_version(&self, name: &str, alias: &str) -> Result<ModelVersion, RegistryError>;

    /// Changes what is said to be new in a version.
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`]; when the engine fails.
    fn describe_version(
        &self,
        name: &str,
        version: i64,
        description: Option<&str>,
        now_ms: i64,
    ) -> Result<ModelVersion, RegistryError>;

    /// Moves a version to a stage; with `archive` all others of that stage are put away.
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`]; when the engine fails.
    fn move_version(
        &self,
        name: &str,
        version: i64,
        stage: ModelStage,
        archive: bool,
        now_ms: i64,
    ) -> Result<ModelVersion, RegistryError>;

    /// Deletes a version with its tags and the aliases that stand on it.
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`]; when the engine fails.
    fn delete_version(&self, name: &str, version: i64, now_ms: i64) -> Result<(), RegistryError>;

    /// The versions, of all models, that a query is for.
    ///
    /// # Errors
    /// When the engine fails, or the query names what versions do not have.
    fn search_versions(&self, query: &RegistryQuery) -> Result<Vec<ModelVersion>, StoreError>;

    /// Notes something on a version, or takes the note away; that there is none is no error.
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`]; when the engine fails.
    fn set_version_tag(&self, name: &str, version: i64, key: &str, value: Option<&str>) -> Result<(), RegistryError>;

    /// Puts an alias on a version, wherever it stood before, or takes it away; that there is none is no error.
    ///
    /// # Errors
    /// [`RegistryError::NoVersion`], of an alias that is taken away [`RegistryError::NoModel`]; when the engine fails.
    fn set_alias(&self, name: &str, alias: &str, version: Option<i64>) -> Result<(), RegistryError>;
}
