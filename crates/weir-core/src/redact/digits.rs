//! Runs of digit groups: what phone numbers and card numbers are looked for in.

use super::chars::{before, is_word, run_end};

/// Most groups of a run that are looked at together; a longer run is looked at in pieces.
const MOST: usize = 24;

/// Digits without anything between them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    /// What joins it to the next group; 0 at the end of the run.
    pub(super) separator: u8,
    /// A letter or `_` stands directly before or after it: part of an id, not a number.
    pub(super) touches_word: bool,
}

impl Group {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
}

/// Groups of digits joined by one of ` -./` each.
#[derive(Debug)]
pub(super) struct Run {
    groups: [Group; MOST],
    count: usize,
}

impl Run {
    /// The run whose first digit is at `start`.
    pub(super) fn at(text: &[u8], start: usize) -> Self {
        let mut run = Self { groups: [Group::default(); MOST], count: 0 };
        let mut from = start;
        for group in &mut run.groups {
            let end = run_end(text, from, |b| b.is_ascii_digit());
            let next = text.get(end).copied().unwrap_or(0);
            let touches_word = before(text, from).is_some_and(is_word) || is_word(next);
            let joins = matches!(next, b' ' | b'-' | b'.' | b'/') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
            *group = Group { start: from, end, separator: if joins { next } else { 0 }, touches_word };
            run.count += 1;
            if !joins {
                break;
            }
            from = end + 1;
        }
        run
    }

    pub(super) fn groups(&self) -> &[Group] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    /// Where the next run may begin.
    pub(super) fn end(&self, from: usize) -> usize {
        self.groups().last().map_or(from + 1, |group| group.end)
    }

    pub(super) fn digits(&self) -> usize {
        self.groups().iter().map(Group::len).sum()
    }
}
