//! Whether evaluations are no worse than their baselines. The figure is of the score that is furthest below.

use super::{Facts, Finding, Targets, names};

pub(super) fn judge(facts: &Facts, targets: &Targets) -> Finding {
    if targets.scores.is_empty() {
        return match facts.scores.first() {
            None => Finding::unknown(
                "there are no scores and no baselines",
                "score calls (`PUT /api/v1/scores`, MLflow's `log_feedback`) and set baselines: [readiness.scores], \
                 name = 0.8",
            ),
            Some(score) => Finding::unknown(
                format!("{} scored, without a baseline", names(facts.scores.iter().map(|s| s.name.as_str()))),
                format!("set one: [readiness.scores], \"{}\" = {:.2}", score.name, score.mean),
            ),
        };
    }
    let compared = targets.scores.iter().filter_map(|(name, baseline)| {
        facts.scores.iter().find(|score| score.name == *name).map(|score| (name, score.mean, *baseline))
    });
    let mut compared: Vec<(&String, f64, f64)> = compared.collect();
    compared.sort_by(|a, b| (a.1 - a.2).total_cmp(&(b.1 - b.2)));
    let missing = || targets.scores.keys().filter(|name| !compared.iter().any(|(n, ..)| n == name));
    let figure = compared.first().map(|(_, mean, baseline)| (*mean, *baseline));
    let below: Vec<String> = compared
        .iter()
        .filter(|(_, mean, baseline)| mean < baseline)
        .map(|(name, mean, baseline)| format!("{name} {mean:.3} (baseline {baseline})"))
        .collect();
    let finding = if !below.is_empty() {
        Finding::fail(
            format!("below baseline: {}", names(below.iter().map(String::as_str))),
            "compare the prompt's versions with `weir ab NAME` and go back to the better one",
        )
    } else if missing().next().is_some() {
        Finding::unknown(
            format!("no score in the window: {}", names(missing().map(String::as_str))),
            "run the evaluation, or take the name out of [readiness.scores]",
        )
    } else {
        let all = compared.iter().map(|(name, mean, baseline)| format!("{name} {mean:.3} (baseline {baseline})"));
        let all: Vec<String> = all.collect();
        Finding::pass(names(all.iter().map(String::as_str)))
    };
    finding.measured(figure.map(|f| f.0), figure.map(|f| f.1))
}
