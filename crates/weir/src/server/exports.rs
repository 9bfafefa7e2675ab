//! The exporters: planned from the settings before the store is opened, started, asked and stopped together.

use std::sync::Arc;
use std::time::Duration;

use weir_core::time::Clock;
use weir_export::mlflow::{self, Choice, MlflowConfig};
use weir_export::{ExportStatus, Exporter, Parts};
use weir_gateway::prompts::Library;
use weir_store::exports::{ExportTarget, Scope};
use weir_store::sqlite::SqliteStore;

use super::observe::Observers;

/// What the settings ask for.
pub(super) struct Planned(Choice);

/// The exporters of a running server.
pub(crate) struct Exports {
    running: Vec<Exporter>,
    /// Those that are configured and switched off.
    off: Vec<ExportStatus>,
}

fn choose(config: &MlflowConfig) -> anyhow::Result<Choice> {
    mlflow::choose(config, &|name| std::env::var(name).ok()).map_err(|problem| anyhow::anyhow!(problem))
}

/// Refuses settings that could not be used at a start.
pub(super) fn check(config: &MlflowConfig) -> anyhow::Result<()> {
    choose(config).map(drop)
}

/// What the settings come to, as a line for people.
///
/// # Errors
/// As [`check`].
pub(crate) fn describe(config: &MlflowConfig) -> anyhow::Result<String> {
    let to = |s: &mlflow::Settings| format!("{}, experiment {}", s.shown_uri(), s.experiment);
    Ok(match choose(config)? {
        Choice::Unset => "mlflow: nothing is exported".to_owned(),
        Choice::Ignored(why) => format!("mlflow: nothing is exported; {why}"),
        Choice::Off(settings) => format!("mlflow: switched off ({})", to(&settings)),
        Choice::On(settings) => format!("mlflow: every call to {}", to(&settings)),
    })
}

impl Planned {
    pub(super) fn new(config: &MlflowConfig) -> anyhow::Result<Self> {
        choose(config).map(Self)
    }

    /// Whom the store queues calls for.
    pub(super) fn targets(&self) -> Vec<ExportTarget> {
        match self.0 {
            Choice::On(_) => vec![ExportTarget { name: mlflow::NAME.to_owned(), scope: Scope::Calls }],
            _ => Vec::new(),
        }
    }

    pub(super) fn start(
        self,
        store: Arc<SqliteStore>,
        observers: Arc<Observers>,
        prompts: Arc<Library>,
        clock: Clock,
    ) -> anyhow::Result<Exports> {
        let mut exports = Exports { running: Vec::new(), off: Vec::new() };
        match self.0 {
            Choice::Unset => {}
            Choice::Ignored(why) => tracing::warn!("{why}"),
            Choice::Off(settings) => {
                tracing::info!(uri = settings.shown_uri(), "the export to MLflow is switched off");
                exports.off.push(mlflow::off(&settings));
            }
            Choice::On(settings) => {
                tracing::info!(
                    uri = settings.shown_uri(),
                    experiment = settings.experiment,
                    "calls are exported to MLflow"
                );
                let parts = Parts { store, observer: observers, clock };
                let template = move |hash: &str| match prompts.content(hash) {
                    Ok(content) => content.map(|content| content.text()),
                    Err(error) => {
                        tracing::warn!(hash, %error, "the template of a call cannot be read; its run has none");
                        None
                    }
                };
                exports.running.push(mlflow::start(settings, Arc::new(template), parts)?);
            }
        }
        Ok(exports)
    }
}

impl Exports {
    /// How each is doing.
    pub(crate) fn statuses(&self) -> Vec<ExportStatus> {
        self.running.iter().map(Exporter::status).chain(self.off.iter().cloned()).collect()
    }

    /// Ends them. Returns whether what was under way ended in time. Blocks.
    pub(super) fn stop(&self, patience: Duration) -> bool {
        let mut all = true;
        for exporter in &self.running {
            all &= exporter.stop(patience);
        }
        all
    }
}
