//! The exporters: planned from the settings before the store is opened, started, asked and stopped together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use weir_core::time::Clock;
use weir_export::{ExportStatus, Exporter, Parts, mlflow, otlp};
use weir_gateway::Gateway;
use weir_store::exports::{ExportTarget, Scope};
use weir_store::sqlite::SqliteStore;

use super::observe::Observers;
use crate::config::Settings;

/// What the settings ask for.
pub(super) struct Planned {
    mlflow: mlflow::Choice,
    otlp: otlp::Choice,
}

/// The exporters of a running server.
pub(crate) struct Exports {
    running: Vec<Exporter>,
    /// Those that are configured and switched off.
    off: Vec<ExportStatus>,
}

/// Refuses settings that could not be used at a start.
pub(super) fn check(settings: &Settings) -> anyhow::Result<()> {
    Planned::new(settings).map(drop)
}

/// What the settings come to, as lines for people.
///
/// # Errors
/// Where a start would fail.
pub(crate) fn describe(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let planned = Planned::new(settings)?.at(settings.server.listen)?;
    let to = |s: &mlflow::Settings| format!("{}, experiment {}", s.shown_uri(), s.experiment);
    let mlflow = match &planned.mlflow {
        mlflow::Choice::Unset => "mlflow: nothing is exported".to_owned(),
        mlflow::Choice::Ignored(why) => format!("mlflow: nothing is exported; {why}"),
        mlflow::Choice::Off(settings) => format!("mlflow: switched off ({})", to(settings)),
        mlflow::Choice::On(settings) => format!("mlflow: every call to {}", to(settings)),
    };
    let otlp = match &planned.otlp {
        otlp::Choice::Unset => "otlp: nothing is exported".to_owned(),
        otlp::Choice::Off(settings) => format!("otlp: switched off ({})", settings.shown_uri()),
        otlp::Choice::On(settings) => format!("otlp: every {} to {}", sort(settings), settings.shown_uri()),
    };
    Ok(vec![mlflow, otlp])
}

/// What is exported, in a word.
fn sort(settings: &otlp::Settings) -> &'static str {
    if settings.calls_only { "call" } else { "span" }
}

impl Planned {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let env = |name: &str| std::env::var(name).ok();
        let refuse = |problem: String| anyhow::anyhow!(problem);
        Ok(Self {
            mlflow: mlflow::choose(&settings.mlflow, &env).map_err(refuse)?,
            otlp: otlp::choose(&settings.otlp.export, &env).map_err(refuse)?,
        })
    }

    /// The same for a server that listens there. Spans are not sent to the server itself, which would record every one again
    /// under another id; runs need not be, as it shows its calls as runs anyway.
    pub(super) fn at(mut self, listen: SocketAddr) -> anyhow::Result<Self> {
        if let otlp::Choice::On(settings) = &self.otlp
            && settings.is_at(listen)
        {
            bail!(
                "otlp.export.endpoint: {} is where this Weir listens ({listen}), so that every span would come back to \
                 it; name the system that spans are to be sent on to, or leave the endpoint out",
                settings.shown_uri()
            );
        }
        if let mlflow::Choice::On(settings) = &self.mlflow
            && settings.is_at(listen)
        {
            let why = format!("{} is this Weir itself, which shows its calls as runs already", settings.shown_uri());
            self.mlflow = mlflow::Choice::Ignored(why);
        }
        Ok(self)
    }

    /// Whom the store queues spans for.
    pub(super) fn targets(&self) -> Vec<ExportTarget> {
        let target = |name: &str, scope| ExportTarget { name: name.to_owned(), scope };
        let mut targets = Vec::new();
        if let mlflow::Choice::On(_) = self.mlflow {
            targets.push(target(mlflow::NAME, Scope::Calls));
        }
        if let otlp::Choice::On(settings) = &self.otlp {
            let scope = if settings.calls_only { Scope::Calls } else { Scope::All };
            targets.push(target(otlp::NAME, scope));
        }
        targets
    }

    pub(super) fn start(
        self,
        store: &Arc<SqliteStore>,
        observers: &Arc<Observers>,
        gateway: &Arc<Gateway>,
        clock: &Clock,
    ) -> anyhow::Result<Exports> {
        let mut exports = Exports { running: Vec::new(), off: Vec::new() };
        let parts = || Parts { store: store.clone(), observer: observers.clone(), clock: clock.clone() };
        match self.mlflow {
            mlflow::Choice::Unset => {}
            mlflow::Choice::Ignored(why) => tracing::warn!("{why}"),
            mlflow::Choice::Off(settings) => {
                tracing::info!(uri = settings.shown_uri(), "the export to MLflow is switched off");
                exports.off.push(mlflow::off(&settings));
            }
            mlflow::Choice::On(settings) => {
                tracing::info!(
                    uri = settings.shown_uri(),
                    experiment = settings.experiment,
                    "calls are exported to MLflow"
                );
                exports.running.push(mlflow::start(settings, templates(gateway), parts())?);
            }
        }
        match self.otlp {
            otlp::Choice::Unset => {}
            otlp::Choice::Off(settings) => {
                tracing::info!(uri = settings.shown_uri(), "the export over OTLP is switched off");
                exports.off.push(otlp::off(&settings));
            }
            otlp::Choice::On(settings) => {
                tracing::info!(uri = settings.shown_uri(), "every {} is exported over OTLP", sort(&settings));
                exports.running.push(otlp::start(&settings, kinds(gateway), parts())?);
            }
        }
        Ok(exports)
    }
}

/// The texts of prompt templates.
fn templates(gateway: &Gateway) -> mlflow::TemplateText {
    let prompts = gateway.prompts().clone();
    Arc::new(move |hash| match prompts.content(hash) {
        Ok(content) => content.map(|content| content.text()),
        Err(error) => {
            tracing::warn!(hash, %error, "the template of a call cannot be read; its run has none");
            None
        }
    })
}

/// What kind of provider stands behind a configured name.
fn kinds(gateway: &Arc<Gateway>) -> otlp::ProviderKind {
    let gateway = gateway.clone();
    Arc::new(move |name| gateway.snapshot().providers.get(name).map(|provider| provider.kind.name))
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
