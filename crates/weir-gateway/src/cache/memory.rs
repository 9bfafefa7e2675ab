//! The answers in memory: found by their key, bounded in bytes, the one that was not used for longest goes first.
//!
//! Invariants: the weight of all entries is never above the bound; every operation but shrinking and clearing takes
//! constant time. Time is passed in.

use std::collections::HashMap;
use std::sync::Arc;

use weir_core::time::Micros;

use super::entry::Entry;
use super::key::Key;

const NONE: u32 = u32::MAX;

/// The answers.
#[derive(Debug)]
pub struct Memory {
    places: HashMap<Key, u32>,
    /// The entries, linked in the order of their last use; places that are free are in `free`.
    slots: Vec<Slot>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Slot {
    entry: Option<Arc<Entry>>,
    weight: usize,
    newer: u32,
    older: u32,
}

impl Memory {
    /// An empty memory of that many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            places: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            bytes: 0,
            max_bytes,
        }
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What the entries take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The entry of a key, which counts as its use. One that has expired is removed.
    pub fn get(&mut self, key: &Key, now: Micros) -> Option<Arc<Entry>> {
        let place = *self.places.get(key)?;
        let entry = self.slots[place as usize].entry.clone()?;
        if entry.expires_us <= now {
            self.remove(key);
            return None;
        }
        if self.newest != place {
            self.unlink(place);
            self.link_newest(place);
        }
        Some(entry)
    }

    /// Stores an entry that takes `more` bytes beside its own, in place of one of the same key. Returns the keys that
    /// had to go for it; or, where it is larger than the whole bound, its own.
    pub fn put(&mut self, entry: Arc<Entry>, more: usize) -> Vec<Key> {
        let key = entry.key;
        let weight = entry.weight() + more;
        let mut gone = Vec::new();
        if weight > self.max_bytes {
            self.remove(&key);
            gone.push(key);
            return gone;
        }
        self.remove(&key);
        self.bytes += weight;
        self.shrink(&mut gone);
        let slot = Slot { entry: Some(entry), weight, newer: NONE, older: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.link_newest(place);
        self.places.insert(key, place);
        gone
    }

    /// Removes an entry; whether it was there.
    pub fn remove(&mut self, key: &Key) -> bool {
        let Some(place) = self.places.remove(key) else { return false };
        self.unlink(place);
        let slot = &mut self.slots[place as usize];
        slot.entry = None;
        self.bytes -= slot.weight;
        self.free.push(place);
        true
    }

    /// Removes what `is_wanted` does not want; returns the keys.
    pub fn retain(&mut self, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Key> {
        let entries = self.slots.iter().filter_map(|slot| slot.entry.as_deref());
        let gone: Vec<Key> = entries.filter(|entry| !is_wanted(entry)).map(|entry| entry.key).collect();
        for key in &gone {
            self.remove(key);
        }
        gone
    }

    /// Another bound; returns the keys that had to go for it.
    pub fn set_bound(&mut self, max_bytes: usize) -> Vec<Key> {
        self.max_bytes = max_bytes;
        let mut gone = Vec::new();
        self.shrink(&mut gone);
        gone
    }

    fn shrink(&mut self, gone: &mut Vec<Key>) {
        while self.bytes > self.max_bytes {
            let Some(key) = self.slots.get(self.oldest as usize).and_then(|s| s.entry.as_ref()).map(|e| e.key) else {
                return;
            };
            self.remove(&key);
            gone.push(key);
        }
    }

    fn unlink(&mut self, place: u32) {
        let Slot { newer, older, .. } = self.slots[place as usize];
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link_newest(&mut self, place: u32) {
        let before = std::mem::replace(&mut self.newest, place);
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.newer = place,
            None => self.oldest = place,
        }
        let slot = &mut self.slots[place as usize];
        (slot.newer, slot.older) = (NONE, before);
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Answer;
    use super::*;
    use proptest::prelude::*;

    fn entry(n: u8, size: usize, expires_us: Micros) -> Arc<Entry> {
        let answer = Answer { body: vec![n; size].into(), ..Answer::default() };
        Arc::new(Entry { key: Key([n; 32]), namespace: n.to_string(), created_us: 0, expires_us, answer })
    }

    /// The bytes of an entry beside its body.
    fn overhead() -> usize {
        entry(1, 0, 0).weight()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut memory = Memory::new(3 * (overhead() + 100));
        for n in 1..=3 {
            assert!(memory.put(entry(n, 100, 10), 0).is_empty());
        }
        assert!(memory.get(&Key([1; 32]), 0).is_some());
        assert_eq!(memory.put(entry(4, 100, 10), 0), [Key([2; 32])]);
        // What it takes beside its own counts too.
        assert_eq!(memory.put(entry(5, 0, 10), 100), [Key([3; 32])]);
        assert_eq!(memory.put(entry(6, overhead() + 201, 10), 0), [Key([1; 32]), Key([4; 32]), Key([5; 32])]);
        assert_eq!(memory.len(), 1);
    }

    #[test]
    fn an_entry_ends_at_its_time_and_one_too_large_never_begins() {
        let mut memory = Memory::new(overhead() + 50);
        memory.put(entry(1, 10, 5), 0);
        assert!(memory.get(&Key([1; 32]), 4).is_some());
        assert!(memory.get(&Key([1; 32]), 5).is_none());
        assert_eq!((memory.len(), memory.bytes()), (0, 0));
        memory.put(entry(1, 10, 5), 0);
        assert_eq!(memory.put(entry(1, 51, 5), 0), [Key([1; 32])]);
        assert!(memory.is_empty(), "the one that it would have replaced is out of date");
    }

    #[test]
    fn a_smaller_bound_and_a_filter_take_entries_out() {
        let mut memory = Memory::new(1 << 20);
        for n in 1..=9 {
            memory.put(entry(n, 10, 5), 0);
        }
        let mut gone = memory.retain(|e| e.namespace != "3" && e.namespace != "7");
        gone.sort_unstable();
        assert_eq!(gone, [Key([3; 32]), Key([7; 32])]);
        assert_eq!(memory.set_bound(2 * (overhead() + 10)).len(), 5);
        assert_eq!(memory.len(), 2);
        memory.set_bound(0);
        assert!(memory.is_empty());
    }

    proptest! {
        #[test]
        fn it_is_as_a_list_would_be(steps in prop::collection::vec((0_u8..4, 0_u8..6, 0_usize..40), 0..200)) {
            let max = 3 * overhead() + 60;
            let mut memory = Memory::new(max);
            // Oldest first.
            let mut list: Vec<(u8, usize)> = Vec::new();
            for (what, n, size) in steps {
                let at = list.iter().position(|(m, _)| *m == n);
                match what {
                    0 | 1 => {
                        at.map(|at| list.remove(at));
                        let mut wanted = Vec::new();
                        list.push((n, size + overhead()));
                        while list.iter().map(|(_, w)| w).sum::<usize>() > max {
                            wanted.push(Key([list.remove(0).0; 32]));
                        }
                        prop_assert_eq!(memory.put(entry(n, size, 1), 0), wanted);
                    }
                    2 => {
                        if let Some(at) = at {
                            let used = list.remove(at);
                            list.push(used);
                        }
                        prop_assert_eq!(memory.get(&Key([n; 32]), 0).is_some(), at.is_some());
                    }
                    _ => {
                        at.map(|at| list.remove(at));
                        prop_assert_eq!(memory.remove(&Key([n; 32])), at.is_some());
                    }
                }
                prop_assert_eq!(memory.len(), list.len());
                prop_assert_eq!(memory.bytes(), list.iter().map(|(_, w)| w).sum::<usize>());
                prop_assert!(memory.slots.len() <= 7, "places are used again");
            }
        }
    }
}
