//! Traces and paths over a store in memory.

use weir_core::id::SpanId;
use weir_core::span::{SpanKind, Status};

use super::super::fake::Fake;
use super::*;

const NOW: Micros = 1_763_683_200_000_000;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn span(trace: TraceId, kind: SpanKind, request: Option<&str>, start: Micros) -> Span {
    Span {
        kind: Some(kind),
        request_id: request.map(str::to_owned),
        start_us: Some(NOW + start),
        end_us: Some(NOW + start + 1_000),
        status: Some(Status::Success),
        input: Some("in".into()),
        details: Some("{}".into()),
        ..Span::new(SpanKey { trace, span: SpanId::new() })
    }
}

#[test]
fn a_path_holds_the_library_s_steps_the_gateway_s_call_and_all_of_their_traces() {
    let store = Fake::default();
    let (own, gateway, other) = (TraceId::of_request("r"), TraceId::new(), TraceId::new());
    let attributes = |all: &[(&str, &str)]| all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let decision = Span {
        attributes: attributes(&[
            ("workflow", "\"support\""),
            ("from_node", "\"classify\""),
            ("to_node", "\"lookup\""),
            ("condition", "\"score > 0.5\""),
            ("condition_result", "true"),
            ("context", "{\"much\":1}"),
        ]),
        end_us: Some(NOW + 5_000),
        ..span(own, SpanKind::Branch, Some("r"), 5_000)
    };
    store.push(span(gateway, SpanKind::Llm, Some("r"), 0));
    store.push(decision);
    let tool = Span { attributes: attributes(&[("tool_name", "\"crm\"")]), ..span(own, SpanKind::Tool, None, 7_000) };
    store.push(Span { status: Some(Status::Error), error: Some("no".into()), ..tool });
    store.push(Span { end_us: None, status: None, ..span(gateway, SpanKind::Chain, None, 9_000) });
    store.push(span(other, SpanKind::Llm, Some("q"), 0));

    let path = get_request_path(&store, "r").unwrap();
    assert_eq!((path.request_id.as_deref(), path.truncated), (Some("r"), false));
    assert_eq!(path.trace_ids, [gateway.to_string(), own.to_string()]);
    let steps: Vec<_> =
        path.steps.iter().map(|s| (s.kind.as_deref().unwrap(), s.offset_ms, s.duration_ms, s.gap_ms)).collect();
    assert_eq!(
        steps,
        [
            ("llm", Some(0.0), Some(1.0), None),
            ("branch", Some(5.0), Some(0.0), Some(4.0)),
            ("tool", Some(7.0), Some(1.0), Some(2.0)),
            ("chain", Some(9.0), None, Some(1.0)),
        ]
    );
    let json = serde_json::to_value(&path.steps[1]).unwrap();
    let wanted = serde_json::json!({"from": "classify", "to": "lookup", "condition": "score > 0.5", "result": true});
    assert_eq!((&json["branch"], &json["workflow"], &json["tool"]), (&wanted, &"support".into(), &().into()));
    assert_eq!((path.steps[2].tool.as_deref(), path.steps[2].error.as_deref()), (Some("crm"), Some("no")));
    assert_eq!(path.steps[3].status.as_deref(), Some("pending"));
    assert_eq!((path.calls, path.unpriced, path.errors, path.pending), (1, 1, 1, 1));
    assert_eq!(path.total_ms, Some(9.0));

    // By its trace it is the same without the other one.
    let path = get_trace_path(&store, &own.to_string()).unwrap();
    assert_eq!((path.request_id, path.steps.len()), (None, 2));
}

#[test]
fn what_was_logged_without_the_request_s_id_is_found_by_the_trace_made_of_it() {
    let store = Fake::default();
    store.push(span(TraceId::of_request("r"), SpanKind::Tool, None, 0));
    assert_eq!(get_request_path(&store, "r").unwrap().steps.len(), 1);
    let error = get_request_path(&store, "q").unwrap_err();
    assert_eq!((error.code, error.message.contains("\"q\"")), (Code::NotFound, true));
}

#[test]
fn paths_are_bounded_and_say_so() {
    let store = Fake::default();
    let trace = TraceId::new();
    (0..=MAX_STEPS).for_each(|n| store.push(span(trace, SpanKind::Tool, Some("r"), n as i64)));
    let path = get_request_path(&store, "r").unwrap();
    assert_eq!((path.steps.len(), path.truncated), (MAX_STEPS, true));
    let store = Fake::default();
    (0..MAX_TRACES).for_each(|_| store.push(span(TraceId::new(), SpanKind::Tool, Some("r"), 0)));
    let path = get_request_path(&store, "r").unwrap();
    assert_eq!((path.steps.len(), path.truncated), (MAX_TRACES, true));
}

#[test]
fn a_trace_comes_in_pages_with_payloads_on_demand() {
    let store = Fake::default();
    let trace = TraceId::new();
    (0..150).rev().for_each(|n| store.push(span(trace, SpanKind::Tool, None, n)));
    let id = trace.to_string();
    let whole = get_trace(&store, &id, &pairs(&[]), NOW).unwrap();
    assert_eq!((whole.spans.len(), whole.next, whole.trace_id.as_str()), (150, None, id.as_str()));
    assert!(whole.spans.is_sorted_by_key(|s| s.timestamp.clone()));
    assert!(whole.spans[0].input.is_none() && whole.spans[0].details.is_none());
    let first = get_trace(&store, &id, &pairs(&[("payload", "true")]), NOW).unwrap();
    assert_eq!((first.spans.len(), first.spans[0].details.as_ref().unwrap().get()), (100, "{}"));
    let rest = [("payload", "true"), ("cursor", first.next.as_deref().unwrap())];
    assert_eq!(get_trace(&store, &id, &pairs(&rest), NOW).unwrap().spans.len(), 50);
}

#[test]
fn refusals_say_what_is_wrong() {
    let store = Fake::default();
    let no = |trace: &str, given: &[(&str, &str)]| get_trace(&store, trace, &pairs(given), NOW).unwrap_err();
    let id = TraceId::new().to_string();
    assert_eq!(no(&id, &[]).message, format!("there is no trace {id}: it was never recorded, or was pruned"));
    assert_eq!(no("xyz", &[]).message, "\"xyz\" is no trace id: write 32 or 16 hex digits, or a UUID");
    assert_eq!(no("xyz", &[("payload", "1")]).param.as_deref(), Some("trace_id"));
    assert_eq!(no(&id, &[("payload", "1")]).param.as_deref(), Some("payload"));
    assert_eq!(no(&id, &[("payload", "true"), ("limit", "101")]).param.as_deref(), Some("limit"));
    assert_eq!(no(&id, &[("order", "cost")]).param.as_deref(), Some("order"));
    assert_eq!(get_trace_path(&store, "xyz").unwrap_err().param.as_deref(), Some("trace_id"));
    assert_eq!(get_trace_path(&store, &id).unwrap_err().code, Code::NotFound);
}
