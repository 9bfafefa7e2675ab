//! What both sides hold: counts and digests of each kind, and where they differ.

use std::fmt;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Differences that are named; more are counted.
const NAMED: usize = 10;
/// Hex digits of a digest that are shown.
const SHOWN: usize = 12;

/// The things of one kind on both sides. What is held does not grow with them: a digest of all is the sum of their digests,
/// so that it does not depend on their order.
pub(crate) struct Kind {
    name: &'static str,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    there: Side,
    here: Side,
    added: u64,
    masked: u64,
    different: u64,
    named: Vec<String>,
}

#[derive(Default)]
struct Side {
    count: u64,
    digest: u128,
}

impl Side {
    fn add(&mut self, id: &str, text: &str) {
        self.count += 1;
        self.digest = self.digest.wrapping_add(digest(&[id.as_bytes(), &[0], text.as_bytes()]));
    }
}

/// The first half of the SHA-256 of some bytes.
pub(crate) fn digest(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().take(16).fold(0, |all, byte| all << 8 | u128::from(*byte))
}

impl Kind {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, counted: Mutex::default() }
    }

    /// A thing of the source, as a text that says all that is to arrive, and the same thing as it is here.
    pub(crate) fn compare(&self, id: &str, there: &str, here: Option<&str>) {
        let mut counted = self.counted.lock();
        counted.there.add(id, there);
        if let Some(here) = here {
            counted.here.add(id, here);
        }
        if here != Some(there) {
            counted.differs(id.to_owned());
        }
    }

    /// A thing of the source that could not be moved.
    pub(crate) fn refused(&self, id: &str, why: impl fmt::Display) {
        let mut counted = self.counted.lock();
        counted.there.add(id, "");
        counted.differs(format!("{id}: {why}"));
    }

    /// A thing was not here before.
    pub(crate) fn added(&self) {
        self.counted.lock().added += 1;
    }

    /// A thing holds labels where redaction took something out.
    pub(crate) fn masked(&self) {
        self.counted.lock().masked += 1;
    }

    fn differs(&self) -> bool {
        self.counted.lock().different > 0
    }
}

impl Counted {
    fn differs(&mut self, what: String) {
        self.different += 1;
        if self.named.len() < NAMED {
            self.named.push(what);
        }
    }
}

/// What an import came to.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) kinds: Vec<Kind>,
    /// What is as it is, and why: it is told and is no difference.
    pub(crate) notes: Vec<String>,
}

impl Report {
    pub(crate) fn differs(&self) -> bool {
        self.kinds.iter().any(Kind::differs)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:>9} {:>9} {:>9} {:>9}  {:<12}", "KIND", "THERE", "HERE", "NEW", "DIFFERENT", "DIGEST")?;
        for kind in &self.kinds {
            let counted = kind.counted.lock();
            let Counted { there, here, added, masked, different, named } = &*counted;
            let shown = |side: &Side| format!("{:032x}", side.digest).chars().take(SHOWN).collect::<String>();
            let digest = if there.digest == here.digest {
                shown(there)
            } else {
                format!("{} there, {} here", shown(there), shown(here))
            };
            writeln!(f, "{:<18} {:>9} {:>9} {added:>9} {different:>9}  {digest}", kind.name, there.count, here.count)?;
            if *masked > 0 {
                writeln!(f, "  {masked} hold labels such as [SECRET] where redaction took something out")?;
            }
            for what in named {
                writeln!(f, "  {what}")?;
            }
            if *different > named.len() as u64 {
                writeln!(f, "  and {} more", different - named.len() as u64)?;
            }
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_other_differs_and_is_named() {
        let kind = Kind::new("runs");
        for (id, there, here) in [("a", "1", Some("1")), ("b", "1", Some("2")), ("c", "1", None)] {
            kind.compare(id, there, here);
        }
        kind.refused("d", "the disk is full");
        let report = Report { kinds: vec![kind], notes: vec!["a bucket stays".to_owned()] };
        let text = report.to_string();
        assert!(report.differs(), "{text}");
        assert!(text.contains("  b\n  c\n  d: the disk is full\na bucket stays\n"), "{text}");
        let row: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row[..5], ["runs", "4", "2", "0", "3"]);
    }

    #[test]
    fn equal_sides_have_one_digest_in_any_order() {
        let (one, other) = (Kind::new("x"), Kind::new("x"));
        for (kind, ids) in [(&one, ["a", "b"]), (&other, ["b", "a"])] {
            for id in ids {
                kind.compare(id, "same", Some("same"));
            }
        }
        let row = |kind| Report { kinds: vec![kind], notes: Vec::new() };
        let (one, other) = (row(one), row(other));
        assert!(!one.differs());
        assert_eq!(one.to_string(), other.to_string());
    }
}
