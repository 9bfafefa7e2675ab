//! The gateway as the doors see it: the current snapshot, and what outlives a reload.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use http::HeaderMap;
use parking_lot::Mutex;
use weir_core::access::{Identity, presented_key};
use weir_core::error::{Code, Error};
use weir_core::observe::Observer;
use weir_core::time::Clock;

use crate::config::Config;
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
        Ok(Arc::new(Self {
            snapshot,
            deployments: Mutex::default(),
            anonymous: Arc::new(Identity::anonymous()),
            in_flight: AtomicUsize::new(0),
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
        self.snapshot.store(Arc::new(Snapshot::new(config, &around)?));
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
            return Ok(self.anonymous.clone());
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
        if known.len() < MAX_DEPLOYMENTS {
            known.insert(name.to_owned(), new.clone());
        }
        new
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

    /// Requests under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// A place among the requests under way, until it is dropped.
pub(crate) struct Admitted(Arc<Gateway>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
