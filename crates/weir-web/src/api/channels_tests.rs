//! The endpoints over channels that are not reached.

use std::sync::Arc;

use weir_core::time::Clock;
use weir_store::sqlite::SqliteCatalog;
use weir_watch::notify::{ChannelConfig, Channels, DeliveryObserver, Parts, Post};

use axum::body::Body;
use http::Request;
use serde_json::Value;

use super::tests::ask;

/// Counts nothing, and keeps the catalog's folder.
struct Nobody(#[expect(dead_code, reason = "goes with the post")] tempfile::TempDir);

impl DeliveryObserver for Nobody {
    fn notified(&self, _: &str, _: &'static str, _: u64) {}
}

/// A post with one channel, which nothing is delivered to.
pub(super) fn post() -> Arc<Post> {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteCatalog::open(folder.path()).unwrap());
    let url = Some("http://127.0.0.1:9/hook?token=hush".into());
    let config = ChannelConfig { name: "ops".into(), url, ..ChannelConfig::default() };
    let channels = Channels::new(&[config], &|_| None).unwrap();
    let clock = Clock::fixed(1_763_683_200_000_000);
    Post::new(channels, Parts { store, observer: Arc::new(Nobody(folder)), clock }).unwrap()
}

async fn asked(api: &axum::Router, method: &str, path: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let (status, body) = ask(api, request).await;
    (status.as_u16(), serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn a_channel_and_what_waits_for_it_are_listed() {
    let (api, ..) = super::tests::api();
    let queued = asked(&api, "POST", "/api/v1/channels/ops/test?queued=true").await.1;
    assert_eq!((&queued["queued"], &queued["ok"]), (&true.into(), &Value::Null));
    let listed = asked(&api, "GET", "/api/v1/channels").await.1;
    let ops = &listed["channels"][0];
    assert_eq!(
        (&ops["name"], &ops["to"], &ops["waiting"]),
        (&"ops".into(), &"http://127.0.0.1:9/hook".into(), &1.into())
    );
    assert!(!listed.to_string().contains("hush"));
    let notifications = asked(&api, "GET", "/api/v1/channels/ops/notifications?state=waiting").await.1;
    let one = &notifications["notifications"][0];
    assert_eq!(
        (&one["id"], &one["state"], &one["notification"]["event"]),
        (&queued["id"], &"waiting".into(), &"test".into())
    );
}

#[tokio::test]
async fn wrong_requests_are_refused_by_name() {
    let (api, ..) = super::tests::api();
    for (method, path, status, says) in [
        ("POST", "/api/v1/channels/none/test", 404, "there are ops"),
        ("POST", "/api/v1/channels/ops/test?queued=1", 400, "queued"),
        ("GET", "/api/v1/channels/none/notifications", 404, "there are ops"),
        ("GET", "/api/v1/channels/ops/notifications?state=lost", 400, "waiting, delivered, given_up"),
        ("GET", "/api/v1/channels/ops/notifications?limit=0", 400, "limit"),
        ("GET", "/api/v1/channels/ops/notifications?cursor=x", 400, "cursor"),
        ("GET", "/api/v1/channels/ops/notifications?cursor=-1", 400, "cursor"),
        ("GET", "/api/v1/channels?x=1", 400, "\\\"x\\\""),
    ] {
        let (answered, said) = asked(&api, method, path).await;
        let said = said.to_string();
        assert_eq!(answered, status, "{path}");
        assert!(said.contains(says), "{path}: {said}");
    }
}
