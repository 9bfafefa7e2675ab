//! The front page, until the dashboard takes its place: what to set, and where to look.

use axum::response::Html;

pub(crate) async fn page() -> Html<&'static str> {
    Html(include_str!("home.html"))
}
