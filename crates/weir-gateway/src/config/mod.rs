//! The gateway's part of the configuration file. One struct per table; each field's doc comment is its entry in the
//! reference page. Unknown keys are refused.

mod gateway;
mod key;
mod model;
mod price;
mod provider;
mod record;

pub use gateway::{GatewayConfig, OnDisconnect};
pub use key::{KeyConfig, KeyRole};
pub use model::{ModelConfig, Strategy, TargetConfig};
pub use price::PriceConfig;
pub use provider::ProviderConfig;
pub use record::{PayloadMode, RecordConfig};
pub use weir_core::secret::Secret;

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
    /// `[[prices]]`.
    pub prices: Vec<PriceConfig>,
    /// What stands in the file that `gateway.price_file` names.
    pub price_file: Option<String>,
}
