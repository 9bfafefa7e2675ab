//! Whether there are budgets and none is spent. The figure is the spent share of the one that is furthest gone.

use super::{Facts, Finding, Targets, names, number, percent};
use crate::readiness::BudgetFact;

pub(super) fn judge(facts: &Facts, _: &Targets) -> Finding {
    if facts.budgets.is_empty() {
        return Finding::fail(
            "no budget is set",
            "write [[budgets]] (docs/alerts.md), or a limit that refuses: `budget_usd_per_month` under [[keys]] or [[limits]]",
        )
        .measured(None, 1.0);
    }
    let mut read: Vec<(&BudgetFact, f64)> = facts
        .budgets
        .iter()
        .filter_map(|budget| Some((budget, budget.spent? / budget.limit.max(f64::MIN_POSITIVE))))
        .collect();
    read.sort_by(|a, b| b.1.total_cmp(&a.1));
    let worst = read.first().map(|(_, share)| *share);
    let spent: Vec<&str> = read.iter().filter(|(_, share)| *share >= 1.0).map(|(b, _)| b.name.as_str()).collect();
    let finding = match read.first() {
        _ if !spent.is_empty() => Finding::fail(
            format!("spent: {}", names(spent.into_iter())),
            "see who spends it with `weir stats --by key,model --since 30d`; then docs/runbooks/budget-spent.md",
        ),
        Some((budget, share)) if read.len() == facts.budgets.len() => {
            let mut found = format!(
                "{} within limits; furthest: {}, {} spent",
                number(facts.budgets.len() as u64, "budget"),
                budget.name,
                percent(*share)
            );
            if facts.calls.unpriced > 0 {
                found.push_str(&format!("; {} without a known price", number(facts.calls.unpriced, "call")));
            }
            Finding::pass(found)
        }
        _ => {
            let unread = facts.budgets.iter().filter(|budget| budget.spent.is_none());
            Finding::unknown(
                format!("not in the rollups: {}", names(unread.map(|budget| budget.name.as_str()))),
                "see what is left of them in `weir status --url URL`",
            )
        }
    };
    finding.measured(worst, 1.0)
}
