//! Whether there are alert rules, each tells somebody, and each can be evaluated.

use super::{Facts, Finding, Targets, names, number};
use crate::readiness::AlertFacts;

/// What every check of alerts says where they cannot be looked at.
pub(super) fn unseen() -> Finding {
    Finding::unknown("the alert rules cannot be read here", "ask the server: weir ready --url URL --key KEY")
}

/// What the checks of rules' parts say where there is no rule.
pub(super) fn none() -> Finding {
    Finding::unknown("there is no alert rule", "set alert rules first: docs/alerts.md")
}

pub(super) fn judge(facts: &Facts, _: &Targets) -> Finding {
    let Some(AlertFacts { rules, channels }) = &facts.alerts else { return unseen().measured(None, 1.0) };
    let known = |name: &String| channels.iter().any(|channel| channel.name == *name);
    let silent: Vec<&str> =
        rules.iter().filter(|rule| !rule.channels.iter().any(known)).map(|rule| rule.name.as_str()).collect();
    let failing: Vec<String> =
        rules.iter().filter_map(|rule| rule.failing.as_ref().map(|why| format!("{} ({why})", rule.name))).collect();
    let finding = if rules.is_empty() {
        Finding::fail("there is no alert rule", "write rules for errors, latency and cost: docs/alerts.md")
    } else if !silent.is_empty() {
        Finding::fail(
            format!("no channel is told of: {}", names(silent.into_iter())),
            "name a channel of [[channels]] in the rule: channels = [\"ops\"]",
        )
    } else if !failing.is_empty() {
        Finding::fail(
            format!("cannot be evaluated: {}", names(failing.iter().map(String::as_str))),
            "see why with `weir alerts rules`; then docs/runbooks/alert-rules-failing.md",
        )
    } else {
        Finding::pass(format!("{}, each with a channel", number(rules.len() as u64, "rule")))
    };
    finding.measured(rules.len() as f64, 1.0)
}
