//! A text of a request, and what may be done to it.

use std::ops::Range;

use super::Counter;

/// Which text a passage is cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `system` of Messages.
    System,
    /// `messages`, or a completion's `prompt`.
    Main,
}

/// What may be done to a passage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Whether it may be changed at all; else it can only be what a mark points to.
    pub editable: bool,
    /// Whether a mark may stand in it. Models imitate how they seem to have answered, so not in their own words.
    pub takes_marks: bool,
    /// Whether sentences may go. Instructions of the system keep theirs.
    pub extractable: bool,
    /// Whether it asks something, so that its first and last paragraph stay and tell what is relevant.
    pub asks: bool,
    /// Whether its tokens count by themselves, and not with its message.
    pub counted: bool,
}

impl Rules {
    /// Everything may be done.
    pub(super) const FREE: Self =
        Self { editable: true, takes_marks: true, extractable: true, asks: false, counted: true };
    /// It stays, and is counted with its message.
    pub(super) const SEALED: Self =
        Self { editable: false, takes_marks: false, extractable: false, asks: false, counted: false };
}

/// A text of a request.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    /// Where its JSON string stands.
    pub source: Source,
    /// Where in it, quotes included.
    pub range: Range<usize>,
    /// Its message's index.
    pub message: Option<usize>,
    /// What may be done to it.
    pub rules: Rules,
    /// What of it may be changed.
    pub text: String,
    /// What follows and stays.
    pub tail: String,
    /// Tokens of both.
    pub tokens: u64,
    /// Whether it differs from what came.
    pub changed: bool,
}

impl Passage {
    /// Its tokens as it stands.
    pub(super) fn count(&self, counter: Counter<'_>) -> u64 {
        if self.tail.is_empty() {
            return counter.count(&self.text);
        }
        counter.count(&[&*self.text, &*self.tail].concat())
    }
}
