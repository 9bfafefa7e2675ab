//! Exporters: consumers of the store's outbox with a durable cursor.
//!
//! Invariants:
//! - a call that is being answered never waits for an exporter: each has a thread and a runtime of its own;
//! - the durable cursor moves only over calls that are done, so that nothing is missed, however either side ends;
//! - a target that takes a call twice is asked first whether it has it, wherever that is not known for sure and it can
//!   be asked;
//! - what is held in memory is bounded, whatever the target does.

mod address;
mod backoff;
mod exporter;
mod failure;
mod http;
pub mod mlflow;
pub mod otlp;
mod status;
mod target;
mod window;
mod worker;

pub use exporter::{Artifacts, Exporter, Parts};
pub use failure::{Failure, Reason};
pub use status::{ExportStatus, State};
pub use target::{Delivery, Target};
