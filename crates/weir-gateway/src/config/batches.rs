use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::{Bytes, Time};

/// Files of requests (`/v1/files`) that Weir runs by itself (`/v1/batches`), over any provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BatchesConfig {
    /// Whether files and batches are offered. Turned off, batches under way pause.
    pub enabled: bool,
    /// Requests of batches under way at once, over all batches; they take turns. At least 1.
    pub concurrency: usize,
    /// Attempts after the first one when a provider's failure may pass (408, 429, 5xx), with growing pauses. Limits of
    /// the key itself are waited for until the batch expires.
    pub retries: u32,
    /// Largest file that is taken; larger ones are refused with 413.
    #[schemars(with = "String")]
    pub max_file: Bytes,
    /// Most requests in one batch.
    pub max_requests: usize,
    /// Most room for all files together (in the folder `files` of the data folder), those that batches are writing
    /// included. Beyond it uploads and new batches are refused, and batches under way wait: no further request is made
    /// until there is room, but answers that were asked for already are still written.
    #[schemars(with = "String")]
    pub max_files_total: Bytes,
    /// Files, and batches that have ended, are deleted when they are this old.
    #[schemars(with = "String")]
    pub keep: Time,
}

impl Default for BatchesConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            concurrency: 8,
            retries: 3,
            max_file: Bytes(200 << 20),
            max_requests: 50_000,
            max_files_total: Bytes(10 << 30),
            keep: Time::secs(30 * 24 * 3600),
        }
    }
}

impl BatchesConfig {
    /// Checks what no type says.
    ///
    /// # Errors
    /// Names the key that is wrong and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if self.concurrency == 0 {
            return Err(
                "batches.concurrency: with 0 no request is ever made; write 1 or more, or turn batches off with \
                        batches.enabled = false"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_requests_at_once_are_refused() {
        assert_eq!(BatchesConfig::default().check(), Ok(()));
        let wrong = BatchesConfig { concurrency: 0, ..BatchesConfig::default() }.check().unwrap_err();
        assert!(wrong.starts_with("batches.concurrency:"), "{wrong}");
    }
}
