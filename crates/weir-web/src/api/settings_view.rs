//! What of a configuration is shown. Pure: from what the gateway has in use to JSON, without a secret.

use std::collections::HashMap;
use std::sync::Arc;

use weir_core::filter::{Field, Filter};
use weir_core::money::NanoUsd;
use weir_core::price::{ClassRates, Entry, Model, PriceTable};
use weir_core::time::{DAY, Micros, to_rfc3339};
use weir_gateway::config::{KeyConfig, KeyRole, LimitConfig, PayloadMode};
use weir_gateway::limits::Allowance;
use weir_gateway::routing::Deployment;
use weir_gateway::snapshot::Snapshot;
use weir_store::telemetry::{Dimension, OrderBy, SpanQuery, StatsQuery, StoreError, Telemetry, TimeRange};

use super::calls_filter;
use super::number::{Usd, millis};
use super::settings_json::{
    CacheKeptJson, DeploymentJson, KeyJson, KeysAnswer, LimitJson, LimitsAnswer, PriceJson, PricesAnswer, ProviderJson,
    ProvidersAnswer, RatesJson, RetentionAnswer, TierJson, UseJson,
};

/// The days of which the use of keys is told.
const USED: Micros = 30 * DAY;
/// Most keys whose last call is looked up to the second; that of others to the day.
const LOOKED_UP: usize = 200;
/// Most limits that are listed.
const LIMITS: usize = 500;
/// Most deployments of a provider that are listed.
const DEPLOYMENTS: usize = 100;

/// What a key was used for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Used {
    calls: u64,
    cost: NanoUsd,
    last: Option<Micros>,
}

/// The keys.
pub(super) fn keys(snapshot: &Snapshot, used: &HashMap<String, Used>) -> KeysAnswer {
    let one = |key: &KeyConfig| {
        let used = used.get(&key.name).copied().unwrap_or_default();
        let variable = key.key.as_ref().and_then(|key| key.expose().strip_prefix("env:")).map(str::to_owned);
        let known_by = match (&key.key, &variable) {
            (_, Some(_)) => "env",
            (Some(_), None) => "literal",
            (None, None) => "sha256",
        };
        KeyJson {
            name: key.name.clone(),
            role: match key.role {
                KeyRole::Call => "call",
                KeyRole::Write => "write",
                KeyRole::Read => "read",
                KeyRole::Admin => "admin",
            }
            .to_owned(),
            known_by: known_by.to_owned(),
            variable,
            models: key.models.clone(),
            project: key.project.clone(),
            department: key.department.clone(),
            rpm: key.rpm,
            tpm: key.tpm,
            budget_usd_per_day: key.budget_usd_per_day,
            budget_usd_per_month: key.budget_usd_per_month,
            calls: used.calls,
            cost_usd: Usd(used.cost),
            last_used: used.last.map(to_rfc3339),
        }
    };
    KeysAnswer { open: snapshot.keyring.is_open(), keys: snapshot.config.keys.iter().map(one).collect() }
}

/// What each key was used for lately, by name.
pub(super) fn used(store: &dyn Telemetry, now: Micros) -> Result<HashMap<String, Used>, StoreError> {
    let stats = store.stats(&StatsQuery {
        range: TimeRange { from: Some(now - USED), to: Some(now) },
        filters: Vec::new(),
        group_by: vec![Dimension::Key],
        bucket: Some(DAY),
    })?;
    let mut used = HashMap::new();
    for (n, group) in stats.groups.into_iter().enumerate() {
        let Some(name) = group.values.into_iter().next().flatten() else { continue };
        let day = group.series.last().map(|(start, _)| *start);
        let last = match day {
            Some(day) if n < LOOKED_UP => last_call(store, &name, day)?.or(Some(day)),
            day => day,
        };
        used.insert(name, Used { calls: group.total.count, cost: group.total.cost, last });
    }
    Ok(used)
}

fn last_call(store: &dyn Telemetry, key: &str, since: Micros) -> Result<Option<Micros>, StoreError> {
    let page = store.spans(&SpanQuery {
        range: TimeRange { from: Some(since), to: None },
        filter: Filter::And(vec![Filter::eq(Field::Key, key), calls_filter::calls()]),
        order: OrderBy::Start,
        ascending: false,
        limit: 1,
        cursor: None,
        with_payload: false,
    })?;
    Ok(page.spans.first().and_then(|span| span.start_us))
}

/// The limits.
pub(super) fn limits(snapshot: &Snapshot, now: Micros) -> LimitsAnswer {
    let each = snapshot.config.limits.iter().filter(|limit| limit.value == "*").map(of_each);
    let mut limits: Vec<LimitJson> =
        snapshot.limits.all().iter().map(|allowance| limit(allowance, now)).chain(each).collect();
    let left = |limit: &LimitJson| {
        let all = [limit.requests, limit.tokens, limit.usd_per_day, limit.usd_per_month];
        let share = |of: UseJson| if of.limit > 0.0 { of.left / of.limit } else { 0.0 };
        all.into_iter().flatten().map(share).fold(f64::INFINITY, f64::min)
    };
    limits.sort_by(|a, b| left(a).total_cmp(&left(b)).then_with(|| (&a.label, &a.value).cmp(&(&b.label, &b.value))));
    let more = limits.len().saturating_sub(LIMITS) as u64;
    limits.truncate(LIMITS);
    LimitsAnswer { limits, more }
}

fn limit(allowance: &Arc<Allowance>, now: Micros) -> LimitJson {
    let (owner, terms, rates) = (allowance.owner(), allowance.terms(), allowance.remaining(now));
    let rate = |of: Option<(u64, u64)>| of.map(|(left, limit)| UseJson { limit: limit as f64, left: left as f64 });
    let budgets = allowance.budgets(now);
    let budget = |period: &str| {
        let found = budgets.iter().find(|budget| budget.period == period)?;
        Some(UseJson { limit: found.limit.as_usd(), left: found.left.as_usd() })
    };
    LimitJson {
        label: owner.label.clone(),
        value: owner.value.clone(),
        requests: rate(rates.requests),
        tokens: rate(rates.tokens),
        usd_per_day: budget("day"),
        usd_per_month: budget("month"),
        soft: terms.soft,
        fallback: terms.fallback.clone(),
    }
}

/// A limit that each value has for itself, before anybody has used of it.
fn of_each(config: &LimitConfig) -> LimitJson {
    let whole = |limit: Option<f64>| limit.map(|limit| UseJson { limit, left: limit });
    LimitJson {
        label: config.label.clone(),
        value: config.value.clone(),
        requests: whole(config.rpm.map(f64::from)),
        tokens: whole(config.tpm.map(|tokens| tokens as f64)),
        usd_per_day: whole(config.budget_usd_per_day),
        usd_per_month: whole(config.budget_usd_per_month),
        soft: config.budget_soft.unwrap_or(0.8),
        fallback: config.budget_fallback.clone(),
    }
}

/// The prices.
pub(super) fn prices(snapshot: &Snapshot) -> PricesAnswer {
    let built_in = PriceTable::builtin();
    // Named as the table names them.
    let configured = PriceTable::default().with_overrides(snapshot.config.prices.iter().map(Entry::from));
    let configured = configured.unwrap_or_default();
    let one = |model: &Model| {
        let is_configured = || configured.models().any(|own| own.id == model.id && own.provider == model.provider);
        let source = if !model.overridden {
            "built_in"
        } else if is_configured() {
            "configuration"
        } else {
            "file"
        };
        let before = match model.provider.as_str() {
            _ if !model.overridden => None,
            "" => built_in.lookup_any(&model.id),
            provider => built_in.lookup(provider, &model.id),
        };
        let batch = |rate: Option<i64>| rate.map(dollars);
        PriceJson {
            provider: model.provider.clone(),
            model: model.id.clone(),
            source: source.to_owned(),
            instead_of: before.map(|before| rates(&before.rates.base)),
            rates: rates(&model.rates.base),
            above: model
                .rates
                .above
                .iter()
                .map(|tier| TierJson { input_tokens: tier.input_tokens, rates: rates(&tier.rates) })
                .collect(),
            batch_input: batch(model.batch_input),
            batch_output: batch(model.batch_output),
            context: model.ctx,
            aliases: model.aliases.clone(),
            retires: model.retires.clone(),
            retired: model.retired,
        }
    };
    let table = &snapshot.prices;
    PricesAnswer { as_of: table.as_of().to_owned(), prices: table.models().map(one).collect() }
}

/// Nano-dollars per million tokens as dollars.
fn dollars(rate: i64) -> f64 {
    rate as f64 / 1e9
}

fn rates(of: &ClassRates) -> RatesJson {
    RatesJson {
        input: dollars(of.input),
        cached_input: dollars(of.cached_input),
        cache_write: dollars(of.cache_write),
        output: dollars(of.output),
    }
}

/// Retention and redaction.
pub(super) fn retention(snapshot: &Snapshot) -> RetentionAnswer {
    let (record, cache) = (&snapshot.config.record, &snapshot.config.cache);
    let payload = match record.payload {
        PayloadMode::Full => "full",
        PayloadMode::Truncated => "truncated",
        PayloadMode::Redacted => "redacted",
        PayloadMode::None => "none",
    };
    RetentionAnswer {
        calls_seconds: record.retention.map(|kept| kept.0.as_secs_f64()),
        payload: payload.to_owned(),
        max_payload_bytes: match record.payload {
            PayloadMode::None => 0,
            _ => snapshot.policy.max_payload() as u64,
        },
        plain_text: record.plain_text,
        replaces_secrets: true,
        replaces_personal_data: record.payload == PayloadMode::Redacted,
        patterns: record.redact.keys().cloned().collect(),
        project: record.project.clone(),
        journal_max_bytes: record.journal_max.0,
        cache: cache.is_on().then(|| CacheKeptJson {
            seconds: cache.ttl.0.as_secs_f64(),
            max_bytes: cache.max_size.0,
            scope: format!("{:?}", cache.scope).to_lowercase(),
            on_disk: cache.persist && record.payload == PayloadMode::Full,
        }),
        files_seconds: snapshot.config.batches.keep.0.as_secs_f64(),
    }
}

/// The providers.
pub(super) fn providers(snapshot: &Snapshot, deployments: &[Arc<Deployment>], now: Micros) -> ProvidersAnswer {
    let mut of_provider: HashMap<&str, Vec<DeploymentJson>> = HashMap::new();
    for deployment in deployments {
        let Some((provider, model)) = deployment.name.split_once('/') else { continue };
        let standing = deployment.standing(now);
        if standing.latency.is_none() && standing.out_until.is_none() && standing.in_flight == 0 {
            continue;
        }
        let state = match standing.out_until {
            None => "well",
            Some(_) if standing.blocked => "blocked",
            Some(_) => "cooling",
        };
        of_provider.entry(provider).or_default().push(DeploymentJson {
            model: model.to_owned(),
            state: state.to_owned(),
            until: standing.out_until.map(to_rfc3339),
            first_byte_ms: standing.latency.map(millis),
            in_flight: standing.in_flight,
        });
    }
    let one = |provider: &Arc<weir_gateway::upstream::Provider>| {
        let mut deployments = of_provider.remove(provider.name.as_str()).unwrap_or_default();
        deployments.sort_by(|a, b| (a.state == "well", &a.model).cmp(&(b.state == "well", &b.model)));
        deployments.truncate(DEPLOYMENTS);
        ProviderJson {
            name: provider.name.clone(),
            kind: provider.kind.name.to_owned(),
            url: shown(provider.base_url()),
            has_key: provider.has_key(),
            models: provider.models().len() as u64,
            deployments,
        }
    };
    ProvidersAnswer { providers: snapshot.providers.values().map(one).collect() }
}

/// An address without credentials and parameters; `None` for none.
fn shown(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}{}", uri.scheme_str()?, uri.host()?, uri.path().trim_end_matches('/')))
}
