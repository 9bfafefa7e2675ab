//! Alerts of a running server: every rule is evaluated when it is due, and what changes is written with what is told.
//!
//! Invariants: an instant of a rule is judged once; the state that follows, its line of history and its notifications are
//! one transaction, so that kill -9 neither loses nor doubles anything; what could not be written is judged again. Rules,
//! series, reads and history are bounded. A rule that is switched off keeps its alerts as they are; those of a rule that is
//! gone end.

mod alerter;
mod ask;
mod book;
#[cfg(test)]
mod groups_tests;
#[cfg(test)]
mod missed_tests;
mod mutes;
mod records;
mod replay;
mod round;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod values_tests;

pub use alerter::{Alerter, Meter, Parts, Setup};
pub use ask::{AskError, Shown, Shows};
pub use records::Kept;
pub use replay::{MAX_REPLAY, Replayed};
