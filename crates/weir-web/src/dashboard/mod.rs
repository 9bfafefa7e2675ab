//! The dashboard: the files that `make ui` builds from `ui/`, embedded compressed by the feature `dashboard`. Without the
//! feature [`crate::home`] stands at `/` instead, so that `cargo build` needs no Node.
//!
//! Invariants: nothing is fetched from anywhere else, and scripts come from files only. The files need no key, what they
//! show does. Addresses of pages live behind the `#`, so one file at one path serves all of them under any path prefix.

mod encoding;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};

use encoding::Encoding;

/// Styles may stand in elements: charts and floating parts place themselves so. Frames show recorded HTML from the page's
/// own memory, in a sandbox.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data: blob:; media-src blob:; font-src 'self'; frame-src blob:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
/// Built names carry a hash of the content.
const FOREVER: &str = "public, max-age=31536000, immutable";
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// A built file, compressed in the two ways that browsers read.
struct File {
    /// Where it lies below `/`.
    path: &'static str,
    br: &'static [u8],
    gz: &'static [u8],
}

/// `/` and every file.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |all, file| {
        let path = if file.path == "index.html" { "/".to_owned() } else { format!("/{}", file.path) };
        all.route(&path, get(async |headers: HeaderMap| answer(file, &headers)))
    })
}

fn answer(file: &'static File, headers: &HeaderMap) -> Response {
    let encoding = encoding::best(headers.get_all(ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()));
    let common = [
        (CONTENT_TYPE, kind(file.path)),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, if is_hashed(file.path) { FOREVER } else { "no-cache" }),
        (VARY, "accept-encoding"),
    ];
    match encoding {
        Encoding::Brotli => (common, [(CONTENT_ENCODING, "br")], file.br).into_response(),
        Encoding::Gzip => (common, [(CONTENT_ENCODING, "gzip")], file.gz).into_response(),
        Encoding::Identity => (common, encoding::unpacked(file.gz)).into_response(),
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Whether the name ends in the hash that the build puts there: `dashboard/index-D9ToLL-v.css`.
fn is_hashed(path: &str) -> bool {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    stem.len() > 9 && stem.as_bytes().get(stem.len() - 9) == Some(&b'-')
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str, accepts: &str) -> Response {
        let request = Request::get(path).header(ACCEPT_ENCODING, accepts).body(Body::empty()).unwrap();
        routes().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn every_encoding_brings_the_same_page() {
        let plain = ask("/", "identity").await;
        assert_eq!(plain.headers()[CACHE_CONTROL], "no-cache");
        assert!(plain.headers().get(CONTENT_ENCODING).is_none());
        let plain = plain.into_body().collect().await.unwrap().to_bytes();
        assert!(plain.starts_with(b"<!doctype html>"));
        let gzip = ask("/", "gzip").await;
        assert_eq!(gzip.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(encoding::unpacked(&gzip.into_body().collect().await.unwrap().to_bytes()), plain);
        assert_eq!(ask("/", "gzip, br").await.headers()[CONTENT_ENCODING], "br");
    }

    #[tokio::test]
    async fn hashed_files_are_kept_for_good() {
        let script = FILES.iter().find(|f| f.path.contains("/index-")).unwrap();
        let answer = ask(&format!("/{}", script.path), "br").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[CACHE_CONTROL], FOREVER);
        assert_eq!(ask("/dashboard/theme.js", "br").await.headers()[CACHE_CONTROL], "no-cache");
    }

    #[tokio::test]
    async fn the_policy_allows_scripts_from_files_only() {
        let answer = ask("/", "br").await;
        let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("default-src 'none'"));
        let page = encoding::unpacked(FILES.iter().find(|f| f.path == "index.html").unwrap().gz);
        let page = String::from_utf8(page).unwrap();
        assert!(page.match_indices("<script").all(|(at, _)| page[at..].contains("src=\"./")));
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}
