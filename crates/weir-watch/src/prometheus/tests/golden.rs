//! Pages of fixed calls, and the documentation. `WEIR_BLESS=1` writes them.

use std::path::Path;

use weir_core::money::NanoUsd;
use weir_core::observe::Observer;
use weir_core::span::{Span, SpanKind, Status};

use super::page::Page;
use super::{OPEN_METRICS, call, metrics};
use crate::prometheus::{Metrics, docs, table::TABLE};

fn recorded() -> Metrics {
    let metrics = metrics();
    metrics.call_started("gpt-4o");
    metrics.call_started("gpt-4o");
    metrics.call_finished(&call(1, "gpt-4o", Status::Success));
    metrics.call_finished(&Span { cache: Some("miss".into()), ..call(2, "azure/gpt-4o-mini", Status::Success) });
    metrics.call_finished(&Span {
        cache: Some("hit".into()),
        attempts: Some(0),
        cost: Some(NanoUsd(0)),
        ..call(3, "gpt-4o", Status::Cached)
    });
    for (n, (status, class)) in [
        (Status::Error, "timeout"),
        (Status::RateLimited, "http_4xx"),
        (Status::Blocked, "budget"),
        (Status::Cancelled, "connection"),
        (Status::Error, "a text that somebody wrote"),
    ]
    .into_iter()
    .enumerate()
    {
        let n = 4 + n as u8;
        metrics.call_finished(&Span {
            error_type: Some(class.into()),
            tokens: None,
            cost: None,
            response_model: None,
            ..call(n, "gpt-4o", status)
        });
    }
    metrics.call_finished(&Span {
        kind: Some(SpanKind::Embedding),
        provider: Some("gemini".into()),
        ttft_us: None,
        ..call(9, "no-such-model", Status::Error)
    });
    metrics.retried("azure");
    metrics.fell_back("gpt-4o", "azure/gpt-4o-mini");
    metrics.upstream_rate_limited("gpt-4o");
    metrics.upstream_health("azure", "azure/gpt-4o", false);
    metrics.lost("journal_full", 3);
    metrics.ingested("otlp", 7);
    metrics.observe_relevance("manuals", 0.73);
    metrics.set_ingest_queue(4, 0.25);
    metrics.set_journal(4096, 2);
    metrics.set_storage_bytes(&[("spans", 1 << 20), ("rollups", 65536)]);
    metrics.set_budgets_remaining(&[("marketing", NanoUsd(-1_500_000_000)), ("checkout", NanoUsd(12_250_000_000))]);
    metrics.set_export_lag("mlflow", 12, 1.5);
    metrics.exported("mlflow", 5);
    metrics.export_failed("mlflow", "timeout", 2);
    metrics.set_ready(true);
    metrics.set_healthy(true);
    metrics
}

fn same_as_file(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("WEIR_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(file == text, "{} is stale; WEIR_BLESS=1 cargo test -p weir-watch writes it", path.display());
}

#[test]
fn the_documentation_is_fresh() {
    same_as_file("../../docs/metrics.md", &docs::markdown());
}

#[test]
fn the_pages_are_as_blessed() {
    let metrics = recorded();
    let (plain, classic) = metrics.render(None);
    assert_eq!(plain, "text/plain; version=0.0.4; charset=utf-8");
    same_as_file("src/prometheus/golden/classic.txt", &classic);
    let (open, page) = metrics.render(OPEN_METRICS);
    assert_eq!(open, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    same_as_file("src/prometheus/golden/openmetrics.txt", &page);
}

#[test]
fn both_formats_say_the_same() {
    let metrics = recorded();
    let (classic, open) = (metrics.render(None).1, metrics.render(OPEN_METRICS).1);
    assert!(open.ends_with("\n# EOF\n") && !classic.contains("EOF") && !classic.contains("# UNIT"));
    let (classic, open) = (Page::read(&classic), Page::read(&open));
    assert!(classic.samples.values().all(|sample| !sample.exemplar));
    assert!(open.samples.values().any(|sample| sample.exemplar));
    let values = |page: &Page| page.samples.iter().map(|(key, sample)| (key.clone(), sample.value)).collect::<Vec<_>>();
    assert_eq!(values(&classic), values(&open));
    for row in TABLE {
        assert_eq!(classic.types.get(row.name).map(String::as_str), Some(row.kind.as_str()), "{}", row.name);
        if let Some(alias) = row.alias {
            assert_eq!(classic.types[alias], "untyped");
            assert_eq!((open.types[alias].as_str(), open.types[row.name].as_str()), ("unknown", "unknown"));
            assert_eq!(classic.of(alias).collect::<Vec<_>>(), classic.of(row.name).collect::<Vec<_>>());
        } else {
            assert_eq!(open.types.get(row.family()).map(String::as_str), Some(row.kind.as_str()), "{}", row.name);
        }
    }
}

#[test]
fn the_table_keeps_the_rules_of_names() {
    for row in TABLE {
        assert_eq!(row.name.ends_with("_total"), row.kind.as_str() == "counter", "{}", row.name);
        assert_eq!(row.buckets.is_empty(), row.kind.as_str() != "histogram", "{}", row.name);
        assert!(row.buckets.is_sorted(), "{}", row.name);
        assert!(!row.help.ends_with('.') && !row.help.contains(['"', '\\', '\n', '|']), "{}", row.name);
        for id in ["id", "user", "key", "trace_id", "session", "request_id", "prompt"] {
            assert!(row.labels.iter().all(|label| label.name != id), "{}", row.name);
        }
    }
}
