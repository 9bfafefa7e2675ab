//! Anomalies of recorded traffic.

mod bucket;
mod history;

pub use bucket::{Branch, Bucket, Cell};
pub use history::{History, HistoryError, Window};
