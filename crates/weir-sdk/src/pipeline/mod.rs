//! From the caller to the store, without making the caller wait.
//!
//! Two threads per target (a file, or a server with a key), shared by all loggers of that target: one makes spans of
//! what was logged (redaction, prices, metrics), one stores them. Between caller, first and second thread stand two
//! queues; the bytes in both are bounded per logger.
//!
//! Invariants: pushing never waits for I/O; what does not fit is dropped and counted at once; records settle (stored
//! or lost) in the order in which they were pushed, each once.

mod convert;
mod deliver;
mod queue;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::backend::Backend;
use crate::error::SdkError;
pub(crate) use queue::{Queued, Shared};

/// The threads of one target. Dropping it stops them after what is queued, within a bound.
#[derive(Debug)]
pub(crate) struct Pipeline {
    shared: Arc<Shared>,
    backend: Arc<Backend>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// How long dropping the last logger of a target waits for the store.
const DROP_BOUND: Duration = Duration::from_secs(5);

impl Pipeline {
    /// Starts the threads.
    pub(crate) fn start(backend: Backend) -> Result<Self, SdkError> {
        let shared = Arc::new(Shared::default());
        let backend = Arc::new(backend);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(|e| SdkError::Settings(format!("the logger's threads cannot be started: {e}")))
        };
        let (converting, delivering) = (Arc::clone(&shared), Arc::clone(&shared));
        let target = Arc::clone(&backend);
        let threads = vec![
            spawn("weir-convert", Box::new(move || convert::run(&converting)))?,
            spawn("weir-store", Box::new(move || deliver::run(&delivering, &target)))?,
        ];
        Ok(Self { shared, backend, threads: Mutex::new(threads) })
    }

    /// Hands over a record; `false` when the pipeline is closing.
    pub(crate) fn push(&self, record: Queued) -> bool {
        self.shared.push(record)
    }

    /// Waits until all that was pushed before is stored or lost; `false` when the time is over first.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.shared.wait_settled(Instant::now() + timeout)
    }

    /// Waits until all that was pushed before is counted by the metrics.
    pub(crate) fn catch_up(&self, timeout: Duration) -> bool {
        self.shared.wait_counted(Instant::now() + timeout)
    }

    /// Where it stores.
    pub(crate) fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let deadline = Instant::now() + DROP_BOUND;
        self.shared.close(deadline);
        if self.shared.wait_ended(deadline + Duration::from_millis(200)) {
            for thread in self.threads.lock().drain(..) {
                if thread.join().is_err() {
                    tracing::error!("a thread of the logger had died");
                }
            }
        }
        // Else they are in the middle of a slow write: they end after it, on their own.
    }
}
