//! HTTP to a target, and what its answers mean for the next attempt.
//!
//! Invariants: redirects are not followed, so that credentials go nowhere else; answers are read up to a bound; no
//! message holds a credential or the address with one.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use weir_core::secret::Secret;

use crate::failure::{Failure, Reason};

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 4 << 20;
/// Characters of a failure that are told.
const MAX_MESSAGE: usize = 300;
/// Shorter than the 5 s after which usual servers close idle connections, so that none is used that is just closing.
const IDLE: Duration = Duration::from_secs(2);

/// A client of one server.
pub(crate) struct Http {
    client: Client,
    /// The address for people.
    at: String,
    secrets: Vec<Secret>,
}

/// How a server is called.
pub(crate) struct Terms {
    /// The address for people, without credentials.
    pub(crate) at: String,
    /// What every request carries.
    pub(crate) headers: HeaderMap,
    /// What must not be seen anywhere.
    pub(crate) secrets: Vec<Secret>,
    /// How long a request may take.
    pub(crate) timeout: Duration,
    /// Connections that are kept.
    pub(crate) connections: usize,
}

/// An answer, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(terms: Terms) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .tls_backend_preconfigured(weir_tls::client())
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .default_headers(terms.headers)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(terms.timeout)
            .connect_timeout(terms.timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(terms.connections)
            .build()?;
        Ok(Self { client, at: terms.at, secrets: terms.secrets })
    }

    /// What requests are made with.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let answer = request.send().await.map_err(|error| self.broken(error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Answer { status, headers, body: self.read(answer).await? })
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(odd("its answer is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// No answer.
    fn broken(&self, error: reqwest::Error) -> Failure {
        let reason = if error.is_timeout() { Reason::Timeout } else { Reason::Connection };
        let may_have_happened = !error.is_connect() && !error.is_builder();
        let why = if error.is_timeout() { "no answer in time".to_owned() } else { root_cause(&error.without_url()) };
        let message = self.clean(&format!("{} cannot be reached: {why}", self.at));
        Failure::Outage { reason, message, retry_after: None, may_have_happened }
    }

    /// What an answer that is no success means. `said` is what its body says.
    pub(crate) fn refused(&self, answer: &Answer, said: &str) -> Failure {
        let status = answer.status;
        let said = match said.trim() {
            _ if status.is_redirection() => "it redirects, which is not followed: name the address that it leads to",
            said => said,
        };
        let message = self.clean(&format!("{} answers {}: {said}", self.at, status.as_u16()));
        let reason = match status.as_u16() {
            401 | 403 | 407 => Reason::Auth,
            // What takes no body of this form takes no call at all.
            300..=399 | 404 | 405 | 415 => Reason::NotFound,
            408 => Reason::Timeout,
            429 => Reason::RateLimited,
            500.. => Reason::ServerError,
            _ => return Failure::Refused(message),
        };
        let seconds = answer.headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
        Failure::Outage {
            reason,
            message,
            retry_after: seconds.map(Duration::from_secs),
            // A server that fails may have done its work before.
            may_have_happened: matches!(reason, Reason::Timeout | Reason::ServerError),
        }
    }

    /// A message as it may be seen.
    pub(crate) fn clean(&self, message: &str) -> String {
        let clean = self.secrets.iter().fold(message.to_owned(), |text, secret| text.replace(secret.expose(), "***"));
        clean.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
    }
}

/// An answer that makes no sense: something else than the target answers.
pub(crate) fn odd(message: &str) -> Failure {
    Failure::Outage {
        reason: Reason::NotFound,
        message: message.to_owned(),
        retry_after: None,
        may_have_happened: true,
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
