use std::path::PathBuf;

use anyhow::anyhow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_watch::alerts::files;
use weir_watch::alerts::live::Setup;

use super::Settings;

/// Alert rules: whom to tell when. Budgets and objectives (`[[budgets]]`, `[[slos]]`) are rules too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertsConfig {
    /// Whether rules are evaluated.
    pub enabled: bool,
    /// Folder of rules: files in TOML, YAML or JSON. Read again with the configuration, and when one of them changes.
    pub dir: Option<PathBuf>,
    /// Address at which people reach Weir, as in `https://weir.example.com`: links in notifications.
    pub url: String,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self { enabled: true, dir: None, url: String::new() }
    }
}

impl Settings {
    /// What alerts are made of.
    ///
    /// # Errors
    /// Names the file or section, and the member.
    pub(crate) fn alerts(&self) -> anyhow::Result<Setup> {
        let url = &self.alerts.url;
        if !(url.is_empty() || url.starts_with("https://") || url.starts_with("http://")) {
            return Err(anyhow!("alerts.url: {url:?} is no http or https address"));
        }
        let configured = files::configured(self.alerts.dir.as_deref(), &self.budgets, &self.slos)?;
        let channels = self.channels.iter().map(|channel| channel.name.clone()).collect();
        Ok(Setup { configured, channels: Some(channels), url: url.clone() })
    }
}
