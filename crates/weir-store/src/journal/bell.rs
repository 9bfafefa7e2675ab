//! Wakes the one thread that drains. Ringing costs one atomic read while that thread is awake.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// A bell with one listener and any number of ringers.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    armed: AtomicBool,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Bell {
    /// Wakes the listener if it sleeps.
    pub(crate) fn ring(&self) {
        if self.armed.load(Ordering::SeqCst) && self.armed.swap(false, Ordering::SeqCst) {
            drop(self.lock.lock());
            self.condvar.notify_one();
        }
    }

    /// Sleeps until rung or `deadline`, unless `ready` already holds. `ready` is asked after arming, so that a ring
    /// between asking and sleeping is not missed.
    pub(crate) fn wait_until(&self, deadline: Instant, ready: impl FnOnce() -> bool) {
        self.armed.store(true, Ordering::SeqCst);
        if !ready() {
            let mut guard = self.lock.lock();
            while self.armed.load(Ordering::SeqCst) {
                if self.condvar.wait_until(&mut guard, deadline).timed_out() {
                    break;
                }
            }
        }
        self.armed.store(false, Ordering::SeqCst);
    }
}
