//! The endpoints over a store in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::broadcast;
use tower::ServiceExt;
use weir_core::error::{Code, Error};
use weir_core::time::Clock;
use weir_gateway::config::PromptsConfig;
use weir_gateway::prompts::Library;
use weir_store::sqlite::SqliteCatalog;
use weir_watch::alerts::live::{Alerter, Parts, Setup};
use weir_watch::readiness::{Facts, Targets, judge};

use super::fake::Fake;
use super::*;

pub(super) fn api() -> (axum::Router, Arc<Fake>, broadcast::Sender<Arc<weir_core::span::Span>>) {
    let store = Arc::new(Fake::default());
    let (live, _) = broadcast::channel(2);
    let clock = Clock::fixed(1_763_683_200_000_000);
    let status = Arc::new(|| StatusAnswer { version: "1.2.3".into(), ..StatusAnswer::default() });
    let state = ApiState {
        store: store.clone(),
        scores: store.clone(),
        prompts: library(),
        spans: Arc::new(|writes| {
            let (done, receipt) = tokio::sync::oneshot::channel();
            // A batch that names the model "slow" is never stored.
            if writes.iter().all(|write| write.span.model.as_deref() != Some("slow")) {
                done.send(()).unwrap();
            }
            Ok(receipt)
        }),
        live: live.clone(),
        clock,
        status,
        anomalies: catalog(),
        watch: None,
        post: super::channels_tests::post(),
        readiness: Arc::new(|window| {
            let now = 1_763_683_200_000_000;
            let facts = Facts { now, window: (now - window.unwrap_or(1), now), ..Facts::default() };
            Ok(judge(&facts, &Targets::default()))
        }),
        backup: Arc::new(|_| Err(Error::new(Code::Conflict, "another backup is being written"))),
        alerts: catalog(),
        alerter: alerter(&store),
        measured: store.clone(),
        configured: super::settings_tests::configured(),
        storage: Arc::new(|| Ok(StorageAnswer { folder: "data".into(), bytes: 7, ..StorageAnswer::default() })),
        gc: Arc::new(|_, dry_run| Ok(GcAnswer { dry_run, ..GcAnswer::default() })),
        flush_cache: Arc::new(|namespace| Ok(if namespace == Some("a b") { 1 } else { 3 })),
    };
    let api = routes(state).into_iter().fold(axum::Router::new(), |all, (_, routes)| all.merge(routes));
    (api, store, live)
}

/// Alerts over a catalog of their own, which is read once.
fn alerter(store: &Arc<Fake>) -> Arc<Alerter> {
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts {
        reads: store.clone(),
        catalog: Arc::new(SqliteCatalog::open(folder.path()).unwrap()),
        clock: Clock::fixed(1_763_683_200_000_000),
        meter: Arc::new(|_, _| {}),
        told: Arc::new(|| {}),
    };
    Alerter::new(parts, Setup::default()).unwrap()
}

/// A catalog that nobody reads again.
fn catalog() -> Arc<SqliteCatalog> {
    let folder = tempfile::tempdir().unwrap();
    Arc::new(SqliteCatalog::open(folder.path()).unwrap())
}

/// Prompts over a catalog that nobody reads again.
fn library() -> Arc<Library> {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Arc::new(SqliteCatalog::open(folder.path()).unwrap());
    let config = PromptsConfig { dir: folder.path().join("prompts"), ..PromptsConfig::default() };
    Arc::new(Library::open(catalog, &config, Clock::fixed(1_763_683_200_000_000)).unwrap())
}

pub(super) async fn get(api: &axum::Router, path: &str) -> (StatusCode, String) {
    ask(api, Request::get(path).body(Body::empty()).unwrap()).await
}

pub(super) async fn ask(api: &axum::Router, request: Request<Body>) -> (StatusCode, String) {
    let answer = api.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_cache_is_flushed_whole_or_by_namespace() {
    let (api, ..) = api();
    let flush = async |query: &str| {
        ask(&api, Request::delete(format!("/api/v1/cache{query}")).body(Body::empty()).unwrap()).await
    };
    assert_eq!(flush("").await, (StatusCode::OK, r#"{"deleted":3}"#.to_owned()));
    assert_eq!(flush("?namespace=a%20b").await, (StatusCode::OK, r#"{"deleted":1}"#.to_owned()));
    // A mistake does not flush everything.
    for wrong in ["?namespace=", "?name=a", "?namespace=a&namespace=b"] {
        assert_eq!(flush(wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn lists_and_finds_calls() {
    let (api, store, _live) = api();
    store.add("gpt-4o", "req-1");
    store.add("gpt-4o-mini", "req/2");

    let (status, body) = get(&api, "/api/v1/calls?model=gpt-4o").await;
    assert_eq!(status, 200);
    assert!(body.starts_with("{\"calls\":[{") && body.ends_with("}],\"next\":null}"), "{body}");
    assert!(body.contains("req-1") && !body.contains("req/2") && !body.contains("hello"));
    assert!(get(&api, "/api/v1/calls?payload=true").await.1.contains("\"input\":\"hello\",\"output\":null"));

    let (status, body) = get(&api, "/api/v1/calls/req%2F2").await;
    assert_eq!(status, 200);
    assert!(body.contains("\"input\":\"hello\""));

    let (status, body) = get(&api, "/api/v1/calls/nope").await;
    assert_eq!(status, 404);
    assert!(body.ends_with("\"type\":\"not_found_error\",\"param\":null,\"code\":\"not_found\"}}"), "{body}");
}

#[tokio::test]
async fn refuses_wrong_parameters_by_name() {
    let (api, _store, _live) = api();
    let (status, body) = get(&api, "/api/v1/calls?modle=x").await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        "{\"error\":{\"message\":\"there is no parameter \\\"modle\\\": did you mean \\\"model\\\"?\",\
         \"type\":\"invalid_request_error\",\"param\":\"modle\",\"code\":\"invalid_request\"}}"
    );
    assert_eq!(get(&api, "/api/v1/calls?cursor=x").await.0, 400);
    assert_eq!(get(&api, "/api/v1/stats?group_by=colour").await.0, 400);
    assert_eq!(get(&api, "/api/v1/calls/live?from=1h").await.0, 400);
}

#[tokio::test]
async fn answers_figures_and_its_own_description() {
    let (api, _store, _live) = api();
    let (status, body) = get(&api, "/api/v1/stats?bucket=1h&group_by=model").await;
    assert_eq!(status, 200);
    assert!(body.contains("\"from\":\"2025-11-20T00:00:00.000000Z\",\"to\":\"2025-11-21T00:00:00.000000Z\""), "{body}");
    let (status, body) = get(&api, "/api/v1/openapi.json").await;
    assert_eq!(status, 200);
    assert_eq!(body, openapi::text());
}

#[tokio::test]
async fn says_how_it_is_doing() {
    let (api, _store, _live) = api();
    let (status, body) = get(&api, "/api/v1/status").await;
    assert_eq!(status, 200);
    assert!(body.starts_with("{\"version\":\"1.2.3\",") && body.contains("\"exporters\":[]"), "{body}");
    assert_eq!(get(&api, "/api/v1/status?x=1").await.0, 400);
}

#[tokio::test]
async fn large_answers_are_packed_where_the_client_takes_it_and_the_live_tail_never() {
    let (api, ..) = api();
    let answer = async |path: &str, takes: &str| {
        let request = Request::get(path).header("accept-encoding", takes).body(Body::empty()).unwrap();
        api.clone().oneshot(request).await.unwrap()
    };
    let plain = get(&api, "/api/v1/openapi.json").await.1;
    let packed = answer("/api/v1/openapi.json", "gzip, br").await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let bytes = packed.into_body().collect().await.unwrap().to_bytes();
    assert!(bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() * 4 < plain.len(), "{} of {}", bytes.len(), plain.len());
    for (path, takes) in
        [("/api/v1/openapi.json", "identity"), ("/api/v1/status", "gzip"), ("/api/v1/calls/live", "gzip")]
    {
        assert!(!answer(path, takes).await.headers().contains_key("content-encoding"), "{path} {takes}");
    }
}

#[tokio::test]
async fn the_live_tail_filters_tells_what_was_missed_and_ends_with_the_senders() {
    let (api, store, live) = api();
    let answer =
        api.clone().oneshot(Request::get("/api/v1/calls/live?model=a").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for (model, id) in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")] {
        live.send(Arc::new(store.add(model, id))).unwrap();
    }
    drop(live);
    let body = tokio::time::timeout(Duration::from_secs(5), answer.into_body().collect()).await.unwrap().unwrap();
    let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
    assert!(text.starts_with(": live\n\nevent: lagged\ndata: {\"missed\":2}\n\nevent: call\ndata: {"), "{text}");
    assert_eq!(text.matches("event: call").count(), 1);
    assert!(text.contains("\"request_id\":\"4\"") && !text.contains("hello"));
    assert_eq!(get(&api, "/api/v1/calls/live").await.0, 503);
}

#[tokio::test]
async fn scores_are_written_and_read_by_either_name_of_a_call() {
    let (api, store, _live) = api();
    let post = |body: &str| ask(&api, Request::post("/api/v1/scores").body(Body::from(body.to_owned())).unwrap());
    let span = store.add("gpt-4o", "req-1");
    let (status, body) = post(r#"{"call":"req-1","name":"helpful","value":3,"source":"human"}"#).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""call":"req-1","trace_id":null,"name":"helpful","value":3,"source":"human""#), "{body}");
    let list = format!(
        r#"[{{"call":"{}","name":"ok","value":true}},{{"call":"later","name":"ok","value":false}}]"#,
        span.span_id
    );
    assert_eq!(post(&list).await.0, 200);

    for call in ["req-1".to_owned(), span.span_id.to_string()] {
        let (status, body) = get(&api, &format!("/api/v1/scores?call={call}")).await;
        assert_eq!((status, body.matches("\"name\"").count()), (StatusCode::OK, 2), "{body}");
        assert!(body.ends_with("],\"truncated\":false}"), "{body}");
    }
    assert!(get(&api, "/api/v1/scores?call=later").await.1.contains("false"));
    assert!(get(&api, "/api/v1/scores/names").await.1.contains(r#"{"name":"ok","count":2,"least":0.0,"most":1.0}"#));
    assert_eq!(get(&api, "/api/v1/scores/names?call=later").await.0, 400);
    assert_eq!(get(&api, "/api/v1/scores?call=nobody").await.1, "{\"scores\":[],\"truncated\":false}");
    assert_eq!(get(&api, "/api/v1/scores").await.0, 400);
    assert_eq!(get(&api, "/api/v1/scores?trace_id=x").await.0, 400);
    assert_eq!(post(r#"{"call":"req-1","name":"helpful"}"#).await.0, 400);
    assert_eq!(post(&" ".repeat((4 << 20) + 1)).await.0, 413);
}

#[test]
fn one_path_holds_what_is_read_and_what_is_written() {
    let text = openapi::text();
    for wanted in ["\"listScores\"", "\"putScores\"", "\"comparePrompt\"", "\"listCalls\""] {
        assert!(text.contains(wanted), "{wanted}");
    }
}

#[tokio::test]
async fn spans_are_answered_when_they_are_stored() {
    let (api, ..) = api();
    let put =
        async |body: &str| ask(&api, Request::post("/api/v1/spans").body(Body::from(body.to_owned())).unwrap()).await;
    let ids = r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7""#;
    assert_eq!(put(&format!("{{\"spans\":[{{{ids}}}]}}")).await, (StatusCode::OK, r#"{"stored":1}"#.to_owned()));
    let (status, body) = put(&format!("{{\"spans\":[{{{ids},\"kind\":\"cat\"}}]}}")).await;
    assert!(status == 400 && body.contains(r#""param":"spans[0].kind""#), "{body}");
    let (status, body) = put(&format!("{{\"spans\":[{{{ids},\"model\":\"slow\"}}]}}")).await;
    assert!(status == 503 && body.contains("shutting down"), "{body}");
}

#[tokio::test]
async fn readiness_is_judged_over_the_window_that_is_asked_for() {
    let (api, ..) = api();
    let (status, body) = get(&api, "/api/v1/readiness?window=1h").await;
    assert_eq!(status, 200);
    assert!(
        body.starts_with(r#"{"ready":false,"#) && body.contains(r#""from":"2025-11-20T23:00:00.000000Z""#),
        "{body}"
    );
    assert!(
        body.contains(
            r#""id":"backups","title":"Backups restorable","verdict":"fail","figure":{"value":null,"unit":"s""#
        ),
        "{body}"
    );
    assert_eq!(get(&api, "/api/v1/readiness?window=soon").await.0, 400);
    let back_up = |query: &str| ask(&api, Request::post(format!("/api/v1/backup{query}")).body(Body::empty()).unwrap());
    assert_eq!(back_up("").await.0, 409);
    assert_eq!(back_up("?to=/tmp").await.0, 400);
    assert_eq!(back_up("?verify=maybe").await.0, 400);
}
