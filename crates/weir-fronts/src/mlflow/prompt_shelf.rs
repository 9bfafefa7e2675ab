//! Weir's prompts, as whoever mounts the front has them at hand.

use weir_core::error::Error;
use weir_core::prompt::{PromptContent, PromptDefaults};
use weir_store::catalog::PromptRecord;

/// A version that is to be made.
#[derive(Clone, Debug)]
pub struct NewPromptVersion {
    /// The prompt; made with its first version.
    pub name: String,
    /// What the version is called; without it the next number.
    pub version: Option<String>,
    /// What the prompt is for.
    pub description: Option<String>,
    /// The template.
    pub content: PromptContent,
    /// Defaults of requests.
    pub defaults: PromptDefaults,
    /// What changed.
    pub message: Option<String>,
}

/// Every prompt, and the ways to change them. What is changed is in use when the call returns.
pub trait PromptShelf: Send + Sync {
    /// Every prompt, or those of one name.
    fn prompts(&self, name: Option<&str>) -> Vec<PromptRecord>;

    /// Makes a version; what it is called.
    ///
    /// # Errors
    /// 400 for a template with a mistake, its `param` is `template`; 409 when the version exists with another content.
    fn create(&self, new: NewPromptVersion) -> Result<String, Error>;

    /// Moves a label to a version, or takes it away.
    ///
    /// # Errors
    /// 400 for what cannot be a label, 404 without the version or the label.
    fn set_label(&self, name: &str, label: &str, version: Option<&str>) -> Result<(), Error>;

    /// Deletes a version.
    ///
    /// # Errors
    /// 400 where it comes from a file.
    fn delete_version(&self, name: &str, version: &str) -> Result<(), Error>;

    /// Deletes a prompt.
    ///
    /// # Errors
    /// 400 where a version comes from a file.
    fn delete(&self, name: &str) -> Result<(), Error>;
}
