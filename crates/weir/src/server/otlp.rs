//! OpenTelemetry's protocol: the way of its spans into the store, its routes, and the listener for gRPC.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weir_core::access::{Keyring, Role};
use weir_core::price::PriceTable;
use weir_core::record::RecordPolicy;
use weir_fronts::intake::{Intake, Terms};
use weir_fronts::otlp::{self, OtlpOptions, Receiver};
use weir_gateway::Gateway;
use weir_gateway::snapshot::Snapshot;
use weir_store::ingest::Ingest;

use super::check_exposure;
use crate::config::{GrpcListen, OtlpConfig};

/// A configuration as the terms of spans that protocols bring.
struct Current(Arc<Snapshot>);

impl Terms for Current {
    fn policy(&self) -> &RecordPolicy {
        &self.0.policy
    }

    fn prices(&self) -> &PriceTable {
        &self.0.prices
    }

    fn project(&self) -> &str {
        &self.0.config.record.project
    }
}

/// The way into the store, under the configuration in force.
pub(super) fn intake(gateway: &Arc<Gateway>, ingest: Arc<Ingest>) -> Arc<Intake> {
    let gateway = gateway.clone();
    Arc::new(Intake::new(ingest, Arc::new(move || Arc::new(Current(gateway.snapshot())))))
}

/// What takes exports.
pub(super) fn receiver(
    intake: Arc<Intake>,
    config: &OtlpConfig,
    experiments: Arc<dyn otlp::Experiments>,
) -> Arc<Receiver> {
    let max_body = usize::try_from(config.max_body.0).unwrap_or(usize::MAX);
    Arc::new(Receiver::new(intake, OtlpOptions { max_body }).with_experiments(experiments))
}

/// The routes, for keys of role `write`.
pub(super) fn routes(receiver: Arc<Receiver>, gateway: &Arc<Gateway>) -> Router {
    weir_web::auth::guarded_with(otlp::http::router(receiver), gateway, Role::Write, otlp::http::refusal)
}

/// Refuses to take spans over gRPC where others can reach it, unless keys are configured.
pub(super) fn check(config: &OtlpConfig, keyring: &Keyring) -> anyhow::Result<()> {
    config.grpc.address().map_or(Ok(()), |address| check_exposure(address, keyring).context("otlp.grpc"))
}

/// Listens for gRPC; `None` where that is off, or the usual port is taken and nobody asked for it.
pub(super) async fn listen(config: &OtlpConfig) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.grpc.address() else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if config.grpc == GrpcListen::Usual => {
            tracing::warn!(
                port = address.port(),
                %error,
                "spans are not taken over gRPC; set otlp.grpc to another address, or to \"off\" to say that this is meant"
            );
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("otlp.grpc: cannot listen on {address}")),
    }
}

/// The listener for gRPC while it runs.
pub(super) struct Grpc {
    task: Option<JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Grpc {
    /// Serves in the background.
    pub(super) fn start(listener: Option<TcpListener>, receiver: Arc<Receiver>, gateway: &Arc<Gateway>) -> Self {
        let Some(listener) = listener else { return Self { task: None, stop: None } };
        if let Ok(address) = listener.local_addr() {
            tracing::info!(grpc = %address, "spans are taken over gRPC");
        }
        let gateway = gateway.clone();
        let authorize = Arc::new(move |headers: &_| weir_web::auth::authorize(&gateway, headers, Role::Write));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let until = async {
                let _ = stopped.await;
            };
            if let Err(error) = otlp::grpc::serve(listener, receiver, authorize, until).await {
                tracing::error!(%error, "spans are not taken over gRPC any more");
            }
        });
        Self { task: Some(task), stop: Some(stop) }
    }

    /// Takes no more; resolves when what is under way has ended.
    pub(super) async fn end(&mut self) {
        drop(self.stop.take());
        if let Some(task) = &mut self.task {
            let _ = task.await;
        }
    }

    /// Cuts off what has not ended.
    pub(super) fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
