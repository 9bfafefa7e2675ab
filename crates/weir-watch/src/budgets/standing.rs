//! How a budget stands now, by the store.

use weir_core::time::{HOUR, Micros};
use weir_store::sums::Detail;
use weir_store::telemetry::{StatsQuery, StoreError, TimeRange};

use super::{Budget, BudgetStatus, HISTORY};
use crate::alerts::observe::{Labels, by_hour, labels};
use crate::alerts::reads::Reads;

/// Most values of a budget that is for each value of some dimensions.
const MAX_VALUES: usize = 200;

/// How it stands, for each value that it is for; a budget for all has one without labels.
///
/// # Errors
/// When the store fails.
pub fn standing(budget: &Budget, reads: &dyn Reads, now: Micros) -> Result<Vec<(Labels, BudgetStatus)>, StoreError> {
    let from = now - HISTORY;
    let query = StatsQuery {
        range: TimeRange { from: Some(from - from.rem_euclid(HOUR)), to: Some(now) },
        filters: budget.filters.clone(),
        group_by: budget.per.clone(),
        bucket: Some(HOUR),
    };
    let most = reads.largest_groups(&query, MAX_VALUES)?;
    let mut groups = reads.call_sums(&query, Detail::NONE, Some(&most.values))?;
    if groups.is_empty() && budget.per.is_empty() {
        groups.push(weir_store::sums::SumGroup::default());
    }
    groups.truncate(MAX_VALUES);
    let of = |group: weir_store::sums::SumGroup| {
        let status = budget.status(&by_hour(budget, &group.cells), now)?;
        Some((labels(&Labels::new(), &budget.per, &group.values), status))
    };
    Ok(groups.into_iter().filter_map(of).collect())
}
