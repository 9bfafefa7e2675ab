//! What the loggers of a process share: one pipeline per target, and the page of metrics.
//!
//! Invariant: nothing of it survives a `fork`. A child that inherits it has neither the threads nor, safely, the locks
//! and the open files of its parent, so it begins with an empty one and leaks the parent's without touching it. Files that
//! were open then stay closed to the child.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use crate::backend::{Backend, File, OpenFiles, Server, open_files};
use crate::error::SdkError;
use crate::logger::target::Target;
use crate::metrics::page::Page;
use crate::pipeline::Pipeline;

/// How long the page of metrics waits for what was just logged.
const CATCH_UP: Duration = Duration::from_secs(1);

/// The page of metrics of this process, in Prometheus' text format 0.0.4: of all loggers that it has or had.
///
/// ```
/// use weir_sdk::{LlmCall, ObservabilityLogger};
/// # let folder = tempfile::tempdir()?;
/// let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// logger.log_llm_call(LlmCall::new("gpt-4o"));
/// drop(logger);
/// assert!(weir_sdk::process_metrics().contains(r#"llm_requests_total{model="gpt-4o",status="success"} 1"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn process_metrics() -> String {
    Process::current().metrics()
}

/// What makes two targets the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TargetId {
    File(PathBuf),
    /// Address and key.
    Server(String, String),
}

/// The shared parts of this process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) page: Arc<Page>,
    pipelines: Mutex<HashMap<TargetId, Weak<Pipeline>>>,
    runtime: OnceLock<Result<Runtime, SdkError>>,
    /// Files that were open when this process was forked.
    inherited: Arc<OpenFiles>,
}

static PROCESS: LazyLock<ArcSwap<Process>> = LazyLock::new(|| ArcSwap::from_pointee(Process::new(Arc::default())));

impl Process {
    fn new(inherited: Arc<OpenFiles>) -> Self {
        let (page, pipelines, runtime) = (Arc::default(), Mutex::default(), OnceLock::new());
        Self { pid: std::process::id(), page, pipelines, runtime, inherited }
    }

    /// The parts of the process that asks.
    pub(crate) fn current() -> Arc<Self> {
        let held = PROCESS.load_full();
        if held.pid == std::process::id() {
            return held;
        }
        let fresh = Arc::new(Self::new(open_files()));
        let before = arc_swap::Guard::into_inner(PROCESS.compare_and_swap(&held, Arc::clone(&fresh)));
        let won = Arc::ptr_eq(&before, &held);
        // The parent's: its destructors are not this process's to run.
        std::mem::forget(held);
        if won {
            std::mem::forget(before);
            fresh
        } else {
            before
        }
    }

    /// The runtime of what blocks its caller: one thread, for all of them.
    pub(crate) fn runtime(&self) -> Result<&Runtime, SdkError> {
        let start = || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("weir-blocking")
                .enable_all()
                .build()
                .map_err(|e| SdkError::Settings(format!("no runtime can be started: {e}")))
        };
        self.runtime.get_or_init(start).as_ref().map_err(SdkError::clone)
    }

    /// The page of metrics in text format 0.0.4, with what was just logged.
    fn metrics(&self) -> String {
        let running: Vec<_> = self.pipelines.lock().values().filter_map(Weak::upgrade).collect();
        for pipeline in &running {
            pipeline.catch_up(CATCH_UP);
        }
        self.page.render(None).1
    }

    /// The pipeline of a target, started if there is none. A child of a fork opens the file in the background, so that
    /// nothing can fail where a program logs.
    pub(crate) fn pipeline(&self, target: &Target, open_now: bool) -> Result<Arc<Pipeline>, SdkError> {
        if let Target::File { path, .. } = target
            && self.inherited.contains_key(path)
        {
            return Err(SdkError::Store(format!(
                "{} was open when this process was forked, so it is closed to it: drop its loggers before a fork and make \
                 them after it",
                path.display()
            )));
        }
        let id = target.id();
        let mut pipelines = self.pipelines.lock();
        if let Some(running) = pipelines.get(&id).and_then(Weak::upgrade) {
            return Ok(running);
        }
        let backend = match target {
            Target::File { path, plain_text } => {
                let file = File::new(path.clone(), *plain_text);
                if open_now {
                    file.open()?;
                }
                Backend::File(file)
            }
            Target::Server { url, key } => Backend::Server(Server::new(url.clone(), key.clone())?),
        };
        let pipeline = Arc::new(Pipeline::start(backend)?);
        pipelines.retain(|_, running| running.strong_count() > 0);
        pipelines.insert(id, Arc::downgrade(&pipeline));
        Ok(pipeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_open_at_a_fork_is_closed_to_the_child_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let target = |name: &str| Target::file(&folder.path().join(name), true).unwrap();
        let Target::File { path, .. } = target("held.db") else { panic!() };
        let child = Process::new(Arc::new(OpenFiles::from([(path, 1)])));
        let refused = child.pipeline(&target("held.db"), true).unwrap_err().to_string();
        assert!(refused.contains("held.db") && refused.contains("before a fork"), "{refused}");
        assert!(child.pipeline(&target("other.db"), true).is_ok());
    }
}
