//! The metrics page.

use axum::extract::State;
use axum::response::IntoResponse;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::RenderMetrics;

pub(crate) async fn render(State(render): State<RenderMetrics>, headers: HeaderMap) -> impl IntoResponse {
    let (kind, body) = render(headers.get(ACCEPT).and_then(|v| v.to_str().ok()));
    ([(CONTENT_TYPE, kind)], body)
}
