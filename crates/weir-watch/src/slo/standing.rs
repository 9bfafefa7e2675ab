//! How an objective stands now, by the store.

use weir_core::call_sums::CallSums;
use weir_core::time::{HOUR, Micros};
use weir_store::events::ScoreQuery;
use weir_store::sums::Detail;
use weir_store::telemetry::{StatsQuery, StoreError, TimeRange};

use super::{BurnRate, Count, Indicator, Slo, budget_left, burn_rates};
use crate::alerts::observe::{count, count_scores};
use crate::alerts::reads::Reads;
use crate::alerts::rule::floor;

/// How an objective stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SloStatus {
    /// Begin of its window: a whole hour.
    pub from: Micros,
    /// Its end.
    pub to: Micros,
    /// What went wrong in it.
    pub count: Count,
    /// The share of the error budget that is left; negative when more was spent.
    pub left: f64,
    /// How fast it burns.
    pub rates: Vec<BurnRate>,
}

/// How it stands.
///
/// # Errors
/// When the store fails.
pub fn standing(slo: &Slo, reads: &dyn Reads, now: Micros) -> Result<SloStatus, StoreError> {
    let from = now - slo.window;
    let from = from - from.rem_euclid(HOUR);
    let scores = match &slo.indicator {
        Indicator::ScoreBelow { name, least } => {
            let range = TimeRange { from: Some(from.min(now - super::LONGEST - HOUR)), to: Some(now) };
            let query = ScoreQuery { name: name.clone(), range, labels: Vec::new() };
            let scores = reads.score_values(&query)?.into_iter().map(|score| (score.at, score.value));
            Some((scores.collect::<Vec<_>>(), *least))
        }
        _ => None,
    };
    let within = |from: Micros| -> Result<Count, StoreError> {
        if let Some((scores, least)) = &scores {
            return Ok(count_scores(*least, scores, from, now));
        }
        let range = TimeRange { from: Some(from), to: Some(now) };
        let query = StatsQuery { range, filters: slo.filters.clone(), group_by: Vec::new(), bucket: None };
        let mut sums = CallSums::default();
        reads
            .call_sums(&query, Detail::LATENCIES, None)?
            .iter()
            .flat_map(|group| &group.cells)
            .for_each(|(_, cell)| sums.add(cell));
        Ok(count(slo, &sums))
    };
    let whole = within(from)?;
    let rates = burn_rates(slo.objective, |width| within(floor(now, now - width)))?;
    Ok(SloStatus { from, to: now, count: whole, left: budget_left(slo.objective, whole), rates })
}
