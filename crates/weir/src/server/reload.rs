//! Live reload: a change of the configuration file, or SIGHUP, is applied whole or refused whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use weir_gateway::snapshot::Snapshot;

use anyhow::bail;

use super::{Running, alerts, check_exposure, exports, operations, otlp};
use crate::config::{self, Flags, Loaded, Settings};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The models whose names become labels of metrics from the start.
pub(super) fn known_models(snapshot: &Snapshot) -> Vec<String> {
    let listed = snapshot.providers.values().flat_map(|p| {
        p.models().iter().flat_map(|model| [model.clone(), format!("{}/{model}", p.name)]).collect::<Vec<_>>()
    });
    snapshot.config.models.keys().cloned().chain(listed).collect()
}

/// Looks after the file for ever. A change counts when two looks have seen the same file, so that a file that is just
/// being written is not taken for a whole one.
pub(super) async fn watch(running: Arc<Running>, loaded: Loaded, flags: Flags) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let Some(file) = loaded.file else {
        // The signal would else end the process.
        while hangup.recv().await.is_some() {
            tracing::info!("there is no configuration file to read again");
        }
        return;
    };
    let fixed = fixed_settings(&loaded.settings);
    // Rules are files beside it.
    let mut rules = loaded.settings.alerts.dir.clone();
    let stamp = |file: &PathBuf, rules: &Option<PathBuf>| (stamp(file), alerts::stamps(rules.as_deref()));
    let mut applied = stamp(&file, &rules);
    let mut seen = applied.clone();
    loop {
        let told = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamp(&file, &rules);
        let settled = now == seen;
        seen.clone_from(&now);
        if !told && (now == applied || !settled) {
            continue;
        }
        applied = now;
        // It reads files and the store, and waits for the journal.
        let (this, from, flags, fixed) = (running.clone(), file.clone(), flags.clone(), fixed.clone());
        let done = tokio::task::spawn_blocking(move || apply(&this, &from, &flags, &fixed)).await;
        match done.unwrap_or_else(|defect| Err(anyhow::Error::new(defect).context("taking it met a defect"))) {
            Ok(dir) => {
                tracing::info!(file = %file.display(), "the configuration was changed");
                if dir != rules {
                    rules = dir;
                    applied = stamp(&file, &rules);
                    seen.clone_from(&applied);
                }
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(file = %file.display(), error, "the changed configuration is refused; the old one stays");
            }
        }
    }
}

/// Looks after the folder of prompts for ever.
pub(super) async fn watch_prompts(running: Arc<Running>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let this = running.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let snapshot = this.gateway.snapshot();
            this.gateway.prompts().look(&snapshot.config.prompts)
        });
        match looked.await {
            Ok(true) => tracing::info!("changed prompts were taken"),
            Ok(false) => {}
            Err(_) => tracing::error!("looking after prompts met a defect"),
        }
    }
}

/// The settings that are read once.
fn fixed_settings(settings: &Settings) -> String {
    let record = &settings.record;
    let server = serde_json::to_string(&settings.server).unwrap_or_default();
    let mlflow = serde_json::to_string(&settings.mlflow).unwrap_or_default();
    let otlp = serde_json::to_string(&settings.otlp).unwrap_or_default();
    let artifacts = serde_json::to_string(&settings.artifacts).unwrap_or_default();
    let alerts = settings.alerts.enabled;
    let watch = serde_json::to_string(&settings.watch).unwrap_or_default();
    format!("{server} {artifacts} {mlflow} {otlp} {watch} {alerts} {} {}", record.journal_max, record.plain_text)
}

/// Size and time of change; editors that replace the file change both.
fn stamp(file: &PathBuf) -> Option<(u64, SystemTime)> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

fn apply(running: &Running, file: &Path, flags: &Flags, fixed: &str) -> anyhow::Result<Option<PathBuf>> {
    let loaded = config::load(Some(file))?.with(flags);
    let checked = weir_gateway::Gateway::check(loaded.gateway.clone(), &|name| std::env::var(name).ok())?;
    check_exposure(running.listen, &checked.keyring)?;
    otlp::check(&loaded.settings.otlp, &checked.keyring)?;
    exports::check(&loaded.settings)?;
    loaded.settings.watch.options()?;
    let channels = loaded.settings.channels()?;
    let operations = operations::Operations::new(&loaded.settings, &running.clock)?;
    let rules = loaded.settings.alerts()?;
    let before = running.gateway.snapshot();
    if checked.keyring.is_open() && !before.keyring.is_open() {
        bail!("it has no keys any more, which would let everybody call; restart Weir if that is meant");
    }
    running.gateway.reload(loaded.gateway)?;
    running.post.set_channels(channels);
    running.operations.store(Arc::new(operations));
    running.alerter.configure(rules)?;
    super::restore_spend(running, Some(&before.limits));
    running.observers.metrics.set_known_models(&known_models(&checked));
    running.observers.metrics.set_labels(&loaded.settings.metrics.labels);
    running.observers.metrics.retain_upstreams(|provider, _| checked.providers.contains_key(provider));
    if fixed_settings(&loaded.settings) != fixed {
        tracing::warn!(
            "changes of [server], [artifacts], [mlflow], [otlp], [watch], alerts.enabled, record.journal_max and record.plain_text need a restart"
        );
    }
    Ok(loaded.settings.alerts.dir)
}
