//! What the gateway and the store tell whoever counts (Prometheus, the live tail), without knowing who that is.

use crate::money::NanoUsd;
use crate::span::Span;

/// Told of what happens, as it happens, on the request path: implementations must be quick and must not block.
pub trait Observer: Send + Sync {
    /// A request for a model came in.
    fn call_started(&self, _model: &str) {}
    /// The request ended; the span is what will be recorded (payload left out or not, as configured).
    fn call_finished(&self, _span: &Span) {}
    /// An attempt failed and the same or another deployment of the provider is tried.
    fn retried(&self, _provider: &str) {}
    /// A request moved to another model.
    fn fell_back(&self, _from: &str, _to: &str) {}
    /// The upstream answered 429.
    fn upstream_rate_limited(&self, _model: &str) {}
    /// A deployment left the rotation or came back.
    fn upstream_health(&self, _provider: &str, _deployment: &str, _healthy: bool) {}
    /// A budget passed its soft or hard line (`soft`, `hard`), for the first time in its period.
    fn budget_crossed(&self, _budget: &str, _line: &'static str) {}
    /// The cache spared an upstream call of that cost (if it is known) and time in microseconds.
    fn cache_saved(&self, _cost: Option<NanoUsd>, _time_us: i64) {}
    /// Records that could not be kept, and why.
    fn lost(&self, _reason: &'static str, _count: u64) {}
    /// A span that a protocol brought is durable and has ended; told once per span, however often it is written.
    fn span_stored(&self, _span: &Span) {}
    /// Spans made durable, by the protocol that brought them.
    fn ingested(&self, _protocol: &'static str, _count: u64) {}
    /// Calls that an exporter's target has taken.
    fn exported(&self, _target: &str, _count: u64) {}
    /// An attempt to export failed, or a call was given up.
    fn export_failed(&self, _target: &str, _reason: &'static str, _count: u64) {}
}

/// Nobody counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
