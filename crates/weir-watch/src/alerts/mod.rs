//! Alerts: rules over recorded traffic, what they say of each series, and what is told.
//!
//! Pure but for [`live`], [`reads`] and [`files`]: a rule is read and checked ([`parse`], [`rule`]), what it looks at is
//! read once ([`stretch`], [`data`]) and seen at an instant ([`observe`]), a condition judges it ([`judge`], [`verdict`]),
//! and a series moves from state to state ([`series`], [`course`]). The worker and dry runs do the same.

pub mod cells;
pub mod course;
pub mod data;
pub mod document;
pub mod dry_run;
pub mod files;
pub mod judge;
pub mod live;
pub mod measure;
pub mod mute;
pub mod observe;
pub mod parse;
pub mod reads;
pub mod rule;
pub mod rule_set;
#[cfg(test)]
mod rule_tests;
pub mod series;
#[cfg(test)]
mod series_tests;
pub mod stretch;
pub mod told;
pub mod verdict;
