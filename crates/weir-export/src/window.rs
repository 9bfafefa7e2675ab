//! Which queued calls are under way, and up to where all are done.
//!
//! Invariant: nothing beyond [`Window::AHEAD`] places past the durable cursor is begun, so that after a crash no call
//! further away can be known to the target.

use std::collections::BTreeSet;

/// The calls between the durable cursor and the last one that was read.
#[derive(Debug)]
pub(crate) struct Window {
    /// What is durable.
    saved: i64,
    /// The last place that was read.
    read_to: i64,
    /// Read and not done.
    open: BTreeSet<i64>,
}

impl Window {
    /// How far past the durable cursor calls are begun.
    pub(crate) const AHEAD: i64 = 256;

    pub(crate) fn new(saved: i64) -> Self {
        Self { saved, read_to: saved, open: BTreeSet::new() }
    }

    /// Where to read on, and how many places at most.
    pub(crate) fn room(&self) -> (i64, usize) {
        (self.read_to, usize::try_from(self.saved + Self::AHEAD - self.read_to).unwrap_or_default())
    }

    /// A part of the queue was read: these places, up to `upto`.
    pub(crate) fn read(&mut self, ids: impl IntoIterator<Item = i64>, upto: i64) {
        self.open.extend(ids);
        self.read_to = self.read_to.max(upto);
    }

    /// A call is done.
    pub(crate) fn done(&mut self, id: i64) {
        self.open.remove(&id);
    }

    /// Up to where all calls are done.
    pub(crate) fn prefix(&self) -> i64 {
        self.open.first().map_or(self.read_to, |first| first - 1).max(self.saved)
    }

    /// How many places are done that the durable cursor does not say.
    pub(crate) fn unsaved(&self) -> i64 {
        self.prefix() - self.saved
    }

    /// The durable cursor is there now.
    pub(crate) fn saved(&mut self, upto: i64) {
        self.saved = upto;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_finished_prefix_is_saved() {
        let mut window = Window::new(10);
        assert_eq!((window.room(), window.prefix()), ((10, 256), 10));
        window.read([11, 12, 15], 15);
        assert_eq!(window.room(), (15, 251));
        window.done(12);
        assert_eq!(window.prefix(), 10, "11 is not done");
        window.done(11);
        assert_eq!(window.prefix(), 14, "13 and 14 were not there");
        window.done(15);
        assert_eq!(window.unsaved(), 5);
        window.saved(15);
        assert_eq!((window.unsaved(), window.room()), (0, (15, 256)));
        window.read([], 20);
        assert_eq!(window.prefix(), 20, "a part in which nothing was left");
    }
}
