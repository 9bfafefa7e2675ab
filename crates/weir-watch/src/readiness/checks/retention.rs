//! Whether it is decided how long calls are kept. The figure is that time.

use weir_core::time::SECOND;

use super::{Facts, Finding, Targets, span};

pub(super) fn judge(facts: &Facts, _: &Targets) -> Finding {
    match facts.record.retention {
        Some(age) => {
            Finding::pass(format!("calls are deleted after {}", span(age))).measured((age / SECOND) as f64, None)
        }
        None => Finding::fail("calls are kept for ever", "set `retention = \"90d\"` under [record]"),
    }
}
