//! Plain pages: what to set, where to look, and the pages whose addresses MLflow's client prints
//! (`/#/experiments/1/runs/...`). They stand at `/` where the dashboard is not built in, and always at `/home`.
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
    ("/home", HTML, include_str!("page.html")),
    ("/home/style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("/home/main.js", SCRIPT, include_str!("main.js")),
    ("/home/api.js", SCRIPT, include_str!("api.js")),
    ("/home/pages.js", SCRIPT, include_str!("pages.js")),
    ("/home/parts.js", SCRIPT, include_str!("parts.js")),
];

/// The page and its files; `first` also at `/`.
pub(crate) fn routes(first: bool) -> Router {
    let pages = FILES.iter().filter(|_| first).take(1).map(|(_, kind, text)| ("/", *kind, *text));
    let pages = pages.chain(FILES.iter().copied());
    pages.fold(Router::new(), |all, (path, kind, text)| all.route(path, get(async move || file(kind, text))))
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
