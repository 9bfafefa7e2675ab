//! HTTP to an MLflow server, and what its answers mean.
//!
//! Invariants: redirects are not followed, so that credentials go nowhere else; answers are read up to a bound; no
//! message holds a credential or the address with one.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_core::secret::Secret;

use super::settings::Settings;
use super::wire::ErrorBody;
use crate::failure::{Failure, Reason};

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 4 << 20;
/// Characters of a failure that are told.
const MAX_MESSAGE: usize = 300;
/// Shorter than the 5 s after which usual servers close idle connections, so that none is used that is just closing.
const IDLE: Duration = Duration::from_secs(2);

/// A client of one server.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    secrets: Vec<Secret>,
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What was asked for is not there; the server's words.
    Missing(String),
    /// It is there already.
    Exists,
    /// All else.
    Failed(Failure),
}

impl Trouble {
    /// For places where it does not matter what is missing or there.
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::Missing(message) => Failure::Refused(message),
            Self::Exists => Failure::Refused("it exists already".to_owned()),
            Self::Failed(failure) => failure,
        }
    }
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, reqwest::Error> {
        // Fails only when a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        if let Some(value) = &settings.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.concurrency)
            .build()?;
        Ok(Self { http, base: settings.base.clone(), secrets: settings.secrets.clone() })
    }

    /// Posts JSON to a method of the API.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T, Trouble> {
        let request = self.http.post(self.url(&["api", "2.0", "mlflow"], path)).json(body);
        let answer = self.send(request).await?;
        self.parse(&answer)
    }

    /// Asks a method of the API.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, Trouble> {
        let request = self.http.get(self.url(&["api", "2.0", "mlflow"], path)).query(query);
        let answer = self.send(request).await?;
        self.parse(&answer)
    }

    /// Puts a file through the server's artifact proxy; `root` is the path of the run's artifacts there.
    pub(super) async fn put_artifact(&self, root: &str, file: &str, text: String) -> Result<(), Trouble> {
        let path: Vec<&str> = root.split('/').filter(|part| !part.is_empty()).chain([file]).collect();
        let url = self.url(&["api", "2.0", "mlflow-artifacts", "artifacts"], &path);
        let request = self.http.request(Method::PUT, url).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text);
        self.send(request).await.map(drop)
    }

    /// Has the server put a file where the run's artifacts are.
    pub(super) async fn upload_artifact(&self, run_id: &str, file: &str, text: String) -> Result<(), Trouble> {
        let url = self.url(&["ajax-api", "2.0", "mlflow"], &["upload-artifact"]);
        let request = self.http.post(url).query(&[("run_uuid", run_id), ("path", file)]);
        // The server takes a form's or JSON's body for something else.
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(text);
        self.send(request).await.map(drop)
    }

    fn url(&self, root: &[&str], path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(root).extend(path);
        }
        url
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Trouble> {
        let answer = request.send().await.map_err(|error| Trouble::Failed(self.broken(error)))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = self.read(answer).await?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &headers, &body)) }
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| Trouble::Failed(self.broken(error)))? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(odd("its answer is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Trouble> {
        serde_json::from_slice(body).map_err(|error| odd(&format!("its answer is not MLflow's: {error}")))
    }

    /// No answer.
    fn broken(&self, error: reqwest::Error) -> Failure {
        let reason = if error.is_timeout() { Reason::Timeout } else { Reason::Connection };
        let may_have_happened = !error.is_connect() && !error.is_builder();
        let why = if error.is_timeout() { "no answer in time".to_owned() } else { root_cause(&error.without_url()) };
        let message = self.clean(&format!("{} cannot be reached: {why}", self.base));
        Failure::Outage { reason, message, retry_after: None, may_have_happened }
    }

    /// An answer that is no success.
    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Trouble {
        let said: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let text = if said.message.is_empty() { String::from_utf8_lossy(body).into_owned() } else { said.message };
        let text = match text.trim() {
            _ if status.is_redirection() => "it redirects, which is not followed: name the address that it leads to",
            text => text,
        };
        let message = self.clean(&format!("{} answers {}: {text}", self.base, status.as_u16()));
        match said.error_code.as_str() {
            "RESOURCE_DOES_NOT_EXIST" => return Trouble::Missing(message),
            "RESOURCE_ALREADY_EXISTS" => return Trouble::Exists,
            _ => {}
        }
        let reason = match status.as_u16() {
            401 | 403 | 407 => Reason::Auth,
            300..=399 | 404 | 405 => Reason::NotFound,
            408 => Reason::Timeout,
            429 => Reason::RateLimited,
            500.. => Reason::ServerError,
            _ => return Trouble::Failed(Failure::Refused(message)),
        };
        let seconds = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
        Trouble::Failed(Failure::Outage {
            reason,
            message,
            retry_after: seconds.map(Duration::from_secs),
            // A server that fails may have done its work before.
            may_have_happened: matches!(reason, Reason::Timeout | Reason::ServerError),
        })
    }

    /// A message as it may be seen.
    fn clean(&self, message: &str) -> String {
        let clean = self.secrets.iter().fold(message.to_owned(), |text, secret| text.replace(secret.expose(), "***"));
        clean.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
    }
}

/// An answer that makes no sense: something else than MLflow answers.
fn odd(message: &str) -> Trouble {
    Trouble::Failed(Failure::Outage {
        reason: Reason::NotFound,
        message: message.to_owned(),
        retry_after: None,
        may_have_happened: true,
    })
}

/// The innermost reason, without the layers of the client around it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
