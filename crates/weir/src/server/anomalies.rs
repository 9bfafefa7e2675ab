//! The watch over the server's own traffic.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context;
use parking_lot::Mutex;
use weir_core::time::Clock;
use weir_store::sqlite::{SqliteCatalog, SqliteStore};
use weir_watch::anomalies::live::{Options, Watch};

/// A watch and its thread.
pub(super) struct Watching {
    pub(super) watch: Arc<Watch>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watching {
    /// Starts it, where it is not switched off.
    pub(super) fn start(
        options: Option<Options>,
        store: &Arc<SqliteStore>,
        catalog: &Arc<SqliteCatalog>,
        clock: &Clock,
    ) -> anyhow::Result<Option<Self>> {
        let Some(options) = options else { return Ok(None) };
        let watch = Watch::new(store.clone(), catalog.clone(), clock.clone(), options);
        let thread = watch.start().context("the thread of the watch cannot be started")?;
        Ok(Some(Self { watch, thread: Mutex::new(Some(thread)) }))
    }

    /// Ends it after the piece at hand. May block.
    pub(super) fn stop(&self) {
        self.watch.stop();
        if self.thread.lock().take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the watch had died");
        }
    }
}
