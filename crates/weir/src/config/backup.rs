use std::path::PathBuf;

use anyhow::bail;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::units::Time;

/// Whole copies of the data folder, made while the server runs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BackupConfig {
    /// The folder that backups are put into, best on another disk; not within the data folder.
    pub dir: Option<PathBuf>,
    /// How often the server makes one by itself, from 1m. Without it only when asked: `weir backup`, `POST /api/v1/backup`.
    #[schemars(with = "Option<String>")]
    pub interval: Option<Time>,
    /// How many stay; the newest that was restored on trial stays too.
    pub keep: usize,
    /// Whether those that the server makes by itself are restored on trial at once. That takes the room of another one.
    pub verify: bool,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self { dir: None, interval: None, keep: 7, verify: true }
    }
}

impl BackupConfig {
    /// # Errors
    /// A key cannot be used; the message names it.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.interval.is_some_and(|interval| interval.0.as_secs() < 60) {
            bail!("backup.interval: must be 1m or more; 1d is usual");
        }
        if self.interval.is_some() && self.dir.is_none() {
            bail!("backup.dir: is missing beside backup.interval; name the folder that backups are put into");
        }
        if !(1..=10_000).contains(&self.keep) {
            bail!("backup.keep: must be from 1 to 10000");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_that_cannot_be_used_is_named() {
        let usual = BackupConfig { dir: Some("/b".into()), ..BackupConfig::default() };
        assert!(usual.check().is_ok() && BackupConfig::default().check().is_ok());
        let wrong = [
            ("interval", BackupConfig { interval: Some(Time::secs(5)), ..usual.clone() }),
            ("dir", BackupConfig { interval: Some(Time::secs(3_600)), dir: None, ..usual.clone() }),
            ("keep", BackupConfig { keep: 0, ..usual }),
        ];
        for (key, config) in wrong {
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("backup.{key}: ")), "{error}");
        }
    }
}
