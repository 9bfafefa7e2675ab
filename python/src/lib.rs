//! The native part of the Python package: thin wrappers over `weir-sdk`; the package's own classes are Python.

use pyo3::prelude::*;

/// `weir._native`.
#[pymodule]
fn _native(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
