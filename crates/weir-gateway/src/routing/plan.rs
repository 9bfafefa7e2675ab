//! Which deployments can serve a model, in which order.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_core::access::digest;
use weir_core::error::{Code, Error};
use weir_core::price::PriceTable;

use super::health::Deployment;
use crate::config::{AcceptConfig, ModelConfig, Strategy};
use crate::providers::Wire;
use crate::upstream::Provider;

/// Most models that one call can fall back over.
const MAX_STEPS: usize = 6;

/// One deployment that can serve a step.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who serves it.
    pub provider: Arc<Provider>,
    /// The model's name there.
    pub model: String,
    /// How it does.
    pub deployment: Arc<Deployment>,
    /// Its share.
    pub weight: u32,
}

/// Deployments of one model.
#[derive(Clone, Debug)]
pub struct Step {
    /// The model, as it is asked for.
    pub model: String,
    /// Who serves it.
    pub targets: Vec<Target>,
    /// How one is chosen.
    pub strategy: Strategy,
}

/// The steps of a call: the model that was asked for, then its fallbacks.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In order; never empty.
    pub steps: Vec<Step>,
    /// How many of the steps, from the first, are a cascade: all but the last of them may have their answer rejected.
    pub cascade: usize,
    /// What an answer of the cascade must be like.
    pub accept: AcceptConfig,
    /// The name that was asked for, and a digest of where it leads: two plans of one identity ask the same models at the
    /// same addresses. Made once, as every call that may be cached needs it.
    pub identity: String,
}

impl Plan {
    fn new(name: &str, steps: Vec<Step>, cascade: usize, accept: AcceptConfig) -> Self {
        let mut text = format!("{cascade} {accept:?}\n");
        for step in &steps {
            // Their order and shares say who is asked how often, not what may be answered.
            let mut targets: Vec<_> = step
                .targets
                .iter()
                .map(|Target { provider, model, .. }| {
                    let (name, kind, url) = (&provider.name, provider.kind.name, provider.base_url());
                    format!("{name:?} {kind} {model:?} {url:?} {:?}\n", provider.drop)
                })
                .collect();
            targets.sort_unstable();
            text.push_str("step\n");
            text.extend(targets);
        }
        let identity = format!("{name}\n{}", hex::encode(digest(text.as_bytes())));
        Self { steps, cascade, accept, identity }
    }
}

/// What names are resolved against.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub providers: &'a BTreeMap<String, Arc<Provider>>,
    pub models: &'a BTreeMap<String, ModelConfig>,
    pub prices: &'a PriceTable,
    pub deployment: &'a dyn Fn(&str) -> Arc<Deployment>,
}

impl Names<'_> {
    /// The plan for a model's name.
    ///
    /// # Errors
    /// 404 that says which providers there are.
    pub(crate) fn plan(&self, name: &str) -> Result<Plan, Error> {
        let Some(config) = self.models.get(name) else {
            return Ok(Plan::new(name, vec![self.step(name)?], 0, AcceptConfig::default()));
        };
        let own = config.cascade.len().max(1);
        if own + config.fallbacks.len() > MAX_STEPS {
            let message = format!(
                "{name:?} has {} models to try one after the other: name at most {MAX_STEPS}",
                own + config.fallbacks.len()
            );
            return Err(Error { param: Some("model".to_owned()), ..Error::new(Code::ModelNotFound, message) });
        }
        let mut steps = Vec::new();
        for model in &config.cascade {
            steps.push(self.step(model)?);
        }
        let cascade = steps.len();
        if cascade == 0 {
            steps.push(self.step(name)?);
        }
        for fallback in &config.fallbacks {
            steps.push(self.step(fallback)?);
        }
        Ok(Plan::new(name, steps, cascade, config.accept.clone()))
    }

    /// Whether a name that stands in the configuration means what it says: a prefix that is no provider is more likely
    /// misspelt than a part of a model's name, and the call would go, with its content, to whoever takes any model.
    ///
    /// # Errors
    /// Lists the providers.
    pub(crate) fn check_prefix(&self, name: &str) -> Result<(), String> {
        let Some((prefix, _)) = name.split_once('/') else { return Ok(()) };
        let is_listed = || self.providers.values().any(|p| p.models().iter().any(|m| m == name));
        if self.providers.contains_key(prefix) || self.models.contains_key(name) || is_listed() {
            return Ok(());
        }
        let providers: Vec<_> = self.providers.keys().map(String::as_str).collect();
        Err(format!(
            "{name:?} names no configured provider ({}), and no provider lists it as a model; write \"provider/model\"",
            providers.join(", ")
        ))
    }

    fn step(&self, name: &str) -> Result<Step, Error> {
        if self.models.get(name).is_some_and(|m| !m.cascade.is_empty()) {
            // Its answers are judged whole, which the other models' streams would have to wait for.
            let message =
                format!("{name:?} is a cascade, which cannot be a part of another model; name its models instead");
            return Err(Error { param: Some("model".to_owned()), ..Error::new(Code::ModelNotFound, message) });
        }
        let configured = self.models.get(name).filter(|m| !m.targets.is_empty());
        let Some(config) = configured else {
            let target = self.target(name, 1)?;
            return Ok(Step { model: name.to_owned(), targets: vec![target], strategy: Strategy::Weighted });
        };
        let targets = config.targets.iter().map(|t| self.target(&t.model, t.weight)).collect::<Result<_, _>>()?;
        Ok(Step { model: name.to_owned(), targets, strategy: config.strategy })
    }

    fn target(&self, name: &str, weight: u32) -> Result<Target, Error> {
        let (provider, model) = self.locate(name)?;
        let deployment = (self.deployment)(&format!("{}/{model}", provider.name));
        Ok(Target { provider: provider.clone(), model: model.to_owned(), deployment, weight })
    }

    /// `provider/model`; else the one provider that lists the bare name; else, by the price table, the one whose
    /// vendor makes it; else the only provider that takes any model.
    fn locate<'n>(&self, name: &'n str) -> Result<(&Arc<Provider>, &'n str), Error> {
        if let Some((prefix, model)) = name.split_once('/')
            && let Some(provider) = self.providers.get(prefix)
            && !model.is_empty()
        {
            let listed = provider.models();
            if listed.is_empty() || listed.iter().any(|m| m == model) {
                return Ok((provider, model));
            }
            let message =
                format!("provider \"{prefix}\" does not list the model {model:?}; it lists {}", listed.join(", "));
            return Err(Error { param: Some("model".to_owned()), ..Error::new(Code::ModelNotFound, message) });
        }
        let lists: Vec<_> = self.providers.values().filter(|p| p.models().iter().any(|m| m == name)).collect();
        if let [only] = lists[..] {
            return Ok((only, name));
        }
        if lists.len() > 1 {
            return Err(self.ambiguous(name, &lists));
        }
        let open: Vec<_> =
            self.providers.values().filter(|p| p.models().is_empty() && p.kind.wire != Wire::Demo).collect();
        let makers: Vec<_> = open.iter().copied().filter(|p| self.prices.lookup(p.kind.name, name).is_some()).collect();
        match (&makers[..], &open[..]) {
            ([only], _) | ([], [only]) => Ok((only, name)),
            ([_, ..], _) => Err(self.ambiguous(name, &makers)),
            ([], [_, ..]) => Err(self.ambiguous(name, &open)),
            ([], []) => Err(model_not_found(name, self.providers.keys().map(String::as_str))),
        }
    }

    fn ambiguous(&self, name: &str, providers: &[&Arc<Provider>]) -> Error {
        let ways: Vec<_> = providers.iter().map(|p| format!("\"{}/{name}\"", p.name)).collect();
        let message = format!("several providers can serve the model {name:?}: ask for {}", ways.join(" or "));
        Error { param: Some("model".to_owned()), ..Error::new(Code::ModelNotFound, message) }
    }
}

/// The 404 for a model that nobody serves.
#[must_use]
pub fn model_not_found<'a>(name: &str, providers: impl Iterator<Item = &'a str>) -> Error {
    let providers: Vec<_> = providers.collect();
    let message = format!(
        "no provider serves the model {name:?}; write it as \"provider/model\" (providers: {}), or configure one under \
         [providers.NAME]",
        providers.join(", ")
    );
    Error { param: Some("model".to_owned()), ..Error::new(Code::ModelNotFound, message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    use crate::config::Config;
    use crate::gateway::Gateway;

    /// The identity of `m`, as it is configured, where provider `a` is at that address.
    fn identity(model: &Value, a: &str) -> String {
        let provider = |url: &str| serde_json::from_value(json!({"kind": "openai", "base_url": url})).unwrap();
        let config = Config {
            models: [("m".to_owned(), serde_json::from_value(model.clone()).unwrap())].into(),
            providers: [("a".to_owned(), provider(a)), ("b".to_owned(), provider("http://127.0.0.1:2/v1"))].into(),
            ..Config::default()
        };
        let snapshot = Gateway::check(config, &|_| None);
        let snapshot = snapshot.unwrap_or_else(|e| panic!("{e}"));
        snapshot.plan("m", &|name| Arc::new(Deployment::new(name.to_owned()))).unwrap().identity.clone()
    }

    #[test]
    fn a_plans_identity_says_where_it_leads() {
        const A: &str = "http://127.0.0.1:1/v1";
        let targets = |names: &[&str]| names.iter().map(|name| json!({"model": name})).collect::<Value>();
        let own = identity(&json!({"targets": targets(&["a/x"])}), A);
        assert!(own.starts_with("m\n"));
        assert_eq!(own, identity(&json!({"targets": targets(&["a/x"])}), A));
        let both = identity(&json!({"targets": targets(&["a/x", "b/x"])}), A);
        assert_eq!(both, identity(&json!({"targets": targets(&["b/x", "a/x"]), "strategy": "latency"}), A));
        let mut all = vec![
            own,
            both,
            identity(&json!({"targets": targets(&["b/x"])}), A),
            identity(&json!({"targets": targets(&["a/y"])}), A),
            identity(&json!({"targets": targets(&["a/x"])}), "http://127.0.0.1:3/v1"),
            identity(&json!({"targets": targets(&["a/x"]), "fallbacks": ["b/x"]}), A),
            identity(&json!({"targets": targets(&["b/x"]), "fallbacks": ["a/x"]}), A),
            identity(&json!({"cascade": ["a/x", "b/x"]}), A),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8, "{all:?}");
    }
}
