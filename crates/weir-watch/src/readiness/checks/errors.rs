//! Whether few enough calls fail. What counts is what `weir stats` counts: error, `rate_limited` and blocked, since a
//! user who was refused has no answer either; the words tell them apart.

use super::{Facts, Finding, Targets, number, percent, too_few};

pub(super) fn judge(facts: &Facts, targets: &Targets) -> Finding {
    let calls = &facts.calls;
    if let Some(few) = too_few(facts, targets) {
        return few.measured(None, targets.error_rate);
    }
    let rate = calls.errors as f64 / calls.count as f64;
    let mut found = format!("{} of {} failed ({})", calls.errors, number(calls.count, "call"), percent(rate));
    if calls.rate_limited + calls.blocked > 0 {
        found.push_str(&format!("; {} rate limited, {} blocked among them", calls.rate_limited, calls.blocked));
    }
    let finding = if rate < targets.error_rate {
        Finding::pass(found)
    } else {
        Finding::fail(
            found,
            "see which with `weir calls --status error` and `weir stats --by status`; then \
             docs/runbooks/high-error-rate.md: retries, a fallback model, higher limits",
        )
    };
    finding.measured(rate, targets.error_rate)
}
