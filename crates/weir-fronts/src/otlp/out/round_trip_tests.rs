//! What came by OTLP leaves as it came; what Weir says of its own spans another Weir reads again.

use std::sync::Arc;

use proptest::prelude::*;
use weir_core::id::{SpanId, TraceId};
use weir_core::span::SpanKind;

use super::super::decode::{self, Encoding};
use super::super::map::map;
use super::super::wire::{AnyValue, Attributes, Dropped, Event, Link, Resource, Scope, Status};
use super::*;
use crate::intake::nesting;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");

/// A span without the order of its attributes, which has no meaning; of a name that stands twice the last one counts.
fn in_order(mut span: WireSpan) -> WireSpan {
    span.attributes.sort_by(|a, b| a.0.cmp(&b.0));
    span.attributes.reverse();
    span.attributes.dedup_by(|later, first| later.0 == first.0);
    span.attributes.reverse();
    span
}

/// Encoded and decoded again.
fn sent(span: &WireSpan) -> WireSpan {
    let decoded = decode::traces(&request([&encode(span)]), Encoding::Protobuf).unwrap();
    assert_eq!(decoded.rejected.count, 0);
    decoded.items.into_iter().next().unwrap()
}

fn on_its_way_back(span: WireSpan) -> WireSpan {
    wire(&map(span).span, &|_| None)
}

#[test]
fn every_recorded_span_leaves_as_it_came() {
    let mut seen = 0;
    for folder in std::fs::read_dir(format!("{GOLDEN}/otlp")).unwrap().map(|entry| entry.unwrap().path()) {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if !path.to_str().unwrap().ends_with(".otlp.json") {
                continue;
            }
            for span in decode::traces(&std::fs::read(&path).unwrap(), Encoding::Json).unwrap().items {
                let back = on_its_way_back(span.clone());
                assert_eq!(in_order(sent(&back)), in_order(span.clone()), "{}", path.display());
                let mut wrapper = map(span.clone()).span;
                if wrapper.is_call() {
                    nesting::demote(&mut wrapper, SpanKind::Llm);
                    let back = wire(&wrapper, &|_| None);
                    assert_eq!(in_order(sent(&back)), in_order(span), "that wraps a call: {}", path.display());
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 100, "{seen}");
}

/// A span without what a receiving Weir makes something else of: an input and an output that are messages, a name and the
/// operation of a step that were not said, details.
fn comparable(span: &Span) -> Span {
    let operation = span.operation.clone().filter(|_| span.is_call());
    Span { name: None, operation, input: None, output: None, details: None, ..span.clone() }
}

/// JSON without its spaces, and an integer as the double that it may have become on its way.
fn plain(json: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(json).unwrap() {
        serde_json::Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    }
}

/// Attributes that a receiving Weir has besides: foreign words, and what only the body said.
fn is_more(name: &str) -> bool {
    const MORE: &[&str] = &[
        "cost_source",
        "error.type",
        "gen_ai.operation.name",
        "gen_ai.response.id",
        "openinference.span.kind",
        "top_k",
        "weir.cache_hit",
    ];
    MORE.contains(&name) || name.starts_with("gen_ai.request.")
}

#[test]
fn another_weir_reads_what_weir_says_of_its_own_spans() {
    for entry in std::fs::read_dir(format!("{GOLDEN}/otlp_out")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with(".span.json") {
            continue;
        }
        let span: Span = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let first = wire(&span, &|_| None);
        let there = map(sent(&first)).span;
        let (mut read, mut said) = (comparable(&there), comparable(&span));
        if let Some(most) = said.attributes.remove("max_output_tokens") {
            // The conventions have one name for it.
            said.attributes.insert("max_tokens".to_owned(), most);
        }
        read.attributes.retain(|name, _| said.attributes.contains_key(name) || !is_more(name));
        for json in read.attributes.values_mut().chain(said.attributes.values_mut()) {
            *json = plain(json);
        }
        assert_eq!(read, said, "{}", path.display());
        assert_eq!(in_order(wire(&there, &|_| None)), in_order(sent(&first)), "and it can be sent on");
    }
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(AnyValue::Empty),
        "[ -~é]{0,12}".prop_map(AnyValue::Text),
        prop_oneof![
            Just(r#"[{"role":"user","parts":[{"type":"text","content":"q"}]}]"#),
            Just(r#"{"messages":[{"role":"user","content":"q"}]}"#),
            Just("3"),
            Just("\"quoted\""),
            Just("true"),
            Just("error"),
        ]
        .prop_map(AnyValue::from),
        any::<bool>().prop_map(AnyValue::Bool),
        prop_oneof![any::<i64>(), 0i64..100].prop_map(AnyValue::Int),
        any::<f64>().prop_filter("NaN differs from itself", |d| !d.is_nan()).prop_map(AnyValue::Double),
        proptest::collection::vec(any::<u8>(), 0..5).prop_map(AnyValue::Bytes),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(AnyValue::List),
            proptest::collection::vec(("[a-c]", inner), 0..3).prop_map(AnyValue::Map),
        ]
    })
}

/// Names that mean something to the mapping, and others.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "gen_ai.request.temperature",
        "gen_ai.usage.input_tokens",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.0.content",
        "gen_ai.completion.0.content",
        "gen_ai.tool.name",
        "input.value",
        "output.value",
        "openinference.span.kind",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message.content",
        "llm.token_count.prompt",
        "metadata",
        "session.id",
        "tag.tags",
        "mlflow.spanInputs",
        "mlflow.spanType",
        "langfuse.observation.input",
        "ai.response.text",
        "langfuse.observation.usage_details",
        "weir.span.kind",
        "weir.cost_usd",
        "weir.status",
        "temperature",
        "environment",
        "cost_source",
        "from_node",
        "workflow",
        "traceloop.entity.input",
        "retrieval.documents.0.document.content",
        "weir.span_id",
        "weir.parent_id",
        "weir.key",
        "weir.input",
        "error.type",
        "db.system",
        "relevance_score",
    ];
    prop_oneof![3 => proptest::sample::select(KNOWN).prop_map(str::to_owned), 1 => "[a-z]{1,3}(\\.[a-z]{1,2})?"]
}

fn attributes(most: usize) -> impl Strategy<Value = Attributes> {
    proptest::collection::vec((name(), any_value()), 0..most)
}

prop_compose! {
    fn any_span()(
        (start_ns, end_ns) in (1u64..u64::MAX, any::<u64>()),
        id in 1u64..u64::MAX,
        parent in proptest::option::of(1u64..u64::MAX),
        (kind, flags, code) in (0i32..6, any::<u32>(), 0i32..3),
        (name, message, trace_state) in ("[a-z ]{0,8}", "[a-z]{0,5}", "[a-z]{0,3}"),
        (counts, event_ns) in (any::<[u32; 8]>(), any::<u64>()),
        attributes_of in attributes(12),
        (on_event, on_link, on_resource, on_scope) in (attributes(3), attributes(3), attributes(3), attributes(3)),
    ) -> WireSpan {
        let span_id = |id: u64| SpanId::parse(&format!("{id:016x}")).unwrap();
        let [a, b, c, d, e, f, g, h] = counts;
        WireSpan {
            trace_id: TraceId([7; 16]),
            span_id: span_id(id),
            parent_id: parent.map(span_id),
            trace_state: trace_state.clone(),
            flags,
            name: name.clone(),
            kind,
            start_ns,
            end_ns,
            attributes: attributes_of,
            events: vec![Event { name: name.clone(), time_ns: event_ns, attributes: on_event, dropped_attributes: a }],
            links: vec![Link {
                trace_id: TraceId([9; 16]),
                span_id: span_id(id),
                trace_state,
                attributes: on_link,
                dropped_attributes: b,
                flags: c,
            }],
            status: Status { code, message: message.clone() },
            dropped: Dropped { attributes: d, events: e, links: f },
            resource: Arc::new(Resource { attributes: on_resource, dropped_attributes: g, schema_url: message.clone() }),
            scope: Arc::new(Scope { name, version: message, attributes: on_scope, dropped_attributes: h, schema_url: String::new() }),
        }
    }
}

proptest! {
    #[test]
    fn any_span_leaves_as_it_came(span in any_span()) {
        prop_assert_eq!(in_order(on_its_way_back(span.clone())), in_order(span.clone()));
        prop_assert_eq!(sent(&span), span);
    }
}
