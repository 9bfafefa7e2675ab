//! Whether the channels that rules name were tried not long ago, and take what they are told. The figure is how many were.

use super::{Facts, Finding, Targets, alerts, names, number, span};
use crate::readiness::AlertFacts;

pub(super) fn judge(facts: &Facts, targets: &Targets) -> Finding {
    let Some(AlertFacts { rules, channels }) = &facts.alerts else { return alerts::unseen() };
    if rules.is_empty() {
        return alerts::none();
    }
    let named = |name: &str| rules.iter().any(|rule| rule.channels.iter().any(|channel| channel == name));
    let used: Vec<_> = channels.iter().filter(|channel| named(&channel.name)).collect();
    let oldest = facts.now.saturating_sub(targets.channel_test_max_age);
    let mut wrong = Vec::new();
    for channel in &used {
        match channel.tested_at {
            _ if channel.given_up.is_some() => {
                let why = channel.given_up.as_deref().unwrap_or_default();
                wrong.push(format!("{} (the last notification was given up: {why})", channel.name));
            }
            None => wrong.push(format!("{} (never tested as it is now)", channel.name)),
            Some(_) if !channel.ok => wrong.push(format!("{} (the last test failed)", channel.name)),
            Some(at) if at < oldest => {
                wrong.push(format!("{} (tested {} ago)", channel.name, span(facts.now.saturating_sub(at))));
            }
            Some(_) => {}
        }
    }
    let tested = (used.len() - wrong.len()) as f64;
    let finding = if used.is_empty() {
        Finding::fail("no rule names a channel that there is", "set one under [[channels]] and name it in the rules")
    } else if wrong.is_empty() {
        Finding::pass(format!("{} tested", number(used.len() as u64, "channel")))
    } else {
        Finding::fail(names(wrong.iter().map(String::as_str)), "test it: weir channels test NAME")
    };
    finding.measured(tested, used.len() as f64)
}
