//! Calls counted by the labels that are configured, each with its closed set of values.
//!
//! Invariant: a value that is not in the set is `other`, whatever callers send.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::RwLock;
use weir_core::span::Span;

use crate::prometheus::sets::{NONE, OTHER, Outcome, STATUSES, TOKEN_TYPES};
use crate::prometheus::table::Families;

/// The labels and their values.
#[derive(Debug, Default)]
pub(crate) struct ByLabel {
    labels: RwLock<BTreeMap<String, BTreeSet<String>>>,
}

impl ByLabel {
    /// Replaces them.
    pub(crate) fn set(&self, labels: &BTreeMap<String, Vec<String>>) {
        *self.labels.write() =
            labels.iter().map(|(name, values)| (name.clone(), values.iter().cloned().collect())).collect();
    }

    /// Counts a call under each label.
    pub(crate) fn count(&self, families: &Families, span: &Span, outcome: Outcome) {
        let labels = self.labels.read();
        for (name, values) in &*labels {
            let said = span.label(name);
            let value = match said.as_deref() {
                None => NONE,
                Some(said) => values.get(said).map_or(OTHER, String::as_str),
            };
            families.label_requests.get(&[name, value, STATUSES[outcome as usize]]).inc();
            if let Some(cost) = span.cost {
                families.label_cost.get(&[name, value]).add(cost.0);
            }
            let Some(tokens) = &span.tokens else { continue };
            let counts = [tokens.input_total(), tokens.output_total(), tokens.cached, tokens.reasoning];
            for (kind, count) in TOKEN_TYPES.iter().zip(counts).filter(|(_, count)| *count > 0) {
                families.label_tokens.get(&[name, value, kind]).inc_by(count.min(u64::from(u32::MAX)));
            }
        }
    }
}
