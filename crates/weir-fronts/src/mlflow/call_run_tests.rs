//! Golden runs: `golden/mlflow/NAME.call.json` in, `NAME.run.json` out. `WEIR_BLESS=1` writes them.

use std::path::Path;

use serde::Deserialize;
use weir_core::id::{SpanId, TraceId};
use weir_core::span::SpanKind;

use super::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/mlflow");

#[derive(Deserialize)]
struct Case {
    template: Option<String>,
    span: Span,
}

#[test]
fn golden_runs() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let mut seen = 0;
    for entry in std::fs::read_dir(GOLDEN).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.to_str().and_then(|p| p.strip_suffix(".call.json")) else { continue };
        let case: Case = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let template = case.template.as_deref().map_or(Template::Passed, Template::Text);
        let run = CallRun::new(&case.span, template, "production");
        let made = serde_json::to_string_pretty(&run).unwrap() + "\n";
        let held = Path::new(&format!("{name}.run.json")).to_owned();
        if bless {
            std::fs::write(&held, &made).unwrap();
        }
        let held = std::fs::read_to_string(&held).unwrap_or_default();
        assert!(held == made, "{name}: the run is another one; run WEIR_BLESS=1 cargo test -p weir-fronts\n{made}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn the_fixed_parts_stand_on_every_run_whatever_the_call_says() {
    let hostile = Span {
        kind: Some(SpanKind::Llm),
        start_us: Some(i64::MAX),
        end_us: Some(i64::MIN),
        model: Some("m".repeat(10_000) + "\0"),
        error: Some("é".repeat(5_000)),
        status: Some(Status::Error),
        input: Some("[".repeat(100_000)),
        attributes: [("temperature", "\"\\ud800\""), ("max_tokens", ""), ("upstream_us", "-1"), ("prompt", "7")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        ..Span::default()
    };
    for span in [Span::default(), hostile] {
        let run = CallRun::new(&span, Template::Unknown, "production");
        let names: Vec<_> = run.params.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["provider", "model", "temperature", "max_tokens", "department", "cache_hit"]);
        let names: Vec<_> = run.metrics.iter().map(|(name, _)| *name).collect();
        let always = ["llm_latency_ms", "total_response_time_ms", "prompt_tokens", "completion_tokens", "total_tokens"];
        assert_eq!(names, always);
        assert!(run.metrics.iter().all(|(_, value)| value.is_finite() && *value >= 0.0));
        assert!(run.params.iter().all(|(_, value)| value.chars().count() <= 500 && !value.contains('\0')));
        assert!(run.tags.iter().all(|(_, value)| value.chars().count() <= 1_000));
        assert!(run.end_ms >= run.start_ms);
        assert_eq!(run.status, RunStatus::Failed);
    }
}

#[test]
fn short_span_ids_are_told_apart_by_their_trace() {
    let trace = TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
    let key = |span: &str| SpanKey { trace, span: SpanId::parse(span).unwrap() };
    assert_eq!(call_id(key("00f067aa0ba902b7")), "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7");
    assert_eq!(call_id(key("0192f0c123457abc8def0123456789ab")), "0192f0c123457abc8def0123456789ab");
}
