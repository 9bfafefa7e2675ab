//! A running server as a source.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::runtime::Runtime;

use super::print;
use super::source::Pairs;
use super::sse::Splitter;

/// The server gives a read up after 30 s and says so; this is only for a server that hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Silence after which a live tail is taken for dead; the server sends a comment every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// Longest pause between attempts to reach a lost server.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A server's API.
pub(crate) struct Online {
    base: Url,
    key: Option<String>,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Online {
    /// A server at a URL such as `http://127.0.0.1:8080`.
    pub(crate) fn new(url: &str, key: Option<&str>) -> anyhow::Result<Self> {
        let base = Url::parse(url)
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https"))
            .with_context(|| format!("--url {url:?} is no http or https URL; write http://127.0.0.1:8080"))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(weir_tls::client())
            .connect_timeout(Duration::from_secs(10))
            .build()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { base, key: key.map(str::to_owned), client, runtime })
    }

    pub(crate) fn get(&self, path: &[&str], pairs: &Pairs) -> anyhow::Result<String> {
        self.runtime.block_on(async {
            let answer = self.send(Method::GET, path, pairs, Some(PATIENCE)).await?;
            Ok(self.accept(answer).await?.text().await?)
        })
    }

    /// Asks for a change; it may take its time.
    pub(crate) fn post(&self, path: &[&str], pairs: &Pairs) -> anyhow::Result<String> {
        self.runtime.block_on(async {
            let answer = self.send(Method::POST, path, pairs, None).await?;
            Ok(self.accept(answer).await?.text().await?)
        })
    }

    /// Sends a JSON body.
    pub(super) fn post_json(&self, path: &[&str], body: &serde_json::Value) -> anyhow::Result<String> {
        self.post_json_with(path, &Pairs::new(), body)
    }

    /// The same with parameters.
    pub(super) fn post_json_with(
        &self,
        path: &[&str],
        pairs: &Pairs,
        body: &serde_json::Value,
    ) -> anyhow::Result<String> {
        self.runtime.block_on(async {
            let request = self.request(Method::POST, path).query(pairs).json(body).timeout(PATIENCE);
            let answer = self.sent(request).await?;
            Ok(self.accept(answer).await?.text().await?)
        })
    }

    pub(super) fn find(&self, path: &[&str]) -> anyhow::Result<Option<String>> {
        self.runtime.block_on(async {
            let answer = self.send(Method::GET, path, &Vec::new(), Some(PATIENCE)).await?;
            if answer.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            Ok(Some(self.accept(answer).await?.text().await?))
        })
    }

    /// Follows the live tail; connects again when the server goes away, and says so on stderr. `ready` runs once, when
    /// nothing that finishes can be missed any more.
    pub(super) fn follow(
        &self,
        pairs: &Pairs,
        ready: &mut dyn FnMut() -> anyhow::Result<()>,
        each: &mut dyn FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let live = || self.send(Method::GET, &["calls", "live"], pairs, None);
        let mut answer = self.runtime.block_on(async { self.accept(live().await?).await })?;
        // Outside of the runtime, since it may ask the server too.
        ready()?;
        self.runtime.block_on(async {
            loop {
                let why = self.events(answer, each).await?;
                print::note(&format!("{why}; connecting again"));
                let mut pause = Duration::from_millis(250);
                answer = loop {
                    tokio::time::sleep(pause).await;
                    match live().await {
                        Ok(answer) if !answer.status().is_server_error() => break self.accept(answer).await?,
                        _ => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                };
                print::note("connected; calls that finished in between are in `weir calls`");
            }
        })
    }

    /// Gives out events until the connection ends; says why it did.
    async fn events(
        &self,
        mut answer: Response,
        each: &mut dyn FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<String> {
        let mut splitter = Splitter::default();
        loop {
            let piece = match tokio::time::timeout(SILENCE, answer.chunk()).await {
                Err(_) => return Ok("the server fell silent".to_owned()),
                Ok(Err(error)) => return Ok(format!("the connection broke ({error})")),
                Ok(Ok(None)) => return Ok("the server closed the connection".to_owned()),
                Ok(Ok(Some(piece))) => piece,
            };
            for event in splitter.push(&piece) {
                match event.name.as_str() {
                    "call" => each(&event.data)?,
                    "lagged" => print::note(&format!("too slow, some calls are not shown: {}", event.data)),
                    _ => {}
                }
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        pairs: &Pairs,
        patience: Option<Duration>,
    ) -> anyhow::Result<Response> {
        let mut request = self.request(method, path).query(pairs);
        if let Some(patience) = patience {
            request = request.timeout(patience);
        }
        self.sent(request).await
    }

    fn request(&self, method: Method, path: &[&str]) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        let request = self.client.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn sent(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        request.send().await.map_err(|error| {
            let server = self.base.as_str().trim_end_matches('/');
            let why = if error.is_timeout() { "no answer in time".to_owned() } else { root_cause(&error) };
            anyhow!("cannot reach {server} ({why}): is `weir serve` running there?")
        })
    }

    /// The answer, if it is a success; else what the server says.
    async fn accept(&self, answer: Response) -> anyhow::Result<Response> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.text().await.unwrap_or_default();
        let said: Option<serde_json::Value> = serde_json::from_str(&body).ok();
        let message = said.as_ref().and_then(|v| v.pointer("/error/message")?.as_str()).unwrap_or(body.trim());
        let hint = match status {
            StatusCode::UNAUTHORIZED if self.key.is_none() => " (give a key: --key KEY or WEIR_KEY)",
            _ => "",
        };
        bail!("the server answers {}: {message}{hint}", status.as_u16())
    }
}

/// The innermost reason, without the layers of the client around it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
