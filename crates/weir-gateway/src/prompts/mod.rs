//! Prompts: named templates with versions and labels, from the catalog and from a folder of files, compiled and in
//! memory, swapped whole.
//!
//! Invariant: a request sees one set of prompts from its beginning to its end, and rendering touches no disk.

mod assign;
pub mod file;
mod folder;
mod library;
mod merge;
mod set;
pub mod template;
#[cfg(test)]
mod tests;
mod version;

pub(crate) use assign::assigned;
pub use library::{Library, NewVersion};
pub use set::{Prompt, PromptSet};
pub use version::{Rendered, Version};
