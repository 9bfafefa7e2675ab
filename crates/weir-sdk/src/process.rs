//! What the loggers of a process share: one pipeline per target, and the page of metrics.
//!
//! Invariant: nothing of it survives a `fork`. A child that inherits it has neither the threads nor, safely, the locks
//! and the open database of its parent, so it begins with an empty one and leaks the parent's without touching it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use crate::backend::{Backend, File, Server};
use crate::error::SdkError;
use crate::logger::target::Target;
use crate::metrics::page::Page;
use crate::pipeline::Pipeline;

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
}

static PROCESS: LazyLock<ArcSwap<Process>> = LazyLock::new(|| ArcSwap::from_pointee(Process::new()));

impl Process {
    fn new() -> Self {
        Self { pid: std::process::id(), page: Arc::default(), pipelines: Mutex::default(), runtime: OnceLock::new() }
    }

    /// The parts of the process that asks.
    pub(crate) fn current() -> Arc<Self> {
        let held = PROCESS.load_full();
        if held.pid == std::process::id() {
            return held;
        }
        let fresh = Arc::new(Self::new());
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

    /// The pipeline of a target, started if there is none. A child of a fork opens the file in the background, so that
    /// nothing can fail where a program logs.
    pub(crate) fn pipeline(&self, target: &Target, open_now: bool) -> Result<Arc<Pipeline>, SdkError> {
        let id = target.id();
        let mut pipelines = self.pipelines.lock();
        if let Some(running) = pipelines.get(&id).and_then(Weak::upgrade) {
            return Ok(running);
        }
        let backend = match target {
            Target::File { path, plain_text } => {
                let file = File::new(path.clone(), *plain_text);
                if open_now {
                    file.store()?;
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
