//! Bounds, and names that were chosen to do harm.

use proptest::prelude::*;
use weir_core::observe::Observer;
use weir_core::span::{Span, Status};

use super::page::Page;
use super::{OPEN_METRICS, call, metrics};
use crate::prometheus::{MAX_LABEL_BYTES, Metrics, MetricsOptions, OBSERVED_MODELS};

/// Series of a metric, by its samples' name.
fn series(page: &Page, name: &str) -> usize {
    page.of(name).count()
}

#[test]
fn any_number_of_models_makes_a_bounded_number_of_series() {
    let max_series = 150;
    let metrics = Metrics::new(&MetricsOptions { max_series, ..MetricsOptions::default() });
    for n in 0..1_000 {
        let model = format!("model-{n}");
        metrics.call_started(&model);
        metrics.call_finished(&Span {
            response_model: Some(format!("response-{n}")),
            provider: Some(format!("provider-{n}")),
            error_type: Some("timeout".into()),
            ..call(1, &model, if n % 3 == 0 { Status::Error } else { Status::Success })
        });
        metrics.upstream_health("p", &model, true);
        metrics.fell_back(&model, "x");
        metrics.observe_relevance(&model, 0.5);
    }
    let page = Page::read(&metrics.render(None).1);
    let mut names: Vec<_> = page.samples.keys().map(|(name, _)| name.clone()).collect();
    names.dedup();
    for name in names.iter().filter(|name| !name.ends_with("_bucket")) {
        assert!(series(&page, name) <= max_series, "{name}: {}", series(&page, name));
    }
    assert_eq!(page.of("llm_requests_total").map(|(_, n)| n).sum::<f64>(), 1_000.0);
    assert!(page.value("llm_requests_total", &[("model", "other"), ("status", "success")]) > 0.0);
    assert!(page.value("weir_metric_series_dropped_total", &[]) > 0.0);
    assert!(page.of("llm_inflight_requests").all(|(_, value)| value == 0.0));
}

#[test]
fn models_past_the_first_ones_are_other() {
    let metrics = metrics();
    for n in 0..OBSERVED_MODELS + 50 {
        metrics.call_finished(&call(1, &format!("model-{n}"), Status::Success));
    }
    metrics.call_finished(&call(1, "gpt-4o", Status::Success));
    let page = Page::read(&metrics.render(None).1);
    assert_eq!(page.value("llm_requests_total", &[("model", "other"), ("status", "success")]), 50.0);
    assert_eq!(page.value("llm_requests_total", &[("model", "gpt-4o"), ("status", "success")]), 1.0);
    assert_eq!(series(&page, "llm_request_latency_seconds_count"), OBSERVED_MODELS + 2);
    assert_eq!(page.value("weir_metric_series_dropped_total", &[]), 0.0);
}

#[test]
fn a_maximum_too_small_for_anything_still_counts() {
    let metrics = Metrics::new(&MetricsOptions { max_series: 0, ..MetricsOptions::default() });
    metrics.call_finished(&call(1, "gpt-4o", Status::Success));
    metrics.call_finished(&call(1, "gpt-4o", Status::Success));
    let page = Page::read(&metrics.render(None).1);
    assert_eq!(page.value("llm_requests_total", &[("model", "other"), ("status", "success")]), 2.0);
    assert_eq!(page.value("llm_cache_misses_total", &[]), 0.0);
}

#[test]
fn hostile_names_stay_within_their_quotes() {
    let metrics = metrics();
    let long = "é".repeat(10_000);
    let hostile = [
        "a\"} 1\nllm_requests_total{model=\"b",
        "\\",
        "\\\"",
        "\\n\n\r\u{0}",
        "x # {trace_id=\"00000000000000000000000000000000\"} 1 1",
        "# EOF\n# EOF",
        "",
        long.as_str(),
    ];
    for name in hostile {
        metrics.call_finished(&Span {
            provider: Some(name.to_owned()),
            response_model: Some(name.to_owned()),
            operation: Some(name.to_owned()),
            ..call(1, name, Status::Success)
        });
        metrics.upstream_health(name, name, true);
        metrics.set_budgets_remaining(&[(name, weir_core::money::NanoUsd(1))]);
    }
    for accept in [None, OPEN_METRICS] {
        let page = Page::read(&metrics.render(accept).1);
        assert_eq!(page.of("llm_requests_total").map(|(_, n)| n).sum::<f64>(), hostile.len() as f64);
        for name in &hostile[..6] {
            assert_eq!(page.value("llm_requests_total", &[("model", name), ("status", "success")]), 1.0, "{name}");
        }
        for (_, labels) in page.samples.keys() {
            assert!(labels.values().all(|value| value.len() <= MAX_LABEL_BYTES));
        }
    }
}

proptest! {
    #[test]
    fn any_name_reads_back(model in ".{0,200}", provider in any::<String>(), response in any::<String>()) {
        let metrics = metrics();
        metrics.call_finished(&Span {
            provider: Some(provider.clone()),
            response_model: Some(response),
            ..call(1, &model, Status::Success)
        });
        let (classic, open) = (metrics.render(None).1, metrics.render(OPEN_METRICS).1);
        let (classic, open) = (Page::read(&classic), Page::read(&open));
        prop_assert_eq!(classic.samples.len(), open.samples.len());
        prop_assert!(classic.samples.values().all(|sample| !sample.exemplar));
        let providers: Vec<_> = classic.of("llm_cost_usd_total").map(|(labels, _)| labels.get("provider").cloned().unwrap_or_default()).collect();
        prop_assert_eq!(providers, [&provider[..provider.floor_char_boundary(MAX_LABEL_BYTES)]]);
    }
}
