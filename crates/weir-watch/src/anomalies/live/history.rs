//! The past of one project, read when an engine asks why.

use std::collections::BTreeMap;

use weir_core::anomaly::Anomaly;
use weir_core::call_sums::CallSums;
use weir_core::span::SpanKind;
use weir_core::time::{HOUR, Micros};
use weir_store::sums::{Detail, SumGroup};
use weir_store::telemetry::{Dimension, StatsQuery, StepsQuery, StoreError, TimeRange};

use super::{DEFAULT_PROJECT, Traffic, examples};
use crate::anomalies::{History, HistoryError, Window};

/// Branches are told apart as `workflow: node -> target`, without what is empty.
pub(super) const BRANCH: &str = "branch";
const DIMENSIONS: [&str; 7] = ["model", "provider", "prompt_version", "department", "key", "status", BRANCH];
/// What causes are weighed by beside sums.
const LOGS: Detail = Detail { logs: true, ..Detail::NONE };
/// Windows up to here are read to the minute, where that is possible.
const FINE: i64 = 6 * HOUR;
/// Most values of a dimension.
const VALUES: usize = 1_000;

/// The past of a project.
pub(super) struct Past<'a> {
    pub(super) traffic: &'a dyn Traffic,
    pub(super) project: &'a str,
    /// Width of a bucket: windows begin and end with one.
    pub(super) width: Micros,
}

impl History for Past<'_> {
    fn dimensions(&self) -> &[&'static str] {
        &DIMENSIONS
    }

    fn by_value(&self, dimension: &str, windows: &[Window]) -> Result<Vec<(String, CallSums)>, HistoryError> {
        let mut sums: BTreeMap<String, CallSums> = BTreeMap::new();
        for window in windows.iter().flat_map(|window| pieces(*window)) {
            let read = match Dimension::parse(dimension) {
                Some(dimension) => self.calls(dimension, window, &mut sums),
                None if dimension == BRANCH => self.branches(window, &mut sums),
                None => Ok(()),
            };
            read.map_err(|e| HistoryError(e.to_string()))?;
        }
        let mut out: Vec<_> = sums.into_iter().collect();
        out.sort_by(|a, b| b.1.calls.cmp(&a.1.calls).then_with(|| a.0.cmp(&b.0)));
        out.truncate(VALUES);
        Ok(out)
    }

    fn examples(&self, anomaly: &Anomaly, window: Window) -> Result<Vec<String>, HistoryError> {
        examples::of(self.traffic.telemetry(), self.project, anomaly, window).map_err(|e| HistoryError(e.to_string()))
    }
}

impl Past<'_> {
    fn calls(
        &self,
        dimension: Dimension,
        window: Window,
        sums: &mut BTreeMap<String, CallSums>,
    ) -> Result<(), StoreError> {
        // The default project's calls may have no project at all, which no filter names.
        let unnamed = self.project == DEFAULT_PROJECT;
        let mut group_by = vec![dimension];
        if dimension != Dimension::Status {
            group_by.push(Dimension::Status);
        }
        if unnamed {
            group_by.push(Dimension::Project);
        }
        let filters = if unnamed { Vec::new() } else { vec![(Dimension::Project, vec![self.project.to_owned()])] };
        let range = TimeRange { from: Some(window.from), to: Some(window.to) };
        let fine = StatsQuery { range, filters, group_by, bucket: None };
        let (query, groups) = match exact(self.traffic, &fine, window, self.width) {
            // Too many rows at the edges: without the status, which slices know in minutes or hours.
            Err(StoreError::Unsupported(_)) => {
                let mut coarse = StatsQuery { bucket: None, ..fine };
                coarse.group_by.retain(|d| *d == dimension || *d == Dimension::Project);
                let sums = self.traffic.call_sums(&coarse, LOGS, None)?;
                (coarse, sums)
            }
            other => (fine, other?),
        };
        let place = |wanted: Dimension| query.group_by.iter().position(|d| *d == wanted);
        let (status, project) = (place(Dimension::Status), place(Dimension::Project));
        for group in groups {
            let value = |at: Option<usize>| at.and_then(|at| group.values.get(at)).and_then(Option::as_deref);
            if unnamed && !matches!(value(project), None | Some(DEFAULT_PROJECT)) {
                continue;
            }
            let Some(name) = value(Some(0)) else { continue };
            let sum = sums.entry(name.to_owned()).or_default();
            let limited = value(status) == Some("rate_limited");
            // Buckets may reach beyond the window; only what lies in it counts.
            for (_, cell) in group.cells.iter().filter(|(t, _)| (window.from..window.to).contains(t)) {
                sum.add(cell);
                sum.rate_limited += if limited { cell.calls } else { 0 };
            }
        }
        Ok(())
    }

    fn branches(&self, window: Window, sums: &mut BTreeMap<String, CallSums>) -> Result<(), StoreError> {
        let store = self.traffic.telemetry();
        let unnamed = self.project == DEFAULT_PROJECT;
        let query = StepsQuery {
            range: TimeRange { from: Some(window.from), to: Some(window.to) },
            kind: SpanKind::Branch,
            project: (!unnamed).then(|| self.project.to_owned()),
            workflow: None,
            bucket: (window.to - window.from <= FINE).then_some(self.width),
        };
        let steps = match store.steps(&query) {
            Err(StoreError::Unsupported(_)) => store.steps(&StepsQuery { bucket: None, ..query })?,
            other => other?,
        };
        for step in steps {
            if unnamed && !matches!(step.project.as_deref(), None | Some(DEFAULT_PROJECT)) {
                continue;
            }
            let Some(target) = step.target else { continue };
            let count: u64 = if step.series.is_empty() {
                step.total.count
            } else {
                let inside = step.series.iter().filter(|(t, _)| (window.from..window.to).contains(t));
                inside.map(|(_, figures)| figures.count).sum()
            };
            let cell = sums.entry(branch_name(step.workflow.as_deref(), &step.step, &target)).or_default();
            cell.calls += count;
        }
        Ok(())
    }
}

/// A window in pieces of which each is read exactly: a long one as whole hours and what is left before and after them.
/// Where no minutes are kept, totals are rounded to hours, which would let in what came after the window.
fn pieces(window: Window) -> Vec<Window> {
    let Window { from, to } = window;
    if to - from <= FINE {
        return vec![window];
    }
    let (first, last) = (from + (-from).rem_euclid(HOUR), to - to.rem_euclid(HOUR));
    let parts = [(from, first), (first, last), (last, to)];
    parts.into_iter().filter(|(from, to)| from < to).map(|(from, to)| Window { from, to }).collect()
}

/// Sums of a window to the minute; [`StoreError::Unsupported`] where that takes too many rows.
fn exact(
    traffic: &dyn Traffic,
    query: &StatsQuery,
    window: Window,
    width: Micros,
) -> Result<Vec<SumGroup>, StoreError> {
    // A store that keeps no minutes of then rounds totals to hours; buckets make it read the rows.
    let bucket = (window.to - window.from <= FINE).then_some(width);
    traffic.call_sums(&StatsQuery { bucket, ..query.clone() }, LOGS, None)
}

/// How a branch is named.
pub(super) fn branch_name(workflow: Option<&str>, node: &str, target: &str) -> String {
    match workflow.filter(|w| !w.is_empty()) {
        Some(workflow) => format!("{workflow}: {node} -> {target}"),
        None => format!("{node} -> {target}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_long_window_are_whole_hours_and_the_rest() {
        let of = |from, to| pieces(Window { from, to }).into_iter().map(|w| (w.from, w.to)).collect::<Vec<_>>();
        assert_eq!(of(HOUR + 5, 2 * HOUR + 7), [(HOUR + 5, 2 * HOUR + 7)]);
        assert_eq!(of(5, 9 * HOUR + 7), [(5, HOUR), (HOUR, 9 * HOUR), (9 * HOUR, 9 * HOUR + 7)]);
        assert_eq!(of(HOUR, 9 * HOUR), [(HOUR, 9 * HOUR)]);
    }
}
