//! The gateway as the doors see it: the current snapshot, and what outlives a reload.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use http::HeaderMap;
use parking_lot::Mutex;
use weir_core::access::{Identity, presented_key};
use weir_core::error::{Code, Error};
use weir_core::observe::Observer;
use weir_core::time::Clock;

use crate::cache::Cache;
use crate::config::{CacheConfig, Config, PayloadMode};
use crate::limits::Crossing;
use crate::prompts::Library;
use crate::record::Recorder;
use crate::routing::Deployment;
use crate::snapshot::{ConfigError, Snapshot, Surroundings};

/// Most deployments whose health is remembered; callers may send any model's name.
const MAX_DEPLOYMENTS: usize = 10_000;

/// Looks up environment variables.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a gateway is made with besides its configuration.
pub struct Parts {
    /// Environment variables.
    pub env: Env,
    /// Where finished calls go.
    pub recorder: Recorder,
    /// The prompts.
    pub prompts: Arc<Library>,
    /// The folder of what is kept across restarts; without one nothing is.
    pub data: Option<PathBuf>,
    /// Told of what happens.
    pub observer: Arc<dyn Observer>,
    /// Time.
    pub clock: Clock,
}

/// The gateway.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    deployments: Mutex<HashMap<String, Arc<Deployment>>>,
    anonymous: Arc<Identity>,
    in_flight: AtomicUsize,
    pub(crate) cache: Cache,
    pub(crate) parts: Parts,
}

impl Gateway {
    /// A gateway of a configuration.
    ///
    /// # Errors
    /// Says where the configuration is wrong and what to write instead.
    pub fn new(config: Config, parts: Parts) -> Result<Arc<Self>, ConfigError> {
        let around = Surroundings { env: &*parts.env, before: None, now: parts.clock.now() };
        let snapshot = ArcSwap::from_pointee(Snapshot::new(config, &around)?);
        let cache = Cache::open(&cache_config(&snapshot.load().config), parts.data.as_deref(), parts.clock.clone());
        Ok(Arc::new(Self {
            snapshot,
            deployments: Mutex::default(),
            anonymous: Arc::new(Identity::anonymous()),
            in_flight: AtomicUsize::new(0),
            cache,
            parts,
        }))
    }

    /// Checks a configuration without using it.
    ///
    /// # Errors
    /// As [`Gateway::new`].
    pub fn check(config: Config, env: &dyn Fn(&str) -> Option<String>) -> Result<Snapshot, ConfigError> {
        Snapshot::new(config, &Surroundings { env, before: None, now: 0 })
    }

    /// Takes another configuration into use, whole or not at all. Calls under way end under the old one.
    ///
    /// # Errors
    /// As [`Gateway::new`]; the old configuration stays.
    pub fn reload(&self, config: Config) -> Result<(), ConfigError> {
        let before = self.snapshot();
        let around = Surroundings { env: &*self.parts.env, before: Some(&before), now: self.parts.clock.now() };
        let snapshot = Snapshot::new(config, &around)?;
        self.cache.apply(&cache_config(&snapshot.config));
        self.snapshot.store(Arc::new(snapshot));
        Ok(())
    }

    /// The configuration in use.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Who is calling.
    ///
    /// # Errors
    /// 401 where keys are configured and the request has none of them.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Error> {
        let snapshot = self.snapshot.load();
        if snapshot.keyring.is_open() {
            return if is_local(headers) { Ok(self.anonymous.clone()) } else { Err(foreign()) };
        }
        let Some(key) = presented_key(headers) else {
            return Err(Error::new(
                Code::InvalidApiKey,
                "no API key: send one as \"Authorization: Bearer KEY\" (or x-api-key, api-key)",
            ));
        };
        snapshot.keyring.find(&key).cloned().ok_or_else(|| {
            Error::new(Code::InvalidApiKey, "the API key is not known; keys are configured under [[keys]]")
        })
    }

    /// The deployment of that name, with what is known of its health.
    pub(crate) fn deployment(&self, name: &str) -> Arc<Deployment> {
        let mut known = self.deployments.lock();
        if let Some(deployment) = known.get(name) {
            return deployment.clone();
        }
        let new = Arc::new(Deployment::new(name.to_owned()));
        if known.len() >= MAX_DEPLOYMENTS {
            // Those that no plan holds any more.
            known.retain(|_, deployment| Arc::strong_count(deployment) > 1);
        }
        known.insert(name.to_owned(), new.clone());
        new
    }

    /// Every deployment that was looked up, in no order.
    #[must_use]
    pub fn deployments(&self) -> Vec<Arc<Deployment>> {
        self.deployments.lock().values().cloned().collect()
    }

    /// A place among the requests under way.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) fn admit(self: &Arc<Self>, most: usize) -> Result<Admitted, Error> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= most {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            let message = format!("{most} requests are under way (gateway.max_concurrent); try again");
            return Err(Error::new(Code::Overloaded, message).retry_after_ms(1_000));
        }
        Ok(Admitted(self.clone()))
    }

    /// Tells that a budget has passed a line.
    pub(crate) fn tell(&self, crossing: &Crossing) {
        let Crossing { owner, period, line, spent, limit } = crossing;
        let (spent, limit) = (spent.as_usd(), limit.as_usd());
        let what = if *line == "soft" { "has passed its soft line" } else { "is spent" };
        tracing::warn!(line, spent_usd = spent, limit_usd = limit, "the budget of {owner} for this {period} {what}");
        self.parts.observer.budget_crossed(&owner.budget(period), line);
    }

    /// The answer cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The prompts.
    #[must_use]
    pub fn prompts(&self) -> &Arc<Library> {
        &self.parts.prompts
    }

    /// Requests under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// The cache's part of a configuration. Where recorded calls are not kept in full, answers stay in memory.
fn cache_config(config: &Config) -> CacheConfig {
    let persist = config.cache.persist && config.record.payload == PayloadMode::Full;
    CacheConfig { persist, ..config.cache.clone() }
}

/// Whether a request was meant for this machine and comes from no web page of elsewhere. Without keys a browser would
/// else let any page call models, and a name that its owner points at 127.0.0.1 read what was recorded.
fn is_local(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    let host = text(http::header::HOST);
    let origin = text(http::header::ORIGIN);
    let own = |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    host.is_none_or(is_loopback_name) && origin.is_none_or(own)
}

fn is_loopback_name(authority: &str) -> bool {
    let name = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn foreign() -> Error {
    Error::new(
        Code::PermissionDenied,
        "no keys are configured, so only requests to localhost that come from no other web page are answered; configure \
         [[keys]] to allow more",
    )
}

/// A place among the requests under way, until it is dropped.
pub(crate) struct Admitted(Arc<Gateway>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_only_this_machine_is_answered() {
        let local = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            is_local(&headers)
        };
        for host in ["localhost:8080", "127.0.0.1", "127.8.0.1:1", "[::1]:8080", "weir.localhost", "LOCALHOST."] {
            assert!(local(host, None), "{host}");
        }
        assert!(local("localhost:8080", Some("http://localhost:8080")));
        assert!(!local("localhost:8080", Some("https://evil.example")));
        assert!(!local("localhost:8080", Some("null")));
        assert!(!local("evil.example:8080", None));
        assert!(!local("127.0.0.1.evil.example", None));
        assert!(is_local(&HeaderMap::new()));
    }
}
