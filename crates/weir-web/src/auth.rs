//! Who may use what: the gateway knows the keys, this layer asks it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{self, Next};
use http::{HeaderMap, Request, Response};
use weir_core::access::{Identity, Role};
use weir_core::error::{Code, Error, Form};
use weir_gateway::Gateway;
use weir_gateway::exchange::refusal;

/// The caller of a request, if it may do what needs a role.
///
/// # Errors
/// 401 without a known key where keys are configured, 403 for one without the role.
pub fn authorize(gateway: &Gateway, headers: &HeaderMap, role: Role) -> Result<Arc<Identity>, Error> {
    let identity = gateway.authenticate(headers)?;
    if identity.role < role {
        let role = format!("{role:?}").to_lowercase();
        let message = format!("key \"{}\" may not do that: it needs the role {role}", identity.name);
        return Err(Error::new(Code::PermissionDenied, message));
    }
    Ok(identity)
}

/// How a request is refused, by its headers and what is wrong.
pub type Refuse = fn(&HeaderMap, &Error) -> Response<Body>;

/// Routes that only callers of a role pass to; they find their `Arc<Identity>` in the request's extensions.
pub fn guarded(routes: Router, gateway: &Arc<Gateway>, role: Role) -> Router {
    guarded_with(routes, gateway, role, |_, error| refusal(HeaderMap::new(), error, Form::OpenAi, ""))
}

/// The same for routes of a protocol with refusals of its own.
pub fn guarded_with(routes: Router, gateway: &Arc<Gateway>, role: Role, refuse: Refuse) -> Router {
    routes.route_layer(middleware::from_fn_with_state((gateway.clone(), role, refuse), require))
}

async fn require(
    State((gateway, role, refuse)): State<(Arc<Gateway>, Role, Refuse)>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    match authorize(&gateway, request.headers(), role) {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(error) => refuse(request.headers(), &error),
    }
}
