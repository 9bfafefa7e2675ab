//! What a logger does to its records, and counts of them, on whichever thread.

use std::sync::Arc;

use weir_core::merge::SpanWrite;
use weir_core::money::NanoUsd;
use weir_core::observe::Observer;
use weir_core::price::{PriceTable, cost};
use weir_core::record::RecordPolicy;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::time::{Clock, HOUR};

use super::counts::Counts;
use super::target::Target;
use super::tokens;
use crate::event::check;
use crate::metrics::Metric;
use crate::metrics::page::Page;

/// The provider that answers within the process.
pub(crate) const DEMO: &str = "demo";

/// How a logger was set up.
pub(crate) struct Settings {
    pub(crate) target: Target,
    /// Of records that name none; without it the server's, or its key's.
    pub(crate) project: Option<String>,
    pub(crate) policy: RecordPolicy,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) queue_bytes: usize,
    pub(crate) metrics: Vec<Arc<dyn Metric>>,
    /// Whether it has a page of metrics of its own.
    pub(crate) own_page: bool,
    /// Whether its records are stored, not lost.
    pub(crate) stored: bool,
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
            span.project.clone_from(&self.settings.project);
        }
        tokens::count_missing(span);
        let prices = span.is_call() && span.cost.is_none();
        if prices {
            span.cost = self.cost_of(span);
        }
        check::bound(span);
        self.settings.policy.apply(span);
        self.count(span);
        for metric in &self.settings.metrics {
            self.page.custom.feed(metric.as_ref(), span);
        }
        if prices && self.settings.target.url().is_some() {
            // A server has prices of its own, which its operator may have set.
            span.cost = None;
        }
    }

    /// Puts it on the page of metrics. What started long ago is a back-fill: what Prometheus counts is of now.
    fn count(&self, span: &Span) {
        let age = Clock::system().now().saturating_sub(span.start_us.unwrap_or_default());
        if age > HOUR {
            return;
        }
        self.page.calls.call_finished(span);
        if span.kind == Some(SpanKind::Retriever)
            && let Some(score) = span.attributes.get("relevance_score").and_then(|json| json.parse().ok())
        {
            let named = ["collection", "db.collection.name"].iter().find_map(|name| span.attribute_text(name));
            let collection = named.or_else(|| span.project.clone());
            self.page.calls.observe_relevance(collection.as_deref().unwrap_or("default"), score);
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
            Some(provider) => {
                let own = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
                prices.lookup(provider, own.unwrap_or(model))
            }
            None => prices.lookup_any(model),
        };
        let names = [span.response_model.as_deref(), span.model.as_deref()];
        let priced = names.into_iter().flatten().find_map(find).map(|model| cost(&model.rates, tokens));
        // The demo provider's answers are free, unless somebody says otherwise.
        priced.or_else(|| (span.provider.as_deref() == Some(DEMO)).then_some(NanoUsd::ZERO))
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
