use std::time::Duration;

use reqwest::Url;
use serde::Serialize;

use super::Anomaly;
use crate::error::SdkError;
use crate::http;
use crate::llm::wait;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of its answer that are read.
const MAX_ANSWER: usize = 16 << 10;

/// Somebody who is told of anomalies.
///
/// ```
/// use weir_sdk::{AlertSink, Anomaly, SdkError};
/// struct Pager;
/// impl AlertSink for Pager {
///     fn alert(&self, anomalies: &[Anomaly]) -> Result<(), SdkError> {
///         for anomaly in anomalies {
///             println!("page: {}", anomaly.message);
///         }
///         Ok(())
///     }
/// }
/// assert_eq!(Pager.alert(&[]), Ok(()));
/// ```
pub trait AlertSink: Send + Sync {
    /// Delivers them, all at once.
    ///
    /// # Errors
    /// Says why they were not delivered.
    fn alert(&self, anomalies: &[Anomaly]) -> Result<(), SdkError>;
}

/// Posts anomalies to an address as JSON: `text` says them in sentences, as chat systems want it, `anomalies` holds them.
///
/// ```
/// use weir_sdk::{AnomalyDetector, ObservabilityLogger, Webhook};
/// # let folder = tempfile::tempdir()?;
/// # let logger = ObservabilityLogger::open(folder.path().join("my.db"))?;
/// let detector = AnomalyDetector::new(&logger).sink(Webhook::new("https://hooks.example.com/T0/B0")?);
/// # drop(detector);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Webhook {
    url: Url,
}

impl std::fmt::Debug for Webhook {
    /// Without the path, which is mostly a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook at an address.
    ///
    /// # Errors
    /// When it is no address of HTTP.
    ///
    /// ```
    /// assert!(weir_sdk::Webhook::new("hooks.example.com").is_err());
    /// ```
    pub fn new(url: &str) -> Result<Self, SdkError> {
        let wrong = |why: String| SdkError::Settings(format!("the webhook's address cannot be used: {why}"));
        let url = Url::parse(url.trim()).map_err(|e| wrong(e.to_string()))?;
        match url.scheme() {
            "http" | "https" => Ok(Self { url }),
            _ => Err(wrong("it must begin with http:// or https://".to_owned())),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    text: String,
    anomalies: &'a [Anomaly],
}

impl AlertSink for Webhook {
    fn alert(&self, anomalies: &[Anomaly]) -> Result<(), SdkError> {
        let sentences: Vec<_> = anomalies.iter().map(|anomaly| anomaly.message.as_str()).collect();
        let client = http::builder().timeout(TIMEOUT).build();
        let client = client.map_err(|e| SdkError::Server(format!("no connection can be made: {}", http::cause(&e))))?;
        let request = client.post(self.url.clone()).json(&Body { text: sentences.join("\n"), anomalies });
        wait(async move {
            let failed = |why: String| SdkError::Server(format!("the webhook cannot be reached: {why}"));
            let answer = request.send().await.map_err(|e| failed(http::cause(&e)))?;
            let status = answer.status();
            if status.is_success() {
                return Ok(());
            }
            let body = http::read_bounded(answer, MAX_ANSWER).await.unwrap_or_default();
            let said = http::error_message(&body).unwrap_or_default();
            Err(SdkError::Server(format!("the webhook answered {}: {said}", status.as_u16())))
        })?
    }
}
