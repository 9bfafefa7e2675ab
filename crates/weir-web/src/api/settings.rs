//! `/api/v1/settings`: what is configured and in use, for people. It is changed in the configuration file alone, which is read
//! again as it changes.
//!
//! Invariant: no answer holds a secret, its hash, or the value of a header.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use weir_core::error::Error;
use weir_gateway::Gateway;
use weir_gateway::routing::Deployment;
use weir_gateway::snapshot::Snapshot;

use super::query::Query;
use super::read::refusal;
use super::respond::{ErrorAnswer, Refusal, json};
use super::settings_json::{KeysAnswer, LimitsAnswer, PricesAnswer, ProvidersAnswer, RetentionAnswer, StorageAnswer};
use super::state::Shared;
use super::{params, settings_view};

/// What is configured.
pub trait Configured: Send + Sync {
    /// The configuration in use.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Models at providers that were called, with their health.
    fn deployments(&self) -> Vec<Arc<Deployment>>;
}

impl Configured for Gateway {
    fn snapshot(&self) -> Arc<Snapshot> {
        Self::snapshot(self)
    }

    fn deployments(&self) -> Vec<Arc<Deployment>> {
        Self::deployments(self)
    }
}

/// Measures the room that is taken. May block.
pub type MeasureStorage = Arc<dyn Fn() -> Result<StorageAnswer, Error> + Send + Sync>;

/// The keys, what they may do and when they were used; needs a key of role `admin`.
#[utoipa::path(
    get,
    path = "/api/v1/settings/keys",
    operation_id = "getKeys",
    tag = "settings",
    responses(
        (status = 200, description = "The keys, without the keys", body = KeysAnswer),
        (status = 403, description = "The key is not one of role `admin`", body = ErrorAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn keys(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let (snapshot, now) = (shared.configured.snapshot(), shared.clock.now());
    let answer = move |store: &dyn weir_store::telemetry::Telemetry| {
        Ok(settings_view::keys(&snapshot, &settings_view::used(store, now).map_err(refusal)?))
    };
    Ok(json(shared.reads.json(answer).await?))
}

/// What keys, departments and other labels may use, and what of it is left now.
#[utoipa::path(
    get,
    path = "/api/v1/settings/limits",
    operation_id = "getLimits",
    tag = "settings",
    responses((status = 200, description = "The limits", body = LimitsAnswer))
)]
pub(super) async fn limits(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let (snapshot, now) = (shared.configured.snapshot(), shared.clock.now());
    Ok(json(shared.reads.json(move |_| Ok(settings_view::limits(&snapshot, now))).await?))
}

/// What models cost: the built-in table with the operator's own prices over it.
#[utoipa::path(
    get,
    path = "/api/v1/settings/prices",
    operation_id = "getPrices",
    tag = "settings",
    responses((status = 200, description = "The prices", body = PricesAnswer))
)]
pub(super) async fn prices(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let snapshot = shared.configured.snapshot();
    Ok(json(shared.reads.json(move |_| Ok(settings_view::prices(&snapshot))).await?))
}

/// What is kept of calls, for how long, and what is replaced before it is written down.
#[utoipa::path(
    get,
    path = "/api/v1/settings/retention",
    operation_id = "getRetention",
    tag = "settings",
    responses((status = 200, description = "Retention and redaction", body = RetentionAnswer))
)]
pub(super) async fn retention(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let snapshot = shared.configured.snapshot();
    Ok(json(shared.reads.json(move |_| Ok(settings_view::retention(&snapshot))).await?))
}

/// The providers, and how their models do since the start.
#[utoipa::path(
    get,
    path = "/api/v1/settings/providers",
    operation_id = "getProviders",
    tag = "settings",
    responses((status = 200, description = "The providers, without their keys", body = ProvidersAnswer))
)]
pub(super) async fn providers(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let (snapshot, deployments) = (shared.configured.snapshot(), shared.configured.deployments());
    let now = shared.clock.now();
    Ok(json(shared.reads.json(move |_| Ok(settings_view::providers(&snapshot, &deployments, now))).await?))
}

/// The room that is taken, by file and table, and what is stored.
#[utoipa::path(
    get,
    path = "/api/v1/settings/storage",
    operation_id = "getStorage",
    tag = "settings",
    responses(
        (status = 200, description = "The room that is taken", body = StorageAnswer),
        (status = 503, description = "The store cannot answer now", body = ErrorAnswer),
    )
)]
pub(super) async fn storage(State(shared): State<Shared>, Query(pairs): Query) -> Result<Response, Refusal> {
    params::none(&pairs)?;
    let measure = shared.storage.clone();
    Ok(json(shared.reads.json(move |_| measure()).await?))
}
