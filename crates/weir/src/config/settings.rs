use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::Time;
use weir_export::mlflow::MlflowConfig;
use weir_gateway::config::{
    BatchesConfig, CacheConfig, CompressConfig, Config, GatewayConfig, KeyConfig, LimitConfig, MetricsConfig,
    ModelConfig, PriceConfig, PromptsConfig, ProviderConfig, RecordConfig, SelectConfig,
};
use weir_watch::budgets::BudgetDoc;
use weir_watch::notify::{ChannelConfig, Channels};
use weir_watch::slo::SloDoc;

use super::alerts::AlertsConfig;
use super::artifacts::ArtifactsConfig;
use super::backup::BackupConfig;
use super::otlp::OtlpConfig;
use super::readiness::ReadinessConfig;
use super::watch::WatchConfig;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Where Weir listens and what it writes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerConfig {
    /// Address and port. Anything but loopback needs keys.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Folder of the database and the journal.
    pub data: PathBuf,
    /// Most connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long calls under way may go on when Weir is stopped.
    #[schemars(with = "String")]
    pub shutdown_timeout: Time,
    /// How the log is written: text or json.
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or a filter as in `weir=debug`. The variable `RUST_LOG` wins.
    pub log: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("./weir-data"),
            max_connections: 10_000,
            shutdown_timeout: Time::secs(30),
            log_format: LogFormat::Text,
            log: "info".to_owned(),
        }
    }
}

/// The whole file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where Weir listens and what it writes.
    pub server: ServerConfig,
    /// How calls are sent.
    pub gateway: GatewayConfig,
    /// Who serves models, by name: the name is used in `name/model`.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Model names of your own: balanced over several deployments, with fallbacks.
    pub models: BTreeMap<String, ModelConfig>,
    /// Who may call. None listed: everybody on loopback.
    pub keys: Vec<KeyConfig>,
    /// What departments and other labels may use.
    pub limits: Vec<LimitConfig>,
    /// Prompt templates.
    pub prompts: PromptsConfig,
    /// Rules that send calls to another model; the first one that matches wins.
    pub select: Vec<SelectConfig>,
    /// How prompts are made shorter before they are sent; the first rule that matches counts.
    pub compress: Vec<CompressConfig>,
    /// Answers that are given again.
    pub cache: CacheConfig,
    /// What is recorded of every call, and for how long.
    pub record: RecordConfig,
    /// What the metrics page tells apart.
    pub metrics: MetricsConfig,
    /// Files of requests (`/v1/files`) that Weir runs by itself (`/v1/batches`), over any provider.
    pub batches: BatchesConfig,
    /// Prices that override the built-in table.
    pub prices: Vec<PriceConfig>,
    /// Files of runs, models and traces.
    pub artifacts: ArtifactsConfig,
    /// Where calls are exported to.
    pub mlflow: MlflowConfig,
    /// OpenTelemetry's protocol.
    pub otlp: OtlpConfig,
    /// What is watched for anomalies.
    pub watch: WatchConfig,
    /// Where alerts are told; rules name channels. Secrets are written as `env:NAME`, never literally.
    pub channels: Vec<ChannelConfig>,
    /// Whole copies of the data folder, made while the server runs.
    pub backup: BackupConfig,
    /// What `weir ready` demands of a service that is to go into production.
    pub readiness: ReadinessConfig,
    /// Who is told when.
    pub alerts: AlertsConfig,
    /// What may be spent in a day, a week or a month.
    pub budgets: Vec<BudgetDoc>,
    /// Service level objectives.
    pub slos: Vec<SloDoc>,
}

impl Settings {
    /// The channels.
    ///
    /// # Errors
    /// The key that cannot be used, by name.
    pub(crate) fn channels(&self) -> anyhow::Result<Channels> {
        Channels::new(&self.channels, &|name| std::env::var(name).ok()).map_err(anyhow::Error::msg)
    }

    /// The gateway's part. `price_file` is what stands in the file that `gateway.price_file` names.
    #[must_use]
    pub(crate) fn gateway_config(&self, price_file: Option<String>) -> Config {
        Config {
            gateway: self.gateway.clone(),
            providers: self.providers.clone(),
            models: self.models.clone(),
            keys: self.keys.clone(),
            limits: self.limits.clone(),
            prompts: self.prompts.clone(),
            select: self.select.clone(),
            compress: self.compress.clone(),
            cache: self.cache.clone(),
            record: self.record.clone(),
            batches: self.batches.clone(),
            prices: self.prices.clone(),
            price_file,
        }
    }
}
