//! Live reload: a change of the configuration file, or SIGHUP, is applied whole or refused whole.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use weir_gateway::snapshot::Snapshot;

use super::{Running, check_exposure};
use crate::config;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The models whose names become labels of metrics from the start.
pub(super) fn known_models(snapshot: &Snapshot) -> Vec<String> {
    let listed = snapshot.providers.values().flat_map(|p| {
        p.models().iter().flat_map(|model| [model.clone(), format!("{}/{model}", p.name)]).collect::<Vec<_>>()
    });
    snapshot.config.models.keys().cloned().chain(listed).collect()
}

/// Looks after the file for ever.
pub(super) async fn watch(running: Arc<Running>, file: Option<PathBuf>) {
    let Some(file) = file else { return };
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let listen = running.listen;
    let mut seen = stamp(&file);
    loop {
        let told = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = stamp(&file);
        if now == seen && !told {
            continue;
        }
        seen = now;
        match apply(&running, &file, listen) {
            Ok(()) => tracing::info!(file = %file.display(), "the configuration was changed"),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(file = %file.display(), error, "the changed configuration is refused; the old one stays");
            }
        }
    }
}

/// Size and time of change; editors that replace the file change both.
fn stamp(file: &PathBuf) -> Option<(u64, SystemTime)> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

fn apply(running: &Running, file: &std::path::Path, listen: std::net::SocketAddr) -> anyhow::Result<()> {
    let loaded = config::load(Some(file))?;
    let checked = weir_gateway::Gateway::check(loaded.gateway.clone(), &|name| std::env::var(name).ok())?;
    check_exposure(listen, &checked.keyring)?;
    running.gateway.reload(loaded.gateway)?;
    running.observers.metrics.set_known_models(&known_models(&checked));
    running.observers.metrics.retain_upstreams(|provider, _| checked.providers.contains_key(provider));
    Ok(())
}
