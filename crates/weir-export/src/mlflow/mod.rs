//! Calls as runs of a real MLflow server.

mod client;
mod experiment;
mod settings;
mod target;
mod twins;
mod wire;

use crate::exporter::{Exporter, Parts};
use crate::status::{ExportStatus, State};

pub use settings::{Choice, MlflowConfig, Settings, choose};
pub use target::TemplateText;

/// Its name in cursors, metrics and the log.
pub const NAME: &str = "mlflow";

/// Starts exporting to a server. `templates` knows the texts of prompt templates.
///
/// # Errors
/// When no thread or no HTTP client can be had.
pub fn start(settings: Settings, templates: TemplateText, parts: Parts) -> std::io::Result<Exporter> {
    let shown = shown(&settings, State::Ok);
    let concurrency = settings.concurrency;
    let client = client::Client::new(&settings).map_err(std::io::Error::other)?;
    Exporter::start(
        move |artifacts| target::Mlflow::new(client, settings, templates, artifacts.clone()),
        concurrency,
        shown,
        parts,
    )
}

/// What is shown of an exporter that is configured and switched off.
#[must_use]
pub fn off(settings: &Settings) -> ExportStatus {
    shown(settings, State::Off)
}

fn shown(settings: &Settings, state: State) -> ExportStatus {
    ExportStatus {
        target: NAME,
        uri: settings.shown_uri(),
        place: settings.experiment.clone(),
        state,
        ..ExportStatus::default()
    }
}
