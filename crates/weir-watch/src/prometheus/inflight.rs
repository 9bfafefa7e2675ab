//! Requests that have not ended, by model.
//!
//! Invariant: a request is taken off the series that it was put on, even if its model's label value changed in
//! between; one that ends without having started changes nothing. As many entries as requests run at most.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::prometheus::cells::Level;
use crate::prometheus::names::cut;

#[derive(Debug, Default)]
pub(crate) struct Inflight(Mutex<HashMap<Box<str>, Running>>);

#[derive(Debug)]
struct Running {
    level: Level,
    requests: usize,
}

impl Inflight {
    /// A request started; `level` gives the series if no other request of that name runs.
    pub(crate) fn start(&self, model: &str, level: impl FnOnce() -> Level) {
        let model = cut(model);
        let mut running = self.0.lock();
        if let Some(entry) = running.get_mut(model) {
            entry.requests += 1;
            entry.level.inc();
            return;
        }
        let level = level();
        level.inc();
        running.insert(Box::from(model), Running { level, requests: 1 });
    }

    /// A request ended.
    pub(crate) fn finish(&self, model: &str) {
        let model = cut(model);
        let mut running = self.0.lock();
        let Some(entry) = running.get_mut(model) else { return };
        entry.level.dec();
        entry.requests -= 1;
        if entry.requests == 0 {
            running.remove(model);
        }
    }
}
