//! The loop: reads the outbox in order, keeps so many deliveries under way, saves the cursor, pauses while the target
//! cannot be used.

mod job;
#[cfg(test)]
pub(crate) mod outbox;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use weir_store::telemetry::StoreError;

use crate::backoff::Backoff;
use crate::exporter::Parts;
use crate::failure::{Failure, Reason};
use crate::status::{Shared, State};
use crate::target::Target;
use crate::window::Window;
use job::{Job, Verdict};

/// Calls read at once.
const PAGE: usize = 64;
/// Bytes of payload read at once.
const PAGE_BYTES: usize = 8 << 20;
/// Bytes of payload from which on nothing more is read.
const HELD_BYTES: usize = 32 << 20;
/// How often an empty queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often the lag is measured and the target tidied up.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// The cursor is saved after so many calls, or after this time.
const SAVE_CALLS: i64 = 32;
const SAVE_EVERY: Duration = Duration::from_millis(500);
/// Pause after the store could not be used.
const STORE_PAUSE: Duration = Duration::from_secs(1);

type Done<T> = (Job<T>, Result<(), Failure>);

pub(crate) struct Worker<T: Target> {
    target: Arc<T>,
    parts: Parts,
    shared: Arc<Shared>,
    concurrency: usize,
    window: Window,
    /// Calls up to here may be known to the target from before the start.
    doubtful_to: i64,
    queue: VecDeque<Job<T>>,
    under_way: JoinSet<Done<T>>,
    /// Place and weight of what is under way.
    places: HashMap<task::Id, (i64, usize)>,
    /// Bytes of payload in the queue and under way.
    held: usize,
    backoff: Backoff,
    paused_until: Instant,
    saved_at: Instant,
    looked_at: Option<Instant>,
    measured_at: Option<Instant>,
    /// Ends with the worker.
    tidying: JoinSet<()>,
    store_complained: bool,
    successes: u64,
}

impl<T: Target> Worker<T> {
    pub(crate) fn new(target: Arc<T>, parts: Parts, shared: Arc<Shared>, concurrency: usize) -> Self {
        let now = Instant::now();
        Self {
            target,
            parts,
            shared,
            concurrency: concurrency.max(1),
            window: Window::new(0),
            doubtful_to: 0,
            queue: VecDeque::new(),
            under_way: JoinSet::new(),
            places: HashMap::new(),
            held: 0,
            backoff: Backoff::default(),
            paused_until: now,
            saved_at: now,
            looked_at: None,
            measured_at: None,
            tidying: JoinSet::new(),
            store_complained: false,
            successes: 0,
        }
    }

    /// Runs until it is told to stop and what is under way has ended.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let Some((cursor, last)) = self.first_cursor(&mut stop).await else { return };
        self.window = Window::new(cursor);
        self.doubtful_to = last.min(cursor + Window::AHEAD);
        loop {
            let stopping = *stop.borrow_and_update();
            if stopping && self.under_way.is_empty() {
                self.save().await;
                return;
            }
            if !stopping {
                self.read_on().await;
                self.begin();
            }
            self.save_when_due().await;
            self.measure().await;
            let until = self.next_look();
            tokio::select! {
                Some(ended) = self.under_way.join_next_with_id() => {
                    self.ended(ended);
                    // What was sent together ends together.
                    while let Some(ended) = self.under_way.try_join_next_with_id() {
                        self.ended(ended);
                    }
                }
                _ = stop.changed() => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// The cursor and the last place that is queued; asks until the store says it. `None` when told to stop before.
    async fn first_cursor(&mut self, stop: &mut watch::Receiver<bool>) -> Option<(i64, i64)> {
        loop {
            let name = self.target.name();
            let found = self.store(move |store| Ok((store.cursor(name)?, store.lag(name)?.last))).await;
            if found.is_some() {
                return found;
            }
            tokio::select! {
                _ = stop.changed() => return None,
                () = tokio::time::sleep(STORE_PAUSE) => {}
            }
        }
    }

    /// Runs something on the store, on a thread that may block. A failure is logged once until it is over.
    async fn store<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&dyn weir_store::exports::Exports) -> Result<R, StoreError> + Send + 'static,
    ) -> Option<R> {
        let store = self.parts.store.clone();
        let done = task::spawn_blocking(move || work(store.as_ref())).await;
        let done = done.unwrap_or_else(|e| Err(StoreError::Unavailable(e.to_string())));
        match done {
            Ok(value) => {
                self.store_complained = false;
                Some(value)
            }
            Err(error) => {
                self.failed(Reason::Store, &error.to_string());
                if !std::mem::replace(&mut self.store_complained, true) {
                    tracing::warn!(target = self.target.name(), %error, "the outbox cannot be used; trying again");
                }
                None
            }
        }
    }

    /// Reads the next calls when there is room and the queue is running dry.
    async fn read_on(&mut self) {
        let (after, room) = self.window.room();
        let is_time = self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        let bytes = PAGE_BYTES.min(HELD_BYTES.saturating_sub(self.held));
        if self.queue.len() >= self.concurrency || room == 0 || bytes == 0 || !is_time {
            return;
        }
        let limit = room.min(PAGE);
        let name = self.target.name();
        let Some(page) = self.store(move |store| store.pending(name, after, limit, bytes)).await else {
            self.looked_at = Some(Instant::now() + STORE_PAUSE);
            return;
        };
        // A page with something on it may have more behind it.
        self.looked_at = (page.upto == after).then(Instant::now);
        if page.gone > 0 {
            tracing::warn!(
                target = self.target.name(),
                count = page.gone,
                "calls were deleted before they were exported"
            );
            self.shared.change(|status| status.skipped += page.gone);
            self.parts.observer.export_failed(self.target.name(), Reason::Pruned.as_str(), page.gone);
        }
        self.window.read(page.calls.iter().map(|(id, _)| *id), page.upto);
        for (id, span) in page.calls {
            let job = Job::new(id, span, id <= self.doubtful_to);
            self.held += job.weight;
            self.queue.push_back(job);
        }
    }

    /// Begins deliveries: as many as may be under way, or a single one to see whether an outage is over.
    fn begin(&mut self) {
        if Instant::now() < self.paused_until {
            return;
        }
        let most = if self.backoff.is_failing() { 1 } else { self.concurrency };
        while self.under_way.len() < most {
            let Some(mut job) = self.next() else { return };
            let target = self.target.clone();
            let place = (job.id, job.weight);
            let handle = self.under_way.spawn(async move {
                let done = target.deliver(&mut job.delivery).await;
                (job, done)
            });
            self.places.insert(handle.id(), place);
        }
    }

    /// The next call in order. After a failure the one that has failed least: it may be the call that the target fails at.
    fn next(&mut self) -> Option<Job<T>> {
        if !self.backoff.is_failing() {
            return self.queue.pop_front();
        }
        let least = self.queue.iter().enumerate().min_by_key(|(_, job)| job.failed)?.0;
        self.queue.remove(least)
    }

    fn ended(&mut self, ended: Result<(task::Id, Done<T>), task::JoinError>) {
        let (job, done) = match ended {
            Ok((id, done)) => {
                self.places.remove(&id);
                done
            }
            Err(error) => {
                // The call met a defect: without it the others go on.
                if let Some((place, weight)) = self.places.remove(&error.id()) {
                    self.held = self.held.saturating_sub(weight);
                    tracing::error!(target = self.target.name(), %error, "a call is not exported: it met a defect");
                    self.failed(Reason::Defect, &error.to_string());
                    self.skip(place);
                }
                return;
            }
        };
        self.held = self.held.saturating_sub(job.weight);
        match done {
            Ok(()) => self.succeeded(job.id),
            Err(failure) => self.not_done(job, &failure),
        }
    }

    fn succeeded(&mut self, place: i64) {
        self.window.done(place);
        self.successes += 1;
        self.parts.observer.exported(self.target.name(), 1);
        if self.backoff.reset() {
            tracing::info!(target = self.target.name(), "the target takes calls again");
        }
        self.paused_until = Instant::now();
        self.shared.change(|status| {
            status.exported += 1;
            status.state = State::Ok;
        });
    }

    fn not_done(&mut self, mut job: Job<T>, failure: &Failure) {
        self.failed(failure.reason(), failure.message());
        match job.judge(failure, self.successes) {
            Verdict::Again => self.put_back(job),
            Verdict::GiveUp => {
                let span = &job.delivery.span;
                tracing::error!(
                    target = self.target.name(),
                    call = %span.span_id,
                    request = span.request_id.as_deref().unwrap_or_default(),
                    error = failure.message(),
                    "the target does not take this call; it is skipped"
                );
                self.skip(job.id);
            }
            Verdict::Leave => self.skip(job.id),
            Verdict::Pause(asked) => {
                self.put_back(job);
                self.pause(asked, failure);
            }
        }
    }

    fn pause(&mut self, asked: Option<Duration>, failure: &Failure) {
        let now = Instant::now();
        // Those that were under way together fail together.
        if now < self.paused_until {
            return;
        }
        if !self.backoff.is_failing() {
            tracing::warn!(
                target = self.target.name(),
                error = failure.message(),
                "the target cannot be used; calls wait in the outbox until it can"
            );
        }
        self.paused_until = now + self.backoff.next(asked, fastrand::f64());
        self.shared.change(|status| status.state = State::Retrying);
    }

    /// Back to its place in the order.
    fn put_back(&mut self, job: Job<T>) {
        self.held += job.weight;
        let at = self.queue.iter().position(|other| other.id > job.id).unwrap_or(self.queue.len());
        self.queue.insert(at, job);
    }

    fn skip(&mut self, place: i64) {
        self.window.done(place);
        self.shared.change(|status| status.skipped += 1);
        self.parts.observer.export_failed(self.target.name(), Reason::Skipped.as_str(), 1);
    }

    fn failed(&self, reason: Reason, message: &str) {
        self.parts.observer.export_failed(self.target.name(), reason.as_str(), 1);
        let now = self.parts.clock.now();
        self.shared.change(|status| status.last_error = Some((now, message.to_owned())));
    }

    async fn save_when_due(&mut self) {
        let unsaved = self.window.unsaved();
        if unsaved >= SAVE_CALLS || (unsaved > 0 && self.saved_at.elapsed() >= SAVE_EVERY) {
            self.save().await;
        }
    }

    async fn save(&mut self) {
        let upto = self.window.prefix();
        if self.window.unsaved() == 0 {
            return;
        }
        let name = self.target.name();
        self.saved_at = Instant::now();
        if self.store(move |store| store.done(name, upto)).await.is_some() {
            self.window.saved(upto);
        }
    }

    async fn measure(&mut self) {
        if self.measured_at.is_some_and(|at| at.elapsed() < MEASURE_EVERY) {
            return;
        }
        self.measured_at = Some(Instant::now());
        let name = self.target.name();
        if let Some(lag) = self.store(move |store| store.lag(name)).await {
            self.shared.change(|status| status.lag = lag);
        }
        while self.tidying.try_join_next().is_some() {}
        if self.tidying.is_empty() && !self.backoff.is_failing() {
            let target = self.target.clone();
            self.tidying.spawn(async move { target.tidy().await });
        }
    }

    /// When there is something to do besides waiting for what is under way.
    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let look = now + LOOK_EVERY;
        let could_begin = !self.queue.is_empty() && self.under_way.is_empty();
        if could_begin && self.paused_until > now { self.paused_until.min(now + MEASURE_EVERY) } else { look }
    }
}

#[cfg(test)]
mod tests;
