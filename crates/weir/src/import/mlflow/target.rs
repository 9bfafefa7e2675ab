//! The data folder of a Weir that does not run, with the ways into it that a running one has: the catalog, artifacts, and
//! for traces and prompts the tracking server's own routes, asked in this process.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use axum::body::Body;
use axum::{Extension, Router};
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use weir_core::access::Identity;
use weir_core::observe::Unobserved;
use weir_core::price::PriceTable;
use weir_core::record::RecordPolicy;
use weir_core::time::Clock;
use weir_fronts::intake::{Intake, Terms};
use weir_fronts::mlflow::{self, CallRuns, Front};
use weir_fronts::otlp::{self, OtlpOptions, Receiver};
use weir_gateway::prompts::Library;
use weir_store::artifacts::ArtifactStore;
use weir_store::ingest::{Ingest, IngestOptions};
use weir_store::journal::Journal;
use weir_store::kept::{Kept, UnderPolicy};
use weir_store::sqlite::{SqliteCatalog, SqliteStore};

use crate::config::Loaded;
use crate::server::mlflow::Shelf;

/// Most bytes of the spans of one request: one trace is sent at least, however long it is.
const MAX_SPANS: usize = 1 << 30;

/// What the configuration says of spans.
struct Configured {
    policy: RecordPolicy,
    prices: Arc<PriceTable>,
    project: String,
}

impl Terms for Configured {
    fn policy(&self) -> &RecordPolicy {
        &self.policy
    }

    fn prices(&self) -> &PriceTable {
        &self.prices
    }

    fn project(&self) -> &str {
        &self.project
    }
}

/// An open data folder. Its lock keeps servers off as long as this lives.
pub(super) struct Target {
    pub(super) catalog: Arc<SqliteCatalog>,
    pub(super) artifacts: Arc<ArtifactStore>,
    pub(super) runtime: Runtime,
    routes: Router,
    /// What the routes take for the time.
    clock: Clock,
    ingest: Arc<Ingest>,
}

impl Target {
    /// Opens a folder, or makes it.
    pub(super) fn open(data: &Path, loaded: &Loaded) -> anyhow::Result<Self> {
        let env = |name: &str| std::env::var(name).ok();
        let settings = &loaded.settings;
        let options = settings.artifacts.options(data, &env)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let _in = runtime.enter();
        std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
        let store = Arc::new(SqliteStore::open(data)?);
        let catalog = Arc::new(SqliteCatalog::open(data)?);
        let clock = Clock::fixed(Clock::system().now());
        let artifacts = Arc::new(ArtifactStore::open(catalog.clone(), &options, Clock::system())?);
        let prompts = Arc::new(Library::open(catalog.clone(), &settings.prompts, clock.clone())?);
        let journal = Arc::new(Journal::open(data, settings.record.journal_max.0)?);
        let ingest = Ingest::start(store.clone(), journal, Arc::new(Unobserved), IngestOptions::default())?;
        let ingest = Arc::new(ingest);
        let policy = RecordPolicy::new(&settings.record).map_err(|error| anyhow!("{error}"))?;
        let project = settings.record.project.clone();
        let terms: Arc<dyn Terms> = Arc::new(Configured { policy, prices: PriceTable::builtin(), project });
        let policy: UnderPolicy = {
            let terms = terms.clone();
            Arc::new(move |work| work(terms.policy()))
        };
        let intake = Arc::new(Intake::new(ingest.clone(), Arc::new(move || terms.clone())));
        let experiments = Arc::new(mlflow::Experiments::new(catalog.clone(), store.clone()));
        let receiver = Receiver::new(intake.clone(), OtlpOptions { max_body: MAX_SPANS }).with_experiments(experiments);
        let front = Arc::new(Front::new(mlflow::Parts {
            catalog: catalog.clone(),
            artifacts: artifacts.clone(),
            telemetry: store.clone(),
            traces: Arc::new(Kept::new(store.clone(), policy.clone())),
            prompts: Arc::new(Shelf(prompts)),
            scores: Arc::new(Kept::new(store, policy)),
            intake,
            calls: CallRuns::new(None, settings.mlflow.environment.clone()),
            clock: clock.clone(),
        }));
        let routes = mlflow::routes(&front).into_iter().fold(Router::new(), |all, (_, routes)| all.merge(routes));
        let routes = routes.merge(otlp::http::router(Arc::new(receiver)));
        let routes = routes.layer(Extension(Arc::new(Identity::anonymous())));
        drop(_in);
        Ok(Self { catalog, artifacts, runtime, routes, clock, ingest })
    }

    /// What is asked from now on is asked at that time, milliseconds.
    pub(super) fn at(&self, ms: i64) {
        self.clock.advance(ms.saturating_mul(1_000).saturating_sub(self.clock.now()));
    }

    /// Asks a route. `Err` with its message where it refuses.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> anyhow::Result<Value> {
        let (status, answer) = self.send(method, path, headers, body)?;
        if status == StatusCode::OK {
            return Ok(answer);
        }
        let message = answer["message"].as_str().or_else(|| answer["error"]["message"].as_str());
        bail!("{}", message.map_or_else(|| format!("status {status}"), str::to_owned))
    }

    /// Asks for something that may not be there.
    pub(super) fn find(&self, path: &str) -> anyhow::Result<Option<Value>> {
        match self.send(Method::GET, path, &[], &Value::Null)? {
            (StatusCode::OK, answer) => Ok(Some(answer)),
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, answer) => bail!("{path}: {status} {answer}"),
        }
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(serde_json::to_vec(body)?) };
        let request = request.body(body)?;
        let routes = self.routes.clone();
        self.runtime.block_on(async move {
            let (head, body) = routes.oneshot(request).await.unwrap_or_else(|never| match never {}).into_parts();
            let body = body.collect().await.map_err(|e| anyhow!("{e}"))?.to_bytes();
            Ok((head.status, serde_json::from_slice(&body).unwrap_or_default()))
        })
    }

    /// Closes it, when all of it is on disk.
    pub(super) fn close(self) {
        self.ingest.stop();
    }
}
