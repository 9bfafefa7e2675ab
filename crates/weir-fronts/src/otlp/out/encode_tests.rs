use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use weir_core::id::TraceId;

use super::*;
use crate::otlp::wire::{Dropped, Status};

fn span(name: &str, service: &str, scope: &str) -> Encoded {
    encode(&WireSpan {
        name: name.to_owned(),
        resource: Arc::new(Resource {
            attributes: vec![("service.name".into(), service.into())],
            ..Resource::default()
        }),
        scope: Arc::new(Scope { name: scope.to_owned(), ..Scope::default() }),
        ..WireSpan::default()
    })
}

fn decoded(spans: &[Encoded]) -> ExportTraceServiceRequest {
    let bytes = request(spans);
    assert!(bytes.len() <= spans.iter().map(Encoded::size).sum());
    ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap()
}

#[test]
fn spans_of_one_sender_stand_together_in_their_order() {
    let spans = [("1", "a", "x"), ("2", "b", "x"), ("3", "a", "y"), ("4", "a", "x"), ("5", "b", "x")];
    let sent = decoded(&spans.map(|(name, service, scope)| span(name, service, scope)));
    let names: Vec<Vec<Vec<&str>>> = (sent.resource_spans.iter())
        .map(|of| of.scope_spans.iter().map(|of| of.spans.iter().map(|s| s.name.as_str()).collect()).collect())
        .collect();
    assert_eq!(names, [vec![vec!["1", "4"], vec!["3"]], vec![vec!["2", "5"]]]);
}

#[test]
fn every_member_of_a_span_is_sent() {
    let pairs = || -> Attributes {
        vec![
            ("text".into(), "é".into()),
            ("yes".into(), true.into()),
            ("int".into(), i64::MIN.into()),
            ("double".into(), 0.1.into()),
            ("bytes".into(), AnyValue::Bytes(vec![0, 255])),
            ("list".into(), AnyValue::List(vec![AnyValue::Empty, AnyValue::Map(vec![("a".into(), 1i64.into())])])),
        ]
    };
    let (trace, id) = (TraceId([7; 16]), SpanId::parse("00f067aa0ba902b7").unwrap());
    let wire = WireSpan {
        trace_id: trace,
        span_id: id,
        parent_id: SpanId::parse("0000000000000001"),
        trace_state: "a=b".into(),
        flags: 0x101,
        name: "n".into(),
        kind: 3,
        start_ns: 1_700_000_000_123_456_789,
        end_ns: u64::MAX,
        attributes: pairs(),
        events: vec![Event { name: "e".into(), time_ns: 5, attributes: pairs(), dropped_attributes: 1 }],
        links: vec![Link {
            trace_id: trace,
            span_id: id,
            trace_state: "l".into(),
            attributes: pairs(),
            dropped_attributes: 2,
            flags: 3,
        }],
        status: Status { code: 2, message: "no".into() },
        dropped: Dropped { attributes: 4, events: 5, links: 6 },
        resource: Arc::new(Resource { attributes: pairs(), dropped_attributes: 7, schema_url: "r".into() }),
        scope: Arc::new(Scope {
            name: "s".into(),
            version: "1".into(),
            attributes: pairs(),
            dropped_attributes: 8,
            schema_url: "u".into(),
        }),
    };
    let sent = decoded(&[encode(&wire)]);
    let of_resource = &sent.resource_spans[0];
    let of_scope = &of_resource.scope_spans[0];
    let span = &of_scope.spans[0];
    assert_eq!((of_resource.schema_url.as_str(), of_scope.schema_url.as_str()), ("r", "u"));
    let scope = of_scope.scope.as_ref().unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str(), scope.dropped_attributes_count), ("s", "1", 8));
    assert_eq!(of_resource.resource.as_ref().unwrap().dropped_attributes_count, 7);
    assert_eq!((span.trace_id.as_slice(), hex(&span.span_id)), ([7u8; 16].as_slice(), "00f067aa0ba902b7".to_owned()));
    assert_eq!((hex(&span.parent_span_id).as_str(), span.flags, span.kind), ("0000000000000001", 0x101, 3));
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (wire.start_ns, wire.end_ns));
    assert_eq!((span.trace_state.as_str(), span.status.as_ref().unwrap().message.as_str()), ("a=b", "no"));
    let dropped = [span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count];
    assert_eq!(dropped, [4, 5, 6]);
    assert_eq!((span.events[0].time_unix_nano, span.events[0].dropped_attributes_count), (5, 1));
    assert_eq!((span.links[0].flags, span.links[0].dropped_attributes_count), (3, 2));
    let all = [
        &span.attributes,
        &span.events[0].attributes,
        &span.links[0].attributes,
        &scope.attributes,
        &of_resource.resource.as_ref().unwrap().attributes,
    ];
    let json = serde_json::to_value(all[0]).unwrap();
    assert_eq!(json[0]["value"]["stringValue"], "é");
    assert_eq!(json[5]["value"]["arrayValue"]["values"][1]["kvlistValue"]["values"][0]["key"], "a");
    assert!(all.iter().all(|attributes| *attributes == all[0] && attributes.len() == 6));
}

#[test]
fn what_lies_too_deep_for_receivers_is_sent_as_text() {
    let nested = |open: &str, close: &str, levels: usize| open.repeat(levels) + "1" + &close.repeat(levels);
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"b\":", "}]")] {
        let levels = 120 / open.matches(['[', '{']).count();
        let value = AnyValue::from_json(&nested(open, close, levels)).unwrap();
        let event = Event { attributes: vec![("deep".into(), value.clone())], ..Event::default() };
        let wire = WireSpan { attributes: vec![("deep".into(), value)], events: vec![event], ..WireSpan::default() };
        let sent = decoded(&[encode(&wire)]);
        let json = serde_json::to_string(&sent).unwrap();
        assert!(json.contains("stringValue"), "{json}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
