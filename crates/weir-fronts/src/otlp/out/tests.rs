//! Golden spans: `golden/otlp_out/NAME.span.json` in, `NAME.otlp.json` (OTLP in JSON) out. `WEIR_BLESS=1` writes them.

use std::path::Path;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use weir_core::id::{SpanId, TraceId};
use weir_core::span::{SpanKind, Status};

use super::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/otlp_out");

/// The kinds of the providers in the golden spans.
fn kind(name: &str) -> Option<&'static str> {
    match name {
        "claude" => Some("anthropic"),
        "openai" => Some("openai"),
        "my-azure" => Some("azure"),
        _ => None,
    }
}

fn sent(span: &Span) -> ExportTraceServiceRequest {
    let bytes = request([&encode(&wire(span, &kind))]);
    ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap()
}

#[test]
fn golden_spans() {
    let bless = std::env::var_os("WEIR_BLESS").is_some();
    let mut seen = 0;
    for entry in std::fs::read_dir(GOLDEN).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.to_str().and_then(|p| p.strip_suffix(".span.json")) else { continue };
        let span: Span = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let made = serde_json::to_string_pretty(&sent(&span)).unwrap() + "\n";
        let held = Path::new(&format!("{name}.otlp.json")).to_owned();
        if bless {
            std::fs::write(&held, &made).unwrap();
        }
        let held = std::fs::read_to_string(&held).unwrap_or_default();
        assert!(held == made, "{name}: the span is another one; run WEIR_BLESS=1 cargo test -p weir-fronts\n{made}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn hostile_spans_are_spans_all_the_same() {
    let hostile = Span {
        kind: Some(SpanKind::Llm),
        start_us: Some(i64::MAX),
        end_us: Some(i64::MIN),
        ttft_us: Some(-5),
        name: Some(String::new()),
        model: Some("m".repeat(10_000) + "\0"),
        provider: Some("/".into()),
        status: Some(Status::Error),
        input: Some("[".repeat(100_000)),
        output: Some("{\"choices\":[null,7,{\"message\":[]},{\"finish_reason\":{}}],\"id\":9}".into()),
        attributes: [("temperature", "\"\\ud800\""), ("max_tokens", ""), ("n", "-1"), ("metadata", "7"), ("", "{")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        ..Span::default()
    };
    for span in [Span::default(), hostile] {
        let sent = sent(&span);
        let span = &sent.resource_spans[0].scope_spans[0].spans[0];
        assert!(span.trace_id.len() == 16 && span.trace_id != [0; 16]);
        assert!(span.span_id.len() == 8 && span.span_id != [0; 8]);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && !span.name.is_empty());
        let mut names: Vec<_> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "no name stands twice");
    }
}

#[test]
fn steps_find_their_parent_whatever_the_length_of_its_id() {
    let trace_id = TraceId([1; 16]);
    for id in ["0192f0c123457abc8def0123456789ab", "00f067aa0ba902b7"].map(|id| SpanId::parse(id).unwrap()) {
        let parent = wire(&Span { trace_id, span_id: id, ..Span::default() }, &kind);
        let step = wire(&Span { trace_id, span_id: SpanId([2; 16]), parent_id: Some(id), ..Span::default() }, &kind);
        assert_eq!(step.parent_id, Some(parent.span_id));
    }
}

#[test]
fn details_that_were_cut_or_are_none_make_it_a_span_of_weirs_own() {
    for details in ["{\"truncated_bytes\":9}", "[]", "{", "{\"otlp\":7}", "{\"events\":[{\"name\":1}]}"] {
        let span = Span { details: Some(details.into()), kind: Some(SpanKind::Llm), ..Span::default() };
        let wire = wire(&span, &kind);
        assert!(wire.attributes.iter().any(|(name, _)| name == "weir.span.kind"), "{details}");
    }
}

#[test]
fn events_and_links_of_weirs_own_spans_are_sent() {
    let details = r#"{"events":[{"name":"e","time_ns":5,"attributes":{"a":1}}],"links":[{"trace_id":
        "4bf92f3577b34da6a3ce929d0e0e4736","span_id":"0192f0c123457abc8def0123456789ab"},{"attributes":{}}]}"#;
    let wire = wire(&Span { details: Some(details.into()), ..Span::default() }, &kind);
    assert_eq!((wire.events.len(), wire.events[0].attributes.len()), (1, 1));
    let linked = short(SpanId::parse("0192f0c123457abc8def0123456789ab").unwrap());
    assert_eq!((wire.links.len(), wire.links[0].span_id), (1, linked));
}
