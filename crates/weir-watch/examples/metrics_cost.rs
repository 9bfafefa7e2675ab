//! What recording a call costs, and how long a page takes: `cargo run --release -p weir-watch --example metrics_cost`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::money::NanoUsd;
use weir_core::observe::Observer;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::token::TokenCounts;
use weir_watch::prometheus::{Metrics, MetricsOptions};

const CALLS: usize = 300_000;

fn span(n: usize, models: usize) -> Span {
    let start = 1_763_683_200_000_000;
    Span {
        kind: Some(SpanKind::Llm),
        start_us: Some(start),
        end_us: Some(start + 10_000 * (1 + n as i64 % 200)),
        ttft_us: Some(9_000),
        status: Some(Status::Success),
        provider: Some("azure".to_owned()),
        model: Some(format!("azure/gpt-4o-{}", n % models)),
        response_model: Some(format!("gpt-4o-{}-2024-07-18", n % models)),
        attempts: Some(1),
        cache: Some("miss".to_owned()),
        tokens: Some(TokenCounts { cached: 20, reasoning: 5, ..TokenCounts::of(80, 56) }),
        cost: Some(NanoUsd(1_234_567)),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

fn main() {
    println!("{:<28} {:>8} {:>16} {:>14}", "case", "threads", "ns per call", "calls/s");
    for (case, models, threads) in
        [("one model", 1, 1), ("40 models", 40, 1), ("one model", 1, 4), ("40 models", 40, 4), ("40 models", 40, 16)]
    {
        let metrics = Arc::new(Metrics::new(&MetricsOptions::default()));
        let spans: Arc<Vec<_>> = Arc::new((0..1_000).map(|n| span(n, models)).collect());
        let begun = Instant::now();
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (metrics, spans) = (Arc::clone(&metrics), Arc::clone(&spans));
                thread::spawn(move || {
                    for span in spans.iter().cycle().take(CALLS) {
                        metrics.call_started(span.model.as_deref().unwrap_or_default());
                        metrics.call_finished(black_box(span));
                    }
                })
            })
            .collect();
        for worker in workers {
            drop(worker.join());
        }
        let nanos = begun.elapsed().as_nanos() as f64;
        let calls = (CALLS * threads) as f64;
        println!("{case:<28} {threads:>8} {:>16.0} {:>14.0}", nanos / CALLS as f64, calls / nanos * 1e9);
    }

    let metrics = Metrics::new(&MetricsOptions::default());
    for n in 0..2_000 {
        metrics.call_finished(&span(n, 200));
    }
    for (format, accept) in [("text 0.0.4", None), ("OpenMetrics", Some("application/openmetrics-text"))] {
        let begun = Instant::now();
        let (_, page) = metrics.render(accept);
        let lines = page.lines().count();
        println!("page of 200 models, {format}: {lines} lines, {} bytes, {:?}", page.len(), begun.elapsed());
    }
}
