//! Comparing versions: running moments of a sample, and a test of the difference of two means that stays valid however
//! often somebody looks at it.
//!
//! Invariant: pure numbers in, pure numbers out; no answer depends on how often or when it was asked before.

mod moments;
mod sequential;

pub use moments::Moments;
pub use sequential::{CONFIDENCE, Comparison, Direction, LEAST, PLANNED, Verdict, compare};
