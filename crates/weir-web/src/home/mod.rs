//! The front page, until the dashboard takes its place: what to set, where to look, and the pages whose addresses MLflow's
//! client prints (`/#/experiments/1/runs/...`).
//!
//! Invariants: nothing is fetched from anywhere else, and scripts come from files only; the page itself needs no key, what
//! it shows does.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("page.html")),
    ("/home/style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("/home/main.js", SCRIPT, include_str!("main.js")),
    ("/home/api.js", SCRIPT, include_str!("api.js")),
    ("/home/pages.js", SCRIPT, include_str!("pages.js")),
    ("/home/parts.js", SCRIPT, include_str!("parts.js")),
];

/// The page and its files.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |all, (path, kind, text)| all.route(path, get(async || file(kind, text))))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
