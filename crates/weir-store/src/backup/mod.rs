//! Backups: whole copies of a data folder, one folder each beside others on a shelf.
//!
//! | in a backup | what |
//! |---|---|
//! | `telemetry.db`, `catalog.db` | as they were at one instant each |
//! | `journal/` | calls that were not in `telemetry.db` yet when the copy began |
//! | `artifacts/`, `files/` | contents, where they are in a folder |
//! | `SHA256SUMS` | the digest of each file above, as `sha256sum -c` reads it |
//! | `manifest.json` | [`Manifest`] |
//! | `verified.json` | [`Verified`], once the backup was restored on trial |
//!
//! Invariants: a backup under its final name is whole and on disk (it is written under a name that begins with a dot, synced,
//! then renamed); everything that was acknowledged before it began is in it, see [`make`]; what is restored is compared
//! with its digests and counts before it gets its name.

mod error;
mod file;
mod make;
mod manifest;
mod restore;
mod shelf;
#[cfg(test)]
mod tests;

pub use error::BackupError;
pub use make::{Made, Source, make};
pub use manifest::{Journalled, Manifest, Tables, Verified};
pub use restore::{Restored, restore, verify};
pub use shelf::{Backup, list, newest, prune};

/// Database files of a data folder that are copied.
const DATABASES: [&str; 2] = ["telemetry.db", "catalog.db"];
/// Calls that are not in the database yet.
const JOURNAL: &str = "journal";
/// Contents of artifacts.
const ARTIFACTS: &str = "artifacts";
/// Contents of uploaded files.
const FILES: &str = "files";
const MANIFEST: &str = "manifest.json";
const VERIFIED: &str = "verified.json";
const SUMS: &str = "SHA256SUMS";
