//! The server process: wiring, start and stop.

mod accept;
mod alerts;
mod anomalies;
mod channels;
mod exports;
mod flush;
mod housekeeping;
mod log;
pub(crate) mod mlflow;
mod observe;
mod operations;
mod otlp;
mod reload;
mod status;
mod storage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use weir_core::access::Keyring;
use weir_core::time::{Clock, Micros};
use weir_fronts::mlflow::Front;
use weir_gateway::prompts::Library;
use weir_gateway::record::Recorder;
use weir_gateway::{Gateway, Parts, batches, doors};
use weir_store::artifacts::ArtifactStore;
use weir_store::ingest::{Ingest, IngestOptions};
use weir_store::journal::Journal;
use weir_store::kept::{Kept, UnderPolicy};
use weir_store::sqlite::{PayloadEncoding, SqliteCatalog, SqliteOptions, SqliteStore};
use weir_store::telemetry::Telemetry;
use weir_watch::alerts::live::Alerter;
use weir_watch::alerts::reads::Stores;
use weir_watch::notify::Post;
use weir_watch::prometheus::{Metrics, MetricsOptions};
use weir_web::api::ApiState;
use weir_web::{Report, Web};

use crate::config::{Flags, Loaded};
use crate::gc::Collector;
use exports::Exports;
pub(crate) use exports::describe as describe_exports;
use observe::Observers;

/// Spans that a live tail may be behind before it is told that it missed some. A commit tells of thousands at once.
const LIVE_BUFFER: usize = 8_192;
/// How long the store may take at the end to empty the journal; what is left is taken at the next start.
const DRAIN_AT_STOP: Duration = Duration::from_secs(10);
/// How long exports that are under way may take at the end.
const EXPORT_AT_STOP: Duration = Duration::from_secs(5);

/// How long notifications that are under way may take at the end.
const TELL_AT_STOP: Duration = Duration::from_secs(5);

/// Runs the server until a signal ends it. The flags are those that `loaded` has, for when the file is read again.
pub(crate) fn run(loaded: Loaded, flags: Flags) -> anyhow::Result<()> {
    let _log = log::install(&loaded.settings.server)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    runtime.block_on(serve(loaded, flags))
}

/// One thread per core, less one: the store's threads need a core too, and on small machines threads that wake each
/// other across cores cost more than they bring. The variable that tokio knows wins.
fn workers() -> usize {
    let set = std::env::var("TOKIO_WORKER_THREADS").ok().and_then(|text| text.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    set.unwrap_or(cores - 1).max(1)
}

/// Everything that runs.
pub(crate) struct Running {
    pub gateway: Arc<Gateway>,
    pub store: Arc<SqliteStore>,
    pub journal: Arc<Journal>,
    pub ingest: Arc<Ingest>,
    pub observers: Arc<Observers>,
    pub clock: Clock,
    pub exports: Exports,
    pub post: Arc<Post>,
    pub(crate) operations: Arc<ArcSwap<operations::Operations>>,
    pub catalog: Arc<SqliteCatalog>,
    pub batches: Arc<batches::Service>,
    pub alerter: Arc<Alerter>,
    pub started: Micros,
    pub listen: SocketAddr,
    pub stopping: AtomicBool,
}

/// Refuses to listen where others can reach it, unless keys are configured.
pub(crate) fn check_exposure(listen: SocketAddr, keyring: &Keyring) -> anyhow::Result<()> {
    if keyring.is_open() && !listen.ip().is_loopback() {
        bail!(
            "{listen} can be reached from other machines and no keys are configured, so anybody could spend your \
             providers' money. Make a key with `weir key new`, put what it prints into weir.toml under [[keys]], and \
             start again; or listen on 127.0.0.1"
        );
    }
    Ok(())
}

async fn serve(loaded: Loaded, flags: Flags) -> anyhow::Result<()> {
    let server = loaded.settings.server.clone();
    let record = loaded.settings.record.clone();
    let clock = Clock::system();
    let env = |name: &str| std::env::var(name).ok();
    let checked = Gateway::check(loaded.gateway.clone(), &env)?;
    check_exposure(server.listen, &checked.keyring)?;
    otlp::check(&loaded.settings.otlp, &checked.keyring)?;
    let planned = exports::Planned::new(&loaded.settings)?;
    let watch_options = loaded.settings.watch.options()?;
    let channels = loaded.settings.channels()?;
    let operations = operations::Operations::new(&loaded.settings, &clock)?;
    let rules = loaded.settings.alerts()?;
    let listener =
        TcpListener::bind(server.listen).await.with_context(|| format!("cannot listen on {}", server.listen))?;
    let planned = planned.at(listener.local_addr().context("no local address")?)?;
    let grpc = otlp::listen(&loaded.settings.otlp).await?;

    std::fs::create_dir_all(&server.data)
        .with_context(|| format!("the data folder {} cannot be made", server.data.display()))?;
    let journal = Arc::new(Journal::open(&server.data, record.journal_max.0)?);
    let payload = if record.plain_text { PayloadEncoding::Plain } else { PayloadEncoding::Compressed };
    let options = SqliteOptions { payload, exports: planned.targets(), ..SqliteOptions::default() };
    let store = Arc::new(SqliteStore::open_with(&server.data, options)?);
    let catalog = Arc::new(SqliteCatalog::open(&server.data)?);
    let artifacts = loaded.settings.artifacts.options(&server.data, &env)?;
    let artifacts_at = artifacts.place.clone();
    let artifacts = Arc::new(ArtifactStore::open(catalog.clone(), &artifacts, clock.clone())?);
    let prompts = Arc::new(Library::open(catalog.clone(), &loaded.settings.prompts, clock.clone())?);
    let (live, _) = broadcast::channel(LIVE_BUFFER);
    let metrics = Metrics::new(&MetricsOptions {
        known_models: reload::known_models(&checked),
        labels: loaded.settings.metrics.labels.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..MetricsOptions::default()
    });
    let observers = Arc::new(Observers::new(metrics, live.clone()));
    let ingest = Arc::new(Ingest::start(store.clone(), journal.clone(), observers.clone(), IngestOptions::default())?);
    let gateway = Gateway::new(
        loaded.gateway.clone(),
        Parts {
            env: Arc::new(env),
            prompts,
            data: Some(server.data.clone()),
            recorder: Recorder::new(journal.clone(), observers.clone(), clock.clone()),
            observer: observers.clone(),
            clock: clock.clone(),
        },
    )?;
    let batches = batches::Service::open(gateway.clone(), catalog.clone(), &server.data)?;
    let watching = anomalies::Watching::start(watch_options, &store, &catalog, &clock)?;
    let watch = watching.as_ref().map(|w| w.watch.clone());
    watch.iter().for_each(|watch| observers.tell_watch(watch));
    let (post, posting) = channels::start(channels, &catalog, &observers, &clock)?;
    let alerting =
        alerts::Alerting::start(rules, loaded.settings.alerts.enabled, &store, &catalog, &observers, &post, &clock)?;
    let alerter = alerting.alerter.clone();
    let exports = planned.start(&store, &observers, &gateway, &clock)?;
    let running = Arc::new(Running {
        exports,
        post: post.clone(),
        operations: operations.swap(),
        catalog: catalog.clone(),
        batches: batches.clone(),
        alerter: alerter.clone(),
        started: clock.now(),
        gateway: gateway.clone(),
        store: store.clone(),
        journal,
        ingest,
        observers: observers.clone(),
        clock: clock.clone(),
        listen: server.listen,
        stopping: AtomicBool::new(false),
    });
    restore_spend(&running, None);

    let intake = otlp::intake(&gateway, running.ingest.clone());
    observers.tell_intake(&intake);
    let experiments = Arc::new(weir_fronts::mlflow::Experiments::new(catalog.clone(), store.clone()));
    let receiver = otlp::receiver(intake.clone(), &loaded.settings.otlp, experiments);
    let policy: UnderPolicy = {
        let gateway = gateway.clone();
        Arc::new(move |work| work(&gateway.snapshot().policy))
    };
    let scores = Arc::new(Kept::new(store.clone(), policy.clone()));
    let mlflow = Arc::new(Front::new(weir_fronts::mlflow::Parts {
        catalog: catalog.clone(),
        artifacts: artifacts.clone(),
        telemetry: store.clone(),
        traces: Arc::new(Kept::new(store.clone(), policy.clone())),
        prompts: Arc::new(mlflow::Shelf(gateway.prompts().clone())),
        scores: scores.clone(),
        intake: intake.clone(),
        calls: weir_fronts::mlflow::CallRuns::new(
            loaded.settings.mlflow.experiment.clone(),
            loaded.settings.mlflow.environment.clone(),
        ),
        clock: clock.clone(),
    }));
    let web = Web {
        gateway: gateway.clone(),
        api: ApiState {
            store: store.clone(),
            spans: Arc::new(move |writes| intake.accept("api", writes)),
            scores,
            prompts: gateway.prompts().clone(),
            live,
            clock,
            status: {
                let running = running.clone();
                Arc::new(move || status::status(&running))
            },
            anomalies: catalog.clone(),
            watch,
            post,
            readiness: {
                let running = running.clone();
                Arc::new(move |window| operations::ready(&running, window))
            },
            backup: {
                let running = running.clone();
                Arc::new(move |verify| operations::back_up(&running, verify))
            },
            alerts: catalog.clone(),
            alerter,
            measured: Arc::new(Stores {
                measured: store.clone(),
                anomalies: catalog.clone(),
                happenings: catalog.clone(),
            }),
            configured: gateway.clone(),
            storage: {
                let (running, data) = (running.clone(), server.data.clone());
                Arc::new(move || storage::measure(&*running.store, &data, &artifacts_at))
            },
            gc: {
                let collector =
                    Collector { catalog: catalog.clone(), artifacts: artifacts.clone(), telemetry: store.clone() };
                let runtime = tokio::runtime::Handle::current();
                Arc::new(move |before, dry_run| collector.collect(&runtime, before, dry_run))
            },
            flush_cache: {
                let gateway = gateway.clone();
                Arc::new(move |namespace| flush::flush(&gateway, namespace))
            },
        },
        metrics: {
            let running = running.clone();
            Arc::new(move |accept| {
                housekeeping::refresh_gauges(&running);
                running.observers.metrics.render(accept)
            })
        },
        health: {
            let running = running.clone();
            Arc::new(move || running.report())
        },
    };
    let mut grpc = otlp::Grpc::start(grpc, receiver.clone(), &gateway);
    let otlp = otlp::routes(receiver, &gateway);
    let mlflow = mlflow::routes(&mlflow, &gateway);
    let doors = doors::router(gateway).merge(doors::batch_router(batches.clone()));
    let router = weir_web::with_fallbacks(doors.merge(weir_web::router(web)).merge(otlp).merge(mlflow));

    tokio::spawn(reload::watch(running.clone(), loaded, flags));
    tokio::spawn(reload::watch_prompts(running.clone()));
    tokio::spawn(housekeeping::run(running.clone()));
    tokio::spawn(operations::run_backups(running.clone()));
    let mut worker = tokio::spawn(batches::run(batches.clone()));
    tracing::info!(
        address = %listener.local_addr().context("no local address")?,
        data = %server.data.display(),
        "weir is ready"
    );
    accept::run(listener, router, &server, running.gateway.snapshot().config.gateway.request_timeout.0, || {
        running.stopping.store(true, Ordering::Relaxed);
        running.observers.close_live();
        batches.stop();
        async {
            grpc.end().await;
            let _ = (&mut worker).await;
        }
    })
    .await;
    // What a batch has under way is asked again at the next start.
    worker.abort();
    grpc.abort();

    // Calls that are drained for the record outlive their connections.
    let give_up = tokio::time::Instant::now() + server.shutdown_timeout.0;
    while running.gateway.in_flight() > 0 && tokio::time::Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let drained = {
        let running = running.clone();
        tokio::task::spawn_blocking(move || running.ingest.drain(DRAIN_AT_STOP)).await.unwrap_or(false)
    };
    if !drained {
        tracing::warn!(
            "the store did not take all records in time; they are in the journal and taken at the next start"
        );
    }
    running.ingest.stop();
    if let Some(watching) = watching {
        let _ = tokio::task::spawn_blocking(move || watching.stop()).await;
    }
    let _ = tokio::task::spawn_blocking(move || alerting.stop()).await;
    let told = tokio::task::spawn_blocking(move || posting.stop(TELL_AT_STOP)).await.unwrap_or(false);
    if !told {
        tracing::warn!("some notifications were not taken in time; they are sent again at the next start");
    }
    let ended = {
        let running = running.clone();
        tokio::task::spawn_blocking(move || running.exports.stop(EXPORT_AT_STOP)).await.unwrap_or(false)
    };
    if !ended {
        tracing::warn!("some exports did not end in time; they are looked up and completed at the next start");
    }
    tracing::info!("weir has stopped");
    Ok(())
}

/// How long what the journal still holds from before may take to be counted as spent.
const DRAIN: Duration = Duration::from_secs(5);

/// Reads back what was spent of budgets that did not stand before.
fn restore_spend(running: &Running, before: Option<&weir_gateway::limits::Limits>) {
    let drain = || {
        if !running.ingest.drain(DRAIN) {
            tracing::warn!(
                "the store has not taken every call of the journal yet; what is left there does not count as spent of \
                 new budgets"
            );
        }
    };
    let limits = &running.gateway.snapshot().limits;
    crate::spend::restore(&*running.store, limits, before, running.clock.now(), drain);
}

impl Running {
    /// How the parts are doing.
    pub(crate) fn report(&self) -> Report {
        let status = self.ingest.status();
        let mut problems = Vec::new();
        if let Some(error) = status.last_error {
            problems.push(format!("the store does not take calls: {error}"));
        } else if let Err(error) = self.store.health() {
            problems.push(error.to_string());
        }
        let calls_lost = self.observers.lost_records();
        if self.observers.is_losing(self.clock.now()) {
            problems.push(format!("the journal cannot be written: {calls_lost} calls were not recorded"));
        }
        Report {
            stopping: self.stopping.load(Ordering::Relaxed),
            problems,
            journal_backlog_bytes: status.lag_bytes,
            calls_lost,
        }
    }
}
