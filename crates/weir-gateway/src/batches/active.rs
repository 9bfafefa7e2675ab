//! A batch under way: which request is next, which wait for another attempt, which are answered. No I/O but the group
//! of written lines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use weir_core::time::Micros;
use weir_core::token::TokenCounts;
use weir_store::catalog::{BatchProblem, BatchRecord};

use super::pace::Pace;
use super::part::Part;
use super::validate::Slot;

/// Why requests that were not made are not made any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// The caller said so.
    Cancelled,
    /// Its time is up.
    Expired,
    /// It cannot go on.
    Failed(BatchProblem),
}

/// One attempt at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    /// Position of the request in the input.
    pub position: u32,
    /// Attempts before this one that ended in what may pass.
    pub tries: u32,
}

/// A line of output that is to be written.
#[derive(Debug)]
pub(super) struct Answer {
    pub position: u32,
    pub line: Vec<u8>,
    pub good: bool,
    pub tokens: TokenCounts,
}

/// A batch under way.
#[derive(Debug)]
pub(super) struct Active {
    pub record: BatchRecord,
    /// `None` where it is gone and nothing is asked any more.
    pub input: Option<Arc<File>>,
    pub slots: Vec<Slot>,
    pub halt: Option<Halt>,
    pub pace: Pace,
    pub under_way: usize,
    /// When it last had its turn.
    pub turn: u64,
    pub answers: Part,
    pub failures: Part,
    /// Answered, and written.
    pub done: Vec<bool>,
    /// Answered, to be written.
    pub unwritten: Vec<Answer>,
    /// Bytes of its files that are counted as used room.
    pub counted: u64,
    next: usize,
    again: BinaryHeap<Reverse<(Micros, Attempt)>>,
    /// Whether a request that was not made yet comes before one that is due again: they alternate, so that none that is
    /// refused each time holds up the rest.
    fresh_first: bool,
    /// No attempt to write before this, after one that failed.
    pub write_after: Micros,
}

impl Active {
    /// A batch whose requests that are `done` have been answered before.
    pub(super) fn new(
        record: BatchRecord,
        input: Option<File>,
        slots: Vec<Slot>,
        done: Vec<bool>,
        answers: Part,
        failures: Part,
    ) -> Self {
        let counted = answers.length() + failures.length();
        Self {
            record,
            input: input.map(Arc::new),
            slots,
            halt: None,
            pace: Pace::default(),
            under_way: 0,
            turn: 0,
            answers,
            failures,
            done,
            unwritten: Vec::new(),
            counted,
            next: 0,
            again: BinaryHeap::new(),
            fresh_first: false,
            write_after: 0,
        }
    }

    /// The next request to make, if one may be made now.
    pub(super) fn take(&mut self, now: Micros) -> Option<Attempt> {
        // Nothing is asked while answers cannot be written: they would only pile up.
        if self.halt.is_some() || self.write_after > now || !self.pace.has_room(self.under_way, now) {
            return None;
        }
        let ahead = self.done.get(self.next..).and_then(|rest| rest.iter().position(|done| !done));
        let fresh = ahead.map(|ahead| self.next + ahead);
        let due = self.again.peek().is_some_and(|Reverse((at, _))| *at <= now);
        let again = if due && (fresh.is_none() || !self.fresh_first) { self.again.pop() } else { None };
        self.fresh_first = again.is_some();
        let attempt = match again {
            Some(Reverse((_, attempt))) => attempt,
            None => {
                let position = fresh?;
                self.next = position + 1;
                Attempt { position: u32::try_from(position).ok()?, tries: 0 }
            }
        };
        self.under_way += 1;
        Some(attempt)
    }

    /// An attempt that is to be made again at a time.
    pub(super) fn put_back(&mut self, attempt: Attempt, at: Micros) {
        self.again.push(Reverse((at, attempt)));
    }

    /// When there is something to do that nothing else tells of.
    pub(super) fn wakes_at(&self, now: Micros) -> Option<Micros> {
        if self.halt.is_some() {
            return (!self.unwritten.is_empty()).then_some(self.write_after);
        }
        let again = self.again.peek().map(|Reverse((at, _))| (*at).max(self.pace.pause_ends(now).unwrap_or(0)));
        let writes = (!self.unwritten.is_empty()).then_some(self.write_after);
        [again, self.pace.pause_ends(now), writes, self.record.expires_us].into_iter().flatten().min()
    }

    /// Whether nothing more happens to it: all is answered, or what is left is not made any more.
    pub(super) fn is_over(&self) -> bool {
        let settled = self.under_way == 0 && self.unwritten.is_empty();
        settled && (self.halt.is_some() || (self.again.is_empty() && self.done[self.next..].iter().all(|done| *done)))
    }

    /// Writes the answers that came since the last time, each group with one sync, and counts them.
    ///
    /// # Errors
    /// When the disk is full or fails; the answers stay to be written.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for answer in &self.unwritten {
            if answer.good { &mut good } else { &mut bad }.extend_from_slice(&answer.line);
        }
        if !good.is_empty() {
            self.answers.append(&good)?;
            self.settle(true);
        }
        if !bad.is_empty() {
            self.failures.append(&bad)?;
            self.settle(false);
        }
        Ok(())
    }

    fn settle(&mut self, good: bool) {
        for answer in self.unwritten.extract_if(.., |answer| answer.good == good) {
            self.done[answer.position as usize] = true;
            self.record.usage = self.record.usage.saturating_add(answer.tokens);
            let counts = &mut self.record.counts;
            *(if good { &mut counts.completed } else { &mut counts.failed }) += 1;
        }
    }
}

/// The next request to make of any of the batches: of the one that has waited longest among those that have one.
pub(super) fn next_in_turn<'a>(
    batches: &'a mut [Active],
    turn: &mut u64,
    now: Micros,
) -> Option<(&'a mut Active, Attempt)> {
    batches.sort_by_key(|batch| batch.turn);
    let (batch, attempt) = batches.iter_mut().find_map(|batch| batch.take(now).map(|attempt| (batch, attempt)))?;
    *turn += 1;
    batch.turn = *turn;
    Some((batch, attempt))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use weir_core::time::SECOND;

    #[test]
    fn batches_take_turns() {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let mut batches: Vec<Active> =
            folders.iter().zip([4, 2, 1]).map(|(folder, count)| active(folder.path(), &vec![false; count])).collect();
        for (batch, id) in batches.iter_mut().zip(["a", "b", "c"]) {
            batch.record.id = id.to_owned();
        }
        let mut turn = 0;
        let mut next = || next_in_turn(&mut batches, &mut turn, 0).map(|(batch, _)| batch.record.id.clone());
        let order: String = std::iter::from_fn(&mut next).collect();
        assert_eq!(order, "abcabaa");
    }

    pub(in super::super) fn active(folder: &std::path::Path, done: &[bool]) -> Active {
        let part = |name: &str| Part::open(&folder.join(name), |_| true).unwrap();
        let input = Some(File::create(folder.join("in")).unwrap());
        let slots = vec![Slot { offset: 0, length: 0 }; done.len()];
        Active::new(BatchRecord::default(), input, slots, done.to_vec(), part("out"), part("err"))
    }

    fn answer(position: u32, good: bool) -> Answer {
        Answer { position, line: format!("{position}\n").into_bytes(), good, tokens: TokenCounts::of(1, 2) }
    }

    #[test]
    fn what_is_done_is_left_out_and_what_failed_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = active(folder.path(), &[true, false, true, false]);
        let first = batch.take(0).unwrap();
        assert_eq!(first, Attempt { position: 1, tries: 0 });
        assert_eq!(batch.take(0).unwrap().position, 3);
        assert_eq!(batch.take(0), None);
        batch.under_way = 0;
        batch.put_back(Attempt { tries: 1, ..first }, SECOND);
        assert!(!batch.is_over());
        assert_eq!((batch.take(0), batch.wakes_at(0)), (None, Some(SECOND)));
        assert_eq!(batch.take(SECOND), Some(Attempt { position: 1, tries: 1 }));
        batch.under_way = 0;
        assert!(batch.is_over(), "position 3 was taken, and nothing waits");
    }

    #[test]
    fn what_is_due_again_and_what_was_not_made_alternate() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = active(folder.path(), &[false; 5]);
        let first = [batch.take(0), batch.take(0)].map(Option::unwrap);
        first.into_iter().for_each(|attempt| batch.put_back(attempt, SECOND));
        let order: Vec<u32> = std::iter::from_fn(|| batch.take(SECOND)).map(|attempt| attempt.position).collect();
        assert_eq!(order, [0, 2, 1, 3, 4]);
    }

    #[test]
    fn answers_count_when_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = active(folder.path(), &[false; 3]);
        while batch.take(0).is_some() {}
        batch.under_way = 0;
        batch.unwritten = vec![answer(0, true), answer(1, false), answer(2, true)];
        assert!(!batch.is_over());
        batch.write().unwrap();
        assert!(batch.is_over());
        assert_eq!((batch.record.counts.completed, batch.record.counts.failed), (2, 1));
        assert_eq!(batch.record.usage, TokenCounts::of(3, 6));
        assert_eq!(std::fs::read_to_string(folder.path().join("out")).unwrap(), "0\n2\n");
        assert_eq!(std::fs::read_to_string(folder.path().join("err")).unwrap(), "1\n");
    }

    #[test]
    fn a_halted_batch_begins_nothing_and_ends_with_what_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = active(folder.path(), &[false; 3]);
        assert!(batch.take(0).is_some());
        batch.halt = Some(Halt::Cancelled);
        assert_eq!(batch.take(0), None);
        assert!(!batch.is_over());
        batch.under_way = 0;
        assert!(batch.is_over());
    }
}
