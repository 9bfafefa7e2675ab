//! Whether it is decided what is kept of people's texts. Secrets such as API keys are replaced always. The figure is how
//! many patterns of the deployment's own there are.

use super::{Facts, Finding, Targets, number};

pub(super) fn judge(facts: &Facts, _: &Targets) -> Finding {
    let record = &facts.record;
    let finding = match (record.redacts, record.patterns) {
        (true, _) => Finding::pass("personal data is replaced, or no text is kept"),
        (false, 0) => Finding::fail(
            "prompts and answers are kept with personal data in them",
            "set `payload = \"redacted\"` under [record], or patterns of your own under [record.redact]",
        ),
        (false, n) => Finding::pass(format!("{} of your own replaced", number(n, "pattern"))),
    };
    finding.measured(record.patterns as f64, None)
}
