//! Series as rows, lines of history and notifications.

use serde::{Deserialize, Serialize};
use weir_core::time::Micros;
use weir_store::catalog::{AlertRecord, AlertTransition, NewNotification};

use super::super::course::{Held, Step};
use super::super::document::NotifyOn;
use super::super::observe::Labels;
use super::super::rule::Rule;
use super::super::series::Series;
use super::super::told::notification_id;
use super::book::Draft;
use crate::notify::{AlertJson, Event, Notification};

/// What is kept of a series beside the alert as it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Where it is.
    pub series: Series,
    /// What tells it apart.
    pub labels: Labels,
    /// What its last value rests on.
    pub samples: u64,
    /// Who is told.
    pub channels: Vec<String>,
    /// What they want to be told.
    pub notify_on: Vec<NotifyOn>,
}

/// A series as it was kept.
pub(super) fn held(kept: Kept, alert: &AlertJson) -> Held {
    Held {
        labels: kept.labels,
        series: kept.series,
        value: alert.value,
        threshold: alert.threshold,
        samples: kept.samples,
        anomaly: alert.anomaly.clone(),
    }
}

/// Adds what became of a series to what is to be written.
pub(super) fn put(
    draft: &mut Draft,
    rule: &Rule,
    step: &Step,
    alert: &AlertJson,
    channels: &[String],
    (at, now): (Micros, Micros),
) -> Result<(), serde_json::Error> {
    let phase = step.held.series.phase;
    tell(draft, step, alert, channels, (at, now))?;
    // Of several instants in one transaction the last one counts.
    if step.forgotten {
        draft.write.alerts.retain(|alert| alert.fingerprint != step.fingerprint);
        draft.write.forgotten.push(step.fingerprint.clone());
    } else if step.changed {
        draft.write.alerts.retain(|alert| alert.fingerprint != step.fingerprint);
        draft.write.forgotten.retain(|fingerprint| *fingerprint != step.fingerprint);
        let kept = Kept {
            series: step.held.series.clone(),
            labels: step.held.labels.clone(),
            samples: step.held.samples,
            channels: rule.doc.channels.clone(),
            notify_on: rule.policy.notify_on.clone(),
        };
        draft.write.alerts.push(AlertRecord {
            fingerprint: step.fingerprint.clone(),
            rule: rule.id.clone(),
            project: alert.project.clone(),
            phase: phase.as_str().to_owned(),
            severity: alert.severity,
            starts_us: step.held.series.starts_at,
            ends_us: step.held.series.ends_at,
            evaluated_us: at,
            state: serde_json::to_string(&kept)?,
            alert: serde_json::to_string(alert)?,
            ack: None,
        });
    }
    Ok(())
}

/// Adds the end of a series whose rule is gone.
pub(super) fn close(
    draft: &mut Draft,
    step: &Step,
    alert: &AlertJson,
    channels: &[String],
    now: Micros,
) -> Result<(), serde_json::Error> {
    tell(draft, step, alert, channels, (now, now))?;
    draft.write.forgotten.push(step.fingerprint.clone());
    Ok(())
}

/// Adds a line of history and what is told, where there is any news.
fn tell(
    draft: &mut Draft,
    step: &Step,
    alert: &AlertJson,
    channels: &[String],
    (at, now): (Micros, Micros),
) -> Result<(), serde_json::Error> {
    let phase = step.held.series.phase;
    if phase == step.before && step.event.is_none() {
        return Ok(());
    }
    draft.write.history.push(AlertTransition {
        seq: 0,
        rule: alert.rule_id.clone(),
        fingerprint: step.fingerprint.clone(),
        at,
        phase: phase.as_str().to_owned(),
        event: step.event.map(|event| event.as_str().to_owned()),
        severity: alert.severity,
        value: alert.value,
        threshold: alert.threshold,
        summary: alert.summary.clone(),
        person: None,
    });
    if let Some(event) = step.event {
        draft.write.notifications.extend(told(event, alert, &step.held.series, channels, now)?);
    }
    Ok(())
}

/// What is told of a series, a row for each channel. The same event of the same alert always has the same id.
pub(super) fn told(
    event: Event,
    alert: &AlertJson,
    series: &Series,
    channels: &[String],
    now: Micros,
) -> Result<Vec<NewNotification>, serde_json::Error> {
    let starts_at = series.starts_at.unwrap_or(series.since);
    let id = notification_id(&alert.fingerprint, starts_at, series.count);
    Notification { id, event, alert: alert.clone() }.rows(channels, now)
}
