//! The gateway's part of the configuration file. One struct per table; each field's doc comment is its entry in the
//! reference page. Unknown keys are refused.

mod batches;
mod gateway;
mod key;
mod model;
mod price;
mod provider;
mod record;
mod secret;

pub use batches::BatchesConfig;
pub use gateway::{GatewayConfig, OnDisconnect};
pub use key::{KeyConfig, KeyRole};
pub use model::{ModelConfig, Strategy, TargetConfig};
pub use price::PriceConfig;
pub use provider::ProviderConfig;
pub use record::{PayloadMode, RecordConfig};
pub use secret::Secret;

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
    /// What stands in the file that `gateway.price_file` names.
    pub price_file: Option<String>,
}
