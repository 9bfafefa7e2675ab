//! What a judgement of readiness rests on, read once: the same on a running server and on the files of one.

use std::path::Path;

use weir_core::record::{PayloadMode, RecordConfig};
use weir_core::time::{DAY, HOUR, MINUTE, Micros};
use weir_gateway::Gateway;
use weir_gateway::config::{Config, LimitConfig};
use weir_gateway::snapshot::Snapshot;
use weir_store::backup;
use weir_store::catalog::{AlertEvaluation, ChannelDeliveries, ChannelTest};
use weir_store::evidence::Evidence;
use weir_store::telemetry::{Dimension, StatsQuery, StoreError, Telemetry, TimeRange};
use weir_watch::alerts::reads::Reads;
use weir_watch::alerts::rule_set::RuleSet;
use weir_watch::budgets::{Budget, standing};
use weir_watch::notify::Channels;
use weir_watch::readiness::{
    AlertFacts, BackupFacts, BudgetFact, CallFacts, ChannelFact, Facts, RecordFacts, RuleFact, ScoreFact,
};

/// Calls that are looked at one by one, the newest; the others are only counted.
const MAX_LOOKED_AT: u64 = 5_000;
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
    // Of long ago there are whole hours; single calls and scores are counted over the same ones.
    let from = if window > DAY { from.div_euclid(HOUR) * HOUR } else { from };
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

/// What is noted of rules and channels.
#[derive(Default)]
pub(crate) struct Seen {
    pub tests: Vec<ChannelTest>,
    pub evaluations: Vec<AlertEvaluation>,
    /// By the channel's name.
    pub deliveries: Vec<(String, ChannelDeliveries)>,
}

/// How deliveries to each channel go.
pub(crate) fn deliveries(
    channels: &Channels,
    read: impl Fn(&str) -> Result<ChannelDeliveries, StoreError>,
) -> Result<Vec<(String, ChannelDeliveries)>, StoreError> {
    channels.names().into_iter().map(|name| Ok((name.clone(), read(&name)?))).collect()
}

/// The rules that are evaluated, and the channels with their tests. `rules`: none, where rules are switched off.
pub(crate) fn alerts(rules: Option<&RuleSet>, channels: &Channels, seen: &Seen) -> AlertFacts {
    let rules = rules.into_iter().flat_map(RuleSet::iter).filter(|listed| listed.active().is_some());
    let channel = |channel: &std::sync::Arc<weir_watch::notify::Channel>| {
        let test = seen.tests.iter().find(|test| test.channel == channel.name && test.target == channel.target);
        ChannelFact {
            name: channel.name.clone(),
            tested_at: test.map(|test| test.tested_us),
            ok: test.is_some_and(|test| test.ok),
            given_up: seen
                .deliveries
                .iter()
                .find(|(name, _)| *name == channel.name)
                .filter(|(_, told)| told.given_up_us > told.delivered_us)
                .map(|(_, told)| told.error.clone().unwrap_or_default()),
        }
    };
    AlertFacts {
        rules: rules
            .map(|listed| RuleFact {
                name: listed.doc.name.clone(),
                channels: listed.doc.channels.clone(),
                has_runbook: listed.doc.runbook_url.is_some(),
                failing: seen.evaluations.iter().find(|e| e.rule == listed.id).and_then(|e| e.error.clone()),
            })
            .collect(),
        channels: channels.iter().map(channel).collect(),
    }
}

/// How `[[budgets]]` stand.
pub(crate) fn watched_budgets(
    budgets: &[Budget],
    reads: &dyn Reads,
    now: Micros,
) -> Result<Vec<BudgetFact>, StoreError> {
    let mut facts = Vec::new();
    for budget in budgets {
        let stands = standing(budget, reads, now)?;
        if stands.is_empty() {
            // Nobody has spent anything.
            let name = format!("{}, this {}", budget.name, budget.period.as_str());
            facts.push(BudgetFact { name, limit: budget.limit, spent: Some(0.0) });
        }
        facts.extend(stands.into_iter().map(|(labels, status)| {
            let of: String = labels.values().map(|value| format!(" {value}")).collect();
            let name = format!("{}{of}, this {}", status.name, status.period.as_str());
            BudgetFact { name, limit: status.limit, spent: Some(status.spent) }
        }));
    }
    Ok(facts)
}

/// The budgets of a running gateway, with what is spent of each. Those of labels that nobody has used yet are named once.
pub(crate) fn budgets(snapshot: &Snapshot, now: Micros) -> Vec<BudgetFact> {
    let mut facts = Vec::new();
    for allowance in snapshot.limits.all() {
        let owner = allowance.owner();
        facts.extend(allowance.budgets(now).into_iter().map(|budget| BudgetFact {
            name: format!("{} {}, this {}", owner.label, owner.value, budget.period),
            limit: budget.limit.as_usd(),
            spent: Some(budget.limit.as_usd() - budget.left.as_usd()),
        }));
    }
    let unused = snapshot.config.limits.iter().filter(|limit| limit.value == "*").flat_map(of_limit);
    let unused: Vec<_> = unused.map(|fact| BudgetFact { spent: Some(0.0), ..fact }).collect();
    facts.extend(unused);
    facts
}

/// The budgets of a configuration without its gateway, with what the calls in the store have spent of each.
pub(crate) fn stored_budgets<S: Telemetry>(config: &Config, store: &S, now: Micros) -> Vec<BudgetFact> {
    // Budgets go by names: whoever asks need not have the secrets.
    let secrets: Vec<&str> = config
        .keys
        .iter()
        .filter_map(|key| key.key.as_ref()?.expose().strip_prefix("env:"))
        .chain(
            config.providers.values().filter_map(|provider| provider.api_key.as_ref()?.expose().strip_prefix("env:")),
        )
        .collect();
    let env = |name: &str| {
        let placeholder = || secrets.contains(&name).then(|| format!("no-{name}-here-and-none-is-needed"));
        std::env::var(name).ok().or_else(placeholder)
    };
    let snapshot = match Gateway::check(config.clone(), &env) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::debug!(%error, "the gateway's settings cannot be used here");
            return configured_budgets(config);
        }
    };
    for allowance in snapshot.limits.all() {
        // Looking makes the period that of now.
        let _ = allowance.budgets(now);
    }
    crate::spend::restore(store, &snapshot.limits, None, now, || ());
    budgets(&snapshot, now)
}

/// The budgets of a configuration, of which nobody says what is spent.
fn configured_budgets(config: &Config) -> Vec<BudgetFact> {
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
        limit.map(|limit| BudgetFact { name: format!("{of}, this {period}"), limit, spent: None })
    };
    [("day", day), ("month", month)].into_iter().filter_map(fact).collect()
}
