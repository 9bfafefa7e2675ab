//! The extractor of query parameters as pairs, refusing in the API's own form.

use axum::extract::FromRequestParts;
use http::request::Parts;
use weir_core::error::Error;

use super::respond::Refusal;

/// Decoded query parameters in their order.
pub(super) struct Query(pub(super) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) {
            Ok(pairs) => Ok(Self(pairs.0)),
            Err(e) => Err(Refusal(Error::invalid("query", format!("the query string cannot be read: {e}")))),
        }
    }
}
