//! Names that were replaced, kept apart: several may become the same, and of members of one name all but one are lost.

use std::collections::BTreeMap;

/// Counts what names became.
#[derive(Debug, Default)]
pub(crate) struct Apart(BTreeMap<String, u64>);

impl Apart {
    /// A replaced name, with its number where it is not the first of its kind: `[SECRET]`, `[SECRET] 2`, ...
    pub(crate) fn name(&mut self, replaced: String) -> String {
        self.numbered(replaced.clone(), replaced)
    }

    /// The same of the content of a name in JSON; what reads the same is the same.
    pub(super) fn json_name(&mut self, raw: String) -> String {
        let reads = serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.clone());
        self.numbered(reads, raw)
    }

    fn numbered(&mut self, reads: String, written: String) -> String {
        let count = self.0.entry(reads).or_default();
        *count += 1;
        if *count == 1 { written } else { format!("{written} {count}") }
    }
}
