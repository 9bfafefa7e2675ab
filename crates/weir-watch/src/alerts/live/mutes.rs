//! What silences alerts: windows of rules, silences of people, and that somebody takes care.

use std::collections::HashMap;

use weir_core::time::Micros;
use weir_store::catalog::{AlertAck, Alerts};
use weir_store::telemetry::StoreError;

use super::super::course::Held;
use super::super::mute::Silence;
use super::super::rule::Rule;
use super::super::series::Quiet;

/// All that silences, as it is now.
#[derive(Debug, Default)]
pub(super) struct Hush {
    now: Micros,
    silences: Vec<Silence>,
    acknowledged: HashMap<String, (Option<Micros>, AlertAck)>,
}

impl Hush {
    pub(super) fn read(catalog: &dyn Alerts, now: Micros) -> Result<Self, StoreError> {
        let acknowledged = catalog.acknowledged()?.into_iter().map(|(name, starts, ack)| (name, (starts, ack)));
        Ok(Self { now, silences: silences(catalog, now)?, acknowledged: acknowledged.collect() })
    }

    /// What silences a series: what people have set, now; the rule's own windows at the instant that is judged.
    pub(super) fn quiet(&self, rule: &Rule, fingerprint: &str, held: &Held, at: Micros) -> Quiet {
        let silenced = self.silences.iter().any(|s| s.holds(&rule.id, &held.labels, self.now));
        let acknowledged = self.acknowledged.get(fingerprint).is_some_and(|(starts, ack)| {
            *starts == held.series.starts_at && ack.until.is_none_or(|until| self.now < until)
        });
        Quiet { muted: silenced || rule.is_muted(at), acknowledged }
    }
}

/// The silences that have not ended.
pub(super) fn silences(catalog: &dyn Alerts, now: Micros) -> Result<Vec<Silence>, StoreError> {
    let read = |text: String| match serde_json::from_str(&text) {
        Ok(silence) => Some(silence),
        Err(error) => {
            tracing::warn!(%error, "a silence cannot be read");
            None
        }
    };
    Ok(catalog.alert_mutes(now)?.into_iter().filter_map(read).collect())
}
