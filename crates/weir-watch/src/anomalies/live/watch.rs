use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use weir_core::anomaly::{Anomaly, Feedback};
use weir_core::time::{Clock, HOUR, Micros};
use weir_store::catalog::Anomalies;
use weir_store::telemetry::StoreError;

use super::tracked::{Found, Projects};
use super::wake::Wake;
use super::{DEFAULT_PROJECT, Options, Traffic};

/// How often the worker looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// How long it waits after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How long feedback waits for the worker.
const PATIENCE: Duration = Duration::from_secs(10);
/// Calls of a followed project that come up to so late are not worth judging it anew.
const NEARLY_IN_TIME: Micros = HOUR;

/// Watches the traffic of a server.
pub struct Watch {
    pub(super) traffic: Arc<dyn Traffic>,
    pub(super) catalog: Arc<dyn Anomalies>,
    pub(super) clock: Clock,
    pub(super) options: Options,
    pub(super) book: Mutex<Book>,
    pub(super) wake: Wake,
    /// Projects whose calls come in time.
    pub(super) followed: RwLock<HashSet<String>>,
    /// Up to when buckets were read.
    pub(super) read_to: AtomicI64,
    pub(super) status: Mutex<WatchStatus>,
}

/// All engines.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) projects: Projects,
    /// What was found and could not be written yet.
    pub(super) found: Found,
    /// Up to when traffic was followed; `None` until what is stored was learned.
    pub(super) to: Option<Micros>,
    /// Projects beyond the bound, by volume and since.
    pub(super) left_out: usize,
    pub(super) refused: HashSet<String>,
    /// When it last looked for what is too old.
    pub(super) cleaned: Option<Micros>,
}

/// How far the watch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchStatus {
    /// Up to when traffic was judged; `None` while what was stored before the start is learned.
    pub to: Option<Micros>,
    /// Projects that are watched.
    pub projects: usize,
    /// Those of them whose baselines are not good enough to judge anything yet.
    pub learning: usize,
    /// Projects that are not watched, because there are more than the bound.
    pub left_out: usize,
    /// Projects that got calls of the past and wait to be judged anew.
    pub pending: usize,
}

/// Why feedback was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FeedbackError {
    /// There is no such anomaly.
    #[error("there is no anomaly of that id")]
    Unknown,
    /// The worker is busy for longer than can be waited.
    #[error("the watch is learning from what is stored; try again in a minute")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Watch {
    /// A watch that has seen nothing.
    #[must_use]
    pub fn new(traffic: Arc<dyn Traffic>, catalog: Arc<dyn Anomalies>, clock: Clock, options: Options) -> Arc<Self> {
        Arc::new(Self {
            traffic,
            catalog,
            clock,
            options,
            book: Mutex::default(),
            wake: Wake::default(),
            followed: RwLock::default(),
            read_to: AtomicI64::new(i64::MIN),
            status: Mutex::default(),
        })
    }

    /// Starts the worker; it ends after [`Watch::stop`].
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self: &Arc<Self>) -> std::io::Result<JoinHandle<()>> {
        let watch = Arc::clone(self);
        std::thread::Builder::new().name("watch".into()).spawn(move || watch.run())
    }

    /// Ends the worker after the piece at hand.
    pub fn stop(&self) {
        self.wake.stop();
    }

    fn run(&self) {
        let mut failing = false;
        let mut pause = TICK;
        while let Some(asked) = self.wake.wait(pause) {
            match self.round() {
                Ok(()) => {
                    self.wake.answer(asked);
                    (failing, pause) = (false, TICK);
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "anomalies cannot be looked for now; trying again");
                    }
                    std::thread::sleep(TICK);
                    pause = PAUSE;
                }
            }
        }
    }

    /// Tells of a stored span; quick, and quicker for one that came in time.
    pub fn stored(&self, project: Option<&str>, start: Micros) {
        let read_to = self.read_to.load(Ordering::Relaxed);
        if start >= read_to {
            return;
        }
        let project = project.unwrap_or(DEFAULT_PROJECT);
        if start >= read_to.saturating_sub(NEARLY_IN_TIME) && self.followed.read().contains(project) {
            return;
        }
        self.wake.note(project, start);
    }

    /// Waits until everything that was stored before the call is judged, calls of the past too; `false` when the time
    /// is over first.
    pub fn catch_up(&self, timeout: Duration) -> bool {
        self.wake.ask(timeout)
    }

    /// Whether [`Watch::catch_up`] has anything to wait for.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.wake.pending() > 0 || self.status.lock().to.is_none()
    }

    /// Judges projects anew from their beginning (all of them when none are named), and waits for it; `false` when the
    /// time is over first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn judge_anew(&self, projects: &[String], timeout: Duration) -> Result<bool, StoreError> {
        if projects.is_empty() {
            let closed = self.options.closed(self.clock.now());
            let (known, _) = super::learn::projects(self.traffic.as_ref(), &self.options, closed)?;
            known.iter().for_each(|span| self.wake.note(super::learn::name_of(span), i64::MIN));
        }
        projects.iter().for_each(|project| self.wake.note(project, i64::MIN));
        Ok(self.catch_up(timeout))
    }

    /// Learns from what people say of an anomaly, and stores that.
    ///
    /// # Errors
    /// See [`FeedbackError`]; nothing was learned then.
    pub fn feedback(&self, id: &str, feedback: Feedback) -> Result<Anomaly, FeedbackError> {
        let mut book = self.book.try_lock_for(PATIENCE).ok_or(FeedbackError::Busy)?;
        let anomaly = self.catalog.anomaly(id)?.ok_or(FeedbackError::Unknown)?;
        let mut learned = None;
        if let Some(tracked) = book.projects.get(&anomaly.project) {
            let mut tracked = tracked.clone();
            tracked.engine.feedback(&anomaly, feedback);
            learned = Some(tracked);
        }
        let record = learned.as_ref().map(|tracked| tracked.record(&anomaly.project));
        let said = self.catalog.put_feedback(id, Some(feedback), record)?.ok_or(FeedbackError::Unknown)?;
        if let Some(tracked) = learned {
            book.projects.insert(anomaly.project, tracked);
        }
        Ok(said)
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> WatchStatus {
        WatchStatus { pending: self.wake.pending(), ..self.status.lock().clone() }
    }

    /// What each metric of a project does, by name; nothing for one that is not watched, or while the worker is busy.
    #[must_use]
    pub fn learning(&self, project: &str) -> Vec<(String, crate::anomalies::Learning)> {
        let Some(book) = self.book.try_lock_for(PATIENCE) else { return Vec::new() };
        book.projects.get(project).map(|tracked| tracked.engine.learning()).unwrap_or_default()
    }

    /// What was late and could not be judged is kept for the next time.
    pub(super) fn late(&self) -> HashMap<String, Micros> {
        self.wake.take()
    }
}
