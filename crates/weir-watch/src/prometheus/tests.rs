//! The page as a whole: golden pages, bounds, hostile names.

mod golden;
mod hostile;
mod page;
mod recording;

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::token::TokenCounts;

use crate::prometheus::{Metrics, MetricsOptions};

const OPEN_METRICS: Option<&str> = Some("application/openmetrics-text; version=1.0.0");

fn metrics() -> Metrics {
    Metrics::new(&MetricsOptions {
        known_models: vec!["azure/gpt-4o-mini".to_owned(), "gpt-4o".to_owned()],
        version: "1.2.3".to_owned(),
        ..MetricsOptions::default()
    })
}

/// A streamed call that took 2.1 seconds, the first 0.3 to the first token.
fn call(n: u8, model: &str, status: Status) -> Span {
    let start = 1_763_683_200_000_000;
    Span {
        kind: Some(SpanKind::Llm),
        start_us: Some(start),
        end_us: Some(start + 2_100_000),
        ttft_us: Some(300_000),
        status: Some(status),
        provider: Some("azure".to_owned()),
        model: Some(model.to_owned()),
        response_model: Some("gpt-4o-mini-2024-07-18".to_owned()),
        attempts: Some(1),
        tokens: Some(TokenCounts { cached: 20, reasoning: 5, ..TokenCounts::of(80, 56) }),
        cost: Some(NanoUsd(1_234_567)),
        ..Span::new(SpanKey { trace: TraceId([n; 16]), span: SpanId([n; 16]) })
    }
}
