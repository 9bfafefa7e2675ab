//! OpenTelemetry's protocol: spans of any instrumentation of language models, in.
//!
//! [`wire`] is a span as it arrives, whatever it was encoded in; [`map`] makes Weir's span of it. Both are pure.

pub mod map;
pub mod wire;

mod any_json;
mod decode;
mod logs;
mod message_events;
