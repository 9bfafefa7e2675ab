use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::{Bytes, Time};

/// What happens upstream when the client goes away in the middle of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDisconnect {
    /// The upstream call is cancelled at once; the part that was produced is recorded and priced.
    #[default]
    Cancel,
    /// The answer is read to its end, so that the recorded usage is the provider's.
    Drain,
}

/// How calls are sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// The model that `/generate` uses. Without it: the demo model, or the only model of the only provider.
    pub default_model: Option<String>,
    /// Time to open a TCP connection to a provider. Address lookup and TLS count against `first_byte_timeout`.
    #[schemars(with = "String")]
    pub connect_timeout: Time,
    /// Time from sending the request to the first byte of the answer.
    #[schemars(with = "String")]
    pub first_byte_timeout: Time,
    /// Longest silence within an answer.
    #[schemars(with = "String")]
    pub idle_timeout: Time,
    /// Time for the whole call, all attempts included.
    #[schemars(with = "String")]
    pub total_timeout: Time,
    /// Attempts after the first one, over all deployments of one model.
    pub retries: u32,
    /// Longest wait before a retry. A longer Retry-After moves to another deployment, or is handed to the client.
    #[schemars(with = "String")]
    pub max_retry_wait: Time,
    /// Largest request body; larger ones are refused with 413.
    #[schemars(with = "String")]
    pub max_body: Bytes,
    /// Largest answer that is not streamed; larger ones end in an upstream error.
    #[schemars(with = "String")]
    pub max_response: Bytes,
    /// Time for the client to send its headers, and again for its body.
    #[schemars(with = "String")]
    pub request_timeout: Time,
    /// Most requests at once; more are refused with 503 and Retry-After.
    pub max_concurrent: usize,
    /// What happens upstream when the client goes away.
    pub on_disconnect: OnDisconnect,
    /// Whether members that a translated upstream does not know are dropped (else the request is refused with 400).
    pub drop_params: bool,
    /// Whether the caller's `traceparent` is passed on to the provider.
    pub forward_traceparent: bool,
    /// A file of prices that override the built-in table, in the table's own form.
    pub price_file: Option<String>,
    /// Whether the built-in provider `demo` (deterministic, labelled, no network) is offered.
    pub demo: bool,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            default_model: None,
            connect_timeout: Time::secs(5),
            first_byte_timeout: Time::secs(60),
            idle_timeout: Time::secs(60),
            total_timeout: Time::secs(600),
            retries: 2,
            max_retry_wait: Time::secs(10),
            max_body: Bytes(32 << 20),
            max_response: Bytes(64 << 20),
            request_timeout: Time::secs(30),
            max_concurrent: 10_000,
            on_disconnect: OnDisconnect::Cancel,
            drop_params: true,
            forward_traceparent: false,
            price_file: None,
            demo: true,
        }
    }
}
