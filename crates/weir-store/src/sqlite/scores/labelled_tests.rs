use weir_core::id::{SpanKey, TraceId};
use weir_core::merge::SpanWrite;
use weir_core::score::{Score, ScoreValue};
use weir_core::span::Span;

use super::*;
use crate::ingest::WriteEngine;
use crate::scores::Scores;
use crate::sqlite::SqliteStore;
use crate::sums::Measured;
use crate::telemetry::TimeRange;
use crate::traces::{Link, Traces};

const AT: Micros = 1_763_683_200_000_000;

fn span(kind: SpanKind, model: &str, at: Micros) -> Span {
    Span {
        kind: Some(kind),
        project: Some("shop".into()),
        model: Some(model.into()),
        prompt_name: Some("greet".into()),
        prompt_version: Some("2".into()),
        request_id: Some(format!("req-{model}")),
        start_us: Some(at),
        end_us: Some(at + 5),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    }
}

#[test]
fn a_score_has_the_labels_of_the_call_that_was_judged_however_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let (a, b) = (span(SpanKind::Llm, "a", AT), span(SpanKind::Llm, "b", AT + 1));
    let chain = Span { kind: Some(SpanKind::Chain), span_id: SpanId::new(), start_us: Some(AT - 9), ..a.clone() };
    let chain = Span { model: Some("chain".into()), request_id: None, ..chain };
    let writes = [&chain, &a, &b].map(|span| SpanWrite::create(span.clone(), AT));
    store.commit(&store.prepare(writes.to_vec()).unwrap(), None).unwrap();
    store.link_traces(&[a.trace_id], &[Link::Run("r1".into())]).unwrap();
    let given = |n: i64, target| {
        let value = ScoreValue::parse(&format!("0.{n}")).unwrap();
        Score { author: Some("ann".into()), ..Score::new(target, "tone", value, AT + n) }
    };
    let exactly = ScoreTarget::Span(SpanKey { trace: b.trace_id, span: b.span_id });
    store
        .put(&[
            given(1, ScoreTarget::Trace(a.trace_id)),
            given(2, exactly),
            given(3, ScoreTarget::call("req-b")),
            given(4, ScoreTarget::call(&a.span_id.to_string())),
            given(5, ScoreTarget::call("nobody")),
        ])
        .unwrap();
    let asked = |labels: &[&str]| {
        let query = ScoreQuery {
            name: "tone".into(),
            range: TimeRange { from: Some(AT), to: Some(AT + 100) },
            labels: labels.iter().map(|name| ScoreLabel::parse(name).unwrap()).collect(),
        };
        let shown = |v: Labelled| {
            let labels: Vec<_> = v.labels.into_iter().map(|label| label.unwrap_or_else(|| "-".into())).collect();
            format!("{} {}", v.value, labels.join(" "))
        };
        store.score_values(&query).unwrap().into_iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(
        asked(&["model", "project", "prompt_version", "run"]),
        [
            "0.1 a shop greet@2 r1",
            "0.2 b shop greet@2 -",
            "0.3 b shop greet@2 -",
            "0.4 a shop greet@2 r1",
            "0.5 - - - -"
        ]
    );
    assert_eq!(asked(&["source", "author"])[0], "0.1 api ann");
    assert_eq!(asked(&[]).len(), 5);
    assert!(ScoreLabel::parse("modle").is_none());
}
