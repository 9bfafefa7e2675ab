//! A client of a provider.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;
use weir_core::span::Span;
use weir_sdk::{CallOptions, InstrumentedLlm, ObservabilityLogger, SpanId};

use super::ongoing::Ongoing;
use super::pieces::Pieces;
use super::record::Asked;
use crate::fields::{Fields, take};

/// A record, and whether it is only to be counted.
pub(super) type Handed = (Span, bool);

/// A client of a provider; its calls are recorded by whoever makes them.
#[pyclass(frozen, module = "weir._native")]
pub(crate) struct Client {
    llm: InstrumentedLlm,
}

#[pymethods]
impl Client {
    /// `db_path`, `url` and `api_key` are those of the records; the rest is the provider's, by default from the environment.
    #[new]
    fn new(
        db_path: Option<PathBuf>,
        url: Option<String>,
        api_key: Option<String>,
        base_url: Option<String>,
        provider_key: Option<String>,
        timeout: f64,
        provider: Option<String>,
    ) -> PyResult<Self> {
        let mut builder = ObservabilityLogger::builder();
        if let Some(path) = db_path {
            builder = builder.db_path(path);
        }
        if let Some(url) = url {
            builder = builder.server(url, api_key.as_deref());
        }
        let logger = builder.unstored().map_err(|e| PyValueError::new_err(e.to_string()))?;
        let mut llm = InstrumentedLlm::new(&logger).timeout(seconds(timeout)?);
        if let Some(url) = base_url {
            llm = llm.base_url(url);
        }
        if let Some(key) = provider_key {
            llm = llm.api_key(key);
        }
        if let Some(name) = provider {
            llm = llm.provider(name);
        }
        Ok(Self { llm })
    }

    /// Sends a request. With `done`, that is called with the outcome, from another thread.
    #[pyo3(signature = (body, options, done = None))]
    fn start(
        &self,
        py: Python<'_>,
        body: &str,
        options: &Bound<'_, PyDict>,
        done: Option<Py<PyAny>>,
    ) -> PyResult<Ongoing> {
        let (request, options, asked) = read(body, options)?;
        let (llm, records) = self.handing_over();
        Ongoing::start(py, llm, request, options, asked, records, done)
    }

    /// Prepares a request whose answer comes in pieces.
    fn stream(&self, body: &str, options: &Bound<'_, PyDict>) -> PyResult<Pieces> {
        let (request, options, asked) = read(body, options)?;
        let (llm, records) = self.handing_over();
        Ok(Pieces::new(llm, request, options, asked, records))
    }
}

impl Client {
    /// A client whose only record comes out of the returned channel.
    fn handing_over(&self) -> (InstrumentedLlm, Mutex<Receiver<Handed>>) {
        let (hand, records) = sync_channel(1);
        let llm = self.llm.clone().hand_over(move |span, only_counted| {
            // There is room for one, and more do not come.
            _ = hand.try_send((span, only_counted));
        });
        (llm, Mutex::new(records))
    }
}

fn read(body: &str, options: &Bound<'_, PyDict>) -> PyResult<(Value, CallOptions, Asked)> {
    let request =
        serde_json::from_str(body).map_err(|e| PyValueError::new_err(format!("the request is no JSON: {e}")))?;
    let fields = Fields(options);
    let metadata = take!(fields, json, "metadata").map(|(_, value)| value);
    let asked =
        Asked { prompt: take!(fields, text, "prompt").unwrap_or_default(), plain: take!(fields, text, "plain") };
    let options = CallOptions {
        request_id: take!(fields, text, "request_id"),
        prompt_name: take!(fields, text, "prompt_name"),
        prompt_version: take!(fields, text, "prompt_version"),
        department: take!(fields, text, "department"),
        user: take!(fields, text, "user"),
        session: take!(fields, text, "session"),
        workflow: take!(fields, text, "workflow"),
        parent: take!(fields, text, "parent_id").as_deref().and_then(SpanId::parse),
        metadata,
        timeout: take!(fields, number, "timeout").map(seconds).transpose()?,
        ..CallOptions::default()
    };
    Ok((request, options, asked))
}

fn seconds(timeout: f64) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(timeout) {
        Ok(time) if !time.is_zero() => Ok(time.min(Duration::from_secs(86_400))),
        _ => Err(PyValueError::new_err(format!("timeout: {timeout} is no length of time in seconds"))),
    }
}
