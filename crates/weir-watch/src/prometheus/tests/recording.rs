//! What is recorded for which call.

use weir_core::observe::Observer;
use weir_core::span::{Span, SpanKind, Status};
use weir_core::token::TokenCounts;

use super::page::Page;
use super::{OPEN_METRICS, call, metrics};

fn page(metrics: &crate::prometheus::Metrics) -> Page {
    Page::read(&metrics.render(None).1)
}

#[test]
fn a_model_needs_to_work_to_get_a_name() {
    let metrics = metrics();
    metrics.call_started("new");
    metrics.call_finished(&call(1, "new", Status::Error));
    metrics.call_started("new");
    metrics.call_finished(&call(2, "new", Status::Success));
    let page = page(&metrics);
    assert_eq!(page.value("llm_requests_total", &[("model", "other"), ("status", "error")]), 1.0);
    assert_eq!(page.value("llm_requests_total", &[("model", "new"), ("status", "success")]), 1.0);
    assert!(page.of("llm_inflight_requests").all(|(_, value)| value == 0.0));
}

#[test]
fn requests_in_flight_leave_the_series_that_they_entered() {
    let metrics = metrics();
    metrics.call_started("new");
    metrics.call_started("new");
    metrics.call_finished(&call(1, "new", Status::Success));
    assert_eq!(page(&metrics).value("llm_inflight_requests", &[("model", "other")]), 1.0);
    metrics.set_known_models(&["new".to_owned()]);
    metrics.call_finished(&call(2, "new", Status::Success));
    metrics.call_finished(&call(3, "never started", Status::Success));
    assert!(page(&metrics).of("llm_inflight_requests").all(|(_, value)| value == 0.0));
}

#[test]
fn tokens_are_classes_that_contain_each_other() {
    let metrics = metrics();
    metrics.call_finished(&call(1, "gpt-4o", Status::Success));
    let page = page(&metrics);
    for (class, count) in [("prompt", 100.0), ("cached_prompt", 20.0), ("completion", 61.0), ("reasoning", 5.0)] {
        assert_eq!(page.value("llm_tokens_total", &[("model", "gpt-4o"), ("type", class)]), count, "{class}");
    }
    // (2.1 s - 0.3 s) / 60 tokens after the first
    let per_token = page.value("llm_time_per_output_token_seconds_sum", &[("model", "gpt-4o")]);
    assert!((per_token - 0.03).abs() < 1e-9, "{per_token}");
}

#[test]
fn weir_is_no_client_where_no_upstream_was_called() {
    let metrics = metrics();
    for status in [Status::Cached, Status::RateLimited, Status::Blocked] {
        metrics.call_finished(&call(1, "gpt-4o", status));
    }
    metrics.call_finished(&Span { provider: None, ..call(2, "gpt-4o", Status::Error) });
    metrics.call_finished(&Span { attempts: Some(0), ..call(3, "gpt-4o", Status::Error) });
    let page = page(&metrics);
    assert_eq!(page.of("gen_ai_client_operation_duration_seconds_count").count(), 0);
    assert_eq!(page.of("gen_ai_client_token_usage_count").count(), 0);
    assert_eq!(page.of("gen_ai_server_request_duration_seconds_count").map(|(_, n)| n).sum::<f64>(), 5.0);
}

#[test]
fn other_spans_and_spans_that_say_nothing() {
    let metrics = metrics();
    metrics.call_finished(&Span { kind: Some(SpanKind::Tool), ..call(1, "gpt-4o", Status::Success) });
    metrics.call_finished(&Span::default());
    metrics.call_finished(&Span { error_type: Some("auth".into()), ..Span::default() });
    let page = page(&metrics);
    assert_eq!(page.of("llm_requests_total").map(|(_, n)| n).sum::<f64>(), 2.0);
    assert_eq!(page.value("llm_errors_total", &[("model", "other"), ("error_type", "auth")]), 1.0);
}

#[test]
fn what_is_set_replaces_what_was_set() {
    let metrics = metrics();
    metrics.set_storage_bytes(&[("a", 1), ("b", 2)]);
    metrics.set_storage_bytes(&[("b", u64::MAX)]);
    metrics.upstream_health("azure", "azure/old", false);
    metrics.upstream_health("azure", "azure/new", true);
    metrics.retain_upstreams(|_, deployment| deployment == "azure/new");
    metrics.observe_relevance("docs", f64::NAN);
    let page = page(&metrics);
    assert_eq!(page.of("weir_storage_bytes").map(|(_, n)| n).collect::<Vec<_>>(), [i64::MAX as f64]);
    assert_eq!(page.of("llm_upstream_healthy").map(|(_, n)| n).collect::<Vec<_>>(), [1.0]);
    assert_eq!(page.of("retrieval_relevance_score_count").count(), 0);
}

#[test]
fn the_latest_call_of_a_bucket_is_its_exemplar() {
    let metrics = metrics();
    metrics.call_finished(&call(1, "gpt-4o", Status::Success));
    metrics.call_finished(&call(2, "gpt-4o", Status::Success));
    let (_, text) = metrics.render(OPEN_METRICS);
    let line = r#"llm_request_latency_seconds_bucket{le="2.5",model="gpt-4o"} 2 # {trace_id="02020202020202020202020202020202"} 2.1 1763683202.1"#;
    assert!(text.contains(line), "{text}");
}

#[test]
fn counters_never_decrease() {
    let metrics = metrics();
    let mut before = page(&metrics);
    let nonsense = TokenCounts::of(u64::MAX, u64::MAX);
    for n in 0..20 {
        let status = Status::ALL[n % Status::ALL.len()];
        metrics.call_finished(&Span {
            tokens: Some(nonsense),
            cost: Some(weir_core::money::NanoUsd(if n % 2 == 0 { i64::MAX } else { i64::MIN })),
            end_us: Some(if n % 3 == 0 { i64::MIN } else { i64::MAX }),
            ttft_us: Some(i64::MIN),
            ..call(1, "gpt-4o", status)
        });
        let after = page(&metrics);
        for (key, sample) in before.samples.iter().filter(|((name, _), _)| name.ends_with("_total")) {
            assert!(after.samples[key].value >= sample.value, "{key:?}");
        }
        before = after;
    }
}

#[test]
fn labels_have_closed_sets() {
    let metrics = metrics();
    metrics.set_labels(&[("department".to_owned(), vec!["it".to_owned()])].into());
    let of = |n, department: Option<&str>| Span {
        department: department.map(str::to_owned),
        ..call(n, "gpt-4o", Status::Success)
    };
    for (n, department) in [(1, Some("it")), (2, Some("it")), (3, Some("'; DROP")), (4, None)] {
        metrics.call_finished(&of(n, department));
    }
    let page = page(&metrics);
    for (value, count) in [("it", 2.0), ("other", 1.0), ("none", 1.0)] {
        let labels = [("label", "department"), ("value", value)];
        let requests = [labels[0], labels[1], ("status", "success")];
        assert_eq!(page.value("llm_label_requests_total", &requests), count, "{value}");
        assert_eq!(page.value("llm_label_cost_usd_total", &labels), count * 0.001_234_567, "{value}");
    }
    let prompt = [("label", "department"), ("value", "it"), ("type", "prompt")];
    assert_eq!(page.value("llm_label_tokens_total", &prompt), 200.0);
    assert!(!page.of("llm_label_requests_total").any(|(labels, _)| format!("{labels:?}").contains("DROP")));
}
