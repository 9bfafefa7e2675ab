//! Whether every call can be found again: by its trace and by its request id.

use weir_core::time::to_rfc3339;

use super::{Facts, Finding, Targets, number, percent, too_few};

pub(super) fn judge(facts: &Facts, targets: &Targets) -> Finding {
    let calls = &facts.calls;
    if calls.lost > 0 {
        let found = format!("{} could not be recorded since the server's start", number(calls.lost, "call"));
        return Finding::fail(
            found,
            "see /health/ready and docs/runbooks/disk-full.md; restart once the cause is gone",
        )
        .measured(None, targets.traced);
    }
    if let Some(few) = too_few(facts, targets) {
        return few.measured(None, targets.traced);
    }
    if calls.looked_at == 0 {
        return Finding::unknown(
            "the calls of the window were deleted",
            "look at a shorter --window than the retention",
        )
        .measured(None, targets.traced);
    }
    let share = calls.traced as f64 / calls.looked_at as f64;
    let of = match calls.looked_since {
        None => number(calls.looked_at, "call"),
        Some(since) => format!("the newest {} (since {})", number(calls.looked_at, "call"), to_rfc3339(since)),
    };
    let found = format!("{} of {of} have a trace and a request id ({})", calls.traced, percent(share));
    let finding = if share >= targets.traced {
        Finding::pass(found)
    } else {
        Finding::fail(
            found,
            "calls through the gateway have both; send the others through it, or have their SDK send the attribute \
             `request_id` with each llm span",
        )
    };
    finding.measured(share, targets.traced)
}
