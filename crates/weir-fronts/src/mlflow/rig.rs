//! For tests: the front over stores in a folder of their own, asked as a client asks.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use weir_core::access::Identity;
use weir_core::error::Error;
use weir_core::observe::Unobserved;
use weir_core::price::PriceTable;
use weir_core::prompt::PromptVersion;
use weir_core::record::{RecordConfig, RecordPolicy};
use weir_core::time::Clock;
use weir_store::artifacts::{ArtifactOptions, ArtifactPlace, ArtifactStore};
use weir_store::catalog::{PromptRecord, Prompts};
use weir_store::ingest::{Ingest, IngestOptions};
use weir_store::journal::Journal;
use weir_store::sqlite::{SqliteCatalog, SqliteStore};

use super::front::{Front, Parts};
use super::prompt_shelf::{NewPromptVersion, PromptShelf};
use super::routes::routes;
use crate::intake::{Intake, Terms};

/// 2026-11-27T12:00:00Z.
const NOW: i64 = 1_795_780_800_000_000;

struct Fixed(RecordPolicy, Arc<PriceTable>);

impl Terms for Fixed {
    fn policy(&self) -> &RecordPolicy {
        &self.0
    }
    fn prices(&self) -> &PriceTable {
        &self.1
    }
    fn project(&self) -> &'static str {
        "default"
    }
}

/// Prompts as they are stored, without the gateway's compiler.
pub(super) struct Stored(pub(super) Arc<SqliteCatalog>);

impl PromptShelf for Stored {
    fn prompts(&self, name: Option<&str>) -> Vec<PromptRecord> {
        let all = Prompts::prompts(&*self.0).unwrap();
        all.into_iter().filter(|p| name.is_none_or(|name| p.name == name)).collect()
    }

    fn create(&self, new: NewPromptVersion) -> Result<String, Error> {
        let version = new.version.unwrap_or_else(|| "next".to_owned());
        let record = PromptVersion {
            version: version.clone(),
            content: new.content,
            defaults: new.defaults,
            message: new.message,
            created_us: NOW,
        };
        self.0.put_version(&new.name, new.description.as_deref(), &record, &[]).unwrap();
        Ok(version)
    }

    fn set_label(&self, name: &str, label: &str, version: Option<&str>) -> Result<(), Error> {
        Prompts::set_label(&*self.0, name, label, version).unwrap();
        Ok(())
    }

    fn delete_version(&self, name: &str, version: &str) -> Result<(), Error> {
        self.0.delete_prompt_version(name, version).unwrap();
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), Error> {
        self.0.delete_prompt(name).unwrap();
        Ok(())
    }
}

/// A front.
pub(super) struct Rig {
    pub(super) clock: Clock,
    pub(super) front: Arc<Front>,
    router: Router,
    _ingest: Arc<Ingest>,
    _folder: tempfile::TempDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let catalog = Arc::new(SqliteCatalog::open(folder.path()).unwrap());
        let journal = Arc::new(Journal::open(folder.path(), 1 << 20).unwrap());
        let ingest = Ingest::start(store.clone(), journal, Arc::new(Unobserved), IngestOptions::default()).unwrap();
        let ingest = Arc::new(ingest);
        let terms: Arc<dyn Terms> =
            Arc::new(Fixed(RecordPolicy::new(&RecordConfig::default()).unwrap(), PriceTable::builtin()));
        let intake = Arc::new(Intake::new(ingest.clone(), Arc::new(move || terms.clone())));
        let clock = Clock::fixed(NOW);
        let place = ArtifactPlace::Folder(folder.path().join("artifacts"));
        let options = ArtifactOptions { place, max_size: None };
        let artifacts = Arc::new(ArtifactStore::open(catalog.clone(), &options, clock.clone()).unwrap());
        let front = Arc::new(Front::new(Parts {
            catalog: catalog.clone(),
            artifacts,
            telemetry: store.clone(),
            traces: store.clone(),
            prompts: Arc::new(Stored(catalog)),
            scores: store,
            intake,
            calls: super::calls::CallRuns::new(None, "production".to_owned()),
            clock: clock.clone(),
        }));
        let router = routes(&front).into_iter().fold(Router::new(), |all, (_, routes)| all.merge(routes));
        let router = router.layer(Extension(Arc::new(Identity::anonymous())));
        Self { clock, front, router, _ingest: ingest, _folder: folder }
    }

    /// Sends a body of JSON; `path` is what stands behind `/api/2.0/mlflow/`.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(format!("/api/2.0/mlflow/{path}"));
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Status, headers and text of an answer to any request.
    pub(super) async fn raw(&self, request: Request<Body>) -> (StatusCode, http::HeaderMap, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, head.headers, String::from_utf8_lossy(&body).into_owned())
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, &body).await
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.send(Method::GET, &format!("{path}?{query}"), &Value::Null).await
    }

    /// What is answered to a request that must be done.
    pub(super) async fn done(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }
}
