//! The alert rules over the server's own traffic.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use parking_lot::Mutex;
use weir_core::time::Clock;
use weir_store::sqlite::{SqliteCatalog, SqliteStore};
use weir_watch::alerts::files;
use weir_watch::alerts::live::{Alerter, Parts, Setup};
use weir_watch::alerts::reads::Stores;
use weir_watch::notify::Post;

use super::observe::Observers;

/// An alerter and its thread.
pub(super) struct Alerting {
    pub(super) alerter: Arc<Alerter>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Alerting {
    /// Takes the rules, and starts to evaluate them where that is not switched off.
    pub(super) fn start(
        setup: Setup,
        enabled: bool,
        store: &Arc<SqliteStore>,
        catalog: &Arc<SqliteCatalog>,
        observers: &Arc<Observers>,
        post: &Arc<Post>,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let (observers, post) = (observers.clone(), post.clone());
        let parts = Parts {
            reads: Arc::new(Stores {
                measured: store.clone(),
                anomalies: catalog.clone(),
                happenings: catalog.clone(),
            }),
            catalog: catalog.clone(),
            clock: clock.clone(),
            meter: Arc::new(move |took: Duration, done| observers.metrics.alert_evaluated(took, done)),
            told: Arc::new(move || post.wake()),
        };
        let alerter = Alerter::new(parts, setup)?;
        let thread = enabled.then(|| alerter.start()).transpose();
        let thread = thread.context("the thread of the alerts cannot be started")?;
        Ok(Self { alerter, thread: Mutex::new(thread) })
    }

    /// Ends it after the rule at hand. May block.
    pub(super) fn stop(&self) {
        self.alerter.stop();
        if self.thread.lock().take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the alerts had died");
        }
    }
}

/// The files of rules with their sizes and times of change, so that a change is seen.
pub(super) fn stamps(dir: Option<&Path>) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let paths = dir.and_then(|dir| files::list(dir).ok()).unwrap_or_default();
    let stamp = |path: PathBuf| {
        let meta = std::fs::metadata(&path).ok();
        let size = meta.as_ref().map_or(0, std::fs::Metadata::len);
        (path, size, meta.and_then(|meta| meta.modified().ok()))
    };
    paths.into_iter().map(stamp).collect()
}
