//! A configuration made ready: all that a call needs, in memory, swapped whole on a reload.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;
use weir_core::access::{Identity, KeyLimits, Keyring, Role, digest};
use weir_core::error::Error;
use weir_core::money::NanoUsd;
use weir_core::price::{self, Entry, PriceTable};
use weir_core::record::RecordPolicy;
use weir_core::token::TokenCounts;

use crate::config::{Config, KeyConfig, KeyRole};
use crate::limits::{Limits, Terms, make_terms};
use crate::providers::{self, Wire, demo};
use crate::routing::{Deployment, Plan, Target};
use crate::shape::Shaping;
use crate::upstream::Provider;

/// Most model names whose plan is remembered; callers may send any name.
const MAX_PLANS: usize = 10_000;

/// What is wrong with a configuration: where, what, and what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// A configuration made ready.
pub struct Snapshot {
    /// As it was written.
    pub config: Config,
    /// The providers, by name.
    pub providers: BTreeMap<String, Arc<Provider>>,
    /// The prices.
    pub prices: PriceTable,
    /// The keys.
    pub keyring: Keyring,
    /// What is recorded.
    pub policy: RecordPolicy,
    /// What keys and labels may use.
    pub limits: Limits,
    /// What calls become before they are sent.
    pub(crate) shaping: Shaping,
    plans: RwLock<HashMap<String, Arc<Plan>>>,
}

/// What a snapshot is made with besides its configuration.
pub(crate) struct Surroundings<'a> {
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub before: Option<&'a Snapshot>,
    pub now: i64,
}

impl Snapshot {
    pub(crate) fn new(config: Config, around: &Surroundings<'_>) -> Result<Self, ConfigError> {
        let providers = make_providers(&config, around)?;
        let prices = make_prices(&config)?;
        let mut keyring = Keyring::default();
        let mut limits = Limits::default();
        let before = around.before.map(|before| &before.limits);
        for (index, key) in config.keys.iter().enumerate() {
            let (digest, identity, terms) = make_key(index, key, around.env)?;
            if identity.limits != KeyLimits::default() {
                limits.add_key(&identity.name, terms, before, around.now);
            }
            keyring.insert(digest, identity);
        }
        for (index, limit) in config.limits.iter().enumerate() {
            let wrong = |what: &str| ConfigError(format!("limits[{index}]: {what}"));
            let dollars = (limit.budget_usd_per_day, limit.budget_usd_per_month);
            let terms = make_terms((limit.rpm, limit.tpm), dollars, limit.budget_soft, limit.budget_fallback.clone());
            let terms = terms.map_err(|e| wrong(&e))?;
            limits.add_label(limit, terms, before, around.now).map_err(|e| wrong(&e))?;
        }
        let shaping = Shaping::new(&config).map_err(ConfigError)?;
        config.cache.check().map_err(ConfigError)?;
        config.batches.check().map_err(ConfigError)?;
        let policy = RecordPolicy::new(&config.record).map_err(|e| ConfigError(format!("record.redact: {e}")))?;
        let snapshot = Self { config, providers, prices, keyring, policy, limits, shaping, plans: RwLock::default() };
        snapshot.check_names()?;
        Ok(snapshot)
    }

    /// Who can serve a model.
    ///
    /// # Errors
    /// 404 that says what to write instead.
    pub fn plan(&self, name: &str, deployment: &dyn Fn(&str) -> Arc<Deployment>) -> Result<Arc<Plan>, Error> {
        if let Some(plan) = self.plans.read().get(name) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(self.names(deployment).plan(name)?);
        let mut plans = self.plans.write();
        if plans.len() >= MAX_PLANS {
            plans.clear();
        }
        plans.insert(name.to_owned(), plan.clone());
        Ok(plan)
    }

    /// Refuses models in rules that nobody serves.
    fn check_names(&self) -> Result<(), ConfigError> {
        let new = |name: &str| Arc::new(Deployment::new(name.to_owned()));
        let selected = self.config.select.iter().enumerate().map(|(n, rule)| (format!("select[{n}].use"), &rule.model));
        let keys = self.config.keys.iter().enumerate();
        let keys =
            keys.filter_map(|(n, key)| Some((format!("keys[{n}].budget_fallback"), key.budget_fallback.as_ref()?)));
        let limits = self.config.limits.iter().enumerate();
        let limits =
            limits.filter_map(|(n, l)| Some((format!("limits[{n}].budget_fallback"), l.budget_fallback.as_ref()?)));
        let own = self.config.models.keys().map(|name| (format!("models.{name}"), name));
        let names = self.names(&new);
        for (name, config) in &self.config.models {
            let cascade = config.cascade.iter().map(|model| ("cascade", model));
            for (place, model) in cascade.chain(config.fallbacks.iter().map(|model| ("fallbacks", model))) {
                names.check_prefix(model).map_err(|e| ConfigError(format!("models.{name}.{place}: {e}")))?;
            }
        }
        let used: Vec<_> = selected.chain(keys).chain(limits).collect();
        for (place, model) in &used {
            names.check_prefix(model).map_err(|e| ConfigError(format!("{place}: {e}")))?;
        }
        for (place, model) in own.chain(used) {
            names.plan(model).map_err(|e| ConfigError(format!("{place}: {}", e.message)))?;
        }
        Ok(())
    }

    fn names<'a>(&'a self, deployment: &'a dyn Fn(&str) -> Arc<Deployment>) -> crate::routing::Names<'a> {
        crate::routing::Names {
            providers: &self.providers,
            models: &self.config.models,
            prices: &self.prices,
            deployment,
        }
    }

    /// Every model that can be asked for by name: configured names, then what providers list, then, for a provider
    /// that lists none, what the price table knows of its kind.
    #[must_use]
    pub fn model_names(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> =
            self.config.models.keys().map(|name| (name.clone(), "weir".to_owned())).collect();
        for provider in self.providers.values() {
            let name = &provider.name;
            let listed = provider.models();
            if listed.is_empty() {
                let known = self.prices.models_of(provider.kind.name).filter(|m| !m.retired);
                all.extend(known.map(|m| (format!("{name}/{}", m.id), name.clone())));
            }
            all.extend(listed.iter().map(|model| (format!("{name}/{model}"), name.clone())));
        }
        all
    }

    /// What tokens cost at a target; unknown where the price is.
    #[must_use]
    pub fn cost(&self, target: &Target, response_model: Option<&str>, tokens: &TokenCounts) -> Option<NanoUsd> {
        let at = |provider: &str, model: &str| self.prices.lookup(provider, model);
        let kind = target.provider.kind.name;
        let model = at(&target.provider.name, &target.model)
            .or_else(|| at(kind, &target.model))
            .or_else(|| at(kind, response_model?));
        match model {
            Some(model) => Some(price::cost(&model.rates, tokens)),
            // Free, unless `[[prices]]` says otherwise: that is how costs and budgets are tried without a provider.
            None => (target.provider.kind.wire == Wire::Demo).then_some(NanoUsd::ZERO),
        }
    }

    /// The model of `/generate`.
    #[must_use]
    pub fn default_model(&self) -> Option<String> {
        if let Some(model) = &self.config.gateway.default_model {
            return Some(model.clone());
        }
        if let Some(name) = self.config.models.keys().next() {
            return Some(name.clone());
        }
        let real: Vec<_> = self.providers.values().filter(|p| p.kind.wire != Wire::Demo).collect();
        match real[..] {
            [only] => only.models().first().map(|model| format!("{}/{model}", only.name)),
            [] => self.providers.values().next().map(|demo| format!("{}/{}", demo.name, demo::MODELS[0])),
            _ => None,
        }
    }
}

fn make_providers(config: &Config, around: &Surroundings<'_>) -> Result<BTreeMap<String, Arc<Provider>>, ConfigError> {
    let mut configured = config.providers.clone();
    for kind in providers::ALL {
        let has_key = kind.key_env.iter().any(|name| (around.env)(name).is_some_and(|v| !v.is_empty()));
        let has_url = kind.base_url_env.iter().any(|name| (around.env)(name).is_some_and(|v| !v.is_empty()));
        let reachable = !kind.base_url.is_empty() || has_url;
        if (has_key && reachable) || has_url {
            configured.entry(kind.name.to_owned()).or_default();
        }
    }
    // The variable that Azure's own SDK reads.
    if let Some(azure) = configured.get_mut("azure") {
        azure.api_version = azure.api_version.take().or_else(|| (around.env)("AZURE_OPENAI_API_VERSION"));
    }
    if config.gateway.demo {
        let demo = configured.entry("demo".to_owned()).or_default();
        if demo.kind.as_deref().is_none_or(|kind| kind == "demo") && demo.models.is_empty() {
            demo.models = demo::MODELS.iter().map(|m| (*m).to_owned()).collect();
        }
    }
    let mut made = BTreeMap::new();
    for (name, provider) in &configured {
        if name.is_empty() || name.contains('/') {
            return Err(ConfigError(format!("providers.{name:?}: a provider's name cannot be empty or hold a slash")));
        }
        let new = Provider::new(name, provider, &config.gateway, around.env).map_err(|e| ConfigError(e.to_string()))?;
        // A provider that did not change keeps its connections.
        let kept = around.before.and_then(|b| b.providers.get(name)).filter(|old| old.is_same(&new)).cloned();
        made.insert(name.clone(), kept.unwrap_or_else(|| Arc::new(new)));
    }
    for (name, model) in &config.models {
        if model.targets.is_empty() && model.fallbacks.is_empty() && model.cascade.is_empty() {
            return Err(ConfigError(format!(
                "models.{name}: needs targets, as in targets = [{{ model = \"openai/gpt-4o\" }}]"
            )));
        }
        if !model.targets.is_empty() && !model.cascade.is_empty() {
            return Err(ConfigError(format!("models.{name}: has either targets or a cascade, not both")));
        }
        for (place, target) in model.targets.iter().map(|t| ("targets", &t.model)) {
            let known = target.split_once('/').is_some_and(|(provider, _)| made.contains_key(provider));
            if !known {
                let providers: Vec<_> = made.keys().map(String::as_str).collect();
                return Err(ConfigError(format!(
                    "models.{name}.{place}: {target:?} must be \"provider/model\" of a configured provider ({})",
                    providers.join(", ")
                )));
            }
        }
    }
    Ok(made)
}

fn make_prices(config: &Config) -> Result<PriceTable, ConfigError> {
    let mut table = (*PriceTable::builtin()).clone();
    if let Some(text) = &config.price_file {
        table = table.with_override_file(text).map_err(|e| ConfigError(format!("gateway.price_file: {e}")))?;
    }
    let entries = config.prices.iter().map(Entry::from);
    table.with_overrides(entries).map_err(|e| ConfigError(format!("prices: {e}")))
}

fn make_key(
    index: usize,
    key: &KeyConfig,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<([u8; 32], Identity, Terms), ConfigError> {
    let wrong = |what: String| ConfigError(format!("keys[{index}] ({:?}): {what}", key.name));
    if key.name.is_empty() {
        return Err(wrong("name is missing; it stands in calls and statistics".to_owned()));
    }
    let hash = match (&key.key, &key.sha256) {
        (Some(secret), None) => {
            let text = weir_core::secret::resolve(secret.expose(), env).map_err(|e| wrong(format!("key: {e}")))?;
            if text.is_empty() {
                return Err(wrong("key is empty".to_owned()));
            }
            digest(text.as_bytes())
        }
        (None, Some(text)) => {
            let mut hash = [0; 32];
            hex::decode_to_slice(text.trim(), &mut hash)
                .map_err(|_| wrong("sha256 must be 64 hex digits, as `weir key hash` prints them".to_owned()))?;
            hash
        }
        _ => return Err(wrong("needs either key = \"env:NAME\" or sha256 = \"...\"".to_owned())),
    };
    let dollars = (key.budget_usd_per_day, key.budget_usd_per_month);
    let terms = make_terms((key.rpm, key.tpm), dollars, key.budget_soft, key.budget_fallback.clone()).map_err(wrong)?;
    let identity = Identity {
        name: key.name.clone(),
        role: match key.role {
            KeyRole::Call => Role::Call,
            KeyRole::Write => Role::Write,
            KeyRole::Read => Role::Read,
            KeyRole::Admin => Role::Admin,
        },
        models: key.models.clone(),
        limits: terms.limits,
        project: key.project.clone(),
        department: key.department.clone(),
    };
    Ok((hash, identity, terms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(more: &Value) -> Result<(), String> {
        let providers = json!({
            "openai": {"kind": "openai", "api_key": "k"},
            "hub": {"kind": "openai", "api_key": "k", "base_url": "http://127.0.0.1:9", "models": ["meta-llama/Llama"]},
        });
        let or = |part: &str, empty: Value| more.get(part).cloned().unwrap_or(empty);
        let config = Config {
            providers: serde_json::from_value(providers).unwrap(),
            models: serde_json::from_value(or("models", json!({}))).unwrap(),
            select: serde_json::from_value(or("select", json!([]))).unwrap(),
            keys: serde_json::from_value(or("keys", json!([]))).unwrap(),
            limits: serde_json::from_value(or("limits", json!([]))).unwrap(),
            ..Config::default()
        };
        let around = Surroundings { env: &|_| None, before: None, now: 0 };
        Snapshot::new(config, &around).map(|_| ()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_misspelt_provider_is_refused_wherever_a_model_is_named() {
        let named = |model: &str| {
            [
                (json!({"models": {"m": {"cascade": [model]}}}), "models.m.cascade"),
                (
                    json!({"models": {"m": {"targets": [{"model": "openai/a"}], "fallbacks": [model]}}}),
                    "models.m.fallb",
                ),
                (json!({"select": [{"use": model}]}), "select[0].use"),
                (json!({"keys": [{"name": "k", "key": "s", "budget_fallback": model}]}), "keys[0].budget_fallback"),
                (
                    json!({"limits": [{"label": "user", "value": "*", "budget_fallback": model}]}),
                    "limits[0].budget_fallback",
                ),
            ]
        };
        for (config, place) in named("openia/gpt-4o") {
            let error = checked(&config).unwrap_err();
            assert!(error.starts_with(place) && error.contains("openai)"), "{error}");
        }
        for right in ["openai/gpt-4o", "meta-llama/Llama", "gpt-4o"] {
            for (config, _) in named(right) {
                assert_eq!(checked(&config), Ok(()), "{config}");
            }
        }
    }

    #[test]
    fn more_models_than_are_tried_are_refused() {
        let fallbacks = |n| {
            checked(&json!({"models": {"m": {"targets": [{"model": "openai/a"}], "fallbacks": vec!["openai/b"; n]}}}))
        };
        assert_eq!(fallbacks(5), Ok(()));
        assert!(fallbacks(6).unwrap_err().contains("at most 6"));
    }
}
