//! The skip index: what values a group of about a thousand consecutive rows holds, so that a filter visits only the
//! groups that may match. It costs a few bytes per row where a b-tree with random keys costs microseconds per insert.
//!
//! Invariants: a group's entries cover every row in its range `[first_seq, end_seq)`, and a field without an entry has
//! no value in any of them. A row that is written into the range of a group drops the group in the same transaction;
//! the hole is scanned until it is built again.

pub(super) mod build;
pub(super) mod cover;
pub(super) mod entry;
pub(super) mod field;
pub(super) mod probe;
pub(super) mod walk;

pub(super) use cover::Cover;

/// Rows of a group. More is built as one only at the end of a hole.
pub(super) const ROWS: usize = if cfg!(test) { 16 } else { 1_024 };
/// The newest rows stay ungrouped: late arrivals would only break their groups.
pub(super) const TAIL: usize = if cfg!(test) { 8 } else { 8_192 };
