//! Weir's own face: its API, who may use it, probes, metrics and the dashboard.
//!
//! Invariant: everything under `/api` needs a key with the role that its table names where keys are configured (`read`,
//! `write` for what writes); only the probes and the files of the pages need none.

pub mod api;
pub mod auth;
#[cfg(feature = "dashboard")]
mod dashboard;
mod fallback;
mod health;
mod home;
mod metrics;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use weir_core::access::Role;
use weir_gateway::Gateway;

pub use health::Report;

/// Writes the metrics page for an `Accept` header: content type and body.
pub type RenderMetrics = Arc<dyn Fn(Option<&str>) -> (&'static str, String) + Send + Sync>;

/// Says how the parts that can fail are doing.
pub type ReportHealth = Arc<dyn Fn() -> Report + Send + Sync>;

/// What the web face is made of.
pub struct Web {
    /// Knows the keys.
    pub gateway: Arc<Gateway>,
    /// The API's own parts.
    pub api: api::ApiState,
    /// The metrics page.
    pub metrics: RenderMetrics,
    /// How the parts are doing.
    pub health: ReportHealth,
}

/// All paths that are not the gateway's or a protocol's.
pub fn router(web: Web) -> Router {
    let guarded = |role, routes| auth::guarded(routes, &web.gateway, role);
    let api =
        api::routes(web.api).into_iter().fold(Router::new(), |all, (role, routes)| all.merge(guarded(role, routes)));
    let metrics = Router::new().route("/metrics", get(metrics::render)).with_state(web.metrics);
    let metrics = guarded(Role::Read, metrics);
    let health = Router::new()
        .route("/health", get(health::plain))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .with_state(web.health);
    Router::new()
        .merge(pages())
        .merge(api)
        .merge(metrics)
        .merge(health)
        .layer(middleware::from_fn(fallback::catch_panic))
}

#[cfg(feature = "dashboard")]
fn pages() -> Router {
    dashboard::routes().merge(home::routes(false))
}

#[cfg(not(feature = "dashboard"))]
fn pages() -> Router {
    home::routes(true)
}

/// Adds the answers for paths and methods that nobody has.
pub fn with_fallbacks(router: Router) -> Router {
    router.fallback(fallback::not_found).method_not_allowed_fallback(fallback::method_not_allowed)
}
