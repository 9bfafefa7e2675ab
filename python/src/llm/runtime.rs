//! The threads that requests run on.
//!
//! Invariant: the lock is held only with the GIL, so that nobody holds it when the process forks.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: Mutex<Option<(u32, Arc<Runtime>)>> = Mutex::new(None);

/// How often somebody who waits looks for signals.
const SIGNALS: Duration = Duration::from_millis(50);

/// The runtime of this process.
pub(super) fn get(_gil: Python<'_>) -> PyResult<Arc<Runtime>> {
    let pid = std::process::id();
    let mut held = RUNTIME.lock();
    if let Some((of, runtime)) = &*held
        && *of == pid
    {
        return Ok(Arc::clone(runtime));
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("weir-llm")
        .enable_all()
        .build()
        .map_err(|e| PyRuntimeError::new_err(format!("the threads for requests cannot be started: {e}")))?;
    let runtime = Arc::new(runtime);
    // The parent's, whose threads a child of a fork does not have.
    std::mem::forget(held.replace((pid, Arc::clone(&runtime))));
    Ok(runtime)
}

/// Waits without the GIL; a signal's handler may end it with an exception. `None` when nothing will come.
pub(super) fn wait<T: Send>(py: Python<'_>, from: &Mutex<Receiver<T>>) -> PyResult<Option<T>> {
    loop {
        match py.detach(|| from.lock().recv_timeout(SIGNALS)) {
            Ok(value) => return Ok(Some(value)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
