//! Exports over HTTP and gRPC into a store.

use std::io::Write;
use std::sync::Arc;

use ::http::{HeaderMap, Request, Response, StatusCode};
use axum::body::Body;
use axum::extract::Extension;
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan};
use prost::Message;
use tokio::net::TcpListener;
use tower::ServiceExt;
use weir_core::access::Identity;
use weir_core::error::{Code, Error};
use weir_core::id::{SpanId, TraceId};
use weir_core::observe::Unobserved;
use weir_core::price::PriceTable;
use weir_core::record::{RecordConfig, RecordPolicy};
use weir_core::span::Span;
use weir_store::ingest::{Ingest, IngestOptions};
use weir_store::journal::Journal;
use weir_store::sqlite::SqliteStore;
use weir_store::telemetry::{SpanRef, Telemetry};

use super::*;
use crate::intake::{Intake, Terms};

const TRACE: [u8; 16] = [7; 16];

struct Fixed(RecordPolicy, Arc<PriceTable>);

impl Terms for Fixed {
    fn policy(&self) -> &RecordPolicy {
        &self.0
    }
    fn prices(&self) -> &PriceTable {
        &self.1
    }
    fn project(&self) -> &'static str {
        "fallback"
    }
}

/// A store with a receiver before it.
struct Rig {
    store: Arc<SqliteStore>,
    ingest: Arc<Ingest>,
    receiver: Arc<Receiver>,
    _folder: tempfile::TempDir,
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let journal = Arc::new(Journal::open(folder.path(), 1 << 20).unwrap());
    let ingest =
        Arc::new(Ingest::start(store.clone(), journal, Arc::new(Unobserved), IngestOptions::default()).unwrap());
    let terms: Arc<dyn Terms> =
        Arc::new(Fixed(RecordPolicy::new(&RecordConfig::default()).unwrap(), PriceTable::builtin()));
    let intake = Arc::new(Intake::new(ingest.clone(), Arc::new(move || terms.clone())));
    let receiver = Arc::new(Receiver::new(intake, OtlpOptions { max_body: 64 << 10 }));
    Rig { store, ingest, receiver, _folder: folder }
}

impl Rig {
    fn span(&self, id: u8) -> Option<Span> {
        let key = SpanRef::Key(TraceId(TRACE), SpanId::parse(&format!("{id:016x}")).unwrap());
        self.store.span(&key).unwrap()
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Response<Body> {
        let identity = Identity { name: "collector".into(), project: Some("of-key".into()), ..Identity::anonymous() };
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let routes = http::router(self.receiver.clone()).layer(Extension(Arc::new(identity)));
        routes.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }
}

async fn read(answer: Response<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (parts, body) = answer.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

/// A request with a call of each of these ids, from a service of that name.
fn request(service: &str, ids: &[u8]) -> ExportTraceServiceRequest {
    let attribute = |key: &str, value: Value| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let text = |key: &str, text: &str| attribute(key, Value::StringValue(text.into()));
    let span = |id: &u8| ProtoSpan {
        trace_id: TRACE.to_vec(),
        span_id: vec![0, 0, 0, 0, 0, 0, 0, *id],
        name: "chat".into(),
        start_time_unix_nano: 1_767_225_600_000_000_000,
        end_time_unix_nano: 1_767_225_600_250_000_000,
        attributes: vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", "gpt-4o"),
            text("gen_ai.provider.name", "openai"),
            attribute("gen_ai.usage.input_tokens", Value::IntValue(1_000)),
            attribute("gen_ai.usage.output_tokens", Value::IntValue(500)),
        ],
        ..ProtoSpan::default()
    };
    let resource = (!service.is_empty())
        .then(|| Resource { attributes: vec![text("service.name", service)], ..Resource::default() });
    let scope_spans = vec![ScopeSpans { spans: ids.iter().map(span).collect(), ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
/// Path, headers, service.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

#[tokio::test]
async fn an_export_is_stored_when_it_is_answered() {
    let rig = rig();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&request("shop", &[1, 0, 2]).encode_to_vec()).unwrap();
    let headers = [PROTOBUF, ("content-encoding", "gzip")];
    let (status, headers, body) = read(rig.post("/v1/traces", &headers, gzip.finish().unwrap()).await).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "application/x-protobuf"));
    let partial = ExportTraceServiceResponse::decode(&body[..]).unwrap().partial_success.unwrap();
    assert_eq!(
        (partial.rejected_spans, partial.error_message.as_str()),
        (1, "spans[1] of the request: span_id is all zero")
    );
    let span = rig.span(1).unwrap();
    assert_eq!((span.project.as_deref(), span.key.as_deref()), (Some("shop"), Some("collector")));
    assert_eq!((span.cost.unwrap().as_usd(), span.latency_us()), (0.0075, Some(250_000)));
    assert!(rig.span(2).is_some());
    // The same again changes nothing.
    let body = request("shop", &[1]).encode_to_vec();
    assert_eq!(read(rig.post("/v1/traces", &[PROTOBUF], body).await).await.2, b"");
    assert_eq!(rig.span(1).unwrap(), span);
}

#[tokio::test]
async fn every_path_and_header_by_which_sdks_name_a_project() {
    let rig = rig();
    let cases: [(Case<'_>, &str); 6] = [
        (("/otel/v1/traces", &[PROTOBUF, ("Langsmith-Project", "smith")], "langsmith"), "smith"),
        (("/api/public/otel/v1/traces", &[PROTOBUF], "unknown_service:python"), "of-key"),
        (("/opik/api/v1/private/otel/v1/traces", &[PROTOBUF, ("projectName", "opik")], ""), "opik"),
        (("/v1/traces", &[PROTOBUF, ("x-mlflow-experiment-id", "12")], ""), "12"),
        (("/v1/traces", &[PROTOBUF, ("x-weir-project", "own"), ("projectName", "opik")], "shop"), "own"),
        (("/v1/traces", &[], "shop"), "shop"),
    ];
    for (n, ((path, headers, service), project)) in (10..).zip(cases) {
        let body = request(service, &[n]).encode_to_vec();
        assert_eq!(read(rig.post(path, headers, body).await).await.0, StatusCode::OK, "{path}");
        assert_eq!(rig.span(n).unwrap().project.as_deref(), Some(project), "{path}");
    }
}

#[tokio::test]
async fn refusals_are_in_the_encoding_of_the_request() {
    let rig = rig();
    let (status, headers, body) = read(rig.post("/v1/traces", &[JSON], b"{\"resourceSpans\":7}".to_vec()).await).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::BAD_REQUEST, "application/json"));
    let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(said["code"], 3);
    assert!(said["message"].as_str().unwrap().starts_with("resourceSpans: invalid type: integer `7`"), "{said}");
    let (status, headers, body) = read(rig.post("/v1/traces", &[PROTOBUF], b"\x0a".to_vec()).await).await;
    assert_eq!(
        (status, headers["content-type"].to_str().unwrap()),
        (StatusCode::BAD_REQUEST, "application/x-protobuf")
    );
    assert!(body.starts_with(&[0x08, 3, 0x12]), "{body:?}");
    let at = async |headers: &[(&str, &str)], body: Vec<u8>| read(rig.post("/v1/traces", headers, body).await).await.0;
    assert_eq!(at(&[PROTOBUF], vec![0; (64 << 10) + 1]).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(at(&[("content-type", "text/html")], Vec::new()).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(at(&[JSON, ("content-encoding", "br")], Vec::new()).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_said_with_a_time_to_come_again() {
    let rig = rig();
    rig.ingest.stop();
    let body = request("shop", &[1]).encode_to_vec();
    let (status, headers, _) = read(rig.post("/v1/traces", &[PROTOBUF], body).await).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (StatusCode::SERVICE_UNAVAILABLE, "1"));
}

#[tokio::test]
async fn logs_fill_spans_and_metrics_are_taken_quietly() {
    let rig = rig();
    let record = r#"{"traceId":"07070707070707070707070707070707","spanId":"0000000000000005","observedTimeUnixNano":"1767225600200000000",
        "eventName":"gen_ai.user.message","body":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"hi"}}]}}}"#;
    let logs = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record},{{"body":{{"stringValue":"plain"}}}}]}}]}}]}}"#
    );
    let (status, _, body) = read(rig.post("/v1/logs", &[JSON], logs.into()).await).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"{}".as_slice()));
    let body = request("shop", &[5]).encode_to_vec();
    assert_eq!(read(rig.post("/v1/traces", &[PROTOBUF], body).await).await.0, StatusCode::OK);
    let span = rig.span(5).unwrap();
    assert_eq!(span.input.as_deref(), Some(r#"{"messages":[{"role":"user","content":"hi"}]}"#));
    assert_eq!((span.project.as_deref(), span.tokens.unwrap().total()), (Some("shop"), 1_500));
    let metrics =
        br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"gen_ai.x","sum":{"dataPoints":[{}]}}]}]}]}"#;
    let (status, _, body) = read(rig.post("/v1/metrics", &[JSON], metrics.to_vec()).await).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, b"{}".as_slice()));
}

#[tokio::test]
async fn grpc_takes_the_same_from_the_same_keys() {
    let rig = rig();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let authorize: grpc::Authorize = Arc::new(|headers: &HeaderMap| {
        let known = headers.get("x-api-key").is_some_and(|key| key == "wk");
        if known { Ok(Arc::new(Identity::anonymous())) } else { Err(Error::new(Code::InvalidApiKey, "no key")) }
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(grpc::serve(listener, rig.receiver.clone(), authorize, async {
        let _ = stopped.await;
    }));
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut client = TraceServiceClient::new(channel).send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let with_key = |request: ExportTraceServiceRequest| {
        let mut request = tonic::Request::new(request);
        request.metadata_mut().insert("x-api-key", "wk".parse().unwrap());
        request.metadata_mut().insert("x-weir-project", "by-header".parse().unwrap());
        request
    };
    let refused = client.export(request("shop", &[1])).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (tonic::Code::Unauthenticated, "no key"));
    let answer = client.export(with_key(request("shop", &[1, 0]))).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    assert_eq!(rig.span(1).unwrap().project.as_deref(), Some("by-header"));
    // Also what unpacks to more than the bound.
    let mut bomb = request("shop", &[2]);
    bomb.resource_spans[0].schema_url = "0".repeat(1 << 20);
    assert_eq!(client.export(with_key(bomb)).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    rig.ingest.stop();
    assert_eq!(client.export(with_key(request("shop", &[3]))).await.unwrap_err().code(), tonic::Code::Unavailable);
    drop(stop);
    served.await.unwrap().unwrap();
}
