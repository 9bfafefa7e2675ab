//! Threads for work that blocks. The one that was busy last works next, so that the memory which threads keep for
//! themselves grows with how much is done at once, and not with how many threads there may be.
//!
//! Invariants: never more threads than the bound; work that finds none free waits in order; a thread without work ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// The threads.
pub(crate) struct Workers {
    state: Arc<Mutex<State>>,
    most: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Threads without work, the one that was busy last at the end.
    idle: Vec<(u64, SyncSender<Job>)>,
    threads: usize,
    started: u64,
}

impl Workers {
    /// At most so many threads. What waits is bounded by who asks.
    pub(crate) fn new(most: usize) -> Self {
        Self { state: Arc::default(), most }
    }

    /// Does the work on one of the threads; `None` when it panicked or no thread can be started.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let runtime = Handle::current();
        self.give(Box::new(move || {
            // It may wait for what the runtime does.
            let _inside = runtime.enter();
            // Who asked may be gone.
            let _ = answer.send(work());
        }));
        answered.await.ok()
    }

    fn give(&self, job: Job) {
        let mut state = self.state.lock();
        let mut job = job;
        while let Some((_, thread)) = state.idle.pop() {
            match thread.send(job) {
                Ok(()) => return,
                // It is ending.
                Err(back) => job = back.0,
            }
        }
        if state.threads == self.most {
            return state.waiting.push_back(job);
        }
        state.threads += 1;
        state.started += 1;
        let (id, all) = (state.started, Arc::clone(&self.state));
        drop(state);
        let thread = std::thread::Builder::new().name("front".into()).spawn(move || live(id, job, &all));
        if thread.is_err() {
            // The job is gone with the closure: who waits for it is told.
            self.state.lock().threads -= 1;
        }
    }
}

fn live(id: u64, first: Job, all: &Mutex<State>) {
    let (sender, inbox) = sync_channel(1);
    let mut job = first;
    loop {
        // The panic hook has said what happened; the caller finds its answer missing.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        let mut state = all.lock();
        if let Some(next) = state.waiting.pop_front() {
            job = next;
            continue;
        }
        state.idle.push((id, sender.clone()));
        drop(state);
        job = match inbox.recv_timeout(IDLE) {
            Ok(next) => next,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let mut state = all.lock();
                let before = state.idle.len();
                state.idle.retain(|(other, _)| *other != id);
                if state.idle.len() < before {
                    state.threads -= 1;
                    return;
                }
                drop(state);
                // Work was given in the meantime.
                match inbox.recv() {
                    Ok(next) => next,
                    Err(_) => return,
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn work_that_follows_work_is_done_by_the_same_thread() {
        let workers = Workers::new(8);
        let both = Arc::new(Barrier::new(2));
        let (left, right) = (both.clone(), both);
        tokio::join!(workers.run(move || left.wait()), workers.run(move || right.wait()));
        let mut threads = HashSet::new();
        for _ in 0..20 {
            threads.insert(workers.run(|| std::thread::current().id()).await.unwrap());
            // A thread that has answered is free a moment later.
            while workers.state.lock().idle.len() < 2 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(threads.len(), 1);
    }

    #[tokio::test]
    async fn more_work_than_threads_waits_and_is_done() {
        let workers = Workers::new(2);
        let all = futures_util::future::join_all((0..100).map(|n| workers.run(move || n))).await;
        assert_eq!(all, (0..100).map(Some).collect::<Vec<_>>());
        assert!(workers.state.lock().threads <= 2);
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_answer_only() {
        let workers = Workers::new(1);
        assert_eq!(workers.run(|| std::panic::resume_unwind(Box::new("defect"))).await, None::<()>);
        assert_eq!(workers.run(|| 7).await, Some(7));
        assert_eq!(workers.state.lock().threads, 1);
    }
}
