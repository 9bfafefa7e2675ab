//! OpenTelemetry's protocol: spans of any instrumentation of language models in, and Weir's spans out.
//!
//! [`wire`] is a span as it arrives, whatever it was encoded in; [`map`] makes Weir's span of it, [`out`] a span of the
//! protocol of one of Weir's. All are pure. [`http`] and [`grpc`] take exports and answer when they are durable: with 200
//! and what of them was rejected, or with what was wrong.

pub mod grpc;
pub mod http;
pub mod map;
pub mod out;
pub mod wire;

mod answer;
mod any_json;
mod body;
mod decode;
mod experiments;
mod logs;
mod message;
mod message_events;
mod receive;
#[cfg(test)]
mod tests;

pub use experiments::Experiments;
pub use receive::{OtlpOptions, PROTOCOL, Receiver};
