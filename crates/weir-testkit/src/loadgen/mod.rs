//! The load generator: HTTP/1.1 keep-alive connections, closed or open loop, loopback targets only.
//!
//! Closed loop: every connection sends its next request when the answer before has ended. Open loop:
//! requests fall due by a schedule that does not wait for answers, and latency counts from the time a
//! request fell due, so that a stalled target cannot hide the requests it kept from being sent.

mod answer;
mod connection;
mod histogram;
mod prompt;
mod report;
mod run;
mod schedule;
mod target;

pub use histogram::Histogram;
pub use prompt::Prompt;
pub use report::Report;
pub use run::{Mode, Plan, run};
pub use schedule::Spacing;
pub use target::Target;
