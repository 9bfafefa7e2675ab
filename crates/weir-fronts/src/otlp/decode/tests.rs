//! Requests as exporters send them, and as they do not.

use prost::Message;

use super::*;
use crate::otlp::wire::AnyValue;

fn json(span: &str) -> Result<Decoded<WireSpan>, String> {
    traces(format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{span}]}}]}}]}}").as_bytes(), Encoding::Json)
}

const IDS: &str = r#""traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7""#;

#[test]
fn both_encodings_of_every_recording_are_the_same() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/otlp");
    for folder in ["genai", "openinference", "vercel", "weir"] {
        for entry in std::fs::read_dir(format!("{golden}/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            let body = std::fs::read(&path).unwrap();
            if path.to_str().unwrap().ends_with(".otlp.json") {
                let protobuf = json::traces(&body).unwrap().encode_to_vec();
                assert_eq!(traces(&protobuf, Encoding::Protobuf), traces(&body, Encoding::Json), "{}", path.display());
            } else if path.to_str().unwrap().ends_with(".metrics.json") {
                assert!(metrics(&body, Encoding::Json).unwrap().gen_ai > 0, "{}", path.display());
            }
        }
    }
}

#[test]
fn numbers_come_as_numbers_and_as_texts() {
    let span = format!(
        r#"{{{IDS},"startTimeUnixNano":1767225600000000001,"endTimeUnixNano":"1767225600000000002","kind":"SPAN_KIND_CLIENT",
        "status":{{"code":"STATUS_CODE_ERROR"}},"unknownMember":[{{}}],"parentSpanId":null,"events":null,"droppedLinksCount":0,
        "attributes":[{{"key":"a","value":{{"intValue":"-5"}}}},{{"key":"b","value":{{"intValue":7}}}},
        {{"key":"c","value":{{"doubleValue":0.30000000000000004}}}},{{"key":"d","value":{{"doubleValue":"-Infinity"}}}},
        {{"key":"e","value":{{}}}},{{"key":"f"}},{{"key":"g","value":{{"bytesValue":"AP8="}}}},{{"key":"h","value":{{"other":1}}}},
        {{"key":"i","value":{{"arrayValue":{{}}}}}},{{"key":"j","value":{{"kvlistValue":{{"values":[{{"key":"k","value":{{"boolValue":true}}}}]}}}}}}]}}"#
    );
    let span = json(&span).unwrap().items.remove(0);
    assert_eq!((span.start_ns, span.end_ns), (1_767_225_600_000_000_001, 1_767_225_600_000_000_002));
    assert_eq!((span.kind, span.status.code, span.parent_id), (3, 2, None));
    let values: Vec<_> = span.attributes.into_iter().map(|(_, value)| value).collect();
    assert_eq!(
        values,
        [
            AnyValue::Int(-5),
            AnyValue::Int(7),
            AnyValue::Double(0.1 + 0.2),
            AnyValue::Double(f64::NEG_INFINITY),
            AnyValue::Empty,
            AnyValue::Empty,
            AnyValue::Bytes(vec![0, 255]),
            AnyValue::Empty,
            AnyValue::List(vec![]),
            AnyValue::Map(vec![("k".into(), AnyValue::Bool(true))]),
        ]
    );
}

#[test]
fn a_span_without_proper_ids_is_rejected_alone() {
    let ids = |trace: &str, span: &str, parent: &str| {
        format!(r#"{{"traceId":"{trace}","spanId":"{span}","parentSpanId":"{parent}","name":"x"}}"#)
    };
    let (trace, span, zero) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "0000000000000000");
    let decoded = json(
        &[
            ids(trace, span, ""),
            ids(trace, span, zero),
            ids(&"0".repeat(32), span, ""),
            ids(trace, zero, ""),
            ids(trace, "00f067", ""),
            ids("not hex", span, ""),
            ids(trace, span, "0f"),
            "{}".to_owned(),
            ids(trace, "", ""),
        ]
        .join(","),
    )
    .unwrap();
    assert_eq!((decoded.items.len(), decoded.rejected.count), (2, 7));
    assert_eq!(
        decoded.rejected.message(),
        "spans[2] of the request: trace_id is all zero; spans[3] of the request: span_id is all zero; spans[4] of the request: \
         span_id must have 8 bytes (16 hex digits in JSON), not 3; spans[5] of the request: trace_id must have 16 bytes (32 hex \
         digits in JSON), not 7; spans[6] of the request: parent_span_id must have 8 bytes (16 hex digits in JSON), not 1; and 2 more"
    );
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let refused = |body: &str| traces(body.as_bytes(), Encoding::Json).unwrap_err();
    assert_eq!(refused("[]"), "the body is no JSON object; OTLP's JSON is {\"resourceSpans\": [...]}");
    assert_eq!(refused(""), "the body is no JSON object; OTLP's JSON is {\"resourceSpans\": [...]}");
    let wrong = json(&format!("{{{IDS},\"name\":5}}")).unwrap_err();
    assert_eq!(
        wrong,
        "resourceSpans[0].scopeSpans[0].spans[0].name: invalid type: integer `5`, expected a string at line 1 column 125"
    );
    assert!(
        json(&format!("{{{IDS},\"startTimeUnixNano\":-1}}")).unwrap_err().contains("startTimeUnixNano: invalid value")
    );
    let deep = format!("{}1{}", "{\"arrayValue\":{\"values\":[".repeat(200), "]}}".repeat(200));
    assert!(
        json(&format!("{{{IDS},\"attributes\":[{{\"key\":\"a\",\"value\":{deep}}}]}}"))
            .unwrap_err()
            .contains("recursion")
    );
    assert!(traces(b"\x0a\xff", Encoding::Protobuf).unwrap_err().starts_with("the body is no OTLP protobuf message: "));
    assert_eq!(traces(b"", Encoding::Protobuf).unwrap(), Decoded::default());
    assert_eq!(traces(b"{}", Encoding::Json).unwrap(), Decoded::default());
}
