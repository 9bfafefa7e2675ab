//! Anomalies of recorded traffic.
//!
//! [`Engine`] is pure: it is fed closed buckets of one project and says what began, changed or ended; the past by dimension it
//! asks of a [`History`], only when something begins or grows. The work of a bucket does not depend on the history, and memory is
//! bounded by the number of series.

mod band;
mod bucket;
mod causes;
mod choice;
mod engine;
mod history;
mod kin;
mod life;
pub mod live;
mod metric;
mod noise;
mod parts;
mod record;
mod rules;
mod seasonal;
mod series;
mod settings;
mod volume;
mod window;

pub use band::{Held, Subject, Usual, Usually};
pub use bucket::{Branch, Bucket, Part};
pub use engine::{Change, Engine, Learning};
pub use history::{History, HistoryError, Window};
pub use settings::{Rules, Settings};
