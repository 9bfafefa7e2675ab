//! The model that every part of Weir shares: spans and their merge, ids, time, money, prices, token counts, filters,
//! latency sketches, scores, the comparison of versions, redaction and the error table.
//!
//! Invariant: nothing in this crate does I/O, and nothing in it knows a vendor's protocol.

// First, because the modules below use its list of fields.
#[macro_use]
pub mod span;

pub mod access;
pub mod anomaly;
pub mod call_sums;
pub mod demo;
pub mod error;
pub mod experiment;
pub mod filter;
pub mod id;
pub mod json;
pub mod merge;
pub mod money;
pub mod observe;
pub mod price;
pub mod prompt;
pub mod query;
pub mod record;
pub mod redact;
pub mod score;
pub mod secret;
pub mod sketch;
pub mod time;
pub mod token;
pub mod units;
pub mod unread;
pub mod varint;
