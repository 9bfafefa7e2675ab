//! A request whose answer is awaited whole.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;
use serde_json::Value;
use tokio::task::AbortHandle;
use weir_sdk::{CallOptions, InstrumentedLlm, LlmError, LlmErrorKind};

use super::client::Handed;
use super::record::{Asked, Record};
use super::runtime;

/// How long the record of a call that was given up may take to come.
const RECORD: Duration = Duration::from_secs(1);

/// What came of a request: an answer, an error, or neither because it was given up.
pub(super) type Answer = Result<Value, Option<LlmError>>;

/// What came of a call.
#[pyclass(frozen, get_all, module = "weir._native")]
pub(crate) struct Outcome {
    /// The provider's answer, as JSON.
    answer: Option<String>,
    /// Message, HTTP status, code, kind.
    error: Option<(String, Option<u16>, Option<String>, &'static str)>,
    /// What is to be recorded; none where the settings were wrong.
    record: Option<Py<Record>>,
    /// Why the model stopped.
    finish_reason: Option<String>,
}

impl Outcome {
    /// Takes the record out of the channel.
    pub(super) fn new(
        py: Python<'_>,
        answer: Answer,
        records: &Mutex<Receiver<Handed>>,
        asked: &Asked,
    ) -> PyResult<Self> {
        let patience = match &answer {
            Err(Some(error)) if error.kind == LlmErrorKind::Settings => Duration::ZERO,
            _ => RECORD,
        };
        let handed = py.detach(|| records.lock().recv_timeout(patience).ok());
        let record = handed.map(|(span, only_counted)| Record::new(span, only_counted, asked));
        let finish_reason = record.as_ref().and_then(Record::finish_reason);
        let record = record.map(|record| Py::new(py, record)).transpose()?;
        let (answer, error) = match answer {
            Ok(answer) => (Some(answer.to_string()), None),
            Err(error) => (None, error.map(|e| (e.message, e.status, e.code, kind(e.kind)))),
        };
        Ok(Self { answer, error, record, finish_reason })
    }
}

fn kind(kind: LlmErrorKind) -> &'static str {
    match kind {
        LlmErrorKind::Connection => "connection",
        LlmErrorKind::Timeout => "timeout",
        LlmErrorKind::Answer => "answer",
        LlmErrorKind::Settings => "settings",
        _ => "api",
    }
}

/// A request that was sent.
#[pyclass(frozen, module = "weir._native")]
pub(crate) struct Ongoing {
    task: AbortHandle,
    answers: Mutex<Receiver<Answer>>,
    records: Mutex<Receiver<Handed>>,
    asked: Asked,
}

impl Ongoing {
    pub(super) fn start(
        py: Python<'_>,
        llm: InstrumentedLlm,
        request: Value,
        options: CallOptions,
        asked: Asked,
        records: Mutex<Receiver<Handed>>,
        done: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let (answered, answers) = sync_channel(1);
        let task = runtime::get(py)?.spawn(async move {
            // There is room for one.
            _ = answered.try_send(llm.chat_raw_with(request, &options).await.map_err(Some));
            if let Some(done) = done {
                tell(&done, |py| Ok(py.None()));
            }
        });
        Ok(Self { task: task.abort_handle(), answers: Mutex::new(answers), records, asked })
    }
}

#[pymethods]
impl Ongoing {
    /// Waits for the answer.
    fn wait(&self, py: Python<'_>) -> PyResult<Outcome> {
        let answer = runtime::wait(py, &self.answers)?;
        Outcome::new(py, answer.unwrap_or(Err(None)), &self.records, &self.asked)
    }

    /// Gives it up, and says what is to be recorded of it.
    fn cancel(&self, py: Python<'_>) -> PyResult<Outcome> {
        self.task.abort();
        Outcome::new(py, Err(None), &self.records, &self.asked)
    }
}

/// Calls a Python function from a thread of the runtime, unless the interpreter is ending.
pub(super) fn tell(done: &Py<PyAny>, value: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>>) {
    _ = Python::try_attach(|py| {
        let told = value(py).and_then(|value| done.call1(py, (value,)));
        if let Err(error) = told {
            error.write_unraisable(py, None);
        }
    });
}
