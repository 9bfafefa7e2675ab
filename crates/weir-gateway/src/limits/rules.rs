//! Which allowances a call counts against: its key's, and those of its labels.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::access::{Identity, KeyLimits};
use weir_core::money::NanoUsd;
use weir_core::span::Span;
use weir_core::time::Micros;

use super::allowance::{Allowance, Owner, Terms};
use crate::config::LimitConfig;

/// Most values of one label that are held apart; what comes later shares the allowance of `other`.
const MAX_VALUES: usize = 10_000;
/// From this share of a budget on it alerts, unless configured otherwise.
const SOFT: f64 = 0.8;

/// A limit on calls that carry a label.
#[derive(Debug)]
pub struct LabelRule {
    /// The label.
    pub label: String,
    /// The value it is for; `None`: every value has an allowance of its own.
    pub value: Option<String>,
    terms: Terms,
    allowances: Mutex<HashMap<String, Arc<Allowance>>>,
}

impl LabelRule {
    /// The allowance of a value, if the rule is for it.
    #[must_use]
    pub fn allowance(&self, value: &str, now: Micros) -> Option<Arc<Allowance>> {
        if self.value.as_deref().is_some_and(|only| only != value) {
            return None;
        }
        let mut allowances = self.allowances.lock();
        let value = if allowances.len() >= MAX_VALUES && !allowances.contains_key(value) { "other" } else { value };
        if let Some(known) = allowances.get(value) {
            return Some(known.clone());
        }
        let owner = Owner { label: self.label.clone(), value: value.to_owned() };
        let new = Arc::new(Allowance::new(owner, self.terms.clone(), now));
        allowances.insert(value.to_owned(), new.clone());
        Some(new)
    }

    /// The start of each of its budgets' current period.
    #[must_use]
    pub fn budget_starts(&self, now: Micros) -> Vec<Micros> {
        let nobody = Owner { label: self.label.clone(), value: String::new() };
        Allowance::new(nobody, self.terms.clone(), now).budget_starts(now)
    }

    /// Whether it limits money.
    #[must_use]
    pub fn has_budget(&self) -> bool {
        self.terms.limits.budget_per_day.is_some() || self.terms.limits.budget_per_month.is_some()
    }

    fn all(&self) -> Vec<Arc<Allowance>> {
        self.allowances.lock().values().cloned().collect()
    }
}

/// Every limit of a configuration.
#[derive(Debug, Default)]
pub struct Limits {
    keys: HashMap<String, Arc<Allowance>>,
    labels: Vec<LabelRule>,
}

impl Limits {
    /// Adds a key with its terms; what it has used before the reload is carried over.
    pub(crate) fn add_key(&mut self, name: &str, terms: Terms, before: Option<&Self>, now: Micros) {
        let old = before.and_then(|limits| limits.keys.get(name));
        let owner = Owner { label: "key".to_owned(), value: name.to_owned() };
        self.keys.insert(name.to_owned(), carried(owner, terms, old, now));
    }

    /// Adds a limit of a label.
    pub(crate) fn add_label(&mut self, config: &LimitConfig, terms: Terms, before: Option<&Self>, now: Micros) {
        let value = (config.value != "*").then(|| config.value.clone());
        let old = before.and_then(|b| b.labels.iter().find(|r| r.label == config.label && r.value == value));
        let allowances = old.map(LabelRule::all).unwrap_or_default();
        let allowances = allowances
            .iter()
            .map(|a| (a.owner().value.clone(), carried(a.owner().clone(), terms.clone(), Some(a), now)))
            .collect();
        let rule = LabelRule { label: config.label.clone(), value, terms, allowances: Mutex::new(allowances) };
        if let Some(value) = &rule.value {
            // Shown with its whole budget before its first call.
            let _ = rule.allowance(value, now);
        }
        self.labels.push(rule);
    }

    /// The allowances that a call counts against.
    #[must_use]
    pub fn of_call(&self, identity: &Identity, span: &Span, now: Micros) -> Vec<Arc<Allowance>> {
        let key = self.keys.get(&identity.name).cloned();
        let labels = self.labels.iter().filter_map(|rule| rule.allowance(&span.label(&rule.label)?, now));
        key.into_iter().chain(labels).collect()
    }

    /// Every allowance.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Allowance>> {
        self.keys.values().cloned().chain(self.labels.iter().flat_map(LabelRule::all)).collect()
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
mod tests {
    use super::*;

    fn limits(label: &str, value: &str) -> Limits {
        let config = LimitConfig { label: label.into(), value: value.into(), ..LimitConfig::default() };
        let terms = make_terms((Some(1), None), (None, Some(5.0)), None, None).unwrap();
        let mut limits = Limits::default();
        limits.add_label(&config, terms, None, 0);
        limits
    }

    fn span(json: &str) -> Span {
        let mut span = Span { department: Some("it".into()), ..Span::default() };
        span.attributes.insert("metadata".into(), json.into());
        span
    }

    #[test]
    fn a_limit_is_for_a_value_or_for_each() {
        let of = |limits: &Limits, span: &Span| limits.of_call(&Identity::anonymous(), span, 0);
        assert_eq!(of(&limits("department", "it"), &span("{}")).len(), 1);
        assert_eq!(of(&limits("department", "sales"), &span("{}")).len(), 0);
        let teams = limits("team", "*");
        let a = of(&teams, &span(r#"{"team":"a"}"#));
        let b = of(&teams, &span(r#"{"team":"b"}"#));
        assert!(a[0].reserve(0, NanoUsd::ZERO, true, 0).is_ok());
        assert!(a[0].reserve(0, NanoUsd::ZERO, true, 0).is_err());
        assert!(b[0].reserve(0, NanoUsd::ZERO, true, 0).is_ok(), "each value has its own");
        assert_eq!(of(&teams, &span("{}")).len(), 0);
    }

    #[test]
    fn a_reload_keeps_what_was_used() {
        let before = limits("department", "*");
        let it = before.of_call(&Identity::anonymous(), &span("{}"), 0);
        it[0].reserve(0, NanoUsd(10), true, 0).unwrap().settle(0, NanoUsd(4_000_000_000));
        let config = LimitConfig { label: "department".into(), value: "*".into(), ..LimitConfig::default() };
        let mut after = Limits::default();
        after.add_label(&config, make_terms((None, None), (None, Some(6.0)), None, None).unwrap(), Some(&before), 0);
        let it = after.of_call(&Identity::anonymous(), &span("{}"), 0);
        assert_eq!(it[0].budgets(0)[0].left, NanoUsd(2_000_000_000));
    }
}
