//! What the checks judge, read once.

use weir_core::time::Micros;

/// Everything that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// When they were read.
    pub now: Micros,
    /// The window that calls and scores are of, half-open.
    pub window: (Micros, Micros),
    /// The calls of the window.
    pub calls: CallFacts,
    /// The scores of the window, by name.
    pub scores: Vec<ScoreFact>,
    /// The budgets in their present periods.
    pub budgets: Vec<BudgetFact>,
    /// Alert rules and channels; `None` when they cannot be looked at.
    pub alerts: Option<AlertFacts>,
    /// How calls are recorded.
    pub record: RecordFacts,
    /// The backups.
    pub backups: BackupFacts,
}

/// The calls of the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFacts {
    /// All of them.
    pub count: u64,
    /// Those that failed, as `weir stats` counts them: status error, `rate_limited` or blocked.
    pub errors: u64,
    /// Of these, those that Weir refused for a limit.
    pub rate_limited: u64,
    /// Of these, those that Weir refused for a budget, a permission or a guardrail.
    pub blocked: u64,
    /// Those whose cost is not known.
    pub unpriced: u64,
    /// 95th percentile of latency, milliseconds.
    pub p95_ms: Option<f64>,
    /// Calls of which it was counted whether they have their ids.
    pub looked_at: u64,
    /// Those with a trace id and a request id.
    pub traced: u64,
    /// Where not all of the window was looked at: since when.
    pub looked_since: Option<Micros>,
    /// Calls that could not be recorded since the server's start; 0 where no server is asked.
    pub lost: u64,
}

/// The scores of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreFact {
    /// The name.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
}

/// A budget.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetFact {
    /// Whose, and of which period: `department finance, this month`.
    pub name: String,
    /// How much may be spent: dollars or tokens.
    pub limit: f64,
    /// How much was so far; `None` where that cannot be read from the rollups.
    pub spent: Option<f64>,
}

/// Alert rules and channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertFacts {
    /// The rules that are in force.
    pub rules: Vec<RuleFact>,
    /// The channels.
    pub channels: Vec<ChannelFact>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFact {
    /// Its name.
    pub name: String,
    /// The channels that are told.
    pub channels: Vec<String>,
    /// Whether it names a runbook.
    pub has_runbook: bool,
    /// Why its last evaluation could not be done, if it could not.
    pub failing: Option<String>,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelFact {
    /// Its name.
    pub name: String,
    /// When it was last tested with its present settings.
    pub tested_at: Option<Micros>,
    /// Whether that test was taken.
    pub ok: bool,
    /// Why the last notification was given up, if none was delivered since.
    pub given_up: Option<String>,
}

/// How calls are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordFacts {
    /// Calls older than this are deleted, microseconds.
    pub retention: Option<Micros>,
    /// Whether personal data is replaced, or no text is kept.
    pub redacts: bool,
    /// Patterns of the deployment's own that are replaced.
    pub patterns: u64,
}

/// The backups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupFacts {
    /// Whether a folder of backups is configured.
    pub configured: bool,
    /// Why it cannot be read, if it cannot.
    pub unreadable: Option<String>,
    /// Backups in it.
    pub count: u64,
    /// When the newest began that was restored on trial.
    pub newest_verified: Option<Micros>,
}
