//! The gateway's part of the configuration file. One struct per table; each field's doc comment is its entry in the
//! reference page. Unknown keys are refused.

mod batches;
mod cache;
mod compress;
mod gateway;
mod key;
mod limit;
mod metrics;
mod model;
mod price;
mod prompts;
mod provider;
mod when;

pub use batches::BatchesConfig;
pub use cache::{CacheConfig, CacheScope, SemanticConfig};
pub use compress::CompressConfig;
pub use gateway::{GatewayConfig, OnDisconnect};
pub use key::{KeyConfig, KeyRole};
pub use limit::LimitConfig;
pub use metrics::MetricsConfig;
pub use model::{AcceptConfig, ModelConfig, Strategy, TargetConfig};
pub use price::PriceConfig;
pub use prompts::{AssignConfig, PromptsConfig, SplitConfig, Sticky};
pub use provider::ProviderConfig;
pub use weir_core::record::{PayloadMode, RecordConfig};
pub use weir_core::secret::Secret;
pub use when::{SelectConfig, When};

use std::collections::BTreeMap;

/// Everything the gateway is made from.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `[gateway]`.
    pub gateway: GatewayConfig,
    /// `[providers.NAME]`.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// `[models.NAME]`.
    pub models: BTreeMap<String, ModelConfig>,
    /// `[[keys]]`.
    pub keys: Vec<KeyConfig>,
    /// `[record]`.
    pub record: RecordConfig,
    /// `[batches]`.
    pub batches: BatchesConfig,
    /// `[[prices]]`.
    pub prices: Vec<PriceConfig>,
    /// `[[limits]]`.
    pub limits: Vec<LimitConfig>,
    /// `[prompts]`.
    pub prompts: PromptsConfig,
    /// `[[select]]`.
    pub select: Vec<SelectConfig>,
    /// `[[compress]]`.
    pub compress: Vec<CompressConfig>,
    /// `[cache]`.
    pub cache: CacheConfig,
    /// What stands in the file that `gateway.price_file` names.
    pub price_file: Option<String>,
}
