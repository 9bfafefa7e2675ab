use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::anomaly::Severity;
use weir_core::secret::Secret;
use weir_core::units::Time;

/// What stands at the other end of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// A server of your own: signed JSON.
    #[default]
    Webhook,
    /// An incoming webhook of Slack, or of what understands its messages.
    Slack,
    /// A mail server.
    Email,
    /// `PagerDuty`, Events API v2.
    PagerDuty,
    /// Prometheus' Alertmanager, API v2.
    Alertmanager,
}

impl ChannelKind {
    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Email => "email",
            Self::PagerDuty => "pagerduty",
            Self::Alertmanager => "alertmanager",
        }
    }
}

/// Where alerts are told; rules name channels. Secrets are written as `env:NAME`, never literally.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelConfig {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// webhook, slack, email, pagerduty or alertmanager.
    #[schemars(with = "String")]
    pub kind: ChannelKind,
    /// Its address, or `env:NAME`. webhook, alertmanager: `https://...` (`http://` where no secret is sent, or within this
    /// machine); slack: `env:NAME`, as the address is the secret; email: `smtps://host:465` or `smtp://host:587`; pagerduty:
    /// not needed.
    #[schemars(with = "Option<String>")]
    pub url: Option<Secret>,
    /// Only alerts of these severities, out of info, warning and critical. Empty: all.
    #[schemars(with = "Vec<String>")]
    pub severities: Vec<Severity>,
    /// webhook: what requests are signed with, `env:NAME`; its value is `whsec_` and base64, or any text of 16 characters
    /// or more.
    #[schemars(with = "Option<String>")]
    pub secret: Option<Secret>,
    /// webhook: the secret before this one, `env:NAME`, while receivers change over: requests are signed with both.
    #[schemars(with = "Option<String>")]
    pub old_secret: Option<Secret>,
    /// pagerduty: the integration key, `env:NAME`.
    #[schemars(with = "Option<String>")]
    pub routing_key: Option<Secret>,
    /// email, webhook, alertmanager: who signs in.
    pub user: Option<String>,
    /// The password, `env:NAME`.
    #[schemars(with = "Option<String>")]
    pub password: Option<Secret>,
    /// webhook, alertmanager: headers of every request, as in `{ authorization = "env:HOOK_AUTHORIZATION" }`.
    pub headers: BTreeMap<String, Secret>,
    /// email: the sender, as in `Weir <weir@example.com>`.
    pub from: Option<String>,
    /// email: the receivers.
    pub to: Vec<String>,
    /// email: whether `smtp://` turns to TLS before anything is said. Only within this machine it may be false.
    pub starttls: bool,
    /// alertmanager: how often an alert that goes on is told again. It is over for Alertmanager when five in a row are
    /// missing.
    #[schemars(with = "String")]
    pub repeat: Time,
    /// How long one attempt may take.
    #[schemars(with = "String")]
    pub timeout: Time,
    /// How long a notification is tried again and again.
    #[schemars(with = "String")]
    pub give_up_after: Time,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: ChannelKind::Webhook,
            url: None,
            severities: Vec::new(),
            secret: None,
            old_secret: None,
            routing_key: None,
            user: None,
            password: None,
            headers: BTreeMap::new(),
            from: None,
            to: Vec::new(),
            starttls: true,
            repeat: Time::secs(60),
            timeout: Time::secs(10),
            give_up_after: Time::secs(86_400),
        }
    }
}
