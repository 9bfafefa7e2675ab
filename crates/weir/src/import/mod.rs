//! Moving the content of other servers over, and proving that it arrived.
//!
//! Invariants: a source is only read; what is there already stays, so that an import that was cut goes on and one that
//! ran changes nothing when it runs again; what is held in memory does not grow with the source; each thing is read
//! back from here and compared with the source's.

pub(crate) mod mlflow;
mod parallel;
mod progress;
mod report;

pub(crate) use progress::Progress;
pub(crate) use report::{Kind, Report, digest};
