//! Alerts: rules over recorded traffic, what they say of each series, and what is told.
//!
//! Pure: a rule is read and checked ([`parse`], [`rule`]), a condition judges its values ([`judge`]), and a series moves
//! from state to state ([`series`]).

pub mod document;
pub mod judge;
pub mod measure;
pub mod mute;
pub mod parse;
pub mod rule;
#[cfg(test)]
mod rule_tests;
pub mod series;
#[cfg(test)]
mod series_tests;
