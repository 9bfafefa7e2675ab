//! Which allowances a call counts against: its key's, and those of its labels.
//!
//! Invariant: values are told apart as callers send them, and shown as records show them: a secret that a caller puts into
//! a label stands in no metric, log or message.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::access::{Identity, KeyLimits};
use weir_core::money::NanoUsd;
use weir_core::span::Span;
use weir_core::time::{Micros, SECOND};

use super::allowance::{Allowance, Owner, Terms};
use crate::config::LimitConfig;

/// Most values of one label that are held apart at once; beyond it those that hold nothing are forgotten, and where all
/// hold something, what comes later shares the allowance of `other`.
const MAX_VALUES: usize = 10_000;
/// Values are looked through for such that hold nothing at most this often: callers may send a new one with every call.
const SWEEP_EVERY: Micros = SECOND;
/// Longest value that is told apart, in bytes.
const MAX_VALUE: usize = 256;
/// Labels of calls that are made.
const UNKNOWN_BEFORE: &[&str] = &["provider"];
/// From this share of a budget on it alerts, unless configured otherwise.
const SOFT: f64 = 0.8;

/// A limit on calls that carry a label.
#[derive(Debug)]
pub struct LabelRule {
    /// The label.
    pub label: String,
    /// The value it is for; `None`: every value that has no limit by name, each with an allowance of its own.
    pub value: Option<String>,
    terms: Terms,
    allowances: Mutex<Allowances>,
}

/// The allowances of a rule, by value.
#[derive(Debug, Default)]
struct Allowances {
    known: HashMap<String, Arc<Allowance>>,
    /// When they were looked through last for such that hold nothing.
    swept: Option<Micros>,
}

impl Allowances {
    /// Whether there is room for one more value; made by forgetting those that hold nothing, which lose nothing by it.
    fn has_room(&mut self, now: Micros) -> bool {
        if self.known.len() < MAX_VALUES {
            return true;
        }
        if self.swept.is_none_or(|at| now.saturating_sub(at) >= SWEEP_EVERY) {
            self.swept = Some(now);
            // What a call holds may be used any moment. Nobody can take hold of one while the rule is locked.
            self.known.retain(|_, a| Arc::strong_count(a) > 1 || !a.is_unused(now));
        }
        self.known.len() < MAX_VALUES
    }
}

impl LabelRule {
    fn allowance(&self, value: &str, shown: Shown<'_>, now: Micros) -> Arc<Allowance> {
        let mut allowances = self.allowances.lock();
        if let Some(known) = allowances.known.get(value) {
            return known.clone();
        }
        let value = if allowances.has_room(now) { value } else { "other" };
        if let Some(known) = allowances.known.get(value) {
            return known.clone();
        }
        let owner = Owner { label: self.label.clone(), value: shown(value) };
        let new = Arc::new(Allowance::new(owner, self.terms.clone(), now));
        allowances.known.insert(value.to_owned(), new.clone());
        new
    }

    /// The start of each of its budgets' current period.
    #[must_use]
    pub fn budget_starts(&self, now: Micros) -> Vec<Micros> {
        self.unused(now).budget_starts(now)
    }

    /// Whether it has a budget for a period that the other one has none for.
    #[must_use]
    pub fn has_new_budget(&self, before: &Self, now: Micros) -> bool {
        self.unused(now).has_new_budget(&before.unused(now))
    }

    fn unused(&self, now: Micros) -> Allowance {
        let nobody = Owner { label: self.label.clone(), value: String::new() };
        Allowance::new(nobody, self.terms.clone(), now)
    }

    fn all(&self) -> HashMap<String, Arc<Allowance>> {
        self.allowances.lock().known.clone()
    }
}

/// How a value is shown.
pub type Shown<'a> = &'a dyn Fn(&str) -> String;

/// The limits of one label, by place in the list of all.
#[derive(Debug, Default)]
struct OfLabel {
    named: HashMap<String, usize>,
    each: Option<usize>,
}

/// Every limit of a configuration.
#[derive(Debug, Default)]
pub struct Limits {
    keys: HashMap<String, Arc<Allowance>>,
    labels: Vec<LabelRule>,
    by_label: BTreeMap<String, OfLabel>,
}

impl Limits {
    /// Adds a key with its terms; what it has used before the reload is carried over.
    pub(crate) fn add_key(&mut self, name: &str, terms: Terms, before: Option<&Self>, now: Micros) {
        let old = before.and_then(|limits| limits.keys.get(name));
        let owner = Owner { label: "key".to_owned(), value: name.to_owned() };
        self.keys.insert(name.to_owned(), carried(owner, terms, old, now));
    }

    /// Adds a limit of a label.
    ///
    /// # Errors
    /// Says what is wrong with the label or its value.
    pub(crate) fn add_label(
        &mut self,
        config: &LimitConfig,
        terms: Terms,
        before: Option<&Self>,
        now: Micros,
    ) -> Result<(), String> {
        let (label, value) = (&config.label, (config.value != "*").then(|| config.value.clone()));
        if label.is_empty() || config.value.is_empty() {
            return Err(
                "needs a label and a value, as in label = \"department\", value = \"sales\" (or \"*\")".to_owned()
            );
        }
        if UNKNOWN_BEFORE.contains(&label.as_str()) {
            return Err(format!(
                "the label {label:?} is not known before a call is made, so that nothing can be limited by it"
            ));
        }
        let known = self.by_label.entry(label.clone()).or_default();
        let place = match &value {
            Some(value) => known.named.insert(cut(value).to_owned(), self.labels.len()),
            None => known.each.replace(self.labels.len()),
        };
        if place.is_some() {
            return Err(format!(
                "there is a limit for {label} {:?} already; write all its figures into one",
                config.value
            ));
        }
        let old = before.and_then(|before| before.same_rule(label, value.as_deref()));
        let allowances = old.map(LabelRule::all).unwrap_or_default();
        let known = allowances
            .into_iter()
            .map(|(value, a)| (value, carried(a.owner().clone(), terms.clone(), Some(&a), now)))
            .collect();
        let rule =
            LabelRule { label: label.clone(), value, terms, allowances: Mutex::new(Allowances { known, swept: None }) };
        if let Some(value) = &rule.value {
            // Shown with its whole budget before its first call.
            let _ = rule.allowance(cut(value), &str::to_owned, now);
        }
        self.labels.push(rule);
        Ok(())
    }

    /// The allowances that a call counts against.
    #[must_use]
    pub fn of_call(&self, identity: &Identity, span: &Span, shown: Shown<'_>, now: Micros) -> Vec<Arc<Allowance>> {
        let key = self.keys.get(&identity.name).cloned();
        let labels = self.by_label.keys().filter_map(|label| {
            let value = span.label(label)?;
            Some(self.rule(label, &value)?.allowance(cut(&value), shown, now))
        });
        key.into_iter().chain(labels).collect()
    }

    /// The limit for a value of a label: the one that names it, else the one for every value.
    #[must_use]
    pub fn rule(&self, label: &str, value: &str) -> Option<&LabelRule> {
        let known = self.by_label.get(label)?;
        self.labels.get(*known.named.get(cut(value)).or(known.each.as_ref())?)
    }

    /// The limit that is for the same label and value.
    #[must_use]
    pub fn same_rule(&self, label: &str, value: Option<&str>) -> Option<&LabelRule> {
        self.labels.iter().find(|rule| rule.label == label && rule.value.as_deref() == value)
    }

    /// The allowance of a value of a label, as records have it.
    #[must_use]
    pub fn of_label(&self, label: &str, value: &str, now: Micros) -> Option<Arc<Allowance>> {
        Some(self.rule(label, value)?.allowance(cut(value), &str::to_owned, now))
    }

    /// Every allowance.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Allowance>> {
        let labels = self.labels.iter().flat_map(|rule| {
            // What a reload has named since has a limit of its own.
            let own = |value: &str| self.rule(&rule.label, value).is_some_and(|r| r.value == rule.value);
            rule.all().into_iter().filter(move |(value, _)| own(value)).map(|(_, allowance)| allowance)
        });
        self.keys.values().cloned().chain(labels).collect()
    }

    /// The keys' allowances, by name.
    #[must_use]
    pub fn keys(&self) -> &HashMap<String, Arc<Allowance>> {
        &self.keys
    }

    /// The limits of labels.
    #[must_use]
    pub fn labels(&self) -> &[LabelRule] {
        &self.labels
    }
}

/// The head of a value that is told apart: callers may send any text.
fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(MAX_VALUE)]
}

/// The allowance from before the reload as long as its terms are the same; else a new one with the old spend.
fn carried(owner: Owner, terms: Terms, old: Option<&Arc<Allowance>>, now: Micros) -> Arc<Allowance> {
    match old {
        Some(old) if *old.terms() == terms => old.clone(),
        _ => {
            let new = Allowance::new(owner, terms, now);
            if let Some(old) = old {
                new.take_over(old, now);
            }
            Arc::new(new)
        }
    }
}

/// The terms of configured figures.
///
/// # Errors
/// Names the figure that is wrong.
pub(crate) fn make_terms(
    (rpm, tpm): (Option<u32>, Option<u64>),
    (day, month): (Option<f64>, Option<f64>),
    soft: Option<f64>,
    fallback: Option<String>,
) -> Result<Terms, String> {
    let dollars = |value: Option<f64>, name: &str| match value {
        Some(v) if !v.is_finite() || v < 0.0 => Err(format!("{name} must be a positive number")),
        other => Ok(other.map(NanoUsd::from_usd)),
    };
    let limits = KeyLimits {
        rpm,
        tpm,
        budget_per_day: dollars(day, "budget_usd_per_day")?,
        budget_per_month: dollars(month, "budget_usd_per_month")?,
    };
    let soft = soft.unwrap_or(SOFT);
    if !(0.0..=1.0).contains(&soft) {
        return Err("budget_soft is a share of the budget: a number from 0 to 1".to_owned());
    }
    Ok(Terms { limits, soft, fallback })
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
