//! OpenTelemetry's protocol: spans of any instrumentation of language models in, and Weir's spans out.
//!
//! [`wire`] is a span as it arrives, whatever it was encoded in; [`map`] makes Weir's span of it,
//! [`out`] a span of the protocol of one of Weir's. All are pure.

pub mod map;
pub mod out;
pub mod wire;

mod any_json;
mod decode;
mod logs;
mod message_events;
