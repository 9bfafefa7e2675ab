//! What all HTTP of the library shares: TLS, bounds on answers, and words for what went wrong.
//!
//! Invariant: nothing is installed for the whole process: the program beside it keeps its own choice of TLS.

use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;

use crate::error::SdkError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Shorter than the time after which usual servers close idle connections.
const IDLE: Duration = Duration::from_secs(4);
/// Characters of a message that are told.
const MAX_MESSAGE: usize = 500;

/// A client to be configured further. Redirects are not followed.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(weir_tls::client())
        .user_agent(concat!("weir-sdk/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
}

/// A runtime for one thread.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, SdkError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| SdkError::Settings(format!("no runtime can be started: {e}")))
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    TooLong,
    Broken(reqwest::Error),
}

/// The body of an answer, up to a bound.
pub(crate) async fn read_bounded(mut answer: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(Unread::Broken)? {
        if body.len() + piece.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What an error body says, in the forms of OpenAI, Anthropic and Weir, and of servers that send a bare text.
pub(crate) fn error_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: Fault,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Fault {
        Object { message: String },
        Text(String),
    }
    let said = match serde_json::from_slice::<Body>(body) {
        Ok(Body { error: Fault::Object { message } | Fault::Text(message) }) => message,
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    (!said.is_empty()).then(|| said[..said.floor_char_boundary(MAX_MESSAGE)].to_owned())
}

/// Why a request got no answer, down to the root, without the address, which may hold a key.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if std::ptr::addr_eq(deepest, error) {
        return "the request cannot be made".to_owned();
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_error_says_its_message() {
        for body in [
            r#"{"error":{"message":"no","type":"t"}}"#,
            r#"{"type":"error","error":{"type":"x","message":"no"},"request_id":"r"}"#,
            r#"{"error":"no"}"#,
            " no ",
        ] {
            assert_eq!(error_message(body.as_bytes()).as_deref(), Some("no"), "{body}");
        }
        assert_eq!(error_message(b""), None);
    }

    #[test]
    fn tls_needs_nothing_of_the_process() {
        assert!(builder().build().is_ok());
    }
}
