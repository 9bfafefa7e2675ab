//! Wakes the one thread that drains. Ringing costs one atomic read while that thread is awake.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// The listener is at work.
const AWAKE: u8 = 0;
/// It lingers: only what is urgent wakes it.
const LINGERS: u8 = 1;
/// It sleeps: anything wakes it.
const SLEEPS: u8 = 2;

/// A bell with one listener and any number of ringers.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    armed: AtomicU8,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Bell {
    /// Wakes the listener if it sleeps, not if it lingers.
    pub(crate) fn ring(&self) {
        self.wake_above(LINGERS);
    }

    /// Wakes the listener also if it lingers.
    pub(crate) fn ring_urgently(&self) {
        self.wake_above(AWAKE);
    }

    fn wake_above(&self, level: u8) {
        if self.armed.load(Ordering::SeqCst) > level && self.armed.swap(AWAKE, Ordering::SeqCst) != AWAKE {
            drop(self.lock.lock());
            self.condvar.notify_one();
        }
    }

    /// Sleeps until rung (urgently, if it only `lingers`) or `deadline`, unless `ready` already holds. `ready` is asked
    /// after arming, so that a ring between asking and sleeping is not missed.
    pub(crate) fn wait_until(&self, deadline: Instant, lingers: bool, ready: impl FnOnce() -> bool) {
        self.armed.store(if lingers { LINGERS } else { SLEEPS }, Ordering::SeqCst);
        if !ready() {
            let mut guard = self.lock.lock();
            while self.armed.load(Ordering::SeqCst) != AWAKE {
                if self.condvar.wait_until(&mut guard, deadline).timed_out() {
                    break;
                }
            }
        }
        self.armed.store(AWAKE, Ordering::SeqCst);
    }
}
