//! When the first token of a streamed answer came.

use weir_core::time::Micros;

use super::fields::Mapping;
use super::read;
use super::table::{FIRST_TOKEN, FIRST_TOKEN_EVENTS, Source};
use crate::otlp::wire::WireSpan;

/// Longer than this from the start is no time to a first token.
const MAX_US: f64 = 1e12;

/// Microseconds from the span's start to its first token: as stated, else by the event that marks it.
pub(super) fn first_token(mapping: &mut Mapping, wire: &WireSpan) -> Option<Micros> {
    let stated = FIRST_TOKEN.iter().find_map(|(source, per_second)| {
        let us = mapping.first(&[*source], read::number)? * (1e6 / per_second);
        (0.0..=MAX_US).contains(&us).then(|| us.round() as Micros)
    });
    stated.or_else(|| langfuse(mapping, wire)).or_else(|| by_event(wire))
}

/// Langfuse states the moment, as a JSON string.
fn langfuse(mapping: &mut Mapping, wire: &WireSpan) -> Option<Micros> {
    let at = mapping.first(&[Source::Attr("langfuse.observation.completion_start_time")], |value| {
        read::text(value)?.parse::<jiff::Timestamp>().ok()
    })?;
    since_start(u64::try_from(at.as_nanosecond()).ok()?, wire)
}

fn by_event(wire: &WireSpan) -> Option<Micros> {
    let marks = |name: &str| {
        FIRST_TOKEN_EVENTS.iter().any(|mark| if mark.ends_with('.') { name.starts_with(mark) } else { name == *mark })
    };
    let first = wire.events.iter().filter(|event| marks(&event.name)).map(|event| event.time_ns).min()?;
    since_start(first, wire)
}

fn since_start(ns: u64, wire: &WireSpan) -> Option<Micros> {
    let ns = ns.checked_sub(wire.start_ns).filter(|_| wire.start_ns != 0)?;
    i64::try_from(ns / 1_000).ok()
}
