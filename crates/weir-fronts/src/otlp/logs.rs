//! Log records: GenAI events give their span its content, all else is let go.
//!
//! A record may come before its span, after it, or without one. It is a write of its own whose stamp lies a minute before
//! the record: what the span itself says wins, whichever comes first, and the span's own end is later than its events.
//! Only input, output and finish reason are taken: an event repeats the span's usage, which must not count twice.

use std::collections::HashMap;

use weir_core::id::SpanKey;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::{MINUTE, Micros};

use super::decode::LogRecord;
use super::message_events::Assembly;
use super::wire::AnyValue;

/// The writes that log records come to, and how many records carry nothing for a span.
pub(super) fn writes(mut records: Vec<LogRecord>) -> (Vec<SpanWrite>, u64) {
    records.sort_by_key(|record| record.time_ns);
    let mut spans: HashMap<SpanKey, (Assembly, Micros)> = HashMap::new();
    let mut dropped = 0;
    for record in records {
        let Some(key) = record.span.filter(|_| record.event.starts_with("gen_ai.")) else {
            dropped += 1;
            continue;
        };
        // The body has the members of a message; later conventions put all into attributes.
        let fields = match record.body {
            AnyValue::Map(members) => members,
            _ => record.attributes,
        };
        let (assembly, at) = spans.entry(key).or_default();
        if assembly.add(&record.event, &fields) {
            *at = (*at).max(i64::try_from(record.time_ns / 1_000).unwrap_or(i64::MAX));
        } else {
            dropped += 1;
        }
    }
    let mut writes: Vec<_> = spans.into_iter().filter_map(|(key, (assembly, at))| write(key, &assembly, at)).collect();
    writes.sort_by_key(|write| write.span.span_key());
    (writes, dropped)
}

/// `None` where the events carry no content.
fn write(key: SpanKey, assembly: &Assembly, at: Micros) -> Option<SpanWrite> {
    let (input, output) = (assembly.input(), assembly.output());
    let finish_reason = assembly.finish_reason().map(str::to_owned);
    if input.is_none() && output.is_none() && finish_reason.is_none() {
        return None;
    }
    Some(SpanWrite::create(Span { input, output, finish_reason, ..Span::new(key) }, at.saturating_sub(MINUTE)))
}

#[cfg(test)]
mod tests {
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
        let (logs, _) = writes(decode::logs(&golden(&format!("{case}.logs.json")), Encoding::Json).unwrap());
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
        let (writes, dropped) = writes(records);
        assert_eq!((writes.len(), dropped), (0, 2));
    }
}
