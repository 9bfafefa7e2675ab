//! The model that every part of Weir shares: spans and their merge, ids, time, money, prices, token counts, filters,
//! latency sketches, redaction and the error table.
//!
//! Invariant: nothing in this crate does I/O, and nothing in it knows a vendor's protocol.

// First, because the modules below use its list of fields.
#[macro_use]
pub mod span;

pub mod access;
pub mod error;
pub mod filter;
pub mod id;
pub mod merge;
pub mod money;
pub mod observe;
pub mod price;
pub mod redact;
pub mod secret;
pub mod sketch;
pub mod time;
pub mod token;
pub mod units;
