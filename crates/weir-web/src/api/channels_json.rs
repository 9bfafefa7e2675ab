//! Channels and their notifications as JSON. No secret is part of it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::anomaly::Severity;
use weir_core::time::to_rfc3339;
use weir_store::catalog::NotificationRecord;
use weir_watch::notify::{ChannelState, Tested};

/// The channels, in the order of the configuration.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelList {
    /// The channels.
    pub channels: Vec<ChannelJson>,
}

/// Where alerts are told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelJson {
    /// Its name.
    pub name: String,
    /// `webhook`, `slack`, `email`, `pagerduty` or `alertmanager`.
    pub kind: String,
    /// Its address, without what is secret in it.
    pub to: String,
    /// The severities that it is told of; empty for all.
    #[schema(value_type = Vec<String>)]
    pub severities: Vec<Severity>,
    /// Whether requests to it are signed.
    pub signed: bool,
    /// Notifications that wait.
    pub waiting: u64,
    /// When one was delivered last, RFC 3339.
    #[schema(format = DateTime)]
    pub last_delivered: Option<String>,
    /// Notifications that were given up, of the last 1000 that were settled.
    pub given_up: u64,
    /// When one was given up last, RFC 3339.
    #[schema(format = DateTime)]
    pub last_given_up: Option<String>,
    /// The newest failure since the last delivery.
    pub error: Option<String>,
    /// Its last test; null when it never was tested.
    pub last_test: Option<ChannelTestJson>,
}

/// A test of a channel.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelTestJson {
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Whether the receiver took it.
    pub ok: bool,
    /// What the receiver said.
    pub said: String,
    /// Whether the channel's settings are still those that were tested.
    pub current: bool,
}

/// What a test came to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelTestAnswer {
    /// The channel.
    pub channel: String,
    /// The notification's id, which the receiver got.
    pub id: String,
    /// Whether it only was put into the outbox (`queued=true`): what became of it is in the channel's notifications.
    pub queued: bool,
    /// Whether the receiver took it; null when it was queued.
    pub ok: Option<bool>,
    /// What the receiver said; null when it was queued.
    pub said: Option<String>,
    /// How long it took, milliseconds.
    pub took_ms: Option<f64>,
    /// What was sent, one text per request, without secrets.
    pub sent: Vec<String>,
}

/// A page of notifications, newest first.
#[derive(Serialize, ToSchema)]
pub struct NotificationList {
    /// The notifications.
    pub notifications: Vec<NotificationJson>,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
}

/// A notification on its way to a channel.
#[derive(Serialize, ToSchema)]
pub struct NotificationJson {
    /// Its id: the same on every attempt and in every channel.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// Fingerprint of the alert.
    pub alert: String,
    /// `waiting`, `delivered` or `given_up`.
    pub state: String,
    /// When it was made, RFC 3339.
    #[schema(format = DateTime)]
    pub created: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next, while it waits, RFC 3339.
    #[schema(format = DateTime)]
    pub next_try: Option<String>,
    /// When it was delivered or given up, RFC 3339.
    #[schema(format = DateTime)]
    pub settled: Option<String>,
    /// What the last attempt that failed met.
    pub error: Option<String>,
    /// What is told: `event` and `alert`.
    #[schema(value_type = Object)]
    pub notification: Box<RawValue>,
}

impl ChannelJson {
    pub(super) fn new(state: ChannelState) -> Self {
        let current = state.is_test_current();
        let ChannelState { channel, deliveries, test } = state;
        Self {
            name: channel.name.clone(),
            kind: channel.kind.as_str().to_owned(),
            to: channel.shown.clone(),
            severities: channel.severities.clone(),
            signed: channel.signed,
            waiting: deliveries.waiting,
            last_delivered: deliveries.delivered_us.map(to_rfc3339),
            given_up: deliveries.given_up,
            last_given_up: deliveries.given_up_us.map(to_rfc3339),
            error: deliveries.error,
            last_test: test.map(|test| ChannelTestJson {
                at: to_rfc3339(test.tested_us),
                ok: test.ok,
                said: test.said,
                current,
            }),
        }
    }
}

impl ChannelTestAnswer {
    pub(super) fn tested(channel: String, tested: Tested) -> Self {
        Self {
            channel,
            id: tested.id,
            queued: false,
            ok: Some(tested.ok),
            said: Some(tested.said),
            took_ms: Some((tested.took.as_secs_f64() * 1e6).round() / 1e3),
            sent: tested.sent,
        }
    }

    pub(super) fn queued(channel: String, id: String) -> Self {
        Self { channel, id, queued: true, ok: None, said: None, took_ms: None, sent: Vec::new() }
    }
}

impl NotificationJson {
    pub(super) fn new(record: NotificationRecord) -> Self {
        let waits = record.settled_us.is_none();
        Self {
            id: record.new.id,
            channel: record.new.channel,
            alert: record.new.alert,
            state: record.delivery.as_str().to_owned(),
            created: to_rfc3339(record.new.created_us),
            attempts: record.attempts,
            next_try: waits.then(|| to_rfc3339(record.next_try_us)),
            settled: record.settled_us.map(to_rfc3339),
            error: record.error,
            notification: RawValue::from_string(record.new.body).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}
