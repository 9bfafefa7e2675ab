use proptest::prelude::*;
use proptest::sample::Index;
use weir_core::id::{SpanId, TraceId};
use weir_core::merge::merge;

use super::*;
use crate::otlp::decode::{self, Encoding};
use crate::otlp::map::map;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/golden/otlp/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The spans of a recording with the content that its log records gave them, whichever came first.
fn merged(case: &str) -> Vec<Span> {
    let spans = decode::traces(&golden(&format!("{case}.otlp.json")), Encoding::Json).unwrap().items;
    let records = decode::logs(&golden(&format!("{case}.logs.json")), Encoding::Json).unwrap();
    let (logs, _) = writes(records, &Contents::new());
    let of = |span: &Span| logs.iter().find(|write| write.span.span_key() == span.span_key()).cloned();
    spans
        .into_iter()
        .map(|wire| {
            let span = map(wire);
            let log = of(&span.span);
            let first = merge([Some(span.clone()), log.clone()].into_iter().flatten()).unwrap().span;
            let last = merge([log, Some(span)].into_iter().flatten()).unwrap().span;
            assert_eq!(first, last);
            first
        })
        .collect()
}

#[test]
fn messages_come_one_by_one() {
    let spans = merged("genai/v1_30_tools");
    assert_eq!(
        spans[0].input.as_deref().unwrap(),
        r#"{"messages":[{"role":"user","content":"What is the weather in Paris?"}]}"#
    );
    assert_eq!(
        spans[0].output.as_deref().unwrap(),
        r#"{"choices":[{"index":0,"message":{"role":"assistant","tool_calls":[{"id":"call_weather_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},"finish_reason":"tool_calls"}]}"#
    );
    let input = spans[1].input.as_deref().unwrap();
    assert!(input.ends_with(r#"{"role":"tool","content":"sunny","tool_call_id":"call_weather_1"}]}"#), "{input}");
    // The usage is the span's, once.
    assert_eq!(spans[0].tokens.unwrap().total(), 36);
}

#[test]
fn openllmetry_has_the_calls_of_tools_beside_the_message() {
    let spans = merged("openllmetry/tools_events");
    let output = spans[0].output.as_deref().unwrap();
    assert!(
        output.contains(r#""tool_calls":[{"id":"call_weather_1""#) && output.contains(r#""content":null"#),
        "{output}"
    );
    assert!(spans[1].input.as_deref().unwrap().contains("sunny"));
}

#[test]
fn what_the_span_says_itself_is_not_replaced() {
    let spans = merged("genai/successor_chat_events");
    let input = spans[0].input.as_deref().unwrap();
    assert!(input.contains("What is the capital of France?"), "{input}");
    let with_both = merged("genai/successor_tools");
    // Its spans have the messages as texts, the events as structures.
    assert!(with_both[0].input.as_deref().unwrap().ends_with(r#""name":null}]"#));
}

#[test]
fn events_without_content_add_nothing_but_the_reason() {
    let spans = merged("genai/v1_30_chat_without_content");
    assert_eq!((spans[0].input.as_deref(), spans[0].output.as_deref()), (None, None));
    let records = vec![LogRecord { event: "gen_ai.choice".into(), ..LogRecord::default() }, LogRecord::default()];
    let (writes, dropped) = writes(records, &Contents::new());
    assert_eq!((writes.len(), dropped), (0, 2));
}

fn key() -> SpanKey {
    SpanKey { trace: TraceId([1; 16]), span: SpanId([2; 16]) }
}

fn record(event: &str, time_ns: u64, text: &str) -> LogRecord {
    let said = vec![("content".to_owned(), text.into())];
    LogRecord {
        time_ns,
        span: Some(key()),
        event: event.to_owned(),
        body: AnyValue::Map(match event {
            "gen_ai.choice" => {
                vec![("finish_reason".to_owned(), text.into()), ("message".to_owned(), AnyValue::Map(said))]
            }
            _ => said,
        }),
        ..LogRecord::default()
    }
}

/// Records of one call; their times differ, as those of one process do.
fn records() -> impl Strategy<Value = Vec<LogRecord>> {
    let event = proptest::sample::select(&["gen_ai.system.message", "gen_ai.user.message", "gen_ai.choice"][..]);
    proptest::collection::vec((event, "[ab]", 1u64..3_000), 1..8).prop_map(|said| {
        let mut time = 1_795_000_000_000_000_000;
        said.into_iter()
            .map(|(event, text, later)| {
                time += later;
                record(event, time, &text)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn any_split_order_and_repetition_gives_the_same_content(
        records in records(),
        sent in proptest::collection::vec(proptest::collection::vec(any::<Index>(), 0..4), 0..6),
        last in any::<bool>(),
    ) {
        let (once, _) = writes(records.clone(), &Contents::new());
        let once = merge(once).map(|merged| merged.span);

        let contents = Contents::new();
        let mut requests: Vec<Vec<LogRecord>> =
            sent.iter().map(|at| at.iter().map(|at| at.get(&records).clone()).collect()).collect();
        requests.extend(records.iter().rev().map(|record| vec![record.clone()]));
        if last {
            requests.reverse();
        }
        let mut all: Vec<_> = requests.into_iter().flat_map(|request| writes(request, &contents).0).collect();
        let forwards = merge(all.clone()).map(|merged| merged.span);
        all.reverse();
        prop_assert_eq!(&forwards, &once);
        prop_assert_eq!(merge(all).map(|merged| merged.span), once);
    }
}

#[test]
fn what_happened_at_the_same_time_stays_in_its_order() {
    let records = ["c", "a", "b", "a"].map(|text| record("gen_ai.user.message", 5_000, text));
    let (writes, _) = writes(records.to_vec(), &Contents::new());
    assert_eq!(
        writes[0].span.input.as_deref().unwrap(),
        r#"{"messages":[{"role":"user","content":"c"},{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#
    );
}

#[test]
fn the_memory_is_bounded_and_what_is_too_large_for_it_is_written_all_the_same() {
    let contents = Contents::within(2_000);
    let of = |span: u8, time_ns, text: &str| LogRecord {
        span: Some(SpanKey { span: SpanId([span; 16]), ..key() }),
        ..record("gen_ai.user.message", time_ns, text)
    };
    let messages = |record| writes(vec![record], &contents).0[0].span.input.as_ref().unwrap().matches("role").count();
    assert_eq!((messages(of(1, 1, "a")), messages(of(1, 2, "b"))), (1, 2));
    assert_eq!(messages(of(2, 1, &"x".repeat(3_000))), 1);
    assert_eq!(messages(of(1, 3, "c")), 1, "forgotten: it was known longest");
    assert_eq!(messages(of(2, 2, "b")), 1, "too large to be kept");
}
