//! A request whose answer comes in pieces.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use futures_util::StreamExt;
use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde_json::Value;
use tokio::task::AbortHandle;
use weir_sdk::{CallOptions, InstrumentedLlm, LlmError, RawChatStream};

use super::client::Handed;
use super::ongoing::{Outcome, tell};
use super::record::Asked;
use super::runtime;

/// How far it is.
enum State {
    /// Not sent.
    Fresh(Box<(InstrumentedLlm, Value, CallOptions)>),
    /// Between two pieces.
    Idle(Box<RawChatStream>),
    /// A task waits for the next piece.
    Waiting(AbortHandle),
    /// Nothing more comes.
    Ended(Result<(), LlmError>),
}

/// An answer in pieces.
#[pyclass(frozen, module = "weir._native")]
pub(crate) struct Pieces {
    state: Arc<Mutex<State>>,
    records: Mutex<Receiver<Handed>>,
    asked: Asked,
}

impl Pieces {
    pub(super) fn new(
        llm: InstrumentedLlm,
        request: Value,
        options: CallOptions,
        asked: Asked,
        records: Mutex<Receiver<Handed>>,
    ) -> Self {
        let state = State::Fresh(Box::new((llm, request, options)));
        Self { state: Arc::new(Mutex::new(state)), records, asked }
    }

    /// Waits for the next piece on a thread of the runtime.
    fn ask(&self, py: Python<'_>, then: impl FnOnce(Option<String>) + Send + 'static) -> PyResult<()> {
        let runtime = runtime::get(py)?;
        let shared = Arc::clone(&self.state);
        let mut state = self.state.lock();
        let source = match std::mem::replace(&mut *state, State::Ended(Ok(()))) {
            source @ (State::Fresh(_) | State::Idle(_)) => source,
            State::Waiting(task) => {
                *state = State::Waiting(task);
                return Err(PyRuntimeError::new_err("the next piece is already waited for"));
            }
            State::Ended(how) => {
                *state = State::Ended(how);
                then(None);
                return Ok(());
            }
        };
        // The task sets the state under the same lock, so after this.
        let task = runtime.spawn(async move {
            let (piece, next) = advance(source).await;
            let mut state = shared.lock();
            // Else it was given up meanwhile, and what is open ends here.
            if matches!(*state, State::Waiting(_)) {
                *state = next;
            }
            drop(state);
            then(piece);
        });
        *state = State::Waiting(task.abort_handle());
        Ok(())
    }
}

/// The next piece that has text, and what comes after it.
async fn advance(from: State) -> (Option<String>, State) {
    let opened = match from {
        State::Fresh(request) => {
            let (llm, request, options) = *request;
            llm.chat_stream_raw_with(request, &options).await.map(Box::new)
        }
        State::Idle(stream) => Ok(stream),
        other => return (None, other),
    };
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(error) => return (None, State::Ended(Err(error))),
    };
    loop {
        match stream.next().await {
            Some(Ok(chunk)) => {
                if let Some(text) = text(&chunk) {
                    return (Some(text), State::Idle(stream));
                }
            }
            Some(Err(error)) => return (None, State::Ended(Err(error))),
            None => return (None, State::Ended(Ok(()))),
        }
    }
}

fn text(chunk: &Value) -> Option<String> {
    let text = chunk.get("choices")?.get(0)?.get("delta")?.get("content")?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[pymethods]
impl Pieces {
    /// The next piece of text; `None` at the end, however that came.
    fn next(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let (found, pieces): (SyncSender<Option<String>>, _) = sync_channel(1);
        self.ask(py, move |piece| _ = found.try_send(piece))?;
        Ok(runtime::wait(py, &Mutex::new(pieces))?.flatten())
    }

    /// Asks for the next piece; `done` is called with it, from another thread.
    fn start_next(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<()> {
        self.ask(py, move |piece| {
            tell(&done, |py| Ok(piece.into_pyobject(py)?.unbind()));
        })
    }

    /// Ends it, and says what came of it and is to be recorded; before its end it is given up.
    fn end(&self, py: Python<'_>) -> PyResult<Option<Outcome>> {
        let state = std::mem::replace(&mut *self.state.lock(), State::Ended(Ok(())));
        let answer = match state {
            State::Fresh(_) => return Ok(None),
            State::Idle(stream) => {
                py.detach(|| drop(stream));
                Err(None)
            }
            State::Waiting(task) => {
                task.abort();
                Err(None)
            }
            State::Ended(Err(error)) => Err(Some(error)),
            State::Ended(Ok(())) => Err(None),
        };
        Outcome::new(py, answer, &self.records, &self.asked).map(Some)
    }
}
