//! Segment files: their names and what a folder holds.
//!
//! Invariant: numbers only grow, also when somebody empties the folder, because a new one is at least the time in
//! microseconds. So a stored position never points into a younger file of the same name.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

const EXTENSION: &str = "journal";

/// The file of a segment.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}.{EXTENSION}"))
}

/// Every segment of the folder with its length in bytes.
pub(super) fn list(folder: &Path) -> io::Result<BTreeMap<u64, u64>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(stem) = name.to_str().and_then(|n| n.strip_suffix(".journal")) else { continue };
        if stem.len() == 16
            && let Ok(number) = u64::from_str_radix(stem, 16)
        {
            found.insert(number, entry.metadata()?.len());
        }
    }
    Ok(found)
}

/// The number of the segment after `last`.
pub(super) fn next_number(last: Option<u64>) -> u64 {
    let now = u64::try_from(weir_core::time::Clock::system().now()).unwrap_or_default();
    last.map_or(now, |n| now.max(n.saturating_add(1)))
}
