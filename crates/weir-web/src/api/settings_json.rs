//! What is configured, as JSON. No member can hold a secret: keys, hashes and headers have no place here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::number::Usd;

/// Who may call.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeysAnswer {
    /// Whether no keys are configured, so that everybody on this machine may do everything.
    pub open: bool,
    /// The keys in the order of the configuration.
    pub keys: Vec<KeyJson>,
}

/// A key, without the key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyJson {
    /// Its name.
    pub name: String,
    /// What it may do: `call`, `write`, `read` or `admin`; each includes the ones before.
    pub role: String,
    /// How the configuration knows it: `env` (an environment variable holds it), `sha256` (only its hash is known) or
    /// `literal` (it stands in the file, readable).
    pub known_by: String,
    /// The environment variable.
    pub variable: Option<String>,
    /// Models it may call; empty: any.
    pub models: Vec<String>,
    /// Project of its calls.
    pub project: Option<String>,
    /// Department of its calls.
    pub department: Option<String>,
    /// Requests per minute.
    pub rpm: Option<u32>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Dollars per UTC day.
    pub budget_usd_per_day: Option<f64>,
    /// Dollars per UTC month.
    pub budget_usd_per_month: Option<f64>,
    /// Calls of the last 30 days.
    pub calls: u64,
    /// Their known cost.
    #[schema(value_type = f64)]
    pub cost_usd: Usd,
    /// When the last call of these days began, RFC 3339; null when there was none.
    #[schema(format = DateTime)]
    pub last_used: Option<String>,
}

/// What keys and labels may use, and what is left.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LimitsAnswer {
    /// The limits, the scarcest first, at most 500.
    pub limits: Vec<LimitJson>,
    /// How many are left out.
    pub more: u64,
}

/// A limit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LimitJson {
    /// `key`, `department` or another label.
    pub label: String,
    /// Its value; `*` is the limit that each value without one by name has for itself.
    pub value: String,
    /// Requests per minute.
    pub requests: Option<UseJson>,
    /// Tokens per minute.
    pub tokens: Option<UseJson>,
    /// Dollars per UTC day.
    pub usd_per_day: Option<UseJson>,
    /// Dollars per UTC month.
    pub usd_per_month: Option<UseJson>,
    /// The share of a budget from which on it alerts.
    pub soft: f64,
    /// The model that serves calls once a budget is spent; without one they are refused.
    pub fallback: Option<String>,
}

/// What of a limit is left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UseJson {
    /// All of it.
    pub limit: f64,
    /// What is left now, what calls under way have reserved taken off; below 0 when overspent.
    pub left: f64,
}

/// The prices in use.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PricesAnswer {
    /// The day that the built-in prices are of, `YYYY-MM-DD`.
    pub as_of: String,
    /// The models, in the table's order.
    pub prices: Vec<PriceJson>,
}

/// The price of a model, US dollars per million tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PriceJson {
    /// The provider's kind; empty: any provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where it is from: `built_in`, `file` (`gateway.price_file`) or `configuration` (`[[prices]]`).
    pub source: String,
    /// The built-in price that it is in place of.
    pub instead_of: Option<RatesJson>,
    /// The rates.
    pub rates: RatesJson,
    /// Rates of requests with more input than so many tokens.
    pub above: Vec<TierJson>,
    /// Input through the batch API.
    pub batch_input: Option<f64>,
    /// Output through the batch API.
    pub batch_output: Option<f64>,
    /// Most input tokens.
    pub context: Option<u64>,
    /// Other names of the model.
    pub aliases: Vec<String>,
    /// When the provider retires it, `YYYY-MM-DD`.
    pub retires: Option<String>,
    /// Whether it is retired.
    pub retired: bool,
}

/// Rates, US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RatesJson {
    /// Input.
    pub input: f64,
    /// Input read from the provider's cache.
    pub cached_input: f64,
    /// Input written to it.
    pub cache_write: f64,
    /// Output.
    pub output: f64,
}

/// Rates of long requests.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct TierJson {
    /// From more input tokens than these on.
    pub input_tokens: u64,
    /// The rates of all tokens of such a request.
    pub rates: RatesJson,
}

/// What is kept, for how long, and what is taken out before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionAnswer {
    /// Seconds that calls and traces are kept; null: for ever (`record.retention`).
    pub calls_seconds: Option<f64>,
    /// How much of prompts and answers is kept: `full`, `truncated`, `redacted` or `none` (`record.payload`).
    pub payload: String,
    /// Most bytes of each that are kept.
    pub max_payload_bytes: u64,
    /// Whether they are kept as plain text columns (`record.plain_text`).
    pub plain_text: bool,
    /// Whether keys, tokens and passwords are replaced; always.
    pub replaces_secrets: bool,
    /// Whether e-mail addresses, phone numbers, payment cards, bank accounts and IP addresses are replaced.
    pub replaces_personal_data: bool,
    /// Labels of the operator's own patterns (`record.redact`).
    pub patterns: Vec<String>,
    /// Project of calls that name none.
    pub project: String,
    /// Most bytes of calls that wait for the store.
    pub journal_max_bytes: u64,
    /// The cache of answers; null where nothing is cached.
    pub cache: Option<CacheKeptJson>,
    /// Seconds that files and batches that have ended are kept (`batches.keep`).
    pub files_seconds: f64,
}

/// How long answers are cached.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CacheKeptJson {
    /// Seconds that an answer may be given again.
    pub seconds: f64,
    /// Most memory for answers.
    pub max_bytes: u64,
    /// Who shares answers: `shared`, `key`, `department`, `project` or `user`.
    pub scope: String,
    /// Whether they are kept on disk.
    pub on_disk: bool,
}

/// The providers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProvidersAnswer {
    /// By name.
    pub providers: Vec<ProviderJson>,
}

/// A provider, without its key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProviderJson {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where it is, without credentials; null for the built-in one.
    pub url: Option<String>,
    /// Whether it has a key of its own; else callers' keys are passed on, or it needs none.
    pub has_key: bool,
    /// Models that it lists; 0: any model.
    pub models: u64,
    /// Its models that were called since the start, at most 100: those out of the rotation first.
    pub deployments: Vec<DeploymentJson>,
}

/// A model at a provider, and how it does. Of this process, since its start.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeploymentJson {
    /// The model.
    pub model: String,
    /// `well`; `cooling` down after failures; `blocked`: the provider asked not to be called.
    pub state: String,
    /// Until when it is out of the rotation, RFC 3339.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Milliseconds to the first byte, lately.
    pub first_byte_ms: Option<f64>,
    /// Requests under way.
    pub in_flight: u32,
}

/// The room that is taken.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct StorageAnswer {
    /// The data folder.
    pub folder: String,
    /// Bytes of everything in it.
    pub bytes: u64,
    /// What it is made of, the largest first.
    pub parts: Vec<StoragePart>,
    /// Tables and indexes of the telemetry, the largest first; none of a large database, whose pages are not counted.
    pub tables: Vec<StoragePart>,
    /// Where artifacts are, if not in the folder.
    pub artifacts_elsewhere: Option<String>,
    /// Calls that are counted.
    pub calls: u64,
    /// When the oldest recorded step began, RFC 3339.
    #[schema(format = DateTime)]
    pub oldest: Option<String>,
    /// When the newest did.
    #[schema(format = DateTime)]
    pub newest: Option<String>,
    /// Projects with most calls, at most 50.
    pub projects: Vec<StoredProject>,
}

/// A file, a folder or a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoragePart {
    /// Its name.
    pub name: String,
    /// What it holds, for people.
    pub about: String,
    /// Its bytes.
    pub bytes: u64,
    /// Files in it; of a table 0.
    pub files: u64,
    /// Whether there are more files than were looked at.
    pub more: bool,
}

/// What is stored of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoredProject {
    /// Its name; null: calls without one.
    pub project: Option<String>,
    /// Its calls.
    pub calls: u64,
    /// The day of its first call or decision, RFC 3339.
    #[schema(format = DateTime)]
    pub first: String,
    /// The end of the day of its last.
    #[schema(format = DateTime)]
    pub last: String,
}
