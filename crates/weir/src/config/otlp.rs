use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_core::units::Bytes;
use weir_export::otlp::OtlpExportConfig;

/// OpenTelemetry's protocol. Over HTTP spans are taken on the server's own port, at `/v1/traces`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OtlpConfig {
    /// Address and port where spans are taken over gRPC, or `off`. Anything but loopback needs keys. Without this key a
    /// port that is taken already is left alone.
    #[schemars(with = "String")]
    pub grpc: GrpcListen,
    /// Largest export request, packed or not.
    #[schemars(with = "String")]
    pub max_body: Bytes,
    /// Where ended spans are exported to.
    pub export: OtlpExportConfig,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self { grpc: GrpcListen::Usual, max_body: Bytes(20 << 20), export: OtlpExportConfig::default() }
    }
}

/// OpenTelemetry's own port for gRPC.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4317);

/// Where gRPC is listened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrpcListen {
    /// Where clients look for it, if that is free.
    Usual,
    /// Nowhere.
    Off,
    /// There, or the server does not start.
    At(SocketAddr),
}

impl GrpcListen {
    /// Where that is; `None` for nowhere.
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Usual => Some(USUAL),
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl FromStr for GrpcListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| format!("{text:?} is no address with a port: write one as in \"127.0.0.1:4317\", or \"off\""))
    }
}

impl fmt::Display for GrpcListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => address.fmt(f),
            None => f.write_str("off"),
        }
    }
}

impl Serialize for GrpcListen {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GrpcListen {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_at_an_address_or_off() {
        let read = |text: &str| toml::from_str::<OtlpConfig>(text).map(|config| config.grpc);
        assert_eq!(read("").unwrap(), GrpcListen::Usual);
        assert_eq!(read("grpc = \"off\"").unwrap(), GrpcListen::Off);
        assert_eq!(read("grpc = \"127.0.0.1:4317\"").unwrap(), GrpcListen::At(USUAL));
        assert!(read("grpc = \"4317\"").unwrap_err().to_string().contains("is no address with a port"));
        assert_eq!(GrpcListen::Usual.to_string(), "127.0.0.1:4317");
    }
}
