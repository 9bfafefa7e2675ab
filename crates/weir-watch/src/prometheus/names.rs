//! Which model names become label values: those that are configured, and the first that were seen to work. A caller
//! can ask for any name, so the others are `other`.
//!
//! Invariant: a name that was given to a label once stays one until the configuration takes it away; the number of
//! names that are not configured is bounded.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::prometheus::MAX_LABEL_BYTES;
use crate::prometheus::sets::OTHER;

/// The names of models.
#[derive(Debug)]
pub(crate) struct Names {
    limit: usize,
    other: Arc<str>,
    sets: RwLock<Sets>,
}

#[derive(Debug, Default)]
struct Sets {
    known: HashSet<Arc<str>>,
    observed: HashSet<Arc<str>>,
}

impl Names {
    /// No name yet; at most `limit` that are not configured.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, other: Arc::from(OTHER), sets: RwLock::default() }
    }

    /// Replaces the configured names.
    pub(crate) fn set_known(&self, names: &[String]) {
        self.sets.write().known = names.iter().map(|name| Arc::from(cut(name))).collect();
    }

    /// The label value of a name. A name that worked takes one of the free places.
    pub(crate) fn label(&self, name: &str, worked: bool) -> Arc<str> {
        let name = cut(name);
        {
            let sets = self.sets.read();
            if let Some(label) = sets.known.get(name).or_else(|| sets.observed.get(name)) {
                return Arc::clone(label);
            }
            if !worked || name.is_empty() || sets.observed.len() >= self.limit {
                return Arc::clone(&self.other);
            }
        }
        let mut sets = self.sets.write();
        if let Some(label) = sets.observed.get(name) {
            return Arc::clone(label);
        }
        if sets.observed.len() >= self.limit {
            return Arc::clone(&self.other);
        }
        let label: Arc<str> = Arc::from(name);
        sets.observed.insert(Arc::clone(&label));
        label
    }
}

/// The longest head of at most [`MAX_LABEL_BYTES`] that ends between characters.
pub(crate) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_LABEL_BYTES)]
}
