use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_export::otlp::OtlpExportConfig;

/// OpenTelemetry's protocol.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OtlpConfig {
    /// Where ended spans are exported to.
    pub export: OtlpExportConfig,
}
