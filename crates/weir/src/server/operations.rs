//! What a running server is asked by those who operate it: readiness and backups, with settings that reloads change.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use weir_core::error::Error;
use weir_core::time::{Clock, Micros};
use weir_store::catalog::{Alerts, Notifications};
use weir_watch::alerts::reads::Stores;
use weir_watch::readiness::{Report, Targets, judge};
use weir_web::api::{BackupAnswer, read};

use super::Running;
use crate::backups::Backups;
use crate::config::Settings;
use crate::readiness::{self, Sources};

/// How often the time for a backup is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The pause after a backup that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(300);

/// The settings.
pub(crate) struct Operations {
    targets: Targets,
    window: Micros,
    backups: Backups,
    interval: Option<Micros>,
    verify: bool,
    /// Whether rules are evaluated; a change needs a restart.
    alerts: bool,
}

impl Operations {
    /// From the settings.
    ///
    /// # Errors
    /// A key that cannot be used, by name.
    pub(super) fn new(settings: &Settings, clock: &Clock) -> anyhow::Result<Self> {
        let (targets, window) = settings.readiness.targets()?;
        let backups = Backups::new(settings, &settings.server.data, clock.clone())?;
        let interval = settings.backup.interval;
        let interval = interval.map(|every| Micros::try_from(every.0.as_micros()).unwrap_or(Micros::MAX));
        Ok(Self { targets, window, backups, interval, verify: settings.backup.verify, alerts: settings.alerts.enabled })
    }

    /// The same, to be exchanged at a reload.
    pub(super) fn swap(self) -> Arc<ArcSwap<Self>> {
        Arc::new(ArcSwap::from_pointee(self))
    }
}

/// Judges whether the service is ready. Blocks.
pub(super) fn ready(running: &Running, window: Option<Micros>) -> Result<Report, Error> {
    let operations = running.operations.load();
    let snapshot = running.gateway.snapshot();
    let now = running.clock.now();
    let mut budgets = readiness::budgets(&snapshot, now);
    let watched = &running.alerter.setup().configured.targets.budgets;
    let reads = Stores {
        measured: running.store.clone(),
        anomalies: running.catalog.clone(),
        happenings: running.catalog.clone(),
    };
    budgets.extend(readiness::watched_budgets(watched, &reads, now).map_err(read::refusal)?);
    let rules = operations.alerts.then(|| running.alerter.rules());
    let seen = readiness::Seen {
        tests: running.catalog.channel_tests().map_err(read::refusal)?,
        evaluations: running.catalog.alert_evaluations().map_err(read::refusal)?,
        deliveries: readiness::deliveries(&running.post.channels(), |channel| {
            running.catalog.channel_deliveries(channel)
        })
        .map_err(read::refusal)?,
    };
    let sources = Sources {
        store: &*running.store,
        record: &snapshot.config.record,
        shelf: operations.backups.shelf.as_deref(),
        budgets,
        alerts: Some(readiness::alerts(rules.as_deref(), &running.post.channels(), &seen)),
        lost: running.observers.lost_records(),
    };
    let facts = readiness::facts(sources, window.unwrap_or(operations.window), now).map_err(read::refusal)?;
    Ok(judge(&facts, &operations.targets))
}

/// Makes a backup. Blocks.
pub(super) fn back_up(running: &Running, verify: bool) -> Result<BackupAnswer, Error> {
    let operations = running.operations.load_full();
    let made = operations.backups.make(verify);
    running.observers.metrics.backed_up(made.is_ok());
    measure_backups(running);
    let answer = made?;
    tracing::info!(path = answer.path, bytes = answer.bytes, verified = answer.verified.is_some(), "a backup was made");
    Ok(answer)
}

/// Notes which backups there are. One that cannot be looked at leaves what was known.
pub(super) fn measure_backups(running: &Running) {
    let operations = running.operations.load_full();
    let newest = match operations.backups.shelf {
        None => None,
        Some(_) => match operations.backups.list() {
            Ok(all) => {
                let began = |one: &weir_store::backup::Backup| one.manifest.began_at;
                Some([all.first().map(began), all.iter().find(|one| one.verified.is_some()).map(began)])
            }
            Err(error) => {
                tracing::debug!(%error, "the folder of backups cannot be read");
                return;
            }
        },
    };
    running.observers.metrics.set_backups(newest);
}

/// Makes backups by the clock, for ever.
pub(super) async fn run_backups(running: Arc<Running>) {
    loop {
        let this = running.clone();
        let failed = match tokio::task::spawn_blocking(move || back_up_if_due(&this)).await {
            Ok(Ok(())) => false,
            Ok(Err(error)) => {
                tracing::error!(%error, "the backup that was due cannot be made; it is tried again");
                true
            }
            Err(defect) => {
                tracing::error!(%defect, "making a backup met a defect");
                true
            }
        };
        tokio::time::sleep(if failed { AFTER_FAILURE } else { LOOK_EVERY }).await;
    }
}

fn back_up_if_due(running: &Running) -> Result<(), Error> {
    let operations = running.operations.load_full();
    let Some(interval) = operations.interval else { return Ok(()) };
    let newest = operations.backups.list()?.first().map(|one| one.manifest.began_at);
    if newest.is_some_and(|at| running.clock.now().saturating_sub(at) < interval) {
        return Ok(());
    }
    back_up(running, operations.verify).map(drop)
}
