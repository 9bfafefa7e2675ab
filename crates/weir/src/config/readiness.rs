use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::time::{DAY, MINUTE, Micros};
use weir_core::units::Time;
use weir_watch::readiness::{Targets, ids};

/// What `weir ready` demands of a service that is to go into production.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReadinessConfig {
    /// How far back calls and scores are looked at, 1m to 90d.
    #[schemars(with = "String")]
    pub window: Time,
    /// Calls in the window below which nothing is said about calls.
    pub min_calls: u64,
    /// Least share of calls with a trace and a request id, 0 to 1.
    pub traced: f64,
    /// The 95th percentile of latency must be below, milliseconds.
    pub p95_ms: f64,
    /// The share of calls that fail must be below, 0 to 1.
    pub error_rate: f64,
    /// What the mean of the scores of a name must not be below, as in `{ faithfulness = 0.8 }`.
    pub scores: BTreeMap<String, f64>,
    /// The last test of a channel must not be older.
    #[schemars(with = "String")]
    pub channel_test_max_age: Time,
    /// The newest backup that was restored on trial must not be older.
    #[schemars(with = "String")]
    pub backup_max_age: Time,
    /// Whether what cannot be judged makes the whole not ready.
    pub unknown_fails: bool,
    /// Checks that are left out: traced, latency, errors, scores, budget, alerts, channels, runbooks, retention, redaction,
    /// backups.
    pub skip: Vec<String>,
}

impl Default for ReadinessConfig {
    fn default() -> Self {
        let usual = Targets::default();
        Self {
            window: time(7 * DAY),
            min_calls: usual.min_calls,
            traced: usual.traced,
            p95_ms: usual.p95_ms,
            error_rate: usual.error_rate,
            scores: usual.scores,
            channel_test_max_age: time(usual.channel_test_max_age),
            backup_max_age: time(usual.backup_max_age),
            unknown_fails: usual.unknown_fails,
            skip: usual.skip,
        }
    }
}

fn time(us: Micros) -> Time {
    Time(Duration::from_micros(us.unsigned_abs()))
}

fn micros(time: Time) -> Micros {
    i64::try_from(time.0.as_micros()).unwrap_or(i64::MAX)
}

impl ReadinessConfig {
    /// The targets, and how far back to look.
    ///
    /// # Errors
    /// A key is out of its range; the message names it.
    pub(crate) fn targets(&self) -> anyhow::Result<(Targets, Micros)> {
        let window = micros(self.window);
        if !(MINUTE..=90 * DAY).contains(&window) {
            bail!("readiness.window: must be from 1m to 90d; 7d is usual");
        }
        for (key, share) in [("traced", self.traced), ("error_rate", self.error_rate)] {
            if !(0.0..=1.0).contains(&share) {
                bail!("readiness.{key}: must be from 0 to 1");
            }
        }
        if !(self.p95_ms > 0.0 && self.p95_ms.is_finite()) {
            bail!("readiness.p95_ms: must be above 0");
        }
        if let Some((name, _)) = self.scores.iter().find(|(_, baseline)| !baseline.is_finite()) {
            bail!("readiness.scores.{name}: must be a number");
        }
        if let Some(id) = self.skip.iter().find(|id| !ids().contains(&id.as_str())) {
            bail!("readiness.skip: there is no check {id:?}; there are {}", ids().join(", "));
        }
        let targets = Targets {
            min_calls: self.min_calls,
            traced: self.traced,
            p95_ms: self.p95_ms,
            error_rate: self.error_rate,
            scores: self.scores.clone(),
            channel_test_max_age: micros(self.channel_test_max_age),
            backup_max_age: micros(self.backup_max_age),
            unknown_fails: self.unknown_fails,
            skip: self.skip.clone(),
        };
        Ok((targets, window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_out_of_its_range_is_named() {
        let usual = ReadinessConfig::default();
        assert_eq!(usual.targets().unwrap(), (Targets::default(), 7 * DAY));
        let wrong = [
            ("window", ReadinessConfig { window: Time::secs(1), ..usual.clone() }),
            ("traced", ReadinessConfig { traced: 99.0, ..usual.clone() }),
            ("error_rate", ReadinessConfig { error_rate: -0.1, ..usual.clone() }),
            ("p95_ms", ReadinessConfig { p95_ms: f64::NAN, ..usual.clone() }),
            ("scores.a", ReadinessConfig { scores: [("a".into(), f64::INFINITY)].into(), ..usual.clone() }),
            ("skip", ReadinessConfig { skip: vec!["error".into()], ..usual }),
        ];
        for (key, config) in wrong {
            let error = config.targets().unwrap_err().to_string();
            assert!(error.starts_with(&format!("readiness.{key}: ")), "{error}");
        }
    }
}
