//! Small statistics that the detectors share: pure, one subject a file, no clocks and no I/O.
//!
//! Values that are not finite are the callers' to leave out, except where a function says otherwise; nothing here panics.

mod cusum;
mod median;
mod moments;
mod normal;
mod rarity;

pub use cusum::{Cusum, Shift};
pub use median::{Robust, median, quantile};
pub use moments::Moments;
pub use normal::{ln_upper_tail, quantile as normal_quantile, upper_tail};
pub use rarity::Rarity;
