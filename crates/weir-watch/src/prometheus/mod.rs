//! The Prometheus page: what was observed on the request path, rendered on demand.
//!
//! Invariants:
//! - every metric is one row of [`table`]; names, label names and buckets never change for a released metric;
//! - no label value is an id, a user, a key or a text that somebody wrote: only model, provider, deployment,
//!   collection, budget and table names and closed sets, cut at [`MAX_LABEL_BYTES`] and bounded in number;
//! - memory is bounded: a metric has at most [`MetricsOptions::max_series`] series, whatever is asked of it;
//! - counters only grow, and start at 0 with the process.

mod accept;
mod by_label;
mod calls;
mod cells;
mod classic;
pub mod docs;
mod gauges;
mod inflight;
mod names;
mod route;
mod sets;
pub mod table;
#[cfg(test)]
mod tests;
mod vector;

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use crate::prometheus::accept::Format;
use crate::prometheus::by_label::ByLabel;
use crate::prometheus::inflight::Inflight;
use crate::prometheus::names::Names;
use crate::prometheus::route::Routes;
use crate::prometheus::table::Families;

/// Longer label values are cut here, at a character's start.
pub const MAX_LABEL_BYTES: usize = 128;

/// How many models that are not configured keep their name, first come first named.
pub const OBSERVED_MODELS: usize = 200;

/// What [`Metrics::new`] must know.
#[derive(Clone, Debug)]
pub struct MetricsOptions {
    /// Most series of one metric. Past it the open label values become `other`.
    pub max_series: usize,
    /// Models that keep their name in labels from the start: the configured ones, as callers write them.
    pub known_models: Vec<String>,
    /// Labels that calls are counted by, each with its closed set of values.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Shown by `weir_build_info`.
    pub version: String,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self {
            max_series: 2_000,
            known_models: Vec::new(),
            labels: BTreeMap::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Every metric of the process. Share it in an `Arc`; it is the gateway's and the store's
/// [`Observer`](weir_core::observe::Observer).
pub struct Metrics {
    families: Families,
    registry: Registry,
    models: Names,
    response_models: Names,
    routes: Routes,
    inflight: Inflight,
    by_label: ByLabel,
}

impl Metrics {
    /// Metrics at 0.
    #[must_use]
    pub fn new(options: &MetricsOptions) -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry, options.max_series);
        let metrics = Self {
            families,
            registry,
            models: Names::new(OBSERVED_MODELS),
            response_models: Names::new(OBSERVED_MODELS),
            routes: Routes::new(options.max_series),
            inflight: Inflight::default(),
            by_label: ByLabel::default(),
        };
        metrics.set_known_models(&options.known_models);
        metrics.set_labels(&options.labels);
        metrics.families.build_info.get(&[&options.version]).set(1);
        metrics
    }

    /// The page in the format that an `Accept` header asks for: its content type and its text. `OpenMetrics` 1.0 with
    /// exemplars when that is preferred, else Prometheus text 0.0.4.
    #[must_use]
    pub fn render(&self, accept: Option<&str>) -> (&'static str, String) {
        let mut page = String::with_capacity(64 * 1024);
        // Writing to a String cannot fail; half a page would be read as a whole one, so a failure shows none.
        if text::encode(&mut page, &self.registry).is_err() {
            page.clear();
        }
        let format = Format::of(accept);
        let body = match format {
            Format::OpenMetrics => page,
            Format::Classic => classic::from_open_metrics(&page),
        };
        (format.content_type(), body)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
