//! An exporter as it is started, asked and stopped: a thread with a runtime of its own.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use weir_core::observe::Observer;
use weir_core::time::Clock;
use weir_store::exports::Exports;

use crate::status::{ExportStatus, Shared};
use crate::target::Target;
use crate::worker::Worker;

/// What an exporter needs besides its target.
pub struct Parts {
    /// The outbox.
    pub store: Arc<dyn Exports>,
    /// Who counts.
    pub observer: Arc<dyn Observer>,
    /// What "now" is.
    pub clock: Clock,
}

/// A running exporter.
pub struct Exporter {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    ended: Mutex<mpsc::Receiver<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// Starts exporting: `concurrency` calls at a time.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start<T: Target>(
        target: impl FnOnce(&Artifacts) -> T,
        concurrency: usize,
        shown: ExportStatus,
        parts: Parts,
    ) -> std::io::Result<Self> {
        let name = shown.target;
        let shared = Arc::new(Shared::new(shown));
        let target = Arc::new(target(&Artifacts { shared: shared.clone(), observer: parts.observer.clone(), name }));
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build()?;
        let worker = Worker::new(target, parts, shared.clone(), concurrency);
        let thread = std::thread::Builder::new().name(format!("export-{name}")).spawn(move || {
            runtime.block_on(worker.run(stopped));
            let _ = end.send(());
            // Answers that nobody waits for any more are left.
            runtime.shutdown_background();
        })?;
        Ok(Self { shared, stop, ended: Mutex::new(ended), thread: Mutex::new(Some(thread)) })
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> ExportStatus {
        self.shared.get()
    }

    /// Begins no further calls and waits for those under way. Returns whether they ended within the patience; what did
    /// not is looked up and completed at the next start. Blocks.
    pub fn stop(&self, patience: Duration) -> bool {
        let _ = self.stop.send(true);
        let ended = self.ended.lock().recv_timeout(patience).is_ok();
        if ended && let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
        ended
    }
}

/// Where a target reports files that were not taken, which is no failure of the call.
#[derive(Clone)]
pub struct Artifacts {
    shared: Arc<Shared>,
    observer: Arc<dyn Observer>,
    name: &'static str,
}

impl Artifacts {
    /// Notes one; the first of the process is logged with its reason.
    pub fn refused(&self, why: &str) {
        let mut first = false;
        self.shared.change(|status| {
            first = status.artifacts_refused == 0;
            status.artifacts_refused += 1;
        });
        self.observer.export_failed(self.name, crate::Reason::Artifact.as_str(), 1);
        if first {
            tracing::warn!(
                target = self.name,
                why,
                "text artifacts are not taken; runs stay without them, and this is said once"
            );
        }
    }
}
