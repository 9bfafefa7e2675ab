use std::sync::Arc;

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::score::{Score, ScoreTarget, ScoreValue};
use weir_core::span::{SpanKind, Status};

use super::super::fake::Fake;
use super::*;

const NOW: Micros = 1_763_683_200_000_000;

/// Calls of a version with latencies around a mean, every one scored.
fn fill(store: &Fake, version: &str, calls: i64, ms: i64, score: bool) {
    for n in 0..calls {
        let span = Span {
            kind: Some(SpanKind::Llm),
            status: Some(Status::Success),
            prompt_name: Some("greet".into()),
            prompt_version: Some(version.into()),
            start_us: Some(NOW - n),
            end_us: Some(NOW - n + (ms + n % 7) * 1_000),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        };
        let target = ScoreTarget::call(&span.span_id.to_string());
        let score = Score::new(target, "helpful", ScoreValue::Bool(score || n % 2 == 0), NOW);
        store.put(&[score]).unwrap();
        store.push(span);
    }
}

fn ask(store: &Fake, pairs: &[(&str, &str)]) -> Result<CompareAnswer, Error> {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    compare_versions(store, store, "greet", &pairs, NOW + 1)
}

#[test]
fn versions_stand_against_the_most_called() {
    let store = Arc::new(Fake::default());
    // More calls than are asked for at once.
    fill(&store, "v1", 1_100, 200, false);
    fill(&store, "v2", 200, 100, true);
    fill(&store, "v3", 29, 500, true);
    let answer = ask(&store, &[]).unwrap();
    assert_eq!((answer.baseline.as_deref(), answer.baseline_by.as_str()), (Some("v1"), "most calls"));
    assert_eq!((answer.calls, answer.truncated, answer.test.comparisons), (1_329, false, 6));
    let verdicts: Vec<_> =
        answer.differences.iter().map(|d| (d.version.as_str(), d.metric.as_str(), d.verdict.as_str())).collect();
    assert_eq!(
        verdicts,
        [
            ("v2", "error_rate", "no difference found yet"),
            ("v2", "latency_ms", "better"),
            ("v2", "scores.helpful", "better"),
            ("v3", "error_rate", "too few calls"),
            ("v3", "latency_ms", "too few calls"),
            ("v3", "scores.helpful", "too few calls"),
        ]
    );
    let helpful = answer.versions[0].scores["helpful"];
    assert_eq!((helpful.n, helpful.mean.map(|m| (m * 1e9).round())), (1_100, Some(5e8)));
    let text = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<CompareAnswer>(&text).unwrap().differences.len(), 6);
    assert!(text.contains(r#""cost_usd":{"sum":null,"n":0,"mean":null,"unpriced":1100}"#), "{text}");

    // The other way round a gain is a loss.
    let answer = ask(&store, &[("baseline", "v2"), ("versions", "v1")]).unwrap();
    assert_eq!((answer.versions.len(), answer.test.comparisons), (2, 3));
    assert!(answer.differences.iter().skip(1).all(|d| d.version == "v1" && d.verdict == "worse"));
}

#[test]
fn a_baseline_must_have_calls_unless_nothing_has() {
    let store = Fake::default();
    let nothing = ask(&store, &[("baseline", "v9")]).unwrap();
    assert_eq!((nothing.calls, nothing.baseline, nothing.versions.len()), (0, None, 0));
    fill(&store, "v1", 1, 1, true);
    let error = ask(&store, &[("baseline", "v9")]).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("baseline"));
    assert!(error.message.ends_with("versions with calls: v1"), "{}", error.message);
}
