//! Foreign protocols, one folder each: how their entities stand for Weir's model, their routes, and the one way that what
//! they bring takes into the store.
//!
//! Invariant: mapping does no I/O and never fails: what a call does not say is left out or said so, whatever its texts
//! hold.

pub mod intake;
pub mod mlflow;
pub mod otlp;
mod room;
mod workers;
