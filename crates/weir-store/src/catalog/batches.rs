use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_core::time::Micros;
use weir_core::token::TokenCounts;

use crate::telemetry::StoreError;

/// What is known of an uploaded or produced file; its content lies beside the catalog under its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRecord {
    /// `file-<32 hex digits>`; ids sort by the time they were made.
    pub id: String,
    /// Name of the key that it belongs to; empty where no keys are configured.
    pub owner: String,
    /// What it is for, in OpenAI's words.
    pub purpose: String,
    /// The name that its owner gave it.
    pub filename: String,
    /// Its size.
    pub bytes: u64,
    /// When it was made.
    pub created_us: Micros,
    /// When it is deleted; absent, it is kept.
    pub expires_us: Option<Micros>,
}

/// Which files are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileQuery<'a> {
    /// Only those of this key.
    pub owner: Option<&'a str>,
    /// Only those for this.
    pub purpose: Option<&'a str>,
    /// Only those after this id in the list's order.
    pub after: Option<&'a str>,
    /// Most of them.
    pub limit: usize,
    /// Oldest first instead of newest first.
    pub ascending: bool,
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// Its input is still to be read.
    #[default]
    Validating,
    /// It cannot be run; its errors say why.
    Failed,
    /// Its requests are under way.
    InProgress,
    /// All its requests were answered; the files are being made.
    Finalizing,
    /// It is done.
    Completed,
    /// Its time was up before it was done.
    Expired,
    /// It was told to stop; what is under way ends.
    Cancelling,
    /// It was stopped.
    Cancelled,
}

impl BatchStatus {
    /// Its name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validating => "validating",
            Self::Failed => "failed",
            Self::InProgress => "in_progress",
            Self::Finalizing => "finalizing",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Failed | Self::Completed | Self::Expired | Self::Cancelled)
    }
}

/// Something that keeps a batch from being run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchProblem {
    /// A stable name of its kind.
    pub code: String,
    /// The line of the input, from 1.
    pub line: Option<u64>,
    /// What is wrong and what to change.
    pub message: String,
    /// The member at fault.
    pub param: Option<String>,
}

/// How many requests a batch has and how they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCounts {
    /// All of them.
    pub total: u64,
    /// Answered with success.
    pub completed: u64,
    /// Answered with an error.
    pub failed: u64,
}

/// A batch: requests in a file, run one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchRecord {
    /// `batch_<32 hex digits>`; ids sort by the time they were made.
    pub id: String,
    /// Name of the key that it belongs to and that its requests are made with.
    pub owner: String,
    /// The path that its requests go to.
    pub endpoint: String,
    /// The file with its requests.
    pub input_file: String,
    /// How long it may take, as asked for.
    pub completion_window: String,
    /// Where it stands.
    pub status: BatchStatus,
    /// The model of its requests, when all name the same.
    pub model: Option<String>,
    /// Why it failed.
    pub errors: Vec<BatchProblem>,
    /// The file of answers: reserved when it begins, there once it has ended.
    pub output_file: Option<String>,
    /// The file of failures: reserved when it begins, there once it has ended.
    pub error_file: Option<String>,
    /// When it was made.
    pub created_us: Micros,
    /// When its first request was made.
    pub in_progress_us: Option<Micros>,
    /// When it is given up.
    pub expires_us: Option<Micros>,
    /// When its last request was answered.
    pub finalizing_us: Option<Micros>,
    /// When it was done.
    pub completed_us: Option<Micros>,
    /// When it failed.
    pub failed_us: Option<Micros>,
    /// When it was given up.
    pub expired_us: Option<Micros>,
    /// When it was told to stop.
    pub cancelling_us: Option<Micros>,
    /// When it had stopped.
    pub cancelled_us: Option<Micros>,
    /// How its requests went.
    pub counts: BatchCounts,
    /// Tokens of its answers.
    pub usage: TokenCounts,
    /// What its owner attached to it.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// What became of a batch that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchPut {
    /// It is there.
    Created,
    /// Its input file is not.
    NoInput,
    /// Too many are under way.
    TooMany,
    /// Too many of its owner's are under way.
    TooManyOfOwner,
}

/// What became of a file that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileDeleted {
    /// It is gone.
    Yes,
    /// It was not there.
    No,
    /// The batch of this id still needs it.
    InUse(String),
}

/// Files and the batches that are made of them.
pub trait Batches: Send + Sync {
    /// Adds a file.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_file(&self, file: &FileRecord) -> Result<(), StoreError>;

    /// The file of an id.
    ///
    /// # Errors
    /// When the engine fails.
    fn file(&self, id: &str) -> Result<Option<FileRecord>, StoreError>;

    /// Files in the order of their making.
    ///
    /// # Errors
    /// When the engine fails.
    fn files(&self, query: &FileQuery<'_>) -> Result<Vec<FileRecord>, StoreError>;

    /// Files whose time was up at `now`, at most `limit`; inputs of batches under way are left out.
    ///
    /// # Errors
    /// When the engine fails.
    fn expired_files(&self, now: Micros, limit: usize) -> Result<Vec<FileRecord>, StoreError>;

    /// Deletes a file, unless a batch under way needs it.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_file(&self, id: &str) -> Result<FileDeleted, StoreError>;

    /// Bytes of all files, each counted as at least `least`.
    ///
    /// # Errors
    /// When the engine fails.
    fn file_bytes(&self, least: u64) -> Result<u64, StoreError>;

    /// Adds a batch whose input is there, unless `most` are under way, or `most_of_owner` of its owner's.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_batch(&self, batch: &BatchRecord, most: usize, most_of_owner: usize) -> Result<BatchPut, StoreError>;

    /// The batch of an id.
    ///
    /// # Errors
    /// When the engine fails.
    fn batch(&self, id: &str) -> Result<Option<BatchRecord>, StoreError>;

    /// Batches of a key (or all), newest first, after an id.
    ///
    /// # Errors
    /// When the engine fails.
    fn batches(&self, owner: Option<&str>, after: Option<&str>, limit: usize) -> Result<Vec<BatchRecord>, StoreError>;

    /// The batches that have not ended, oldest first.
    ///
    /// # Errors
    /// When the engine fails.
    fn open_batches(&self) -> Result<Vec<BatchRecord>, StoreError>;

    /// Changes a batch and adds the files that the change brings, in one transaction. Returns it as it is then; `None`
    /// when there is none.
    ///
    /// # Errors
    /// When the engine fails; nothing was changed.
    fn change_batch(
        &self,
        id: &str,
        files: &[FileRecord],
        change: &mut dyn FnMut(&mut BatchRecord),
    ) -> Result<Option<BatchRecord>, StoreError>;

    /// Deletes batches that were made before an instant and have ended.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_batches(&self, before: Micros) -> Result<u64, StoreError>;
}
