//! Datasets: examples to evaluate with, and how they came to be as they are.
//!
//! Invariants: every write of examples is a revision; an example is valid from one revision up to another, so that what a
//! dataset held stays known; among those that are valid no two have equal inputs. JSON goes back as the text that came.

use std::collections::BTreeMap;

use weir_core::id::{DatasetId, ExampleId};
use weir_core::query::{Condition, Sort};

use crate::telemetry::StoreError;

/// A dataset, without its examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetRecord {
    /// Its id.
    pub id: DatasetId,
    /// What it is called; others may be called the same.
    pub name: String,
    /// Labels.
    pub tags: BTreeMap<String, String>,
    /// JSON: the fields that inputs, outputs and expectations have had, and of what kind each was first.
    pub schema: Option<String>,
    /// Changes with every write of examples.
    pub digest: String,
    /// The number of the last revision; 0 before the first.
    pub revision: i64,
    /// Examples that it holds.
    pub examples: i64,
    /// When it was made, Unix milliseconds.
    pub created_ms: i64,
    /// When it was changed last.
    pub updated_ms: i64,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub updated_by: Option<String>,
}

/// A dataset that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewDataset {
    /// What it is called.
    pub name: String,
    /// Labels.
    pub tags: BTreeMap<String, String>,
    /// Projects that it belongs to; they need not exist.
    pub projects: Vec<i64>,
    /// Who makes it.
    pub user: Option<String>,
    /// When.
    pub now_ms: i64,
}

/// An example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Its id.
    pub id: ExampleId,
    /// JSON object: what is put in.
    pub inputs: String,
    /// JSON: what came out; `null`: nothing, as was said.
    pub outputs: Option<String>,
    /// JSON object: what would be right.
    pub expected: Option<String>,
    /// JSON object of labels.
    pub metadata: Option<String>,
    /// JSON object: where it is from.
    pub source: Option<String>,
    /// When it was added, Unix milliseconds.
    pub created_ms: i64,
    /// When it was changed last.
    pub updated_ms: i64,
    /// Who added it.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub updated_by: Option<String>,
}

/// An example that is to be added, or merged into the one with equal inputs: outputs replace, what is expected and the
/// metadata come to what is there.
#[derive(Clone, Debug, Default)]
pub struct ExampleWrite {
    /// JSON object.
    pub inputs: String,
    /// JSON.
    pub outputs: Option<String>,
    /// JSON object.
    pub expected: Option<String>,
    /// JSON object.
    pub metadata: Option<String>,
    /// JSON object; only a new example takes it.
    pub source: Option<String>,
    /// Who writes it.
    pub user: Option<String>,
}

/// What became of examples that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExamplesPut {
    /// So many are new.
    pub inserted: i64,
    /// So many were merged.
    pub updated: i64,
}

/// Datasets are looked for so. Fields: `id`, `name`, `created_ms`, `updated_ms`, `created_by`, `updated_by`; collection
/// `tags`.
#[derive(Clone, Debug, Default)]
pub struct DatasetQuery {
    /// Only those that belong to one of these; empty: any.
    pub projects: Vec<i64>,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// In what order; ties are broken by id, greatest first.
    pub order: Vec<Sort>,
    /// So many are passed over.
    pub offset: u64,
    /// At most that many.
    pub limit: usize,
}

/// Examples of a dataset are asked for so: oldest first, those of one millisecond by id.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExampleQuery {
    /// Whose.
    pub dataset: DatasetId,
    /// As it was at this revision; `None`: as it is.
    pub revision: Option<i64>,
    /// Only those after this one: when it was added, and its id.
    pub after: Option<(i64, ExampleId)>,
    /// At most that many.
    pub limit: usize,
}

/// Datasets and their examples.
pub trait Datasets: Send + Sync {
    /// Makes a dataset.
    ///
    /// # Errors
    /// When the engine fails.
    fn create_dataset(&self, new: &NewDataset) -> Result<DatasetRecord, StoreError>;

    /// Puts a whole dataset, as it was somewhere else, in place of what has its id; its examples are one revision.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_dataset(&self, dataset: &DatasetRecord, projects: &[i64], examples: Vec<Example>) -> Result<(), StoreError>;

    /// The dataset of an id.
    ///
    /// # Errors
    /// When the engine fails.
    fn dataset(&self, id: DatasetId) -> Result<Option<DatasetRecord>, StoreError>;

    /// Datasets that a query finds.
    ///
    /// # Errors
    /// When the engine fails, or the query names what datasets do not have.
    fn search_datasets(&self, query: &DatasetQuery) -> Result<Vec<DatasetRecord>, StoreError>;

    /// Deletes a dataset with all its revisions. `false` where there is none.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_dataset(&self, id: DatasetId) -> Result<bool, StoreError>;

    /// Sets labels, or takes them away (`None`). `false` where there is no such dataset.
    ///
    /// # Errors
    /// When the engine fails.
    fn tag_dataset(&self, id: DatasetId, tags: &[(String, Option<String>)]) -> Result<bool, StoreError>;

    /// The projects that a dataset belongs to, in the order in which they were added.
    ///
    /// # Errors
    /// When the engine fails.
    fn dataset_projects(&self, id: DatasetId) -> Result<Vec<i64>, StoreError>;

    /// Adds a dataset to projects, or takes it out of them. The dataset as it is then; `None` where there is none.
    ///
    /// # Errors
    /// When the engine fails.
    fn link_dataset(
        &self,
        id: DatasetId,
        projects: &[i64],
        linked: bool,
        now_ms: i64,
    ) -> Result<Option<DatasetRecord>, StoreError>;

    /// Adds or merges examples, in one revision. `None` where there is no such dataset.
    ///
    /// # Errors
    /// When the engine fails, or inputs are no JSON.
    fn put_examples(
        &self,
        id: DatasetId,
        examples: Vec<ExampleWrite>,
        now_ms: i64,
    ) -> Result<Option<ExamplesPut>, StoreError>;

    /// Examples that a query finds.
    ///
    /// # Errors
    /// When the engine fails.
    fn examples(&self, query: &ExampleQuery) -> Result<Vec<Example>, StoreError>;

    /// Ends examples, in one revision; how many there were.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_examples(&self, id: DatasetId, examples: &[ExampleId], now_ms: i64) -> Result<i64, StoreError>;
}
