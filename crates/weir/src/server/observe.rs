//! Who is told of calls: the metrics, the live tail, and the count of what was lost.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapOption;
use tokio::sync::broadcast;
use weir_core::money::NanoUsd;
use weir_core::observe::Observer;
use weir_core::span::{Span, SpanKind};
use weir_core::time::{Clock, HOUR, MINUTE, Micros};
use weir_fronts::intake::Intake;
use weir_watch::anomalies::live::Watch;
use weir_watch::prometheus::Metrics;

/// All observers as one.
pub(crate) struct Observers {
    pub metrics: Metrics,
    /// Gone once the server stops, which ends the live tails.
    live: ArcSwapOption<broadcast::Sender<Arc<Span>>>,
    /// Where callers' own spans of the gateway's calls come in.
    intake: OnceLock<Weak<Intake>>,
    /// Who wants to know of calls of the past.
    watch: OnceLock<Weak<Watch>>,
    lost: AtomicU64,
    lost_at: AtomicI64,
    clock: Clock,
}

impl Observers {
    pub(super) fn new(metrics: Metrics, live: broadcast::Sender<Arc<Span>>) -> Self {
        let live = ArcSwapOption::from_pointee(live);
        Self {
            metrics,
            live,
            intake: OnceLock::new(),
            watch: OnceLock::new(),
            lost: AtomicU64::new(0),
            lost_at: AtomicI64::new(i64::MIN),
            clock: Clock::system(),
        }
    }

    /// Tells the way of foreign spans of the gateway's calls from now on.
    pub(super) fn tell_intake(&self, intake: &Arc<Intake>) {
        // It is set once, at the start.
        let _ = self.intake.set(Arc::downgrade(intake));
    }

    /// Tells the watch of stored spans from now on.
    pub(super) fn tell_watch(&self, watch: &Arc<Watch>) {
        // It is set once, at the start.
        let _ = self.watch.set(Arc::downgrade(watch));
    }

    /// Ends the live tails, which would else keep their connections open.
    pub(super) fn close_live(&self) {
        self.live.store(None);
    }

    /// Gives a span to the live tails, which take of all kinds what they were asked for.
    fn show(&self, span: &Span) {
        if let Some(live) = &*self.live.load()
            && live.receiver_count() > 0
        {
            let mut shown = span.clone();
            shown.input = None;
            shown.output = None;
            shown.details = None;
            let _ = live.send(Arc::new(shown));
        }
    }

    /// Calls that could not be recorded.
    pub(super) fn lost_records(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether records were lost within the last minute.
    pub(super) fn is_losing(&self, now: Micros) -> bool {
        now.saturating_sub(self.lost_at.load(Ordering::Relaxed)) < MINUTE
    }
}

impl Observer for Observers {
    fn call_started(&self, model: &str) {
        self.metrics.call_started(model);
    }

    fn call_finished(&self, span: &Span) {
        self.metrics.call_finished(span);
        self.show(span);
        if span.parent_id.is_some()
            && let Some(intake) = self.intake.get().and_then(Weak::upgrade)
        {
            intake.own_call(span);
        }
    }

    /// Spans that started long ago are back-fills: what Prometheus counts is of now, so they do not count there, nor are
    /// they news for a live tail.
    fn span_stored(&self, span: &Span) {
        if (span.is_call() || span.kind == Some(SpanKind::Branch))
            && let (Some(watch), Some(start)) = (self.watch.get().and_then(Weak::upgrade), span.start_us)
        {
            watch.stored(span.project.as_deref(), start);
        }
        let age = self.clock.now().saturating_sub(span.start_us.unwrap_or_default());
        if age > HOUR {
            return;
        }
        if span.is_call() {
            // It was never under way here: what begins and ends at once leaves the gauge as it was.
            self.metrics.call_started(span.model.as_deref().unwrap_or_default());
            self.metrics.call_finished(span);
        }
        self.show(span);
        if span.kind == Some(SpanKind::Retriever)
            && let Some(score) = span.attributes.get("relevance_score").and_then(|json| json.parse().ok())
        {
            let named = ["collection", "db.collection.name"].iter().find_map(|name| span.attribute_text(name));
            let collection = named.or_else(|| span.project.clone());
            self.metrics.observe_relevance(collection.as_deref().unwrap_or("default"), score);
        }
    }

    fn retried(&self, provider: &str) {
        self.metrics.retried(provider);
    }

    fn fell_back(&self, from: &str, to: &str) {
        self.metrics.fell_back(from, to);
    }

    fn upstream_rate_limited(&self, model: &str) {
        self.metrics.upstream_rate_limited(model);
    }

    fn upstream_health(&self, provider: &str, deployment: &str, healthy: bool) {
        self.metrics.upstream_health(provider, deployment, healthy);
    }

    fn budget_crossed(&self, budget: &str, line: &'static str) {
        self.metrics.budget_crossed(budget, line);
    }

    fn cache_saved(&self, cost: Option<NanoUsd>, time_us: i64) {
        self.metrics.cache_saved(cost, time_us);
    }

    fn lost(&self, reason: &'static str, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
        self.lost_at.store(self.clock.now(), Ordering::Relaxed);
        self.metrics.lost(reason, count);
    }

    fn ingested(&self, protocol: &'static str, count: u64) {
        self.metrics.ingested(protocol, count);
    }

    fn exported(&self, target: &str, count: u64) {
        self.metrics.exported(target, count);
    }

    fn export_failed(&self, target: &str, reason: &'static str, count: u64) {
        self.metrics.export_failed(target, reason, count);
    }
}
