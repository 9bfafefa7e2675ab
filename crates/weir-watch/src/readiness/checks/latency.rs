//! Whether answers come fast enough: the 95th percentile over all calls, cached and refused ones included, as `weir stats`
//! has it.

use super::{Facts, Finding, Targets, too_few};

pub(super) fn judge(facts: &Facts, targets: &Targets) -> Finding {
    let value = facts.calls.p95_ms;
    let finding = match (too_few(facts, targets), value) {
        (Some(few), _) => few,
        (None, None) => Finding::unknown("no call has an end", "look at the calls with `weir calls`"),
        (None, Some(p95)) if p95 < targets.p95_ms => {
            Finding::pass(format!("19 of 20 calls end within {}, target {}", ms(p95), ms(targets.p95_ms)))
        }
        (None, Some(p95)) => Finding::fail(
            format!("1 of 20 calls takes longer than {}, target {}", ms(p95), ms(targets.p95_ms)),
            "find the slow model with `weir stats --by model --since 7d`; then docs/runbooks/high-latency.md, or set \
             readiness.p95_ms to what your users accept",
        ),
    };
    finding.measured(value, targets.p95_ms)
}

/// As people say it: `3.4 s`, `10 s`, `850 ms`, with a digit more where they are few.
fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{} s", (ms / 10.0).round() / 100.0),
    }
}
