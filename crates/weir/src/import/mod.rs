//! Moving the content of other servers over, and proving that it arrived.
//!
//! Invariants: a source is only read; what is there already stays, so that an import that was cut goes on and one that
//! ran changes nothing when it runs again; at the end both sides are read anew and compared thing by thing.

pub(crate) mod mlflow;
mod progress;
mod report;

pub(crate) use progress::Progress;
pub(crate) use report::{Kind, Report};
