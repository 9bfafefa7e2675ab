//! What is sent, one file per kind of channel. Pure: a notification in, requests out.

mod alertmanager;
mod pagerduty;
mod slack;
mod text;
mod webhook;

pub(super) mod mail;

pub(super) use alertmanager::Alertmanager;
pub(super) use pagerduty::PagerDuty;
pub(super) use slack::Slack;
pub(super) use webhook::{SigningKey, Webhook};

use reqwest::Url;
use serde_json::Value;
use weir_core::time::Micros;

use super::notification::Notification;

/// A request to be made: JSON, and headers that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Parcel {
    fn json(body: &Value) -> Self {
        Self { headers: Vec::new(), body: body.to_string() }
    }
}

/// When things are said.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    /// When the notification was made: the same on every attempt.
    pub(super) made: Micros,
    /// Now.
    pub(super) now: Micros,
}

/// A kind of channel that is reached over HTTP.
pub(super) trait Form: Send + Sync {
    /// Where requests are sent, from the address that is configured.
    fn address(&self, url: Url) -> Url {
        url
    }

    /// The requests for a notification, one after the other; usually one.
    fn parcels(&self, notification: &Notification, when: When) -> Vec<Parcel>;

    /// The request that reminds of alerts that go on, in one; `None` for kinds that need none.
    fn reminder(&self, _standing: &[Notification], _now: Micros) -> Option<Parcel> {
        None
    }
}

#[cfg(test)]
mod tests;
