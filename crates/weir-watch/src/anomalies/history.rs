//! What the engine asks for when it has found something: the past, by each value of a dimension.

use weir_core::anomaly::Anomaly;
use weir_core::call_sums::CallSums;
use weir_core::time::Micros;

/// Half-open range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub from: Micros,
    /// First instant after.
    pub to: Micros,
}

/// Why the past could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HistoryError(pub String);

/// Reads of the past of one project. Asked only when an anomaly begins, or grows.
pub trait History {
    /// The dimensions that calls can be told apart by.
    fn dimensions(&self) -> &[&'static str];

    /// The figures of each value of a dimension, summed over all windows. Sketches may be empty.
    ///
    /// # Errors
    /// When the store fails.
    fn by_value(&self, dimension: &str, windows: &[Window]) -> Result<Vec<(String, CallSums)>, HistoryError>;

    /// At most three ids of traces within the window in which the anomaly shows best: of its first cause, with the
    /// most extreme value of its metric.
    ///
    /// # Errors
    /// When the store fails.
    fn examples(&self, anomaly: &Anomaly, window: Window) -> Result<Vec<String>, HistoryError>;
}
