//! `PagerDuty`'s Events API v2: <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>. One incident per alert:
//! its fingerprint is the key that later events name.

use serde_json::{Map, Value, json};
use weir_core::secret::Secret;
use weir_core::time::to_rfc3339;

use super::{Form, Parcel, When, text};
use crate::notify::notification::{Event, Notification};

/// Characters of a summary.
const MAX_SUMMARY: usize = 1_024;
/// Characters of a key.
const MAX_KEY: usize = 255;

/// A service of `PagerDuty`.
pub(in crate::notify) struct PagerDuty {
    pub(in crate::notify) routing_key: Secret,
}

impl Form for PagerDuty {
    fn parcels(&self, notification: &Notification, _when: When) -> Vec<Parcel> {
        match notification.event {
            Event::Resolved => vec![self.follow("resolve", notification)],
            Event::Acknowledged => vec![self.follow("acknowledge", notification)],
            // A test leaves no incident behind.
            Event::Test => vec![self.trigger(notification), self.follow("resolve", notification)],
            Event::Fired | Event::Escalated | Event::Renotified | Event::NoData => vec![self.trigger(notification)],
        }
    }
}

impl PagerDuty {
    fn follow(&self, action: &str, notification: &Notification) -> Parcel {
        Parcel::json(&json!({
            "routing_key": self.routing_key.expose(),
            "event_action": action,
            "dedup_key": key(notification),
        }))
    }

    fn trigger(&self, notification: &Notification) -> Parcel {
        let alert = &notification.alert;
        let mut details: Map<String, Value> =
            text::facts(alert).into_iter().map(|(name, what)| (name, Value::from(what))).collect();
        details.insert("description".to_owned(), text::cut(&alert.description, 8_000).into());
        if let Some(anomaly) = &alert.anomaly {
            details.insert("anomaly".to_owned(), json!(anomaly));
        }
        let links: Vec<Value> = [("Runbook", alert.runbook_url.as_deref().unwrap_or_default()), ("Weir", &alert.url)]
            .into_iter()
            .filter(|(_, url)| !url.is_empty())
            .map(|(text, href)| json!({ "href": href, "text": text }))
            .collect();
        let source = if alert.project.is_empty() { "weir" } else { &alert.project };
        Parcel::json(&json!({
            "routing_key": self.routing_key.expose(),
            "event_action": "trigger",
            "dedup_key": key(notification),
            "client": "Weir",
            "client_url": alert.url,
            "links": links,
            "payload": {
                "summary": text::cut(&text::headline(notification), MAX_SUMMARY),
                "source": source,
                "severity": text::severity(alert.severity),
                "timestamp": to_rfc3339(alert.starts_at),
                "component": alert.rule,
                "custom_details": details,
            },
        }))
    }
}

fn key(notification: &Notification) -> String {
    text::cut(&notification.alert.fingerprint, MAX_KEY)
}
