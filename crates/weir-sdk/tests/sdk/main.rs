//! The library as a program uses it: a real file, a real server's answers, a real provider's faults.
#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

mod llm;
mod local;
mod server;
mod support;
mod workflow;
