//! Prometheus' Alertmanager, API v2: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.
//!
//! Alertmanager knows an alert by its labels, of which the severity is one. So another severity is another alert, and the
//! one before is ended with it.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Value, json};
use weir_core::anomaly::Severity;
use weir_core::time::{Micros, to_rfc3339};

use super::{Form, Parcel, When, text};
use crate::notify::notification::{AlertJson, Event, Notification};

const PATH: &str = "/api/v2/alerts";
/// How long a test is shown at least.
const TEST: Micros = 60 * weir_core::time::SECOND;

/// An Alertmanager.
pub(in crate::notify) struct Alertmanager {
    /// For how long an alert stands without being told again.
    pub(in crate::notify) hold: Micros,
}

impl Form for Alertmanager {
    fn address(&self, mut url: Url) -> Url {
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(PATH) {
            url.set_path(&format!("{path}{PATH}"));
        }
        url
    }

    fn parcels(&self, notification: &Notification, when: When) -> Vec<Parcel> {
        let alert = &notification.alert;
        let others =
            || [Severity::Info, Severity::Warning, Severity::Critical].into_iter().filter(|s| *s != alert.severity);
        let end = alert.ends_at.unwrap_or(when.made);
        let alerts: Vec<Value> = match notification.event {
            Event::Resolved => {
                std::iter::once(alert.severity).chain(others()).map(|severity| posted(alert, severity, end)).collect()
            }
            Event::Escalated => {
                let firing = posted(alert, alert.severity, when.now + self.hold);
                std::iter::once(firing).chain(others().map(|severity| posted(alert, severity, when.made))).collect()
            }
            Event::Test => vec![posted(alert, alert.severity, when.now + self.hold.max(TEST))],
            Event::Fired | Event::NoData | Event::Renotified | Event::Acknowledged => {
                vec![posted(alert, alert.severity, when.now + self.hold)]
            }
        };
        vec![Parcel::json(&Value::from(alerts))]
    }

    fn reminder(&self, standing: &[Notification], now: Micros) -> Option<Parcel> {
        let alerts: Vec<Value> =
            standing.iter().map(|told| posted(&told.alert, told.alert.severity, now + self.hold)).collect();
        Some(Parcel::json(&Value::from(alerts)))
    }
}

fn posted(alert: &AlertJson, severity: Severity, end: Micros) -> Value {
    let mut labels: BTreeMap<String, &str> =
        alert.labels.iter().map(|(name, value)| (label(name), value.as_str())).collect();
    labels.insert("alertname".to_owned(), &alert.rule);
    labels.insert("project".to_owned(), &alert.project);
    labels.insert("severity".to_owned(), text::severity(severity));
    // No value is the same as no label.
    labels.retain(|_, value| !value.is_empty());
    let mut annotations: BTreeMap<String, String> =
        text::facts(alert).into_iter().map(|(name, what)| (label(&name.to_lowercase()), what)).collect();
    annotations.retain(|name, _| !labels.contains_key(name) && name != "rule");
    annotations.insert("summary".to_owned(), alert.summary.clone());
    annotations.insert("description".to_owned(), alert.description.clone());
    annotations.extend(alert.runbook_url.clone().map(|url| ("runbook_url".to_owned(), url)));
    annotations.retain(|_, what| !what.is_empty());
    json!({
        "labels": labels,
        "annotations": annotations,
        // Alertmanager refuses what ends before it starts.
        "startsAt": to_rfc3339(alert.starts_at.min(end)),
        "endsAt": to_rfc3339(end),
        "generatorURL": alert.url,
    })
}

/// A name as Prometheus has them.
fn label(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name: String = name.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() { format!("_{name}") } else { name }
}
