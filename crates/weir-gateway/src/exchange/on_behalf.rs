//! Calls that Weir makes by itself for somebody who has authenticated before.

use std::sync::Arc;

use weir_core::access::Identity;
use weir_core::span::Span;

use super::labels::Labels;

/// Who a request is made for, as an extension of it. Requests from the network have no extensions, so nobody can name
/// himself so.
#[derive(Clone, Debug)]
pub(crate) struct OnBehalf {
    /// Whose limits apply; no key is looked for.
    pub identity: Arc<Identity>,
    /// Whether it is the cache that asks for an embedding: the configuration has chosen its model, which the key need
    /// not be allowed to call, and what it finds is kept beside the answer and nowhere else.
    pub is_for_cache: bool,
    /// A tag that the recorded call gets beside its own.
    pub tag: String,
    /// The recorded call's attribute `batch`, of a request of one: JSON of the batch's id and the request's `custom_id`.
    pub batch: Option<String>,
}

impl OnBehalf {
    /// Marks the call's record.
    pub(super) fn mark(&self, labels: &mut Labels, span: &mut Span) {
        labels.tags.push(self.tag.clone());
        if let Some(batch) = &self.batch {
            span.attributes.insert("batch".to_owned(), batch.clone());
        }
    }
}
