//! Slack's incoming webhooks: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>, with blocks.

use serde_json::{Value, json};
use weir_core::anomaly::Severity;

use super::{Form, Parcel, When, text};
use crate::notify::notification::{Event, Notification};

/// Characters of a header.
const MAX_HEADER: usize = 150;
/// Characters of a section.
const MAX_SECTION: usize = 3_000;
/// Fields of a section.
const MAX_FIELDS: usize = 10;

/// An incoming webhook.
pub(in crate::notify) struct Slack;

impl Form for Slack {
    fn parcels(&self, notification: &Notification, _when: When) -> Vec<Parcel> {
        let alert = &notification.alert;
        let headline = text::headline(notification);
        let title = format!("{} {headline}", sign(notification));
        let mut blocks = vec![json!({
            "type": "header",
            "text": { "type": "plain_text", "text": text::cut(&title, MAX_HEADER), "emoji": true },
        })];
        if !alert.description.is_empty() {
            blocks.push(json!({ "type": "section", "text": marked(&escape(&alert.description)) }));
        }
        let fields: Vec<Value> = text::facts(alert)
            .iter()
            .take(MAX_FIELDS)
            .map(|(name, what)| marked(&format!("*{}*\n{}", escape(name), escape(what))))
            .collect();
        blocks.push(json!({ "type": "section", "fields": fields }));
        let links: Vec<Value> = [("Runbook", alert.runbook_url.as_deref().unwrap_or_default()), ("Open in Weir", &alert.url)]
            .into_iter()
            .filter(|(_, url)| url.starts_with("https://") || url.starts_with("http://"))
            .map(|(name, url)| {
                json!({ "type": "button", "text": { "type": "plain_text", "text": name }, "url": url, "action_id": name })
            })
            .collect();
        if !links.is_empty() {
            blocks.push(json!({ "type": "actions", "elements": links }));
        }
        vec![Parcel::json(&json!({ "text": escape(&headline), "blocks": blocks }))]
    }
}

fn marked(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text::cut(text, MAX_SECTION) })
}

fn sign(notification: &Notification) -> &'static str {
    match (notification.event, notification.alert.severity) {
        (Event::Resolved, _) => "✅",
        (Event::Acknowledged, _) => "👀",
        (Event::NoData, _) => "❔",
        (Event::Test, _) => "🔔",
        (_, Severity::Critical) => "🔴",
        (_, Severity::Warning) => "🟠",
        (_, Severity::Info) => "🔵",
    }
}

/// The three characters that Slack reads as something else.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
