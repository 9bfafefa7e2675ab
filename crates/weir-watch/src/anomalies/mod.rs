//! Anomalies of recorded traffic.

mod bucket;
mod engine;
mod history;
pub mod live;
mod settings;

pub use bucket::{Branch, Bucket, Cell};
pub use engine::{Change, Engine, Learning};
pub use history::{History, HistoryError, Window};
pub use settings::{Rules, Settings};
