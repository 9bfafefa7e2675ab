//! Whether a service is ready for production: one line per check, each with its figure, its target and what to do.
//!
//! Pure: the facts are read once (by the binary) and every check judges them against the targets. A check is one file in
//! `checks/` and one row in [`checks::ALL`].
//!
//! The whole is ready when no line fails. A line that cannot be judged, for want of calls or of something to look at, is
//! unknown; it does not count against the whole unless [`Targets::unknown_fails`].

mod checks;
mod facts;
mod report;
mod targets;
#[cfg(test)]
mod tests;

pub use facts::{AlertFacts, BackupFacts, BudgetFact, CallFacts, ChannelFact, Facts, RecordFacts, RuleFact, ScoreFact};
pub use report::{Bound, Figure, Line, Report, Verdict};
pub use targets::Targets;

/// The ids of all checks, in the order of the report.
#[must_use]
pub fn ids() -> Vec<&'static str> {
    checks::ALL.iter().map(|check| check.id).collect()
}

/// Judges the facts. Checks that the targets skip have no line.
#[must_use]
pub fn judge(facts: &Facts, targets: &Targets) -> Report {
    let wanted = checks::ALL.iter().filter(|check| !targets.skip.iter().any(|id| id == check.id));
    Report::new(facts, wanted.map(|check| check.line(facts, targets)).collect(), targets.unknown_fails)
}
