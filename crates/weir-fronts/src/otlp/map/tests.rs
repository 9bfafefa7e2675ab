//! Golden spans: `golden/otlp/DIALECT/CASE.otlp.json` in, `CASE.spans.json` out. `WEIR_BLESS=1` writes them. And what
//! holds of any span whatever.

use std::path::{Path, PathBuf};

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_core::id::{SpanId, TraceId};
use weir_core::span::{Span, SpanKind, Status};

use super::super::decode::{self, Encoding};
use super::super::out;
use super::super::wire::{AnyValue, Attributes, Event, Resource, Scope, WireSpan};
use super::{map, table};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/otlp");

/// A span as people read it: what is JSON within texts is shown as JSON.
fn shown(span: &Span) -> Value {
    let mut shown = serde_json::to_value(span).unwrap();
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    shown["details"] = parse(span.details.as_deref().unwrap());
    let attributes = span.attributes.iter().map(|(name, json)| (name.clone(), parse(json)));
    shown["attributes"] = Value::Object(attributes.collect());
    shown
}

fn cases() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(GOLDEN).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let mut cases: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(".otlp.json")).collect();
    cases.sort();
    cases
}

#[test]
fn golden_spans() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let cases = cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut stale = Vec::new();
    for path in cases {
        let decoded = decode::traces(&std::fs::read(&path).unwrap(), Encoding::Json).unwrap();
        assert_eq!(decoded.rejected.count, 0, "{}", path.display());
        let spans: Vec<_> = decoded.items.into_iter().map(|wire| shown(&map(wire).span)).collect();
        let made = serde_json::to_string_pretty(&json!(spans)).unwrap() + "\n";
        let held = path.to_str().unwrap().replace(".otlp.json", ".spans.json");
        if bless {
            std::fs::write(&held, &made).unwrap();
        }
        if std::fs::read_to_string(&held).unwrap_or_default() != made {
            stale.push(Path::new(&held).file_name().unwrap().to_owned());
        }
    }
    assert!(stale.is_empty(), "other spans come of it; run WEIR_BLESS=1 cargo test -p weir-fronts: {stale:?}");
}

/// Every span of every recording, sent on after it was stored, is the span that was sent.
#[test]
fn every_recorded_span_leaves_as_it_came() {
    for path in cases() {
        for wire in decode::traces(&std::fs::read(&path).unwrap(), Encoding::Json).unwrap().items {
            let rebuilt = out::wire(&map(wire.clone()).span, &|_| None);
            assert_eq!(sorted(rebuilt), sorted(wire), "{}", path.display());
        }
    }
}

/// Attributes have no order; of a name that stands twice the last counts.
fn sorted(mut wire: WireSpan) -> WireSpan {
    let mut attributes: Attributes = Vec::new();
    for (name, value) in wire.attributes {
        attributes.retain(|(held, _)| *held != name);
        attributes.push((name, value));
    }
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
    wire.attributes = attributes;
    wire
}

/// Names that mapping looks at, and others.
fn name() -> impl Strategy<Value = String> {
    let listed = [table::INPUT, table::OUTPUT, table::CONTENT].concat();
    let known = [
        "openinference.span.kind",
        "mlflow.spanType",
        "gen_ai.operation.name",
        "langfuse.observation.type",
        "langfuse.observation.usage_details",
        "ai.operationId",
        "metadata",
        "weir.metadata",
        "weir.status",
        "weir.span.kind",
        "weir.cost_usd",
        "weir.ttft_us",
        "weir.tags",
        "cache_hit",
        "department",
        "temperature",
        "relevance_score",
        "llm.input_messages.0.message.role",
        "llm.input_messages.7.message.content",
        "llm.input_messages.18446744073709551615.message.tool_calls.0.tool_call.id",
        "llm.output_messages.0.message.contents.1.message_content.text",
        "gen_ai.prompt.0.content",
        "gen_ai.completion.0.tool_calls.0.arguments",
        "retrieval.documents.2.document.score",
        "retrieval.documents.2.document.metadata",
        "llm.tools.0.tool.json_schema",
        "langsmith.metadata.user_id",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "llm.token_count.total",
        "error.type",
        "http.response.status_code",
        "graph.node.id",
    ];
    prop_oneof![
        proptest::sample::select([listed, known.to_vec()].concat()).prop_map(str::to_owned),
        ".{0,12}",
        "weir:[a-z]{0,4}"
    ]
}

fn value() -> impl Strategy<Value = AnyValue> {
    let words = [
        "LLM",
        "\"LLM\"",
        "RETRIEVER",
        "TOOL",
        "chat",
        "ai.generateText",
        "generation",
        "true",
        "12",
        "1e400",
        "-1",
        "{}",
        "[]",
        "{\"messages\":[{\"role\":\"user\"}]}",
        "{\"a\":1,\"a\":2}",
        "[[{\"lc\":1}]]",
        "{\"input\":1e30,\"output\":-1}",
        "[{\"page_content\":\"x\",\"metadata\":{\"score\":null}}]",
        "{\"usage\":{\"prompt_tokens\":18446744073709551615}}",
        "\"",
        "{",
    ];
    let leaf = prop_oneof![
        Just(AnyValue::Empty),
        proptest::sample::select(words.to_vec()).prop_map(AnyValue::from),
        any::<String>().prop_map(AnyValue::Text),
        any::<bool>().prop_map(AnyValue::Bool),
        any::<i64>().prop_map(AnyValue::Int),
        any::<f64>().prop_filter("NaN differs from itself", |d| !d.is_nan()).prop_map(AnyValue::Double),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(AnyValue::Bytes),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(AnyValue::List),
            proptest::collection::vec((".{0,4}", inner), 0..4).prop_map(AnyValue::Map),
        ]
    })
}

prop_compose! {
    fn wire()(
        attributes in proptest::collection::vec((name(), value()), 0..24),
        events in proptest::collection::vec(
            (
                proptest::sample::select(vec!["exception", "gen_ai.choice", "gen_ai.user.message", "db.query.result", "x"]),
                any::<u64>(),
                proptest::collection::vec((name(), value()), 0..3),
            ),
            0..3,
        ),
        (start_ns, end_ns) in any::<(u64, u64)>(),
        (kind, code, flags) in (any::<i32>(), any::<i32>(), any::<u32>()),
        (name, message, scope) in (any::<String>(), any::<String>(), proptest::sample::select(vec!["", "ai", "gen_ai", "mlflow"])),
        resource in proptest::collection::vec((".{0,6}", value()), 0..3),
    ) -> WireSpan {
        WireSpan {
            trace_id: TraceId([7; 16]),
            span_id: SpanId::parse("00f067aa0ba902b7").unwrap(),
            name,
            kind,
            flags,
            start_ns,
            end_ns,
            attributes,
            events: events
                .into_iter()
                .map(|(name, time_ns, attributes)| Event { name: name.into(), time_ns, attributes, ..Event::default() })
                .collect(),
            status: super::super::wire::Status { code, message },
            resource: Arc::new(Resource { attributes: resource, ..Resource::default() }),
            scope: Arc::new(Scope { name: scope.into(), ..Scope::default() }),
            ..WireSpan::default()
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_is_mapped_and_nothing_is_lost(wire in wire()) {
        let write = map(wire.clone());
        let span = &write.span;
        prop_assert_eq!(&map(wire.clone()), &write);
        let details: Value = serde_json::from_str(span.details.as_deref().unwrap()).unwrap();
        let derived: Vec<String> = serde_json::from_value(details["derived"].clone()).unwrap_or_default();
        let Some(AnyValue::Map(members)) = AnyValue::from_json(span.details.as_deref().unwrap()) else { panic!() };
        let kept = members.into_iter().find(|(name, _)| name == "attributes").map(|(_, value)| value);
        let kept = if let Some(AnyValue::Map(kept)) = kept { kept } else { Attributes::new() };
        for (name, value) in sorted(wire.clone()).attributes {
            let open = || Some(&value.to_json()) == span.attributes.get(&name) && !derived.contains(&name);
            let kept = || kept.contains(&(name.clone(), value.clone()));
            let moved = || [("input", &span.input), ("output", &span.output)].into_iter().any(|(field, text)| {
                let is_text = details[field] == name && text.as_deref() == value.as_text();
                let is_value = details[format!("{field}_value")] == name && text.as_ref() == Some(&value.to_json());
                is_text || is_value
            });
            prop_assert!(open() || moved() || kept(), "{} = {:?} is nowhere in {:?}", name, value, span);
        }
        if wire.start_ns != 0 {
            prop_assert_eq!(sorted(out::wire(span, &|_| None)), sorted(wire));
        }
        if !span.is_call() {
            prop_assert_eq!((span.tokens, span.cost), (None, None));
        }
        prop_assert!(span.tokens.is_none_or(|tokens| tokens.total() <= 1_000_000_000));
        prop_assert!(span.cost.is_none_or(|cost| cost.0 >= 0));
    }
}

fn attributes(pairs: &[(&str, AnyValue)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn mapped(pairs: &[(&str, AnyValue)]) -> Span {
    let wire = WireSpan { start_ns: 1_000, end_ns: 2_000, attributes: attributes(pairs), ..WireSpan::default() };
    map(wire).span
}

#[test]
fn the_first_rule_that_matches_says_the_kind() {
    let kind = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, text)| (*name, AnyValue::from(*text))).collect();
        mapped(&pairs).kind.unwrap()
    };
    for (pairs, expected) in [
        (vec![("langsmith.span.kind", "retriever"), ("gen_ai.operation.name", "embeddings")], SpanKind::Retriever),
        (vec![("langfuse.observation.type", "generation")], SpanKind::Llm),
        (vec![("langfuse.observation.type", "event")], SpanKind::Other),
        (vec![("openinference.span.kind", "RERANKER")], SpanKind::Retriever),
        (vec![("openinference.span.kind", "PROMPT")], SpanKind::Chain),
        (vec![("openinference.span.kind", "DECISION")], SpanKind::Branch),
        (vec![("openinference.span.kind", "DECISION"), ("decision.model_name", "m")], SpanKind::Llm),
        (vec![("openinference.span.kind", "UNKNOWN")], SpanKind::Other),
        (vec![("mlflow.spanType", "\"CHAT_MODEL\"")], SpanKind::Llm),
        (vec![("mlflow.spanType", "\"PARSER\"")], SpanKind::Chain),
        (vec![("gen_ai.operation.name", "search_memory")], SpanKind::Tool),
        (vec![("gen_ai.operation.name", "mine"), ("traceloop.span.kind", "task")], SpanKind::Chain),
        (vec![("llm.request.type", "rerank")], SpanKind::Retriever),
        (vec![("ai.operationId", "ai.streamObject.doStream")], SpanKind::Llm),
        (vec![("ai.operationId", "ai.streamObject"), ("ai.model.id", "m")], SpanKind::Chain),
        (vec![("operation.name", "ai.embed.doEmbed mine")], SpanKind::Embedding),
        (vec![("lmnr.span.type", "CACHED")], SpanKind::Llm),
        (vec![("gen_ai.tool.call.id", "c1"), ("gen_ai.request.model", "m")], SpanKind::Tool),
        (vec![("embedding.model_name", "m")], SpanKind::Embedding),
        (vec![("llm.model_name", "m")], SpanKind::Llm),
        (vec![("db.system", "Qdrant")], SpanKind::Retriever),
        (vec![("weir.span.kind", "branch"), ("openinference.span.kind", "LLM")], SpanKind::Branch),
        (vec![("weir.span.kind", "cat"), ("openinference.span.kind", "LLM")], SpanKind::Llm),
        (vec![("llm.input_messages.0.message.role", "user")], SpanKind::Chain),
        (vec![], SpanKind::Chain),
    ] {
        assert_eq!(kind(&pairs), expected, "{pairs:?}");
    }
}

#[test]
fn tokens_are_in_disjoint_classes_whoever_counted() {
    let tokens = |pairs: &[(&str, AnyValue)]| {
        let kind = ("weir.span.kind", AnyValue::from("llm"));
        let t = mapped(&[&[kind], pairs].concat()).tokens.unwrap();
        [t.prompt, t.cached, t.cache_write, t.completion, t.reasoning]
    };
    let count = |n: i64| AnyValue::Int(n);
    let gen_ai = [
        ("gen_ai.usage.input_tokens", count(100)),
        ("gen_ai.usage.cache_read.input_tokens", count(60)),
        ("gen_ai.usage.cache_creation.input_tokens", count(10)),
        ("gen_ai.usage.output_tokens", count(50)),
        ("gen_ai.usage.reasoning.output_tokens", count(20)),
    ];
    assert_eq!(tokens(&gen_ai), [30, 60, 10, 30, 20]);
    // Anthropic's own numbers: the cache is no part of the input; its size, or the total, shows it.
    let raw = |input: i64, total: Option<i64>| {
        let mut pairs = gen_ai.to_vec();
        pairs[0].1 = count(input);
        pairs.extend(total.map(|total| ("gen_ai.usage.total_tokens", count(total))));
        tokens(&pairs)
    };
    assert_eq!(raw(30, None), [30, 60, 10, 30, 20]);
    assert_eq!(raw(100, Some(220)), [100, 60, 10, 30, 20]);
    assert_eq!(raw(100, Some(150)), [30, 60, 10, 30, 20]);
    // xAI's reasoning stands beside the completion.
    assert_eq!(raw(100, Some(170)), [30, 60, 10, 50, 20]);
    let langfuse = r#"{"input":30,"input_cached_tokens":60,"input_cache_creation":10,"output":30,"output_reasoning_tokens":20,"total":150}"#;
    assert_eq!(tokens(&[("langfuse.observation.usage_details", langfuse.into())]), [30, 60, 10, 30, 20]);
    let mlflow = r#"{"input_tokens":100,"output_tokens":50,"total_tokens":150,"cache_read_input_tokens":70}"#;
    assert_eq!(tokens(&[("mlflow.chat.tokenUsage", mlflow.into())]), [30, 70, 0, 50, 0]);
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;
    assert_eq!(tokens(&[("output.value", answer.into())]), [5, 0, 0, 2, 0]);
    assert_eq!(tokens(&[("llm.token_count.prompt", "7".into())]), [7, 0, 0, 0, 0]);
    let absurd = mapped(&[("weir.span.kind", "llm".into()), ("gen_ai.usage.input_tokens", count(i64::MAX))]);
    assert_eq!(absurd.tokens, None);
}

#[test]
fn usage_of_outer_spans_counts_nowhere_and_stays_filterable() {
    let agent = mapped(&[
        ("gen_ai.operation.name", "invoke_agent".into()),
        ("gen_ai.usage.input_tokens", AnyValue::Int(24)),
        ("llm.cost.total", AnyValue::Double(0.5)),
    ]);
    assert_eq!((agent.tokens, agent.cost), (None, None));
    assert_eq!(agent.attributes["gen_ai.usage.input_tokens"], "24");
    assert_eq!(agent.attributes["llm.cost.total"], "0.5");
}

#[test]
fn a_stated_cost_is_marked_and_nothing_stated_is_no_cost() {
    let llm = |pairs: &[(&str, AnyValue)]| mapped(&[&[("weir.span.kind", AnyValue::from("llm"))], pairs].concat());
    let span = llm(&[("langfuse.observation.cost_details", r#"{"input":0.1,"output":0.2}"#.into())]);
    assert_eq!(span.cost.unwrap().0, 300_000_000);
    assert_eq!(span.attribute_text("cost_source").as_deref(), Some("client"));
    let failed =
        llm(&[("weir.status", "error".into()), ("langfuse.observation.cost_details", r#"{"total":0}"#.into())]);
    assert_eq!(failed.cost, None);
    assert_eq!(llm(&[("gen_ai.usage.cost", AnyValue::Double(-1.0))]).cost, None);
    assert_eq!(llm(&[("llm.cost.total", AnyValue::Double(f64::INFINITY))]).cost, None);
}

#[test]
fn labels_are_found_with_and_without_a_prefix_and_in_every_metadata() {
    for (name, value) in [
        ("weir.department", "sales"),
        ("department", "sales"),
        ("department", "\"sales\""),
        ("metadata", r#"{"department":"sales"}"#),
        ("langsmith.metadata.department", "sales"),
        ("traceloop.association.properties.department", "sales"),
        ("langfuse.trace.metadata.department", "\"sales\""),
        ("langfuse.observation.metadata", r#"{"department":"sales"}"#),
        ("ai.telemetry.metadata.department", "sales"),
    ] {
        assert_eq!(mapped(&[(name, value.into())]).department.as_deref(), Some("sales"), "{name}");
    }
    let both = mapped(&[
        ("metadata", r#"{"department":"meta","n": 1.00}"#.into()),
        ("langsmith.metadata.department", "smith".into()),
        ("weir.department", "own".into()),
        ("department", "bare".into()),
    ]);
    assert_eq!(both.department.as_deref(), Some("own"));
    assert_eq!(both.attributes["metadata"], r#"{"department":"meta","n":1.00}"#);
    // What says something else stays filterable.
    assert_eq!(both.attribute_text("department").as_deref(), Some("bare"));
    let cache = |value: AnyValue| {
        let span = mapped(&[("cache_hit", value)]);
        (span.cache.unwrap(), span.status.unwrap())
    };
    assert_eq!(cache(AnyValue::Bool(true)), ("hit".into(), Status::Cached));
    assert_eq!(cache("false".into()), ("miss".into(), Status::Success));
    assert_eq!(cache("semantic".into()), ("semantic".into(), Status::Cached));
}

#[test]
fn a_branch_has_its_nodes_with_and_without_a_prefix() {
    let span = mapped(&[
        ("openinference.span.kind", "decision".into()),
        ("from_node", "a".into()),
        ("weir.to_node", "b".into()),
        ("condition", "x > 1".into()),
        ("condition_result", AnyValue::Bool(true)),
        ("weir.context", AnyValue::Map(attributes(&[("x", AnyValue::Int(2))]))),
        ("traceloop.workflow.name", "guide".into()),
    ]);
    assert_eq!(span.branch(), Some(("a".into(), "b".into())));
    assert_eq!(span.workflow().as_deref(), Some("guide"));
    assert_eq!(
        (span.attributes["condition_result"].as_str(), span.attributes["context"].as_str()),
        ("true", r#"{"x":2}"#)
    );
}

#[test]
fn old_flat_messages_become_a_chat() {
    let llm = [
        ("llm.request.type", "chat"),
        ("gen_ai.prompt.0.role", "user"),
        ("gen_ai.prompt.0.content", r#"[{"type":"text","text":"What?"}]"#),
        ("gen_ai.prompt.1.role", "assistant"),
        ("gen_ai.prompt.1.tool_calls.0.id", "c1"),
        ("gen_ai.prompt.1.tool_calls.0.name", "look"),
        ("gen_ai.prompt.1.tool_calls.0.arguments", "{\"a\":1}"),
        ("gen_ai.prompt.2.role", "tool"),
        ("gen_ai.prompt.2.tool_call_id", "c1"),
        ("gen_ai.prompt.2.content", "42"),
        ("gen_ai.completion.0.role", "assistant"),
        ("gen_ai.completion.0.content", "It is 42."),
        ("gen_ai.completion.0.finish_reason", "stop"),
        ("llm.request.functions.0.name", "look"),
        ("llm.request.functions.0.parameters", r#"{"type":"object"}"#),
    ];
    let pairs: Vec<_> = llm.iter().map(|(name, text)| (*name, AnyValue::from(*text))).collect();
    let span = mapped(&pairs);
    assert_eq!(
        span.input.unwrap(),
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"What?"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\":1}"}}]},{"role":"tool","content":"42","tool_call_id":"c1"}],"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]}"#
    );
    assert_eq!(
        span.output.unwrap(),
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"It is 42."},"finish_reason":"stop"}]}"#
    );
    assert_eq!(span.finish_reason.as_deref(), Some("stop"));
}

#[test]
fn content_is_the_text_to_the_byte() {
    let text = "{ \"a\" : 1.00,\n \"b\":\"\\u00e9\" }";
    for name in [
        "input.value",
        "gen_ai.input.messages",
        "langfuse.observation.input",
        "mlflow.spanInputs",
        "traceloop.entity.input",
    ] {
        let span = mapped(&[("weir.span.kind", "llm".into()), (name, text.into())]);
        assert_eq!(span.input.as_deref(), Some(text), "{name}");
        assert!(span.details.unwrap().contains(&format!("\"input\":\"{name}\"")));
        assert!(span.attributes.is_empty());
    }
}

#[test]
fn documents_of_a_vector_store_come_from_its_events() {
    let event = |id: &str, score: f64| Event {
        name: "db.query.result".into(),
        attributes: attributes(&[
            ("db.query.result.id", id.into()),
            ("db.query.result.score", AnyValue::Double(score)),
            ("db.query.result.document", "text".into()),
        ]),
        ..Event::default()
    };
    let wire = WireSpan {
        attributes: attributes(&[("db.system", "chroma".into()), ("db.collection.name", "manuals".into())]),
        events: vec![event("a", 0.5), event("b", 1.0)],
        ..WireSpan::default()
    };
    let span = map(wire).span;
    assert_eq!((span.kind, span.attributes["relevance_score"].as_str()), (Some(SpanKind::Retriever), "0.75"));
    assert_eq!(span.attribute_text("collection").as_deref(), Some("manuals"));
    assert!(span.details.unwrap().contains(r#""documents":[{"id":"a","score":0.5,"content":"text"}"#));
}
