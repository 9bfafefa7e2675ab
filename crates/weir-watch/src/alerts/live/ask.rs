//! What people ask of alerts: rules, alerts, that somebody takes care, silences.

use std::sync::Arc;

use weir_core::time::Micros;
use weir_store::catalog::{AlertAck, AlertEvaluation, AlertRecord, AlertRuleProblem, AlertRulePut, AlertTransition};
use weir_store::telemetry::StoreError;

use super::super::document::RuleDoc;
use super::super::dry_run::{DryRun, SPAN, dry_run};
use super::super::mute::Silence;
use super::super::parse::Problem;
use super::super::rule::Rule;
use super::super::rule_set::{Listed, Origin};
use super::alerter::Alerter;
use super::mutes::silences;
use super::records::Kept;
use crate::notify::{AlertJson, Event, Notification};

/// Longest note or reason.
const MAX_NOTE: usize = 2_000;
/// Longest silence.
const LONGEST_MUTE: Micros = 366 * weir_core::time::DAY;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no such rule.
    #[error("there is no alert rule \"{0}\"")]
    NoRule(String),
    /// There is no such alert.
    #[error("there is no alert \"{0}\": it never was one, or is forgotten")]
    NoAlert(String),
    /// There is no such silence.
    #[error("there is no mute \"{0}\", or it has ended")]
    NoMute(String),
    /// The rule is one of a file or of the configuration.
    #[error("the rule \"{0}\" stands in {1}: change it there")]
    Fixed(String, String),
    /// The document is wrong.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A member is wrong.
    #[error("{0}: {1}")]
    Wrong(&'static str, String),
    /// The rule could not be put.
    #[error(transparent)]
    Rule(#[from] AlertRuleProblem),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A rule with how far it is.
#[derive(Clone, Debug)]
pub struct Shows {
    /// The rule.
    pub listed: Arc<Listed>,
    /// Its last evaluation.
    pub evaluation: Option<AlertEvaluation>,
    /// Series that fire or have no data, and those that are pending.
    pub open: (u64, u64),
}

/// An alert with what silences it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// As it is kept.
    pub record: AlertRecord,
    /// As it is told.
    pub alert: AlertJson,
    /// The rest.
    pub kept: Kept,
    /// Whether nothing is told of it now.
    pub muted: bool,
    /// Who takes care, while that holds.
    pub ack: Option<AlertAck>,
}

impl Alerter {
    /// Every rule.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list_rules(&self) -> Result<Vec<Shows>, StoreError> {
        let evaluations = self.catalog.alert_evaluations()?;
        let alerts = self.catalog.every_alert()?;
        let show = |listed: &Arc<Listed>| {
            let of = |phases: &[&str]| {
                let is = |a: &&AlertRecord| a.rule == listed.id && phases.contains(&a.phase.as_str());
                alerts.iter().filter(is).count() as u64
            };
            Shows {
                listed: listed.clone(),
                evaluation: evaluations.iter().find(|e| e.rule == listed.id).cloned(),
                open: (of(&["firing", "no_data"]), of(&["pending"])),
            }
        };
        Ok(self.rules().iter().map(show).collect())
    }

    /// One rule.
    ///
    /// # Errors
    /// There is none of that id, or the store fails.
    pub fn rule(&self, id: &str) -> Result<Shows, AskError> {
        self.list_rules()?.into_iter().find(|s| s.listed.id == id).ok_or_else(|| AskError::NoRule(id.to_owned()))
    }

    /// Makes a rule; its id is made anew where it names none.
    ///
    /// # Errors
    /// The document is wrong, or the id is taken; nothing is changed.
    pub fn create(&self, doc: RuleDoc) -> Result<Shows, AskError> {
        let usual = weir_core::id::ScoreId::new().to_string();
        let rule = self.checked(doc, &usual)?;
        if let Some(listed) = self.rules().get(&rule.id)
            && let Some(place) = place(&listed.origin)
        {
            return Err(AskError::Fixed(rule.id, place));
        }
        self.put(&rule, AlertRulePut::New)
    }

    /// Changes a rule, of a version where one is named.
    ///
    /// # Errors
    /// The document is wrong, or there is no such rule or another version; nothing is changed.
    pub fn change(&self, id: &str, mut doc: RuleDoc, version: Option<u32>) -> Result<Shows, AskError> {
        self.is_made(id)?;
        if doc.id.as_deref().is_some_and(|other| other != id) {
            return Err(Problem::new("id", format!("it is \"{id}\" in the path; an id cannot be changed")).into());
        }
        doc.id = Some(id.to_owned());
        let rule = self.checked(doc, id)?;
        self.put(&rule, AlertRulePut::Change(version))
    }

    /// Deletes a rule; its alerts end.
    ///
    /// # Errors
    /// There is no such rule, or it stands in a file.
    pub fn delete(&self, id: &str) -> Result<(), AskError> {
        self.is_made(id)?;
        self.catalog.delete_alert_rule(id)?;
        self.refresh()?;
        self.wake();
        Ok(())
    }

    /// What a rule would have done over the last so much time.
    ///
    /// # Errors
    /// The document is wrong, or it would be too much to read.
    pub fn dry_run(&self, doc: RuleDoc, span: Option<Micros>) -> Result<DryRun, AskError> {
        let rule = self.checked(doc, "dry-run")?;
        Ok(dry_run(&rule, self.reads.as_ref(), self.clock.now(), span.unwrap_or(SPAN))?)
    }

    fn checked(&self, doc: RuleDoc, usual: &str) -> Result<Rule, AskError> {
        let force = self.force.read();
        let rule = Rule::new(doc, usual, &force.setup.configured.targets)?;
        if let Some(known) = &force.setup.channels
            && let Some(channel) = rule.doc.channels.iter().find(|channel| !known.contains(*channel))
        {
            // It may be configured later; nobody is told until then.
            tracing::warn!(rule = rule.id, channel, "an alert rule names a channel that is not configured");
        }
        Ok(rule)
    }

    fn put(&self, rule: &Rule, put: AlertRulePut) -> Result<Shows, AskError> {
        let document = serde_json::to_string(&rule.doc).map_err(|e| AskError::Wrong("", e.to_string()))?;
        self.catalog.put_alert_rule(&rule.id, &document, self.clock.now(), put)?;
        self.refresh()?;
        self.wake();
        self.rule(&rule.id)
    }

    fn is_made(&self, id: &str) -> Result<(), AskError> {
        let rules = self.rules();
        let listed = rules.get(id).ok_or_else(|| AskError::NoRule(id.to_owned()))?;
        match place(&listed.origin) {
            Some(place) => Err(AskError::Fixed(id.to_owned(), place)),
            None => Ok(()),
        }
    }

    /// Alerts as they are shown; what cannot be read is left out.
    #[must_use]
    pub fn show_all(&self, records: Vec<AlertRecord>) -> Vec<Shown> {
        let now = self.clock.now();
        let silenced = silences(self.catalog.as_ref(), now).unwrap_or_default();
        let rules = self.rules();
        let show = |record: AlertRecord| {
            let kept: Kept = serde_json::from_str(&record.state).ok()?;
            let alert: AlertJson = serde_json::from_str(&record.alert).ok()?;
            let by_rule = rules.get(&record.rule).and_then(|l| l.rule.as_ref().ok()).is_some_and(|r| r.is_muted(now));
            let muted = by_rule || silenced.iter().any(|s| s.holds(&record.rule, &kept.labels, now));
            let ack = record.ack.clone().filter(|ack| ack.until.is_none_or(|until| now < until));
            Some(Shown { record, alert, kept, muted, ack })
        };
        records.into_iter().filter_map(show).collect()
    }

    /// An alert as it is shown.
    #[must_use]
    pub fn show(&self, record: AlertRecord) -> Option<Shown> {
        self.show_all(vec![record]).pop()
    }

    /// Says that somebody takes care of an alert, and tells so.
    ///
    /// # Errors
    /// There is no such alert, or it does not go on.
    pub fn acknowledge(&self, fingerprint: &str, ack: AlertAck) -> Result<Shown, AskError> {
        let unknown = || AskError::NoAlert(fingerprint.to_owned());
        if ack.note.len() > MAX_NOTE {
            return Err(AskError::Wrong("note", format!("it is longer than {MAX_NOTE} bytes")));
        }
        if ack.until.is_some_and(|until| until <= ack.at) {
            return Err(AskError::Wrong("until", "it is not in the future".into()));
        }
        let record = self.catalog.alert(fingerprint)?.ok_or_else(unknown)?;
        if !matches!(record.phase.as_str(), "firing" | "no_data") {
            return Err(AskError::Wrong(
                "fingerprint",
                format!("the alert is {}: only one that goes on can be acknowledged", record.phase),
            ));
        }
        let shown = self.show(record).ok_or_else(unknown)?;
        let (record, alert, kept) = (&shown.record, &shown.alert, &shown.kept);
        let line = AlertTransition {
            seq: 0,
            rule: record.rule.clone(),
            fingerprint: fingerprint.to_owned(),
            at: ack.at,
            phase: record.phase.clone(),
            event: Some(Event::Acknowledged.as_str().to_owned()),
            severity: record.severity,
            value: alert.value,
            threshold: alert.threshold,
            summary: if ack.note.is_empty() { format!("{} takes care", ack.by) } else { ack.note.clone() },
            person: Some(ack.by.clone()),
        };
        let id = format!("{fingerprint}-{}-ack-{}", alert.starts_at, ack.at);
        let channels: Vec<String> = {
            let force = self.force.read();
            let is = |c: &&String| force.setup.channels.as_ref().is_none_or(|known| known.contains(*c));
            kept.channels.iter().filter(is).cloned().collect()
        };
        let notification = Notification { id, event: Event::Acknowledged, alert: alert.clone() };
        // Those who were not told that it fires need not hear that it is looked after.
        let told = if kept.series.told.is_some() { channels } else { Vec::new() };
        let rows = notification.rows(&told, ack.at).map_err(|e| AskError::Wrong("", e.to_string()))?;
        let news = !rows.is_empty();
        let changed = self.catalog.acknowledge(fingerprint, record.starts_us, Some(ack), line, rows)?;
        if news {
            (self.told)();
        }
        self.show(changed.ok_or_else(unknown)?).ok_or_else(|| AskError::NoAlert(fingerprint.to_owned()))
    }

    /// Silences that have not ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mutes(&self) -> Result<Vec<Silence>, StoreError> {
        silences(self.catalog.as_ref(), self.clock.now())
    }

    /// Sets a silence.
    ///
    /// # Errors
    /// A member is wrong, or there are too many.
    pub fn mute(&self, mut silence: Silence) -> Result<Silence, AskError> {
        let now = self.clock.now();
        if silence.starts_at == 0 {
            silence.starts_at = now;
        }
        let wrong = |member, why: &str| Err(AskError::Wrong(member, why.to_owned()));
        if silence.ends_at <= silence.starts_at || silence.ends_at <= now {
            return wrong("ends_at", "it must be in the future, and after starts_at");
        }
        if silence.ends_at - silence.starts_at > LONGEST_MUTE {
            return wrong("ends_at", "a mute lasts at most 366 days: switch the rule off instead");
        }
        if silence.rule_id.is_none() && silence.labels.is_empty() {
            return wrong("rule_id", "name a rule or labels: all alerts cannot be muted at once");
        }
        if silence.reason.len() > MAX_NOTE || silence.labels.len() > 20 {
            return wrong("reason", "it is too long, or there are more than 20 labels");
        }
        silence.id = weir_core::id::ScoreId::new().to_string();
        let document = serde_json::to_string(&silence).map_err(|e| AskError::Wrong("", e.to_string()))?;
        self.catalog.put_alert_mute(&silence.id, &document, silence.ends_at, now)?;
        Ok(silence)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// There is no such silence.
    pub fn unmute(&self, id: &str) -> Result<(), AskError> {
        if self.catalog.delete_alert_mute(id)? { Ok(()) } else { Err(AskError::NoMute(id.to_owned())) }
    }
}

/// Where a rule stands that the API cannot change.
fn place(origin: &Origin) -> Option<String> {
    match origin {
        Origin::File(path) => Some(path.display().to_string()),
        Origin::Config => Some("the configuration".to_owned()),
        Origin::Api { .. } => None,
    }
}
