//! The series of a route: everything that a call of one model by one provider updates, found by one look-up.
//!
//! Invariants: a series appears when it is first recorded, not before; at most as many routes are remembered as a
//! metric may have series, and what is not remembered is put together for each call with the same result.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use crate::prometheus::cells::{Cell, Count, Dollars, Measure, Timing};
use crate::prometheus::names::cut;
use crate::prometheus::sets::{ERROR_TYPES, OTEL_TOKEN_TYPES, STATUSES, TOKEN_TYPES, otel_provider};
use crate::prometheus::vector::Vector;

/// A series that is made when it is first needed.
#[derive(Debug)]
pub(crate) struct Lazy<C>(OnceLock<C>);

impl<C> Default for Lazy<C> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<C: Cell> Lazy<C> {
    pub(crate) fn of(&self, vector: &Vector<C>, values: &[&str]) -> &C {
        self.0.get_or_init(|| vector.get(values))
    }
}

/// The label values of a route; those of models are bounded names already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteName<'a> {
    pub(crate) model: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) response_model: &'a str,
}

impl RouteName<'_> {
    /// The values with their lengths before them, so that no two routes have the same key.
    fn key(&self) -> Vec<u8> {
        let parts = [self.model, self.provider, self.operation, self.response_model];
        let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
        for part in parts {
            // Cut values fit a byte; a longer one could only be cut the same way again.
            key.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
            key.extend_from_slice(part.as_bytes());
        }
        key
    }
}

/// The series of a route.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) model: Arc<str>,
    pub(crate) provider: Box<str>,
    operation: &'static str,
    otel_provider: Box<str>,
    response_model: Box<str>,
    pub(crate) requests: [Lazy<Count>; STATUSES.len()],
    pub(crate) errors: [Lazy<Count>; ERROR_TYPES.len()],
    pub(crate) tokens: [Lazy<Count>; TOKEN_TYPES.len()],
    pub(crate) gateway_limits: Lazy<Count>,
    pub(crate) latency: Lazy<Timing>,
    pub(crate) first_token: Lazy<Timing>,
    pub(crate) per_token: Lazy<Timing>,
    pub(crate) cost: Lazy<Dollars>,
    /// By error type; the last one is for none.
    pub(crate) client_duration: [Lazy<Timing>; ERROR_TYPES.len() + 1],
    /// By error type; the last one is for none.
    pub(crate) server_duration: [Lazy<Timing>; ERROR_TYPES.len() + 1],
    pub(crate) token_usage: [Lazy<Measure>; OTEL_TOKEN_TYPES.len()],
    pub(crate) server_first_token: Lazy<Timing>,
    pub(crate) server_per_token: Lazy<Timing>,
}

impl Route {
    fn new(name: RouteName<'_>) -> Self {
        Self {
            model: Arc::from(name.model),
            provider: Box::from(name.provider),
            operation: name.operation,
            otel_provider: Box::from(otel_provider(name.provider)),
            response_model: Box::from(name.response_model),
            requests: Default::default(),
            errors: Default::default(),
            tokens: Default::default(),
            gateway_limits: Lazy::default(),
            latency: Lazy::default(),
            first_token: Lazy::default(),
            per_token: Lazy::default(),
            cost: Lazy::default(),
            client_duration: Default::default(),
            server_duration: Default::default(),
            token_usage: Default::default(),
            server_first_token: Lazy::default(),
            server_per_token: Lazy::default(),
        }
    }

    /// OpenTelemetry's label values, as far as every one of its metrics has them.
    pub(crate) fn otel(&self) -> [&str; 4] {
        [self.operation, &self.otel_provider, &self.model, &self.response_model]
    }

    /// The same and one more.
    pub(crate) fn otel_and<'a>(&'a self, last: &'a str) -> [&'a str; 5] {
        let [operation, provider, model, response] = self.otel();
        [operation, provider, model, response, last]
    }
}

/// The routes that are remembered.
#[derive(Debug)]
pub(crate) struct Routes {
    max: usize,
    routes: RwLock<HashMap<Vec<u8>, Arc<Route>>>,
}

impl Routes {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, routes: RwLock::default() }
    }

    /// The series of a route.
    pub(crate) fn get(&self, name: RouteName<'_>) -> Arc<Route> {
        let name = RouteName { provider: cut(name.provider), ..name };
        let key = name.key();
        let full = {
            let routes = self.routes.read();
            if let Some(route) = routes.get(&key) {
                return Arc::clone(route);
            }
            routes.len() >= self.max
        };
        let route = Arc::new(Route::new(name));
        if full {
            return route;
        }
        Arc::clone(self.routes.write().entry(key).or_insert(route))
    }
}
