//! What the callers and the two threads share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use weir_core::merge::SpanWrite;

use crate::event::{Event, Moment};
use crate::logger::core::Core;

/// A record that waits to be made a span.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) core: Arc<Core>,
    pub(crate) event: Event,
    pub(crate) moment: Moment,
    pub(crate) weight: usize,
}

/// A record that waits to be stored.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) core: Arc<Core>,
    /// Nothing when it was only to be counted.
    pub(crate) write: Option<SpanWrite>,
    pub(crate) weight: usize,
}

#[derive(Debug, Default)]
struct Incoming {
    records: Vec<Queued>,
    /// Records ever pushed.
    pushed: u64,
    /// The converting thread sleeps and wants to be woken.
    idle: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Outgoing {
    records: VecDeque<Ready>,
    /// No more will come.
    ended: bool,
}

/// How far it is.
#[derive(Debug, Default)]
struct Progress {
    /// Records ever made spans and counted.
    counted: u64,
    /// Records ever stored or lost.
    settled: u64,
    threads_ended: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    incoming: Mutex<Incoming>,
    has_incoming: Condvar,
    outgoing: Mutex<Outgoing>,
    has_outgoing: Condvar,
    progress: Mutex<Progress>,
    moved: Condvar,
    /// Callers that wait: no lingering for them.
    hurry: AtomicUsize,
    closing: AtomicBool,
    /// When a closing pipeline gives up.
    give_up: Mutex<Option<Instant>>,
}

/// How long the converting thread lets records gather: waking it costs the caller more than pushing.
const GATHER: Duration = Duration::from_millis(5);
/// How long the storing thread lets spans gather: a commit waits for the disk.
const LINGER: Duration = Duration::from_millis(20);

impl Shared {
    pub(super) fn push(&self, record: Queued) -> bool {
        let mut incoming = self.incoming.lock();
        if incoming.closed {
            return false;
        }
        incoming.records.push(record);
        incoming.pushed += 1;
        let wake = std::mem::take(&mut incoming.idle);
        drop(incoming);
        if wake {
            self.has_incoming.notify_one();
        }
        true
    }

    /// The next records, put into `into`; `false` when there will be none any more.
    pub(super) fn take_incoming(&self, into: &mut Vec<Queued>) -> bool {
        let mut incoming = self.incoming.lock();
        while incoming.records.is_empty() {
            if incoming.closed {
                return false;
            }
            incoming.idle = true;
            self.has_incoming.wait(&mut incoming);
        }
        incoming.idle = false;
        if !self.hurries() && !incoming.closed {
            self.has_incoming.wait_for(&mut incoming, GATHER);
        }
        std::mem::swap(&mut incoming.records, into);
        true
    }

    pub(super) fn give_outgoing(&self, records: Vec<Ready>) {
        let count = records.len() as u64;
        self.outgoing.lock().records.extend(records);
        self.has_outgoing.notify_one();
        self.progress.lock().counted += count;
        self.moved.notify_all();
    }

    /// The next spans, at most so many and about so many bytes; `None` when there will be none any more.
    pub(super) fn take_outgoing(&self, most: usize, bytes: usize) -> Option<Vec<Ready>> {
        let mut outgoing = self.outgoing.lock();
        while outgoing.records.is_empty() {
            if outgoing.ended {
                return None;
            }
            self.has_outgoing.wait(&mut outgoing);
        }
        let until = Instant::now() + LINGER;
        while outgoing.records.len() < most && !self.hurries() && !outgoing.ended {
            if self.has_outgoing.wait_until(&mut outgoing, until).timed_out() {
                break;
            }
        }
        let mut taken = Vec::new();
        let mut weight = 0;
        while let Some(next) = outgoing.records.pop_front() {
            weight += next.weight;
            taken.push(next);
            if taken.len() >= most || weight >= bytes {
                break;
            }
        }
        Some(taken)
    }

    /// So many records are stored or lost.
    pub(super) fn settle(&self, count: usize) {
        self.progress.lock().settled += count as u64;
        self.moved.notify_all();
    }

    pub(super) fn no_more_outgoing(&self) {
        self.outgoing.lock().ended = true;
        self.has_outgoing.notify_all();
    }

    pub(super) fn thread_ended(&self) {
        self.progress.lock().threads_ended += 1;
        self.moved.notify_all();
    }

    fn hurries(&self) -> bool {
        self.hurry.load(Ordering::SeqCst) > 0
    }

    /// Wakes both threads out of their lingering.
    fn wake(&self) {
        drop(self.incoming.lock());
        self.has_incoming.notify_all();
        drop(self.outgoing.lock());
        self.has_outgoing.notify_all();
    }

    pub(super) fn wait_settled(&self, deadline: Instant) -> bool {
        self.wait(deadline, |progress| progress.settled)
    }

    pub(super) fn wait_counted(&self, deadline: Instant) -> bool {
        self.wait(deadline, |progress| progress.counted)
    }

    fn wait(&self, deadline: Instant, how_far: impl Fn(&Progress) -> u64) -> bool {
        let target = self.incoming.lock().pushed;
        if how_far(&self.progress.lock()) >= target {
            return true;
        }
        self.hurry.fetch_add(1, Ordering::SeqCst);
        self.wake();
        let mut progress = self.progress.lock();
        while how_far(&progress) < target {
            if self.moved.wait_until(&mut progress, deadline).timed_out() {
                break;
            }
        }
        let done = how_far(&progress) >= target;
        drop(progress);
        self.hurry.fetch_sub(1, Ordering::SeqCst);
        done
    }

    pub(super) fn close(&self, give_up: Instant) {
        *self.give_up.lock() = Some(give_up);
        self.closing.store(true, Ordering::SeqCst);
        self.incoming.lock().closed = true;
        self.hurry.fetch_add(1, Ordering::SeqCst);
        self.wake();
        self.moved.notify_all();
    }

    pub(super) fn wait_ended(&self, deadline: Instant) -> bool {
        let mut progress = self.progress.lock();
        while progress.threads_ended < 2 {
            if self.moved.wait_until(&mut progress, deadline).timed_out() {
                return progress.threads_ended >= 2;
            }
        }
        true
    }

    /// Waits before another attempt. `false` when it is time to give up.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut progress = self.progress.lock();
        loop {
            let deadline = match *self.give_up.lock() {
                Some(give_up) if Instant::now() >= give_up => return false,
                Some(give_up) => until.min(give_up),
                None => until,
            };
            if Instant::now() >= deadline {
                return self.give_up.lock().is_none_or(|give_up| Instant::now() < give_up);
            }
            self.moved.wait_until(&mut progress, deadline);
        }
    }
}
