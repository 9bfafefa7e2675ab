//! Ended spans to whatever takes OTLP: a collector, another Weir, any system of the field. OTLP over HTTP in protobuf,
//! compressed.
//!
//! A span is sent at least once. The protocol has no way to ask whether the target has it, so that after a crash, or an
//! answer that did not come, it may be there twice where the target does not tell spans by their ids.

mod batch;
mod client;
mod settings;
mod target;

#[cfg(test)]
mod receiver;
#[cfg(test)]
mod tests;

use crate::exporter::{Exporter, Parts};
use crate::status::{ExportStatus, State};

pub use settings::{Choice, OtlpExportConfig, Settings, choose};
pub use target::ProviderKind;

/// Its name in cursors, metrics and the log.
pub const NAME: &str = "otlp";

/// Deliveries that wait together; no more than the worker begins past its cursor.
const CONCURRENCY: usize = 256;

/// Starts exporting to an endpoint. `kinds` knows what kind of provider stands behind a configured name.
///
/// # Errors
/// When no thread or no HTTP client can be had.
pub fn start(settings: &Settings, kinds: ProviderKind, parts: Parts) -> std::io::Result<Exporter> {
    let client = client::Client::new(settings).map_err(std::io::Error::other)?;
    Exporter::start(move |_| target::Otlp::new(client, kinds), CONCURRENCY, shown(settings, State::Ok), parts)
}

/// What is shown of an exporter that is configured and switched off.
#[must_use]
pub fn off(settings: &Settings) -> ExportStatus {
    shown(settings, State::Off)
}

fn shown(settings: &Settings, state: State) -> ExportStatus {
    ExportStatus { target: NAME, uri: settings.shown_uri(), state, ..ExportStatus::default() }
}
