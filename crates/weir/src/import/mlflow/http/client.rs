//! Requests to a tracking server: bounded, tried again where that may help, refusals in words.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use futures_util::StreamExt;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::import::mlflow::source::Content;

/// How often a request is sent at most, and the first pause between two; each next one is twice as long.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(300);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Silence after which a file is taken for lost.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer that are shown where it makes no sense.
const SHOWN: usize = 200;

/// Connections to one server.
pub(super) struct Client {
    base: Url,
    http: reqwest::Client,
    runtime: Runtime,
    user: Option<(String, String)>,
    token: Option<String>,
}

impl Client {
    /// Of a server at a URL; what identifies us is read from the variables that MLflow's own clients read.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let mut base =
            base.with_context(|| format!("--from {url:?} is no http or https URL; write http://127.0.0.1:5000"))?;
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut user =
            env("MLFLOW_TRACKING_USERNAME").map(|name| (name, env("MLFLOW_TRACKING_PASSWORD").unwrap_or_default()));
        if !base.username().is_empty() {
            user = Some((base.username().to_owned(), base.password().unwrap_or_default().to_owned()));
            let _ = base.set_username("");
            let _ = base.set_password(None);
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(weir_tls::client())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .build()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { base, http, runtime, user, token: env("MLFLOW_TRACKING_TOKEN") })
    }

    /// The address, as it may be shown.
    pub(super) fn shown(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// JSON of a GET with arguments.
    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let request = self.request(Method::GET, path, query)?;
        self.runtime.block_on(async { json(self.send(path, request.timeout(PATIENCE)).await?, path).await })
    }

    /// The same, `None` where the server knows no such thing.
    pub(super) fn find(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Option<Value>> {
        let request = self.request(Method::GET, path, query)?;
        self.runtime.block_on(async {
            let answer = self.answered(path, request.timeout(PATIENCE)).await?;
            if answer.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            json(self.accepted(answer, path).await?, path).await.map(Some)
        })
    }

    /// The same, `None` where the server does not tell because something is in its bin.
    pub(super) fn active(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Option<Value>> {
        match self.get(path, query) {
            Err(error) if error.to_string().contains("must be in the 'active' state") => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// JSON of a POST that only reads.
    pub(super) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.request(Method::POST, path, &[])?.json(body);
        self.runtime.block_on(async { json(self.send(path, request.timeout(PATIENCE)).await?, path).await })
    }

    /// The text of a GET.
    pub(super) fn text(&self, path: &str) -> anyhow::Result<String> {
        let request = self.request(Method::GET, path, &[])?;
        self.runtime.block_on(async { Ok(self.send(path, request.timeout(PATIENCE)).await?.text().await?) })
    }

    /// The bytes of a file whose path is below the server's artifacts.
    pub(super) fn file(&self, path: &[&str]) -> anyhow::Result<Content> {
        let shown = path.join("/");
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow!("{} cannot have a path", self.shown()))?
            .pop_if_empty()
            .extend(["api", "2.0", "mlflow-artifacts", "artifacts"])
            .extend(path);
        let request = self.identified(self.http.get(url));
        let answer = self.runtime.block_on(self.send(&shown, request))?;
        let lost = move |error: reqwest::Error| format!("{shown}: {error}");
        Ok(answer.bytes_stream().map(move |piece| piece.map_err(&lost)).boxed())
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> anyhow::Result<RequestBuilder> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{}", self.base.path().trim_end_matches('/'), path.trim_start_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self.identified(self.http.request(method, url)))
    }

    fn identified(&self, request: RequestBuilder) -> RequestBuilder {
        match (&self.user, &self.token) {
            (Some((name, password)), _) => request.basic_auth(name, Some(password)),
            (None, Some(token)) => request.bearer_auth(token),
            (None, None) => request,
        }
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = self.answered(path, request).await?;
        self.accepted(answer, path).await
    }

    /// Sends until there is an answer that another attempt would not change.
    async fn answered(&self, path: &str, request: RequestBuilder) -> anyhow::Result<Response> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let again = request.try_clone().ok_or_else(|| anyhow!("{path} cannot be sent twice"))?;
            let last = attempt == ATTEMPTS;
            match again.send().await {
                Ok(answer) if last || !is_passing(answer.status()) => return Ok(answer),
                // A wrong address is told at once, a server that went away later.
                Err(error) if last || (attempt == 2 && path == "version") => {
                    bail!("{} cannot be reached: {}", self.shown(), cause(&error));
                }
                _ => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        bail!("{path} was not answered")
    }

    async fn accepted(&self, answer: Response, path: &str) -> anyhow::Result<Response> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            bail!(
                "{} refuses ({status}): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or \
                 MLFLOW_TRACKING_TOKEN, of somebody who may read everything",
                self.shown()
            );
        }
        let text = answer.text().await.unwrap_or_default();
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        bail!("{}/{path}: {status}: {}", self.shown(), said["message"].as_str().unwrap_or_else(|| beginning(&text)))
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

async fn json(answer: Response, path: &str) -> anyhow::Result<Value> {
    let text = answer.text().await.with_context(|| format!("{path}: the answer broke off"))?;
    serde_json::from_str(&text).map_err(|_| anyhow!("{path}: the answer is no JSON: {}", beginning(&text)))
}

fn beginning(text: &str) -> &str {
    text[..text.floor_char_boundary(SHOWN)].trim()
}

/// The innermost reason of an error, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
