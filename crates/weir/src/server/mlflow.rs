//! MLflow's tracking server: its routes over the stores.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use weir_fronts::mlflow::{self, Front};
use weir_gateway::Gateway;

/// The routes, each behind its role.
pub(super) fn routes(front: &Arc<Front>, gateway: &Arc<Gateway>) -> Router {
    let guarded = |role, routes| weir_web::auth::guarded_with(routes, gateway, role, mlflow::refusal);
    let routes = mlflow::routes(front);
    let routes = routes.into_iter().fold(Router::new(), |all, (role, routes)| all.merge(guarded(role, routes)));
    // Clients ask it without a key.
    routes.route("/version", get(async || ([(CONTENT_TYPE, "text/html; charset=utf-8")], mlflow::VERSION)))
}
