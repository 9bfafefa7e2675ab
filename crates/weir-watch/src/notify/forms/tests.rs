use serde_json::Value;
use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Cause, Effect, Severity};
use weir_core::time::{MINUTE, SECOND};

use super::*;
use crate::notify::notification::{AlertJson, Event};

const NOW: Micros = 1_763_683_200_000_000;
const WHEN: When = When { made: NOW, now: NOW + 5 * SECOND };

pub(in crate::notify) fn notification(event: Event) -> Notification {
    let anomaly = Anomaly {
        id: "an1".into(),
        project: "shop".into(),
        metric: "cost_per_call".into(),
        kind: AnomalyKind::Shift,
        severity: Severity::Warning,
        state: AnomalyState::Firing,
        onset: NOW - 10 * MINUTE,
        detected_at: NOW - MINUTE,
        ended_at: None,
        value: 0.02,
        expected: 0.01,
        lower: 0.008,
        upper: 0.012,
        baseline: "median of 12 buckets".into(),
        causes: vec![Cause { dimension: "model".into(), value: "gpt".into(), share: 0.78, effect: Effect::Mix }],
        examples: vec!["abc".into()],
        feedback: None,
    };
    Notification {
        id: "f1-1-0".into(),
        event,
        alert: AlertJson {
            fingerprint: "f1".into(),
            rule_id: "r1".into(),
            rule: "Cost <per> call".into(),
            project: "shop".into(),
            severity: Severity::Warning,
            state: "firing".into(),
            labels: [("team & co".into(), "a".into()), ("severity".into(), "x".into())].into(),
            summary: "cost per call doubled & more".into(),
            description: "line one\nline two".into(),
            value: Some(0.02),
            threshold: Some(0.015),
            unit: "usd".into(),
            runbook_url: Some("https://example.com/runbook".into()),
            starts_at: NOW - MINUTE,
            ends_at: (event == Event::Resolved).then_some(NOW),
            url: String::new(),
            anomaly: Some(anomaly),
        },
    }
}

fn bodies(form: &dyn Form, event: Event) -> Vec<Value> {
    let parcels = form.parcels(&notification(event), WHEN);
    parcels.iter().map(|parcel| serde_json::from_str(&parcel.body).unwrap()).collect()
}

#[test]
fn a_webhook_gets_the_whole_alert_with_an_id_that_stays() {
    let parcels = Webhook { keys: Vec::new() }.parcels(&notification(Event::Fired), WHEN);
    let body: Value = serde_json::from_str(&parcels[0].body).unwrap();
    assert_eq!((&body["id"], &body["type"]), (&"f1-1-0".into(), &"alert.fired".into()));
    assert_eq!(body["timestamp"], "2025-11-21T00:00:00.000000Z");
    assert_eq!(body["data"]["anomaly"]["causes"][0]["share"], 0.78);
    assert_eq!(serde_json::from_value::<AlertJson>(body["data"].clone()).unwrap(), notification(Event::Fired).alert);
    let wanted = [("webhook-id", "f1-1-0".to_owned()), ("webhook-timestamp", "1763683205".to_owned())];
    assert_eq!(parcels[0].headers, wanted);
}

#[test]
fn slack_gets_blocks_within_its_bounds() {
    let mut long = notification(Event::Escalated);
    long.alert.summary = "s".repeat(500);
    long.alert.description = "d".repeat(5_000);
    long.alert.labels = (0..20).map(|n| (format!("l{n}"), "v".repeat(3_000))).collect();
    let body: Value = serde_json::from_str(&Slack.parcels(&long, WHEN)[0].body).unwrap();
    assert_eq!(body["blocks"][0]["text"]["text"].as_str().unwrap().chars().count(), 150);
    assert_eq!(body["blocks"][1]["text"]["text"].as_str().unwrap().chars().count(), 3_000);
    let fields = body["blocks"][2]["fields"].as_array().unwrap();
    assert!(fields.len() <= 10 && fields.iter().all(|f| f["text"].as_str().unwrap().chars().count() <= 2_100));

    let body = &bodies(&Slack, Event::Fired)[0];
    assert_eq!(body["text"], "WARNING: cost per call doubled &amp; more");
    assert_eq!(body["blocks"][0]["text"]["text"], "🟠 WARNING: cost per call doubled & more");
    assert_eq!(body["blocks"][2]["fields"][0]["text"], "*Rule*\nCost &lt;per&gt; call");
    assert_eq!(body["blocks"][3]["elements"][0]["url"], "https://example.com/runbook");
    assert!(bodies(&Slack, Event::Resolved)[0]["text"].as_str().unwrap().starts_with("RESOLVED: "));
}

#[test]
fn pagerduty_gets_one_incident_per_alert() {
    let form = PagerDuty { routing_key: "R".into() };
    let of = |event| -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        bodies(&form, event).iter().map(|b| (text(&b["event_action"]), text(&b["dedup_key"]))).collect()
    };
    let key = || "f1".to_owned();
    assert_eq!(of(Event::Fired), [("trigger".to_owned(), key())]);
    assert_eq!(of(Event::Renotified), of(Event::Fired));
    assert_eq!(of(Event::Acknowledged), [("acknowledge".to_owned(), key())]);
    assert_eq!(of(Event::Resolved), [("resolve".to_owned(), key())]);
    assert_eq!(of(Event::Test), [("trigger".to_owned(), key()), ("resolve".to_owned(), key())]);
    let payload = &bodies(&form, Event::Fired)[0]["payload"];
    assert_eq!((&payload["severity"], &payload["source"]), (&"warning".into(), &"shop".into()));
    assert_eq!(payload["custom_details"]["anomaly"]["metric"], "cost_per_call");
    assert_eq!(payload["custom_details"]["Value"], "$0.02 (threshold $0.015)");
}

#[test]
fn alertmanager_gets_labels_that_stay_and_an_end() {
    let form = Alertmanager { hold: 5 * MINUTE };
    let fired = bodies(&form, Event::Fired).remove(0);
    let labels = &fired[0]["labels"];
    assert_eq!((&labels["alertname"], &labels["severity"]), (&"Cost <per> call".into(), &"warning".into()));
    assert_eq!((&labels["project"], &labels["team___co"]), (&"shop".into(), &"a".into()));
    assert_eq!(fired[0]["endsAt"], to(WHEN.now + 5 * MINUTE));
    assert_eq!(fired[0]["annotations"]["runbook_url"], "https://example.com/runbook");

    let ended = bodies(&form, Event::Resolved).remove(0);
    assert_eq!(ended.as_array().unwrap().len(), 3, "of every severity that it may have had");
    assert!(ended.as_array().unwrap().iter().all(|alert| alert["endsAt"] == to(NOW)));
    assert_eq!(ended[0]["labels"], *labels);

    let worse = bodies(&form, Event::Escalated).remove(0);
    assert_eq!((&worse[0]["endsAt"], &worse[1]["endsAt"]), (&to(WHEN.now + 5 * MINUTE), &to(NOW)));
    let reminder = form.reminder(&[notification(Event::Fired)], NOW + MINUTE).unwrap();
    let reminder: Value = serde_json::from_str(&reminder.body).unwrap();
    assert_eq!((&reminder[0]["labels"], &reminder[0]["endsAt"]), (labels, &to(NOW + 6 * MINUTE)));
    let at = |text: &str| form.address(text.parse().unwrap()).to_string();
    assert_eq!(at("http://am:9093/"), "http://am:9093/api/v2/alerts");
    assert_eq!(at("http://am/prefix/api/v2/alerts"), "http://am/prefix/api/v2/alerts");
}

fn to(at: Micros) -> Value {
    weir_core::time::to_rfc3339(at).into()
}

#[test]
fn a_mail_is_read_in_a_terminal_and_has_an_id_that_stays() {
    let (from, to) = ("Weir <w@x.org>".parse().unwrap(), ["o@x.org".parse().unwrap(), "p@x.org".parse().unwrap()]);
    let mail = mail::message(&notification(Event::Fired), &from, &to, NOW).unwrap();
    let text = String::from_utf8(mail.formatted()).unwrap().replace("\r\n", "\n");
    for part in [
        "Subject: [weir] WARNING: cost per call doubled & more\n",
        "Message-ID: <f1-1-0@weir>\n",
        "Auto-Submitted: auto-generated\n",
        "Date: Fri, 21 Nov 2025 00:00:00 +0000\n",
        "\nline one\nline two\n",
        "Value           $0.02 (threshold $0.015)\n",
        "Why             model gpt: 78 % of the change (there is more or less of it)\n",
        "Runbook: https://example.com/runbook\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let mut odd = notification(Event::Fired);
    odd.alert.summary = "a\r\nBcc: x@x.org".into();
    let mail = mail::message(&odd, &from, &to, NOW).unwrap();
    assert!(!String::from_utf8(mail.formatted()).unwrap().contains("\nBcc:"));
}
