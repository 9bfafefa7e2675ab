//! What the request path and the store tell, put into the families.
//!
//! Invariant: nothing here waits for I/O, or for more than the few instructions under another thread's lock.

use weir_core::money::NanoUsd;
use weir_core::observe::Observer;
use weir_core::span::Span;

use crate::prometheus::Metrics;
use crate::prometheus::route::{Route, RouteName};
use crate::prometheus::sets::{self, CACHE_KINDS, ERROR_TYPES, LIMIT_SOURCES, OTEL_TOKEN_TYPES, Outcome};
use crate::prometheus::sets::{STATUSES, TOKEN_TYPES};

/// Most tokens that one call adds: an upstream's nonsense must not overflow the sum.
const MAX_TOKENS: u64 = u32::MAX as u64;

impl Observer for Metrics {
    fn call_started(&self, model: &str) {
        self.inflight.start(model, || self.families.inflight.get(&[&self.models.label(model, false)]));
    }

    fn call_finished(&self, span: &Span) {
        if span.kind.is_some() && !span.is_call() {
            return;
        }
        let outcome = Outcome::of(span);
        let said = span.model.as_deref().unwrap_or_default();
        self.inflight.finish(said);
        let model = self.models.label(said, outcome.answered());
        let response_model = match span.response_model.as_deref() {
            None | Some("") => None,
            Some(name) => Some(self.response_models.label(name, outcome.answered())),
        };
        let route = self.routes.get(RouteName {
            model: &model,
            provider: span.provider.as_deref().unwrap_or_default(),
            operation: sets::operation(span),
            response_model: response_model.as_deref().unwrap_or_default(),
        });
        self.count(&route, span, outcome);
        self.time(&route, span, outcome);
        self.weigh(&route, span, outcome);
        self.by_label.count(&self.families, span, outcome);
    }

    fn retried(&self, provider: &str) {
        self.families.retries.get(&[provider]).inc();
    }

    fn fell_back(&self, from: &str, to: &str) {
        let (from, to) = (self.models.label(from, false), self.models.label(to, false));
        self.families.fallbacks.get(&[&from, &to]).inc();
    }

    fn upstream_rate_limited(&self, model: &str) {
        self.families.rate_limit_hits.get(&[&self.models.label(model, false), LIMIT_SOURCES[0]]).inc();
    }

    fn upstream_health(&self, provider: &str, deployment: &str, healthy: bool) {
        self.families.upstream_healthy.get(&[provider, deployment]).set(i64::from(healthy));
    }

    fn budget_crossed(&self, budget: &str, line: &'static str) {
        self.families.budget_alerts.get(&[budget, line]).inc();
    }

    fn cache_saved(&self, cost: Option<NanoUsd>, time_us: i64) {
        if let Some(cost) = cost {
            self.families.cache_saved_cost.get(&[]).add(cost.0);
        }
        self.families.cache_saved_time.get(&[]).add(time_us);
    }

    fn lost(&self, reason: &'static str, count: u64) {
        self.families.spans_dropped.get(&[reason]).inc_by(count);
    }

    fn ingested(&self, protocol: &'static str, count: u64) {
        self.families.spans_ingested.get(&[protocol]).inc_by(count);
    }

    fn exported(&self, target: &str, count: u64) {
        self.families.exported.get(&[target]).inc_by(count);
    }

    fn export_failed(&self, target: &str, reason: &'static str, count: u64) {
        self.families.export_failures.get(&[target, reason]).inc_by(count);
    }
}

impl Metrics {
    /// How it ended, and what the cache did.
    fn count(&self, route: &Route, span: &Span, outcome: Outcome) {
        let (families, model) = (&self.families, &*route.model);
        let status = outcome as usize;
        route.requests[status].of(&families.requests, &[model, STATUSES[status]]).inc();
        if !outcome.answered() {
            let class = sets::error_type(span);
            route.errors[class].of(&families.errors, &[model, ERROR_TYPES[class]]).inc();
        }
        if outcome == Outcome::RateLimited {
            route.gateway_limits.of(&families.rate_limit_hits, &[model, LIMIT_SOURCES[1]]).inc();
        }
        match span.cache.as_deref() {
            Some("hit") => _ = families.cache_hits.get(&[CACHE_KINDS[0]]).inc(),
            Some("semantic") => _ = families.cache_hits.get(&[CACHE_KINDS[1]]).inc(),
            Some("miss") => _ = families.cache_misses.get(&[]).inc(),
            _ => {}
        }
    }

    /// How long it took.
    fn time(&self, route: &Route, span: &Span, outcome: Outcome) {
        let (families, model) = (&self.families, &*route.model);
        let Some(latency) = span.latency_us() else { return };
        route.latency.of(&families.latency, &[model]).observe(latency, span);

        let (class, error_type) = if outcome.answered() {
            (ERROR_TYPES.len(), "")
        } else {
            let class = sets::error_type(span);
            (class, ERROR_TYPES[class])
        };
        let labels = route.otel_and(error_type);
        route.server_duration[class].of(&families.server_duration, &labels).observe(latency, span);
        if went_upstream(span, outcome) {
            route.client_duration[class].of(&families.client_duration, &labels).observe(latency, span);
        }

        let Some(first) = span.ttft_us.filter(|_| outcome == Outcome::Success) else { return };
        route.first_token.of(&families.first_token, &[model]).observe(first, span);
        route.server_first_token.of(&families.server_first_token, &route.otel()).observe(first, span);
        let after_first = i64::try_from(span.tokens.unwrap_or_default().output_total()).unwrap_or(i64::MAX) - 1;
        if after_first > 0 {
            let each = latency.saturating_sub(first) / after_first;
            route.per_token.of(&families.per_token, &[model]).observe(each, span);
            route.server_per_token.of(&families.server_per_token, &route.otel()).observe(each, span);
        }
    }

    /// Its tokens and what it cost.
    fn weigh(&self, route: &Route, span: &Span, outcome: Outcome) {
        let (families, model) = (&self.families, &*route.model);
        if let Some(cost) = span.cost {
            route.cost.of(&families.cost, &[model, &route.provider]).add(cost.0);
        }
        let Some(tokens) = span.tokens else { return };
        let (input, output) = (tokens.input_total().min(MAX_TOKENS), tokens.output_total().min(MAX_TOKENS));
        // In the order of TOKEN_TYPES.
        let counts = [input, output, tokens.cached.min(MAX_TOKENS), tokens.reasoning.min(MAX_TOKENS)];
        for (n, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            route.tokens[n].of(&families.tokens, &[model, TOKEN_TYPES[n]]).inc_by(count);
        }
        if went_upstream(span, outcome) {
            for (n, count) in [input, output].into_iter().enumerate().filter(|(_, count)| *count > 0) {
                let labels = route.otel_and(OTEL_TOKEN_TYPES[n]);
                route.token_usage[n].of(&families.token_usage, &labels).observe(count as f64);
            }
        }
    }
}

/// Whether Weir was a client in it: not when the cache answered, or when no provider was tried.
fn went_upstream(span: &Span, outcome: Outcome) -> bool {
    outcome.went_upstream() && span.provider.is_some() && span.attempts != Some(0)
}
