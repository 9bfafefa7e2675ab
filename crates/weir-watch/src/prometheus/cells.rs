//! What a series holds: a count, an amount, a level or observations. A clone is another handle of the same series.
//!
//! Invariant: a counter never decreases, not by an overflow either.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use weir_core::id::TraceId;
use weir_core::span::Span;
use weir_core::time::Micros;

use crate::prometheus::table::{Kind, Row};

/// A count of events.
pub(crate) type Count = Counter<u64, AtomicU64>;
/// A whole number that goes up and down.
pub(crate) type Level = Gauge<i64>;
/// A number that goes up and down.
pub(crate) type Measured = Gauge<f64, AtomicU64>;
/// Observations of something.
pub(crate) type Measure = Histogram;

/// The content of a series.
pub(crate) trait Cell: EncodeMetric + Clone + fmt::Debug + Send + Sync + 'static {
    const KIND: Kind;
    /// An empty one.
    fn make(row: &'static Row) -> Self;
    /// The count, of one that holds nothing else.
    fn count(&self) -> Option<u64> {
        None
    }
}

impl Cell for Count {
    const KIND: Kind = Kind::Counter;
    fn make(_row: &'static Row) -> Self {
        Self::default()
    }
    fn count(&self) -> Option<u64> {
        Some(self.get())
    }
}

impl Cell for Level {
    const KIND: Kind = Kind::Gauge;
    fn make(_row: &'static Row) -> Self {
        Self::default()
    }
}

impl Cell for Measured {
    const KIND: Kind = Kind::Gauge;
    fn make(_row: &'static Row) -> Self {
        Self::default()
    }
}

impl Cell for Measure {
    const KIND: Kind = Kind::Histogram;
    fn make(row: &'static Row) -> Self {
        Self::new(row.buckets.iter().copied())
    }
}

/// A sum of a finely divided unit: exact in its parts, shown in whole units of `PARTS` each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum<const PARTS: u64>(Count);

/// Money, in nano-dollars.
pub(crate) type Dollars = Sum<1_000_000_000>;
/// Time, in microseconds.
pub(crate) type Seconds = Sum<1_000_000>;

impl<const PARTS: u64> Sum<PARTS> {
    /// Adds an amount in parts; one below 0 adds nothing.
    pub(crate) fn add(&self, parts: i64) {
        let parts = u64::try_from(parts).unwrap_or(0);
        let sum = |old: u64| Some(old.saturating_add(parts));
        // The closure always returns a value, so the update always happens.
        let _previous = self.0.inner().fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }
}

impl<const PARTS: u64> EncodeMetric for Sum<PARTS> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, f64, f64>(&(self.0.get() as f64 / PARTS as f64), None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

impl<const PARTS: u64> Cell for Sum<PARTS> {
    const KIND: Kind = Kind::Counter;
    fn make(_row: &'static Row) -> Self {
        Self::default()
    }
}

/// Durations in seconds; each bucket remembers the trace of its latest one.
#[derive(Clone, Debug)]
pub(crate) struct Timing(HistogramWithExemplars<Exemplar>);

impl Timing {
    /// Adds a duration of a span.
    pub(crate) fn observe(&self, micros: Micros, span: &Span) {
        let exemplar = (span.trace_id != TraceId::default()).then_some(Exemplar(span.trace_id));
        let ended = span.end_us.and_then(|us| u64::try_from(us).ok());
        let at = ended.and_then(|us| SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(us)));
        self.0.observe(micros.max(0) as f64 / 1e6, exemplar, at);
    }
}

impl EncodeMetric for Timing {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl Cell for Timing {
    const KIND: Kind = Kind::Histogram;
    fn make(row: &'static Row) -> Self {
        Self(HistogramWithExemplars::new(row.buckets.iter().copied()))
    }
}

/// The labels of an exemplar. Kept as bytes, so that observing allocates nothing.
#[derive(Clone, Copy, Debug)]
struct Exemplar(TraceId);

impl EncodeLabelSet for Exemplar {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("trace_id", self.0.to_string())].encode(encoder)
    }
}
