//! The list and the graph over a store in memory.

use weir_core::id::{SpanId, SpanKey, TraceId};
use weir_core::span::{Span, Status};
use weir_core::time::{HOUR, MINUTE};

use super::super::fake::Fake;
use super::super::workflow_json::{EdgeBeforeJson, WorkflowBucketJson};
use super::*;

const NOW: Micros = 1_763_683_200_000_000;

fn step(store: &Fake, kind: SpanKind, workflow: Option<&str>, start: Micros, attributes: &[(&str, &str)]) {
    let quoted = |text: &str| format!("\"{text}\"");
    let own = attributes.iter().map(|(name, value)| ((*name).to_owned(), quoted(value)));
    store.push(Span {
        kind: Some(kind),
        start_us: Some(start),
        end_us: Some(start + 1_000),
        status: Some(Status::Success),
        attributes: own.chain(workflow.map(|w| ("workflow".to_owned(), quoted(w)))).collect(),
        ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
    });
}

fn decide(store: &Fake, times: usize, workflow: Option<&str>, ago: Micros, from: &str, to: &str) {
    for _ in 0..times {
        step(store, SpanKind::Branch, workflow, NOW - ago, &[("from_node", from), ("to_node", to)]);
    }
}

fn use_tool(store: &Fake, times: usize, failed: usize, ago: Micros, name: &str) {
    for n in 0..times {
        let status = if n < failed { Status::Error } else { Status::Success };
        store.push(Span {
            kind: Some(SpanKind::Tool),
            name: Some("call".into()),
            start_us: Some(NOW - ago),
            end_us: Some(NOW - ago + 1_000 * (1 + n as i64)),
            status: Some(status),
            project: Some("shop".into()),
            attributes: [
                ("workflow".to_owned(), "\"support\"".to_owned()),
                ("tool_name".into(), format!("\"{name}\"")),
            ]
            .into(),
            ..Span::new(SpanKey { trace: TraceId::new(), span: SpanId::new() })
        });
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// A day of `support` against the one before, and steps that name no workflow.
fn store() -> Fake {
    let store = Fake::default();
    decide(&store, 62, Some("support"), HOUR, "classify", "answer");
    decide(&store, 38, Some("support"), HOUR, "classify", "human");
    decide(&store, 80, Some("support"), 25 * HOUR, "classify", "answer");
    decide(&store, 20, Some("support"), 25 * HOUR, "classify", "human");
    decide(&store, 38, Some("support"), HOUR, "human", "answer");
    use_tool(&store, 40, 10, HOUR, "lookup");
    use_tool(&store, 40, 0, 25 * HOUR, "lookup");
    use_tool(&store, 1, 0, HOUR, "refund");
    step(&store, SpanKind::Retriever, Some("support"), NOW - HOUR, &[("tool_name", "docs")]);
    decide(&store, 3, None, HOUR, "a", "b");
    store
}

#[test]
fn the_list_sums_up_every_workflow_of_a_project() {
    let list = list_workflows(&store(), &pairs(&[("bucket", "1h")]), NOW).unwrap();
    let row = |n: usize| {
        let w = &list.workflows[n];
        (w.name.as_deref(), w.project.as_deref(), w.decisions, w.tool_calls, w.tool_errors, w.retrievals)
    };
    assert_eq!(list.workflows.len(), 3);
    assert_eq!(row(0), (Some("support"), None, 138, 0, 0, 1));
    assert_eq!(row(1), (Some("support"), Some("shop"), 0, 41, 10, 0));
    assert_eq!(row(2), (None, None, 3, 0, 0, 0));
    assert_eq!((list.workflows[1].tool_error_rate, list.workflows[2].tool_error_rate), (Some(10.0 / 41.0), None));
    let hour = WorkflowBucketJson {
        start: to_rfc3339(NOW - HOUR),
        tool_calls: 41,
        tool_errors: 10,
        ..WorkflowBucketJson::default()
    };
    assert_eq!(list.workflows[1].series.as_deref(), Some([hour].as_slice()));
    assert!(!list.truncated && list.bucket.as_deref() == Some("1h"));
    let only = list_workflows(&store(), &pairs(&[("project", "shop")]), NOW).unwrap();
    assert_eq!(only.workflows.len(), 1);
    assert!(only.workflows[0].series.is_none());
}

#[test]
fn shares_stand_against_the_window_before_with_a_verdict() {
    let graph = get_workflow(&store(), "support", &pairs(&[]), NOW).unwrap();
    assert_eq!(graph.projects, [None, Some("shop".to_owned())]);
    assert_eq!((graph.decisions, graph.decisions_before), (138, 100));
    let found: Vec<_> = graph.edges.iter().map(|e| (e.from.as_str(), e.to.as_str(), e.count, e.share)).collect();
    assert_eq!(
        found,
        [
            ("classify", "answer", 62, Some(0.62)),
            ("classify", "human", 38, Some(0.38)),
            ("human", "answer", 38, Some(1.0))
        ]
    );
    let before: Vec<_> = graph.edges.iter().map(|e| e.before).collect();
    let share = |count, share| EdgeBeforeJson { count, share };
    assert_eq!(before, [share(80, Some(0.8)), share(20, Some(0.2)), share(0, None)]);
    // Two ways out of "classify" are one comparison, the tool that was called often enough is the other.
    assert_eq!((graph.test.comparisons, graph.test.least), (2, 30));
    let p = 2.0 * share_p_of((80, 100), (62, 100));
    for (edge, verdict) in graph.edges.iter().zip(["lower", "higher", "too few"]) {
        assert_eq!(edge.change.verdict, verdict);
    }
    assert_eq!(graph.edges[0].change.p_value, Some(p));
    assert!((graph.edges[1].change.difference.unwrap() - 0.18).abs() < 1e-12);
    assert_eq!((graph.edges[2].change.difference, graph.edges[2].change.p_value), (None, None));
    let names: Vec<_> = graph.nodes.iter().map(|n| (n.name.as_str(), n.visits, n.visits_before)).collect();
    assert_eq!(names, [("classify", 100, 100), ("answer", 100, 80), ("human", 38, 20)]);
}

fn share_p_of(before: (u64, u64), now: (u64, u64)) -> f64 {
    let share = |(hits, of)| Share { hits, of };
    weir_core::experiment::share_p_value(share(before), share(now)).unwrap()
}

#[test]
fn tools_have_error_rates_and_durations_in_both_windows() {
    let graph = get_workflow(&store(), "support", &pairs(&[("bucket", "1h")]), NOW).unwrap();
    let [lookup, refund] = graph.tools.as_slice() else { panic!("{:?}", graph.tools) };
    assert_eq!((lookup.name.as_str(), lookup.project.as_deref()), ("lookup", Some("shop")));
    assert_eq!((lookup.figures.calls, lookup.figures.errors, lookup.figures.error_rate), (40, 10, Some(0.25)));
    assert_eq!((lookup.before.calls, lookup.before.error_rate), (40, Some(0.0)));
    assert_eq!(lookup.figures.duration_ms.mean, Some(20.5));
    let p95 = lookup.figures.duration_ms.p95.unwrap();
    assert!((37.0..=39.0).contains(&p95), "{p95}");
    assert_eq!((lookup.change.difference, lookup.change.verdict.as_str()), (Some(0.25), "higher"));
    assert_eq!((refund.before.error_rate, refund.change.verdict.as_str()), (None, "too few"));
    let series = lookup.series.as_ref().unwrap();
    assert_eq!((series.len(), series[0].start.clone(), series[0].figures.calls), (1, to_rfc3339(NOW - HOUR), 40));
    assert_eq!(graph.retrievers.len(), 1);
    assert_eq!((graph.retrievers[0].name.as_str(), graph.retrievers[0].figures.calls), ("docs", 1));
    let json = serde_json::to_string(&graph.tools[1]).unwrap();
    assert!(json.starts_with(r#"{"name":"refund","project":"shop","calls":1,"errors":0,"error_rate":0.0,"#), "{json}");
}

#[test]
fn shares_come_over_time() {
    let store = Fake::default();
    decide(&store, 3, Some("w"), 90 * MINUTE, "a", "b");
    decide(&store, 1, Some("w"), 90 * MINUTE, "a", "c");
    decide(&store, 2, Some("w"), 30 * MINUTE, "a", "c");
    let graph = get_workflow(&store, "w", &pairs(&[("bucket", "1h")]), NOW).unwrap();
    let series = |n: usize| -> Vec<(u64, Option<f64>)> {
        graph.edges[n].series.iter().flatten().map(|b| (b.count, b.share)).collect()
    };
    assert_eq!((graph.edges[0].to.as_str(), series(0)), ("b", vec![(3, Some(0.75)), (0, Some(0.0))]));
    assert_eq!((graph.edges[1].to.as_str(), series(1)), ("c", vec![(1, Some(0.25)), (2, Some(1.0))]));
}

#[test]
fn a_dash_is_the_graph_of_the_steps_that_name_no_workflow() {
    let graph = get_workflow(&store(), "-", &pairs(&[]), NOW).unwrap();
    assert_eq!((graph.name, graph.decisions, graph.edges.len()), (None, 3, 1));
    let error = get_workflow(&Fake::default(), "-", &pairs(&[]), NOW).unwrap_err();
    assert!(error.message.starts_with("there are no steps that name no workflow from 2025-11-19T"), "{error}");
    assert!(error.message.ends_with("; no other has either; ask for a longer range"), "{error}");
}

#[test]
fn an_unknown_name_is_told_the_nearest() {
    let store = store();
    decide(&store, 1, Some("billing"), HOUR, "a", "b");
    let error = get_workflow(&store, "suport", &pairs(&[]), NOW).unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    assert_eq!(
        error.message,
        "the workflow \"suport\" has no steps from 2025-11-19T00:00:00.000000Z to 2025-11-21T00:00:00.000000Z; workflows \
         that have: support, -, billing"
    );
    // One that had steps only in the window before is known.
    decide(&store, 1, Some("old"), 30 * HOUR, "a", "b");
    let old = get_workflow(&store, "old", &pairs(&[]), NOW).unwrap();
    assert_eq!((old.decisions, old.edges[0].count, old.edges[0].share, old.edges[0].before.count), (0, 0, None, 1));
}

#[test]
fn a_wrong_parameter_is_named() {
    for (name, value) in [("frm", "1h"), ("bucket", "90s"), ("to", "soon")] {
        assert_eq!(
            get_workflow(&store(), "support", &pairs(&[(name, value)]), NOW).unwrap_err().param.as_deref(),
            Some(name)
        );
        assert_eq!(list_workflows(&store(), &pairs(&[(name, value)]), NOW).unwrap_err().param.as_deref(), Some(name));
    }
}
