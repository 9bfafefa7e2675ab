use std::time::Duration;

use anyhow::bail;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::time::{DAY, HOUR, MINUTE, Micros};
use weir_core::units::Time;
use weir_watch::anomalies::live::Options;
use weir_watch::anomalies::{Rules, Settings};

/// How traffic is watched for anomalies: what changed, since when, why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WatchConfig {
    /// Whether it is.
    pub enabled: bool,
    /// Width of the buckets that are judged, whole minutes from 1m to 1h. Another width learns everything anew.
    #[schemars(with = "String")]
    pub bucket: Time,
    /// How long after its end a bucket is judged, so that calls that take their time are in it.
    #[schemars(with = "String")]
    pub lag: Time,
    /// How much of the past is learned from, 1d to 90d.
    #[schemars(with = "String")]
    pub history: Time,
    /// Most projects that are watched, those with most calls first.
    pub projects: usize,
    /// Above 1 less is found, below 1 more (0.25 to 4).
    pub strictness: f64,
    /// Whether the four documented rules are applied too, as information: `weir anomalies --rules`.
    pub rules: bool,
    /// Tokens per call, as a multiple of before, at which a rule speaks.
    pub token_ratio: f64,
    /// Cost per call, as a multiple of before.
    pub cost_ratio: f64,
    /// Latency per call, as a multiple of before.
    pub latency_ratio: f64,
    /// Change of a branch's share among the decisions of its node.
    pub branch_difference: f64,
}

impl Default for WatchConfig {
    fn default() -> Self {
        let (rules, options) = (Rules::default(), Options::default());
        Self {
            enabled: true,
            bucket: time(options.settings.bucket),
            lag: time(options.lag),
            history: time(options.history),
            projects: options.projects,
            strictness: options.settings.strictness,
            rules: true,
            token_ratio: rules.token_ratio,
            cost_ratio: rules.cost_ratio,
            latency_ratio: rules.latency_ratio,
            branch_difference: rules.branch_difference,
        }
    }
}

fn time(us: Micros) -> Time {
    Time(Duration::from_micros(us.unsigned_abs()))
}

fn micros(time: Time) -> Micros {
    i64::try_from(time.0.as_micros()).unwrap_or(i64::MAX)
}

impl WatchConfig {
    /// What the watch of a server is told; `None` when it is off.
    ///
    /// # Errors
    /// A key is out of its range; the message names it.
    pub(crate) fn options(&self) -> anyhow::Result<Option<Options>> {
        Ok(Some(self.judging()?).filter(|_| self.enabled))
    }

    /// How traffic is judged, be it watched or not.
    ///
    /// # Errors
    /// A key is out of its range; the message names it.
    pub(crate) fn judging(&self) -> anyhow::Result<Options> {
        let (bucket, lag, history) = (micros(self.bucket), micros(self.lag), micros(self.history));
        if !(MINUTE..=HOUR).contains(&bucket) || HOUR % bucket != 0 || bucket % MINUTE != 0 {
            bail!("watch.bucket: must be whole minutes that divide an hour, from 1m to 1h; 5m is usual");
        }
        if !(0..=15 * MINUTE).contains(&lag) {
            bail!("watch.lag: must be from 0s to 15m; 45s is usual");
        }
        if !(DAY..=90 * DAY).contains(&history) {
            bail!("watch.history: must be from 1d to 90d; 42d is usual");
        }
        if !(1..=10_000).contains(&self.projects) {
            bail!("watch.projects: must be from 1 to 10000");
        }
        if !(0.25..=4.0).contains(&self.strictness) {
            bail!("watch.strictness: must be from 0.25 to 4");
        }
        for (key, ratio) in
            [("token_ratio", self.token_ratio), ("cost_ratio", self.cost_ratio), ("latency_ratio", self.latency_ratio)]
        {
            if !(ratio > 1.0 && ratio <= 1_000.0) {
                bail!("watch.{key}: must be above 1 and at most 1000");
            }
        }
        if !(self.branch_difference > 0.0 && self.branch_difference <= 1.0) {
            bail!("watch.branch_difference: must be above 0 and at most 1");
        }
        let rules = Rules {
            enabled: self.rules,
            token_ratio: self.token_ratio,
            cost_ratio: self.cost_ratio,
            latency_ratio: self.latency_ratio,
            branch_difference: self.branch_difference,
            ..Rules::default()
        };
        let settings = Settings { bucket, strictness: self.strictness, rules };
        Ok(Options { settings, lag, history, projects: self.projects })
    }
}

#[cfg(test)]
mod tests {
    use weir_core::time::SECOND;

    use super::*;

    #[test]
    fn each_key_out_of_its_range_is_named() {
        let usual = WatchConfig::default();
        let options = usual.options().unwrap().unwrap();
        assert_eq!((options.settings.bucket, options.lag), (5 * MINUTE, 45 * SECOND));
        assert!(options.settings.rules.enabled);
        let off = WatchConfig { enabled: false, strictness: 2.0, ..usual };
        assert!(off.options().unwrap().is_none());
        assert_eq!(off.judging().unwrap().settings.strictness, 2.0);
        let wrong = [
            ("bucket", WatchConfig { bucket: Time::secs(90), ..usual.clone() }),
            ("bucket", WatchConfig { bucket: Time::secs(7 * 60), ..usual.clone() }),
            ("lag", WatchConfig { lag: Time::secs(3_600), ..usual.clone() }),
            ("history", WatchConfig { history: Time::secs(60), ..usual.clone() }),
            ("projects", WatchConfig { projects: 0, ..usual.clone() }),
            ("strictness", WatchConfig { strictness: f64::NAN, ..usual.clone() }),
            ("cost_ratio", WatchConfig { cost_ratio: 1.0, ..usual.clone() }),
            ("branch_difference", WatchConfig { branch_difference: 1.5, ..usual }),
        ];
        for (key, config) in wrong {
            let error = config.options().unwrap_err().to_string();
            assert!(error.starts_with(&format!("watch.{key}: ")), "{error}");
        }
    }
}
