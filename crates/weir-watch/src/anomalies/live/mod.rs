//! Anomalies of a running server: every project's engine is fed its closed buckets from the store's rollups, and what
//! it finds is written into the catalog.
//!
//! Three ways in, one engine behind them: traffic as it comes, bucket after bucket; at the start what is stored already;
//! and calls of the past that are stored afterwards, after which a project is judged anew from its beginning.
//!
//! Invariants: what was found and what was learned from it are written in one transaction; a bucket is fed once to an
//! engine; only a project whose calls come in time is told to be silent; projects, history and each read are bounded.

mod band;
mod cells;
mod examples;
mod feed;
mod history;
mod learn;
mod offline;
mod options;
mod rounds;
#[cfg(test)]
mod tests;
mod tracked;
mod wake;
mod watch;

pub use band::{Charted, ChartedPoint};
pub use offline::{Evaluated, evaluate};
pub use options::Options;
pub use watch::{FeedbackError, Watch, WatchStatus};

use weir_store::activity::Activity;
use weir_store::sums::Measured;
use weir_store::telemetry::Telemetry;

/// The project of calls that name none.
pub const DEFAULT_PROJECT: &str = "default";

/// What is read of a store.
pub trait Traffic: Telemetry + Activity + Measured {
    /// The same as its first part.
    fn telemetry(&self) -> &dyn Telemetry;
}

impl<T: Telemetry + Activity + Measured> Traffic for T {
    fn telemetry(&self) -> &dyn Telemetry {
        self
    }
}
