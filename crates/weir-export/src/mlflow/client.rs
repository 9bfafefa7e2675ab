//! The methods of an MLflow server's API, and what its answers mean.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::settings::Settings;
use super::wire::ErrorBody;
use crate::failure::Failure;
use crate::http::{Answer, Http, Terms, odd};

/// A client of one server.
pub(super) struct Client {
    http: Http,
    base: Url,
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
        let mut headers = HeaderMap::new();
        if let Some(value) = &settings.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let http = Http::new(Terms {
            at: settings.base.to_string(),
            headers,
            secrets: settings.secrets.clone(),
            timeout: settings.timeout,
            connections: settings.concurrency,
        })?;
        Ok(Self { http, base: settings.base.clone() })
    }

    /// Posts JSON to a method of the API.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T, Trouble> {
        let request = self.http.client().post(self.url(&["api", "2.0", "mlflow"], path)).json(body);
        let answer = self.send(request).await?;
        self.parse(&answer)
    }

    /// Asks a method of the API.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, Trouble> {
        let request = self.http.client().get(self.url(&["api", "2.0", "mlflow"], path)).query(query);
        let answer = self.send(request).await?;
        self.parse(&answer)
    }

    /// Puts a file through the server's artifact proxy; `root` is the path of the run's artifacts there.
    pub(super) async fn put_artifact(&self, root: &str, file: &str, text: String) -> Result<(), Trouble> {
        let path: Vec<&str> = root.split('/').filter(|part| !part.is_empty()).chain([file]).collect();
        let url = self.url(&["api", "2.0", "mlflow-artifacts", "artifacts"], &path);
        let request =
            self.http.client().request(Method::PUT, url).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text);
        self.send(request).await.map(drop)
    }

    /// Has the server put a file where the run's artifacts are.
    pub(super) async fn upload_artifact(&self, run_id: &str, file: &str, text: String) -> Result<(), Trouble> {
        let url = self.url(&["ajax-api", "2.0", "mlflow"], &["upload-artifact"]);
        let request = self.http.client().post(url).query(&[("run_uuid", run_id), ("path", file)]);
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

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, Trouble> {
        let answer = self.http.send(request).await.map_err(Trouble::Failed)?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(self.refused(&answer)) }
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Trouble> {
        let odd = |error| odd(&self.http.clean(&format!("its answer is not MLflow's: {error}")));
        serde_json::from_slice(body).map_err(|error| Trouble::Failed(odd(error)))
    }

    /// An answer that is no success.
    fn refused(&self, answer: &Answer) -> Trouble {
        let said: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text =
            if said.message.is_empty() { String::from_utf8_lossy(&answer.body).into_owned() } else { said.message };
        let failure = self.http.refused(answer, &text);
        match said.error_code.as_str() {
            "RESOURCE_DOES_NOT_EXIST" => Trouble::Missing(failure.message().to_owned()),
            "RESOURCE_ALREADY_EXISTS" => Trouble::Exists,
            _ => Trouble::Failed(failure),
        }
    }
}
