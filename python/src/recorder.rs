//! A handle on a store.
//!
//! Invariant: whoever uses the logger holds the lock for reading, whoever closes it for writing; the lock is waited for
//! only without the GIL.

use std::path::PathBuf;
use std::time::Duration;

use parking_lot::RwLock;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use weir_sdk::{ObservabilityLogger, SdkError};

use crate::fields::{Fields, refused};
use crate::{anomalies, span};

pyo3::create_exception!(_native, Closed, pyo3::exceptions::PyException, "The recorder is closed, or closing.");

/// A store that records go to.
#[pyclass(frozen, module = "weir._native")]
pub(crate) struct Recorder {
    logger: RwLock<Option<ObservabilityLogger>>,
    /// The process that opened the file, if it is one.
    owner: Option<u32>,
}

#[pymethods]
impl Recorder {
    /// Opens a file, or prepares a connection to a server.
    #[new]
    fn new(py: Python<'_>, db_path: Option<PathBuf>, url: Option<String>, api_key: Option<String>) -> PyResult<Self> {
        let owner = url.is_none().then(std::process::id);
        let opened = py.detach(|| {
            let mut builder = ObservabilityLogger::builder();
            if let Some(path) = db_path {
                builder = builder.db_path(path);
            }
            if let Some(url) = url {
                builder = builder.server(url, api_key.as_deref());
            }
            builder.build()
        });
        let logger = opened.map_err(|error| match error {
            SdkError::Store(message) => PyOSError::new_err(message),
            other => PyValueError::new_err(other.to_string()),
        })?;
        Ok(Self { logger: RwLock::new(Some(logger)), owner })
    }

    /// Hands a record over; returns its request id.
    fn record(&self, fields: &Bound<'_, PyDict>) -> PyResult<String> {
        self.check_owner()?;
        let held = self.logger.try_read().ok_or_else(closed)?;
        let logger = held.as_ref().ok_or_else(closed)?;
        let (span, only_counted) = span::read(&Fields(fields))?;
        let request_id = span.request_id.clone().unwrap_or_default();
        if only_counted {
            logger.count_span(span);
            return Ok(request_id);
        }
        match logger.try_log_span(span) {
            // What the queue has no room for is counted by the library.
            Ok(_) | Err(SdkError::QueueFull | SdkError::Closed) => Ok(request_id),
            Err(error) => Err(refused(&error, |field| field)),
        }
    }

    /// Waits until what was recorded is stored; whether it was in time.
    fn flush(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        self.check_owner()?;
        py.detach(|| self.logger.read().as_ref().map(|logger| logger.flush(seconds(timeout)))).ok_or_else(closed)
    }

    /// What became of the records.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = py.detach(|| self.logger.read().as_ref().map(ObservabilityLogger::stats)).ok_or_else(closed)?;
        let told = PyDict::new(py);
        told.set_item("logged", stats.logged)?;
        told.set_item("stored", stats.stored)?;
        told.set_item("lost", stats.lost)?;
        for (reason, count) in stats.lost_by_reason {
            told.set_item(format!("lost_{reason}"), count)?;
        }
        told.set_item("waiting_bytes", stats.waiting_bytes)?;
        Ok(told)
    }

    /// Compares the last time with the one before; the anomalies as a JSON array.
    fn check_anomalies(&self, py: Python<'_>, settings: &Bound<'_, PyDict>) -> PyResult<String> {
        self.check_owner()?;
        let settings = anomalies::settings(&Fields(settings))?;
        let checked = py.detach(|| self.logger.read().as_ref().map(|logger| anomalies::check(logger, settings)));
        checked.ok_or_else(closed)?
    }

    /// Closes, within seconds; `false` when another thread uses it for longer than that: then it stays open.
    fn close(&self, py: Python<'_>, timeout: f64) -> bool {
        if self.check_owner().is_err() {
            return false;
        }
        py.detach(|| self.logger.try_write_for(seconds(timeout)).map(|mut held| drop(held.take())).is_some())
    }
}

impl Recorder {
    /// Neither SQLite's state nor its locks may be used by a child that inherited them open. Before a fork of Python's the
    /// package closes its files; this is the child of one that Python did not know of.
    fn check_owner(&self) -> PyResult<()> {
        match self.owner {
            Some(owner) if owner != std::process::id() => Err(PyOSError::new_err(
                "the file was open when this process was forked, by a program that does not run Python's hooks: \
                 make the logger after the fork",
            )),
            _ => Ok(()),
        }
    }
}

fn closed() -> PyErr {
    Closed::new_err("the recorder is closed")
}

/// A time to wait; what is no time is none, and the longest is a year.
fn seconds(timeout: f64) -> Duration {
    Duration::try_from_secs_f64(timeout.clamp(0.0, 31_536_000.0)).unwrap_or_default()
}
