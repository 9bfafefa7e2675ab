//! An OTLP endpoint in this process that is told how to behave.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use parking_lot::Mutex;
use prost::Message;
use tokio::task::JoinHandle;

/// What it does with a request of spans with these names.
pub(super) enum Reply {
    /// Takes them.
    Take,
    /// Takes them but for so many.
    KeepOut(i64),
    /// Answers a status and a text, with these headers.
    Answer(u16, String, Vec<(&'static str, String)>),
    /// Takes them and never answers.
    Hang,
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self::Answer(status, "told to".to_owned(), Vec::new())
    }
}

type Behaviour = Box<dyn Fn(&[String], &HeaderMap) -> Reply + Send + Sync>;

pub(super) struct Receiver {
    pub(super) url: String,
    /// The names of each request's spans, taken or not.
    asked: Mutex<Vec<Vec<String>>>,
    /// The names of the spans that it has taken, in their order.
    taken: Mutex<Vec<String>>,
    behaviour: Mutex<Behaviour>,
}

impl Receiver {
    pub(super) async fn start(behaviour: Behaviour) -> (Arc<Self>, JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            asked: Mutex::default(),
            taken: Mutex::default(),
            behaviour: Mutex::new(behaviour),
        });
        let this = receiver.clone();
        let traces = move |headers: HeaderMap, body: Bytes| async move { this.answer(&headers, &body).await };
        let router = Router::new().route("/v1/traces", axum::routing::post(traces));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, task)
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock() = behaviour;
    }

    pub(super) fn asked(&self) -> Vec<Vec<String>> {
        self.asked.lock().clone()
    }

    pub(super) fn taken(&self) -> Vec<String> {
        self.taken.lock().clone()
    }

    async fn answer(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["content-encoding"], "gzip");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap();
        let request = ExportTraceServiceRequest::decode(plain.as_slice()).unwrap();
        let spans = request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans);
        let names: Vec<String> = spans.map(|span| span.name.clone()).collect();
        let reply = (self.behaviour.lock())(&names, headers);
        self.asked.lock().push(names.clone());
        let mut partial_success = None;
        match reply {
            Reply::Take => {}
            Reply::KeepOut(rejected_spans) => {
                let error_message = "too old".to_owned();
                partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
            }
            Reply::Answer(status, text, more) => {
                let mut answer = (StatusCode::from_u16(status).unwrap(), text).into_response();
                for (name, value) in more {
                    answer.headers_mut().insert(name, value.parse().unwrap());
                }
                return answer;
            }
            Reply::Hang => {
                self.taken.lock().extend(names);
                return std::future::pending().await;
            }
        }
        self.taken.lock().extend(names);
        ExportTraceServiceResponse { partial_success }.encode_to_vec().into_response()
    }
}
