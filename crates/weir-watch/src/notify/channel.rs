use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use reqwest::Url;
use reqwest::header::HeaderMap;
use weir_core::anomaly::Severity;
use weir_core::secret::Secret;
use weir_core::time::Micros;

use super::config::{ChannelConfig, ChannelKind};
use super::forms::Form;
use super::resolve;

/// Characters of what a receiver says that are told.
const MAX_SAID: usize = 300;

/// A channel as it is used.
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What stands at its other end.
    pub kind: ChannelKind,
    /// The address for people: without credentials, and without a path that is a secret.
    pub shown: String,
    /// The severities that it is told of; empty for all.
    pub severities: Vec<Severity>,
    /// Whether requests are signed.
    pub signed: bool,
    /// Digest of the settings as they are written: another one was not tested. No secret is part of it.
    pub target: String,
    pub(super) way: Way,
    pub(super) timeout: Duration,
    pub(super) give_up_after: Micros,
    /// How often it is reminded of what goes on.
    pub(super) repeat: Option<Micros>,
    /// What must not be seen anywhere.
    pub(super) secrets: Vec<Secret>,
}

/// How a channel is reached.
pub(super) enum Way {
    /// One or more requests.
    Http { url: Url, headers: HeaderMap, form: Box<dyn Form> },
    /// A mail.
    Mail(Mail),
}

/// How mails are sent.
pub(super) struct Mail {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the start.
    Tls,
    /// TLS before anything is said; refused where the server has none.
    StartTls,
    /// None: within this machine.
    Plain,
}

impl Channel {
    /// Whether it is told of alerts of a severity.
    #[must_use]
    pub fn takes(&self, severity: Severity) -> bool {
        self.severities.is_empty() || self.severities.contains(&severity)
    }

    /// A text as it may be seen: without this channel's secrets, on one line, and short.
    pub(super) fn clean(&self, text: &str) -> String {
        let clean = self.hide(text);
        let clean: String = clean.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        clean.trim().chars().take(MAX_SAID).collect()
    }

    /// A text without this channel's secrets.
    pub(super) fn hide(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "***"))
    }
}

/// The channels of a configuration, in its order.
#[derive(Clone, Default)]
pub struct Channels(Arc<Vec<Arc<Channel>>>);

impl Channels {
    /// Reads the channels.
    ///
    /// # Errors
    /// The first key that cannot be used, by name, and what to write instead; never a value of a secret.
    pub fn new(configs: &[ChannelConfig], env: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        Ok(Self(Arc::new(resolve::all(configs, env)?)))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Channel>> {
        self.0.iter()
    }

    /// The one of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Channel>> {
        self.0.iter().find(|channel| channel.name == name)
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|channel| channel.name.clone()).collect()
    }
}
