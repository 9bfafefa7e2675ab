//! How the series of a rule move: the members that say so together, and what is usual.

use weir_core::time::MINUTE;
use weir_core::units::Time;

use super::super::document::{NoDataMode, NotifyOn, RuleDoc};
use super::super::measure::Measure;
use super::super::parse::Problem;
use super::super::series::{NoData, Policy};
use super::{Read, Values, ValuesOf, micros};

/// Samples that a mean, share or percentile needs unless the rule says otherwise.
const USUAL_SAMPLES: u64 = 20;

pub(super) fn policy(doc: &RuleDoc, read: &Read) -> Result<Policy, Problem> {
    let agg = match read {
        Read::Metric { agg, .. } => Some(*agg),
        Read::Values(values) => Some(values.agg),
        _ => None,
    };
    let (adds_up, is_metric) = (agg.is_some_and(Measure::adds_up), agg.is_some());
    let usual = match read {
        _ if adds_up || !is_metric => 0,
        // One evaluation is many judgements.
        Read::Values(Values { of: ValuesOf::Evals(..), .. }) => 1,
        _ => USUAL_SAMPLES,
    };
    let usual_no_data = match (is_metric, adds_up) {
        (false, _) => NoDataMode::Ok,
        (true, true) => NoDataMode::Zero,
        (true, false) => NoDataMode::Keep,
    };
    let no_data = match doc.no_data.unwrap_or(usual_no_data) {
        NoDataMode::Zero => NoData::Zero,
        NoDataMode::Keep => NoData::Keep,
        NoDataMode::Ok => NoData::Ok,
        NoDataMode::Alert => NoData::Alert(doc.no_data_after.map_or(10 * MINUTE, micros)),
    };
    if doc.no_data_after.is_some() && doc.no_data != Some(NoDataMode::Alert) {
        return Err(Problem::new("no_data_after", "it belongs to no_data = \"alert\""));
    }
    let renotify = match doc.renotify.as_deref() {
        None | Some("off") => None,
        Some(text) => {
            let every =
                text.parse::<Time>().map(micros).map_err(|e| Problem::new("renotify", format!("{e}, or off")))?;
            if every < MINUTE {
                return Err(Problem::new("renotify", "it must be at least 1m, or off"));
            }
            Some(every)
        }
    };
    let all = [NotifyOn::Fire, NotifyOn::Escalate, NotifyOn::Resolve, NotifyOn::NoData];
    Ok(Policy {
        pending: doc.pending.map_or(0, micros),
        keep_firing: doc.keep_firing_for.map_or(0, micros),
        no_data,
        min_samples: doc.min_samples.unwrap_or(usual),
        renotify,
        notify_on: doc.notify_on.clone().unwrap_or_else(|| all.to_vec()),
    })
}
