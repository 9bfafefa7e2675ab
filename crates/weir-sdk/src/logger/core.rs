//! What a logger does to its records, and counts of them, on whichever thread.

use std::sync::Arc;

use weir_core::merge::SpanWrite;
use weir_core::money::NanoUsd;
use weir_core::observe::Observer;
use weir_core::price::{PriceTable, cost};
use weir_core::record::RecordPolicy;
use weir_core::span::{Span, Status};

use super::counts::Counts;
use super::target::Target;
use super::tokens;
use crate::metrics::Metric;
use crate::metrics::page::Page;

/// How a logger was set up.
pub(crate) struct Settings {
    pub(crate) target: Target,
    pub(crate) project: String,
    pub(crate) policy: RecordPolicy,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) queue_bytes: usize,
    pub(crate) metrics: Vec<Arc<dyn Metric>>,
    /// Whether it has a page of metrics of its own.
    pub(crate) own_page: bool,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("target", &self.target).field("project", &self.project).finish_non_exhaustive()
    }
}

/// A logger within one process.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: Arc<Settings>,
    pub(crate) counts: Counts,
    pub(crate) page: Arc<Page>,
}

impl Core {
    /// Fills in what was not said, takes out what is not to be kept, and counts.
    pub(crate) fn finish(&self, write: &mut SpanWrite) {
        let span = &mut write.span;
        if span.project.is_none() {
            span.project = Some(self.settings.project.clone());
        }
        tokens::count_missing(span);
        if span.is_call() && span.cost.is_none() {
            span.cost = self.cost_of(span);
        }
        self.settings.policy.apply(span);
        self.page.calls.call_finished(span);
        for metric in &self.settings.metrics {
            self.page.custom.feed(metric.as_ref(), span);
        }
    }

    /// The list price, by the model that answered, else by the one that was asked. An answer out of a cache was free.
    pub(crate) fn cost_of(&self, span: &Span) -> Option<NanoUsd> {
        if span.status == Some(Status::Cached) {
            return Some(NanoUsd::ZERO);
        }
        let tokens = span.tokens.as_ref()?;
        let prices = &self.settings.prices;
        let find = |model: &str| match span.provider.as_deref() {
            // Its answers are nobody's: they cost what somebody says of the demo provider, else nothing is known.
            Some("demo") => prices.lookup("demo", model.strip_prefix("demo/").unwrap_or(model)),
            Some(provider) => prices.lookup(provider, model).or_else(|| prices.lookup_any(model)),
            None => prices.lookup_any(model),
        };
        let names = [span.response_model.as_deref(), span.model.as_deref()];
        names.into_iter().flatten().find_map(find).map(|model| cost(&model.rates, tokens))
    }

    pub(crate) fn stored(&self, count: u64) {
        self.counts.stored(count);
        self.page.calls.ingested("sdk", count);
    }

    /// Counts lost records and says so, once per reason.
    pub(crate) fn lost(&self, reason: &'static str, count: u64, message: &str) {
        self.counts.lost(reason, count);
        self.page.calls.lost(reason, count);
        self.complain(reason, message);
    }

    /// Says something once per kind.
    pub(crate) fn complain(&self, kind: &'static str, message: &str) {
        if self.counts.complains_first(kind) {
            tracing::warn!(reason = kind, "a record was not kept (further ones are only counted): {message}");
        }
    }
}
