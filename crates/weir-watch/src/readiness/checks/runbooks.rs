//! Whether whoever is woken by an alert finds what to do. The figure is how many rules name a runbook.

use super::{Facts, Finding, Targets, alerts, names, number};

pub(super) fn judge(facts: &Facts, _: &Targets) -> Finding {
    let Some(facts) = &facts.alerts else { return alerts::unseen() };
    let rules = &facts.rules;
    if rules.is_empty() {
        return alerts::none();
    }
    let without: Vec<&str> = rules.iter().filter(|rule| !rule.has_runbook).map(|rule| rule.name.as_str()).collect();
    let with = (rules.len() - without.len()) as f64;
    let finding = if without.is_empty() {
        Finding::pass(format!("{}, each with a runbook", number(rules.len() as u64, "rule")))
    } else {
        Finding::fail(
            format!("without: {}", names(without.into_iter())),
            "set runbook_url in the rule; docs/runbooks has pages to begin with",
        )
    };
    finding.measured(with, rules.len() as f64)
}
