use crate::telemetry::StoreError;

/// A file of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRecord {
    /// Its content.
    pub blob: BlobRecord,
    /// When it was last written, milliseconds since the epoch.
    pub modified_ms: i64,
}

/// A content that files of the tree have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRecord {
    /// SHA-256 of the bytes in hex. A content that never passed Weir has a name of its own instead.
    pub digest: String,
    /// How many bytes it has.
    pub size: u64,
    /// Where the store of bytes has it, if not where its digest says.
    pub place: Option<String>,
}

/// What a folder of the tree holds directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactEntry {
    /// The name within the folder.
    pub name: String,
    /// How many bytes a file has; `None` for a folder.
    pub size: Option<u64>,
}

/// What became of a file that was to be put into the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutArtifact {
    /// It is there; `unused` when the content that it had before is nobody's now.
    Put {
        /// Whether a content lost its last file.
        unused: bool,
    },
    /// There is a folder of that name; nothing was changed.
    IsFolder,
    /// This file stands where it needs a folder; nothing was changed.
    UnderFile(String),
}

/// An upload that a client makes in parts, straight to the store of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// The name that the store of bytes gave it.
    pub id: String,
    /// Where the bytes will be.
    pub place: String,
    /// The file that it becomes.
    pub path: String,
    /// When it began, milliseconds since the epoch.
    pub started_ms: i64,
}

/// The tree of artifacts and the contents of its files. A folder is there as long as a file is in it.
///
/// Paths are those of [`crate::artifacts::ArtifactPath`].
pub trait Artifacts: Send + Sync {
    /// The file of a path.
    ///
    /// # Errors
    /// When the engine fails.
    fn artifact(&self, path: &str) -> Result<Option<ArtifactRecord>, StoreError>;

    /// What a folder holds, by name; `None` is the root. A folder that is not there holds nothing. At most `most`.
    ///
    /// # Errors
    /// When the engine fails.
    fn artifacts_in(&self, folder: Option<&str>, most: usize) -> Result<Vec<ArtifactEntry>, StoreError>;

    /// Files and bytes of a path: a file, or a folder with all that is below it.
    ///
    /// # Errors
    /// When the engine fails.
    fn artifacts_under(&self, path: &str) -> Result<(u64, u64), StoreError>;

    /// Puts a file into the tree, in place of one of that name. Its bytes are durable.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_artifact(&self, path: &str, blob: &BlobRecord, modified_ms: i64) -> Result<PutArtifact, StoreError>;

    /// Takes a file, or a folder with all that is below it, out of the tree; how many files that were.
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_artifacts(&self, path: &str) -> Result<u64, StoreError>;

    /// A content, with how many files have it.
    ///
    /// # Errors
    /// When the engine fails.
    fn blob(&self, digest: &str) -> Result<Option<(BlobRecord, u64)>, StoreError>;

    /// Whether a content stands at a place of its own.
    ///
    /// # Errors
    /// When the engine fails.
    fn is_place_used(&self, place: &str) -> Result<bool, StoreError>;

    /// Contents that no file has, with a digest above `after`, by digest, at most `most`.
    ///
    /// # Errors
    /// When the engine fails.
    fn unused_blobs(&self, after: &str, most: usize) -> Result<Vec<BlobRecord>, StoreError>;

    /// Forgets contents, those of them that no file has; their bytes are gone.
    ///
    /// # Errors
    /// When the engine fails.
    fn forget_blobs(&self, digests: &[String]) -> Result<(), StoreError>;

    /// Notes an upload in parts.
    ///
    /// # Errors
    /// When the engine fails.
    fn put_upload(&self, upload: &UploadRecord) -> Result<(), StoreError>;

    /// An upload in parts that is under way.
    ///
    /// # Errors
    /// When the engine fails.
    fn upload(&self, id: &str) -> Result<Option<UploadRecord>, StoreError>;

    /// Forgets an upload in parts.
    ///
    /// # Errors
    /// When the engine fails.
    fn forget_upload(&self, id: &str) -> Result<(), StoreError>;

    /// Uploads in parts that began before a time, at most `most`.
    ///
    /// # Errors
    /// When the engine fails.
    fn uploads_before(&self, started_ms: i64, most: usize) -> Result<Vec<UploadRecord>, StoreError>;
}
