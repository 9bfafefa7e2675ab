//! Weir's spans as OpenTelemetry's, and their encoding.
//!
//! What came by OTLP leaves as it came. All else, as the gateway's calls and the libraries' events, is told in the
//! attributes of OpenTelemetry's conventions for generative AI, and in `weir.*` where those have no word for it. Pure.

mod answer;
mod attributes;
mod content;
mod details;
mod encode;
mod ids;
mod messages;
mod names;
mod own;
mod params;
mod rebuilt;
mod usage;
mod weir_names;

pub use answer::{partial_success, said};
pub use encode::{Encoded, encode, request};
pub use ids::short;
pub use own::name;

use weir_core::span::Span;

use super::wire::WireSpan;
use details::Details;

/// The span as OpenTelemetry has it. `kind` says what kind of provider stands behind a configured name.
#[must_use]
pub fn wire(span: &Span, kind: &dyn Fn(&str) -> Option<&'static str>) -> WireSpan {
    let details = Details::read(span.details.as_deref());
    match &details.otlp {
        Some(otlp) => rebuilt::wire(span, &details, otlp),
        None => own::wire(span, &details, kind),
    }
}

#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod tests;
