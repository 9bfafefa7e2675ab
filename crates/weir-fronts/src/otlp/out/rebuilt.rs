//! A span that came by OTLP, as it came: every attribute under its name and with its value, whatever Weir has made of
//! them. Their order alone is lost; it has no meaning.

use std::sync::Arc;

use weir_core::span::Span;
use weir_core::time::Micros;

use super::attributes::Said;
use super::details::{Details, Otlp};
use super::{content, short};
use crate::intake::nesting;
use crate::otlp::map::map;
use crate::otlp::wire::{AnyValue, Attributes, Dropped, WireSpan};

pub(super) fn wire(span: &Span, details: &Details<'_>, otlp: &Otlp) -> WireSpan {
    let mut wire = as_it_came(span, details, otlp);
    tell_what_logs_told(&mut wire, span, details);
    wire
}

/// Content that came in log records, which are not sent on: as attributes. What a span does not say itself has come so.
fn tell_what_logs_told(wire: &mut WireSpan, span: &Span, details: &Details<'_>) {
    let input = span.input.as_deref().filter(|_| details.input.is_none() && details.input_value.is_none());
    let output = span.output.as_deref().filter(|_| details.output.is_none() && details.output_value.is_none());
    if input.is_none() && output.is_none() {
        return;
    }
    let own = map(wire.clone()).span;
    let mut said = Said::default();
    if let Some(input) = input.filter(|_| own.input.is_none()) {
        content::prompt(&mut said, Some(input), content::parsed(input).as_ref());
    }
    if let Some(output) = output.filter(|_| own.output.is_none()) {
        content::answer(&mut said, Some(output));
    }
    wire.attributes.extend(said.into_attributes());
}

fn as_it_came(span: &Span, details: &Details<'_>, otlp: &Otlp) -> WireSpan {
    WireSpan {
        trace_id: span.trace_id,
        span_id: short(span.span_id),
        parent_id: span.parent_id.map(short),
        trace_state: otlp.trace_state.clone(),
        flags: otlp.flags,
        name: span.name.clone().unwrap_or_default(),
        kind: otlp.kind,
        start_ns: nanos(span.start_us, otlp.start_ns_rest),
        end_ns: nanos(span.end_us, otlp.end_ns_rest),
        attributes: attributes(span, details),
        events: details.events(),
        links: details.links(),
        status: otlp.status(),
        dropped: Dropped {
            attributes: otlp.dropped_attributes,
            events: otlp.dropped_events,
            links: otlp.dropped_links,
        },
        resource: Arc::new(details.resource()),
        scope: Arc::new(details.scope()),
    }
}

/// Those that stand among the span's, those that its fields were made of, and its input and output.
fn attributes(span: &Span, details: &Details<'_>) -> Attributes {
    // That it wraps a call is Weir's finding, and its receiver's.
    let found = |name: &String, json: &String| nesting::says(span, name, json);
    let own = span.attributes.iter().filter(|(name, json)| !details.derived.contains(name) && !found(name, json));
    let mut all: Attributes = own.map(|(name, json)| (name.clone(), value(json))).collect();
    all.extend(details.attributes());
    let sides =
        [(&span.input, &details.input, &details.input_value), (&span.output, &details.output, &details.output_value)];
    for (text, as_text, as_value) in sides {
        let Some(text) = text else { continue };
        if let Some(name) = as_text {
            all.push((name.clone(), text.as_str().into()));
        } else if let Some(name) = as_value {
            all.push((name.clone(), value(text)));
        }
    }
    all
}

/// A value of JSON; what is none, because it was cut, as text.
fn value(json: &str) -> AnyValue {
    AnyValue::from_json(json).unwrap_or_else(|| json.into())
}

fn nanos(us: Option<Micros>, rest: u64) -> u64 {
    let Some(us) = us else { return 0 };
    u64::try_from(us).unwrap_or_default().saturating_mul(1_000).saturating_add(rest.min(999))
}
