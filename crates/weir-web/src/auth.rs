//! Who may use the API: the gateway knows the keys, this layer asks it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use http::{HeaderMap, Request, Response};
use weir_core::access::Role;
use weir_core::error::{Code, Error, Form};
use weir_gateway::Gateway;
use weir_gateway::exchange::refusal;

/// Lets a request pass whose key has the role.
pub(crate) async fn require(
    State((gateway, role)): State<(Arc<Gateway>, Role)>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let refused = match gateway.authenticate(request.headers()) {
        Ok(identity) if identity.role >= role => return next.run(request).await,
        Ok(identity) => {
            let role = format!("{role:?}").to_lowercase();
            let message = format!("key \"{}\" may not do that: it needs the role {role}", identity.name);
            Error::new(Code::PermissionDenied, message)
        }
        Err(error) => error,
    };
    refusal(HeaderMap::new(), &refused, Form::OpenAi, "")
}
