//! What a judgement of readiness rests on, read once: the same on a running server and on the files of one.

use std::path::Path;

use weir_core::record::{PayloadMode, RecordConfig};
use weir_core::time::{MINUTE, Micros};
use weir_gateway::config::{Config, LimitConfig};
use weir_gateway::snapshot::Snapshot;
use weir_store::backup;
use weir_store::catalog::ChannelTest;
use weir_store::evidence::Evidence;
use weir_store::telemetry::{Dimension, StatsQuery, StoreError, Telemetry, TimeRange};
use weir_watch::alerts::rule::Rule;
use weir_watch::alerts::rule_set::RuleSet;
use weir_watch::notify::{Channel, Channels};
use weir_watch::readiness::{
    AlertFacts, BackupFacts, BudgetFact, CallFacts, ChannelFact, Facts, RecordFacts, RuleFact, ScoreFact,
};

/// Calls that are looked at one by one, the newest; the others are only counted.
const MAX_LOOKED_AT: u64 = 200_000;
/// Names of scores.
const MAX_SCORES: usize = 1_000;

/// Where it is read.
pub(crate) struct Sources<'a, S> {
    pub store: &'a S,
    pub record: &'a RecordConfig,
    /// The folder of backups.
    pub shelf: Option<&'a Path>,
    pub budgets: Vec<BudgetFact>,
    pub alerts: Option<AlertFacts>,
    /// Calls that could not be recorded.
    pub lost: u64,
}

/// Reads everything. Blocks.
pub(crate) fn facts<S: Telemetry + Evidence>(
    sources: Sources<'_, S>,
    window: Micros,
    now: Micros,
) -> Result<Facts, StoreError> {
    let to = now.saturating_add(MINUTE - 1).div_euclid(MINUTE) * MINUTE;
    let from = to.saturating_sub(window.div_euclid(MINUTE).max(1) * MINUTE);
    let range = TimeRange { from: Some(from), to: Some(to) };
    let scores = sources.store.score_means(range, MAX_SCORES)?.into_iter();
    Ok(Facts {
        now,
        window: (from, to),
        calls: calls(sources.store, range, sources.lost)?,
        scores: scores.map(|s| ScoreFact { name: s.name, count: s.count, mean: s.mean }).collect(),
        budgets: sources.budgets,
        alerts: sources.alerts,
        record: record(sources.record),
        backups: backups(sources.shelf),
    })
}

/// The rules that are in force, the channels, and the tests of these that are of their present settings.
pub(crate) fn alerts(rules: &RuleSet, channels: &Channels, tests: &[ChannelTest]) -> AlertFacts {
    let rule = |rule: &Rule| RuleFact {
        name: rule.doc.name.clone(),
        channels: rule.doc.channels.clone(),
        has_runbook: rule.doc.runbook_url.is_some(),
    };
    let channel = |channel: &std::sync::Arc<Channel>| {
        let test = tests.iter().find(|test| test.channel == channel.name && test.target == channel.target);
        ChannelFact {
            name: channel.name.clone(),
            tested_at: test.map(|test| test.tested_us),
            ok: test.is_some_and(|test| test.ok),
        }
    };
    AlertFacts {
        rules: rules.iter().filter_map(|listed| listed.active().map(rule)).collect(),
        channels: channels.iter().map(channel).collect(),
    }
}

fn calls<S: Telemetry + Evidence>(store: &S, range: TimeRange, lost: u64) -> Result<CallFacts, StoreError> {
    let stats = store.stats(&StatsQuery { range, group_by: vec![Dimension::Status], ..StatsQuery::default() })?;
    let of = |status: &str| {
        let groups = stats.groups.iter().filter(|g| g.values.first().and_then(Option::as_deref) == Some(status));
        groups.map(|group| group.total.count).sum()
    };
    let traced = store.traced(range, MAX_LOOKED_AT)?;
    Ok(CallFacts {
        count: stats.total.count,
        errors: stats.total.errors,
        rate_limited: of("rate_limited"),
        blocked: of("blocked"),
        unpriced: stats.total.unpriced,
        p95_ms: stats.total.p95_us.map(|us| us / 1e3),
        looked_at: traced.calls,
        traced: traced.traced,
        looked_since: traced.cut_at,
        lost,
    })
}

fn record(record: &RecordConfig) -> RecordFacts {
    RecordFacts {
        retention: record.retention.map(|age| Micros::try_from(age.0.as_micros()).unwrap_or(Micros::MAX)),
        redacts: matches!(record.payload, PayloadMode::Redacted | PayloadMode::None),
        patterns: record.redact.len() as u64,
    }
}

fn backups(shelf: Option<&Path>) -> BackupFacts {
    let Some(shelf) = shelf else { return BackupFacts::default() };
    let there = BackupFacts { configured: true, ..BackupFacts::default() };
    match backup::list(shelf) {
        Err(error) => BackupFacts { unreadable: Some(error.to_string()), ..there },
        Ok(all) => BackupFacts {
            count: all.len() as u64,
            newest_verified: all.iter().find(|one| one.verified.is_some()).map(|one| one.manifest.began_at),
            ..there
        },
    }
}

/// The budgets of a running gateway, with what is spent of each. Those of labels that nobody has used yet are named once.
pub(crate) fn budgets(snapshot: &Snapshot, now: Micros) -> Vec<BudgetFact> {
    let mut facts = Vec::new();
    for allowance in snapshot.limits.all() {
        let owner = allowance.owner();
        facts.extend(allowance.budgets(now).into_iter().map(|budget| BudgetFact {
            name: format!("{} {}, this {}", owner.label, owner.value, budget.period),
            limit_usd: budget.limit.as_usd(),
            spent_usd: Some(budget.limit.as_usd() - budget.left.as_usd()),
        }));
    }
    let unused = snapshot.config.limits.iter().filter(|limit| limit.value == "*").flat_map(of_limit);
    let unused: Vec<_> = unused.map(|fact| BudgetFact { spent_usd: Some(0.0), ..fact }).collect();
    facts.extend(unused);
    facts
}

/// The budgets of a configuration, of which nobody says what is spent.
pub(crate) fn configured_budgets(config: &Config) -> Vec<BudgetFact> {
    let of_key = |key: &weir_gateway::config::KeyConfig| {
        named(&format!("key {}", key.name), key.budget_usd_per_day, key.budget_usd_per_month)
    };
    config.keys.iter().flat_map(of_key).chain(config.limits.iter().flat_map(of_limit)).collect()
}

fn of_limit(limit: &LimitConfig) -> Vec<BudgetFact> {
    let of =
        if limit.value == "*" { format!("each {}", limit.label) } else { format!("{} {}", limit.label, limit.value) };
    named(&of, limit.budget_usd_per_day, limit.budget_usd_per_month)
}

fn named(of: &str, day: Option<f64>, month: Option<f64>) -> Vec<BudgetFact> {
    let fact = |(period, limit): (&str, Option<f64>)| {
        limit.map(|limit_usd| BudgetFact { name: format!("{of}, this {period}"), limit_usd, spent_usd: None })
    };
    [("day", day), ("month", month)].into_iter().filter_map(fact).collect()
}
