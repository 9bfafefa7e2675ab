//! `/api/v1/openapi.json`: what the API is, made from its code.

use std::sync::LazyLock;

use axum::response::Response;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::respond::json;

/// The frame of the document; the routes fill it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Weir",
        description = "Weir's own API over recorded calls. Errors answer as \
                       `{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`. Where keys are configured, every \
                       endpoint needs one of role `read` or higher, and those that write say what they need.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact()
    ),
    security((), ("key" = [])),
    tags(
        (name = "calls", description = "Recorded calls"),
        (name = "stats", description = "Figures over calls"),
        (name = "workflows", description = "Decisions, tools and retrievals of workflows"),
        (name = "traces", description = "Everything that belongs together, step by step"),
        (name = "prompts", description = "Versions of prompts"),
        (name = "scores", description = "Judgements of calls and traces"),
        (name = "anomalies", description = "What changed, since when and why"),
        (name = "alerts", description = "Who is told when: rules, alerts, budgets, objectives"),
        (name = "channels", description = "Where alerts are told, and what became of it"),
        (name = "settings", description = "What is configured and in use, and the room that is taken"),
        (name = "cache", description = "Answers that are given again"),
        (name = "meta", description = "The server itself")
    ),
    modifiers(&Key)
)]
pub(super) struct Frame;

struct Key;

impl Modify for Key {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The document as it is checked in and served.
pub(super) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| super::openapi().to_pretty_json().unwrap_or_default() + "\n");
    &TEXT
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "getOpenApi",
    tag = "meta",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(super) async fn document() -> Response {
    json(text().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checked_in_document_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        if std::env::var_os("WEIR_BLESS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap();
            std::fs::write(path, super::text()).unwrap();
        }
        let held = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            held == super::text(),
            "docs/openapi.json is stale; run WEIR_BLESS=1 cargo test -p weir-web openapi and read the difference"
        );
    }
}
