//! Foreign protocols, one folder each: how their entities stand for Weir's model.
//!
//! Invariant: mapping does no I/O and never fails: what a call does not say is left out or said so, whatever its texts
//! hold.

pub mod mlflow;
pub mod otlp;
