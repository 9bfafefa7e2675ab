//! Log records: GenAI events give their span its content, all else is let go.
//!
//! A record may come before its span, after it, or without one. It is a write of its own whose stamp lies a minute before
//! the record: what the span itself says wins, whichever comes first, and the span's own end is later than its events.
//! Only input, output and finish reason are taken: an event repeats the span's usage, which must not count twice.
//!
//! The records of one call come in several requests, some perhaps again. Each request writes all that is known of the call's
//! content, with a stamp that grows with every record: what knows more wins. Invariant, property-tested: any split, order
//! and repetition of the records gives the same content, as long as the first ones are remembered (see [`Contents`]).

mod contents;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use weir_core::id::SpanKey;
use weir_core::merge::SpanWrite;
use weir_core::span::Span;
use weir_core::time::MINUTE;

use super::decode::LogRecord;
use super::message_events::{self, Assembly};
use super::wire::AnyValue;

pub(super) use contents::Contents;
use contents::{Event, Events};

/// The writes that log records come to, and how many records carry nothing for a span.
pub(super) fn writes(records: Vec<LogRecord>, contents: &Contents) -> (Vec<SpanWrite>, u64) {
    let mut spans: HashMap<SpanKey, Vec<Event>> = HashMap::new();
    let mut dropped = 0;
    for record in records {
        let Some(key) = record.span.filter(|_| message_events::is_content(&record.event)) else {
            dropped += 1;
            continue;
        };
        // The body has the members of a message; later conventions put all into attributes.
        let fields = match record.body {
            AnyValue::Map(members) => members,
            _ => record.attributes,
        };
        spans.entry(key).or_default().push(Event::new(record.time_ns, record.event, fields));
    }
    let mut writes: Vec<_> = contents.add(spans).into_iter().filter_map(|(key, events)| write(key, &events)).collect();
    writes.sort_by_key(|write| write.span.span_key());
    (writes, dropped)
}

/// `None` where the events carry no content.
fn write(key: SpanKey, events: &Events) -> Option<SpanWrite> {
    let mut assembly = Assembly::default();
    for event in events {
        assembly.add(&event.name, &event.fields);
    }
    let (input, output) = (assembly.input(), assembly.output());
    let finish_reason = assembly.finish_reason().map(str::to_owned);
    if input.is_none() && output.is_none() && finish_reason.is_none() {
        return None;
    }
    let latest = i64::try_from(events.last()?.time_ns / 1_000).unwrap_or(i64::MAX);
    let at = latest.saturating_sub(MINUTE).saturating_add(i64::try_from(events.len()).unwrap_or(i64::MAX));
    Some(SpanWrite::create(Span { input, output, finish_reason, ..Span::new(key) }, at))
}
