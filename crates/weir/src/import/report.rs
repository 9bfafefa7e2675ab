//! What both sides hold: counts and digests of each kind, and where they differ.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

/// Differences that are named; more are counted.
const NAMED: usize = 10;

/// The things of one kind, on both sides, by id: a digest each.
#[derive(Default)]
pub(crate) struct Kind {
    name: &'static str,
    there: BTreeMap<String, [u8; 32]>,
    here: BTreeMap<String, [u8; 32]>,
}

impl Kind {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// A thing at the source, as a text that says all that is to arrive.
    pub(crate) fn there(&mut self, id: impl Into<String>, text: &str) {
        self.there.insert(id.into(), Sha256::digest(text).into());
    }

    /// The same thing here.
    pub(crate) fn here(&mut self, id: impl Into<String>, text: &str) {
        self.here.insert(id.into(), Sha256::digest(text).into());
    }

    /// What is missing here or is not the same.
    fn differences(&self) -> Vec<&str> {
        let differs = |(id, digest): &(&String, &[u8; 32])| self.here.get(*id) != Some(*digest);
        self.there.iter().filter(differs).map(|(id, _)| id.as_str()).collect()
    }
}

/// What an import came to.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) kinds: Vec<Kind>,
    /// What was found at the source and is not moved: kind and count.
    pub(crate) left: Vec<(&'static str, u64)>,
}

impl Report {
    pub(crate) fn differs(&self) -> bool {
        self.kinds.iter().any(|kind| !kind.differences().is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:>8} {:>8} {:>12}", "KIND", "THERE", "HERE", "DIFFERENT")?;
        for kind in &self.kinds {
            let different = kind.differences();
            let (there, here) = (kind.there.len(), kind.here.len());
            writeln!(f, "{:<20} {there:>8} {here:>8} {:>12}", kind.name, different.len())?;
            for id in different.iter().take(NAMED) {
                writeln!(f, "  {id}")?;
            }
        }
        for (kind, count) in self.left.iter().filter(|(_, count)| *count > 0) {
            writeln!(f, "{kind}: {count} are not moved")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_other_differs() {
        let mut kind = Kind::new("runs");
        for (id, there, here) in [("a", "1", Some("1")), ("b", "1", Some("2")), ("c", "1", None)] {
            kind.there(id, there);
            if let Some(here) = here {
                kind.here(id, here);
            }
        }
        kind.here("more", "is no difference");
        assert_eq!(kind.differences(), ["b", "c"]);
        let report = Report { kinds: vec![kind], left: vec![("spans", 0), ("traces", 2)] };
        let text = report.to_string();
        assert!(
            report.differs() && text.contains("  b\n  c\n") && text.contains("traces: 2") && !text.contains("spans")
        );
    }
}
