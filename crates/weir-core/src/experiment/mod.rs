//! Comparing versions: running moments of a sample, and a test of the difference of two means that stays valid however
//! often somebody looks at it. Comparing shares of two windows of time, at one look.
//!
//! Invariant: pure numbers in, pure numbers out; no answer depends on how often or when it was asked before.

mod moments;
mod sequential;
mod shares;

pub use moments::Moments;
pub use sequential::{CONFIDENCE, Comparison, Direction, LEAST, PLANNED, Verdict, compare};
pub use shares::{Share, share_p_value};
