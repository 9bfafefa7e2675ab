//! Server-sent events: cutting a byte stream into events, whatever the chunking of the transport.
//!
//! Invariants, property-tested: any chunking of a stream gives the same events as the stream in one piece; the frames
//! laid end to end (with what is left in the buffer) are the input bytes, so that what is passed on is byte-exact.

mod splitter;

pub use splitter::{Event, Splitter, TooLong};
