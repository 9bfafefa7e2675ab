//! For tests and benchmarks only: a fake provider that misbehaves on demand, and a load generator.
//!
//! The crate depends on no other crate of the workspace, so that what it says about the gateway is an
//! outsider's view. The README holds the reference of the behaviours.

pub mod english;
pub mod fake;
pub mod loadgen;
pub mod tracking;
pub mod traffic;
