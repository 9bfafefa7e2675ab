//! The native part of the Python package: thin wrappers over `weir-sdk`; the package's own classes are Python.
//!
//! Invariants: the GIL is given up wherever something waits; a wrong value raises `TypeError` or `ValueError` with two
//! arguments, the field and what is wrong with it.

mod anomalies;
mod fields;
mod llm;
mod locks;
mod recorder;
mod span;

use pyo3::prelude::*;
use weir_core::id::SpanId;
use weir_core::time;

/// A new id of a request: 32 hex digits that sort by time.
#[pyfunction]
fn new_request_id() -> String {
    SpanId::new().to_string()
}

/// A new id of a span: 16 hex digits, as in a `traceparent`.
#[pyfunction]
fn new_span_id() -> String {
    span::new_id().to_string()
}

/// Microseconds since the epoch, of RFC 3339 or of a number in a text; `None` if it is neither.
#[pyfunction]
fn parse_time(text: &str) -> Option<i64> {
    time::parse(text.trim())
}

/// The figures of all recorders that this process has or had, as Prometheus text.
#[pyfunction]
fn metrics_text(py: Python<'_>) -> String {
    py.detach(weir_sdk::process_metrics)
}

/// `weir._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    locks::install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Closed", module.py().get_type::<recorder::Closed>())?;
    module.add_class::<recorder::Recorder>()?;
    module.add_class::<llm::Client>()?;
    module.add_class::<llm::Ongoing>()?;
    module.add_class::<llm::Outcome>()?;
    module.add_class::<llm::Pieces>()?;
    module.add_class::<llm::Record>()?;
    module.add_function(wrap_pyfunction!(new_request_id, module)?)?;
    module.add_function(wrap_pyfunction!(new_span_id, module)?)?;
    module.add_function(wrap_pyfunction!(parse_time, module)?)?;
    module.add_function(wrap_pyfunction!(metrics_text, module)?)?;
    Ok(())
}
