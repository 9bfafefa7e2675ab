//! OTLP over gRPC, on a listener of its own.
//!
//! Invariants: a key is asked for before a message is read; messages are bounded, packed or not; so many connections
//! and exports run at a time, and more wait.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};
use tonic::{Request, Response, Status};
use weir_core::access::Identity;
use weir_core::error::Error;

use super::answer::Fault;
use super::decode;
use super::message::Whole;
use super::receive::{From, Receiver, work};

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 256;
/// Exports that are read and stored at a time; more wait.
const EXPORTS: usize = 32;
/// Exports that one connection may have under way or waiting.
const STREAMS: u32 = 64;
/// How long one export may take, its waiting included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often an idle connection is asked whether it still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Spans from which a request is mapped on a thread of its own.
const MANY: usize = 16;
/// About the bytes of a span, to tell how long a request takes.
const SPAN_BYTES: usize = 2 << 10;

/// Says who calls by the headers of a request, or refuses; only callers of role `write` may pass.
pub type Authorize = Arc<dyn Fn(&HeaderMap) -> Result<Arc<Identity>, Error> + Send + Sync>;

/// Serves until `shutdown` resolves, then lets exports under way end.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    receiver: Arc<Receiver>,
    authorize: Authorize,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let guard = move |mut request: Request<()>| {
        let headers = request.metadata().clone().into_headers();
        let identity = authorize(&headers).map_err(|error| Fault::from(error).to_grpc())?;
        request.extensions_mut().insert(From::new(identity, &headers));
        Ok(request)
    };
    let (max, whole) = (receiver.max_body, Arc::clone(&receiver));
    let service = Service(receiver);
    let traces = TraceServiceServer::new(service.clone()).accept_compressed(Gzip).max_decoding_message_size(max);
    let logs = LogsServiceServer::new(service.clone()).accept_compressed(Gzip).max_decoding_message_size(max);
    let metrics = MetricsServiceServer::new(service).accept_compressed(Gzip).max_decoding_message_size(max);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).then(move |stream| {
        let places = Arc::clone(&places);
        async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            stream.map(|stream| Placed { stream, _place: place })
        }
    });
    Server::builder()
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .timeout(TIMEOUT)
        .layer(tower::limit::GlobalConcurrencyLimitLayer::new(EXPORTS))
        .add_service(InterceptedService::new(Whole::new(traces, Arc::clone(&whole)), guard.clone()))
        .add_service(InterceptedService::new(Whole::new(logs, Arc::clone(&whole)), guard.clone()))
        .add_service(InterceptedService::new(Whole::new(metrics, whole), guard))
        .serve_with_incoming_shutdown(incoming, shutdown)
        .await
}

/// The three services.
#[derive(Clone)]
struct Service(Arc<Receiver>);

/// Who sends; the guard has put it there.
fn sender<T>(request: &Request<T>) -> Result<From, Status> {
    request.extensions().get::<From>().cloned().ok_or_else(|| Status::internal("the request met a defect of Weir's"))
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let from = sender(&request)?;
        let request = request.into_inner();
        let scopes = request.resource_spans.iter().flat_map(|group| &group.scope_spans);
        let count: usize = scopes.map(|scope| scope.spans.len()).sum();
        let receiver = Arc::clone(&self.0);
        let handed = work(weight(count), move || receiver.spans(decode::spans(request), &from));
        let handed = handed.await.map_err(|fault| fault.to_grpc())?;
        let rejected = handed.durable().await.map_err(|fault| fault.to_grpc())?;
        let partial_success = (rejected.count > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected.count).unwrap_or(i64::MAX),
            error_message: rejected.message(),
        });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let handed = self.0.logs(decode::records(request.into_inner()));
        handed.durable().await.map_err(|fault| fault.to_grpc())?;
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0.metrics(decode::points(request.get_ref()));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn weight(spans: usize) -> usize {
    if spans < MANY { 0 } else { spans.saturating_mul(SPAN_BYTES) }
}

/// A connection that holds its place.
struct Placed {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl Connected for Placed {
    type ConnectInfo = <TcpStream as Connected>::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Placed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
