//! The record of what was found.

use weir_core::anomaly::{Anomaly, AnomalyKind, AnomalyState, Severity};
use weir_core::time::{Micros, to_rfc3339};

use super::Part;
use super::choice::Choice;
use super::metric::Metric;
use super::seasonal;
use super::series::Series;
use super::window::{Shape, Sums};

/// The last part of an id: the same for all anomalies of a series. FNV-1a.
pub(super) fn tag(project: &str, metric: &Metric, kind: &str) -> String {
    let choice = match metric {
        Metric::Choice(Choice::Branch(branch)) => format!("{}\0{}\0{}", branch.workflow, branch.node, branch.target),
        Metric::Choice(Choice::Model(model)) => model.clone(),
        _ => String::new(),
    };
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in [project, metric.name(), kind, &choice].join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// An id: the time of detection, so that ids sort by time, and the series.
pub(super) fn id(detected_at: Micros, tag: &str) -> String {
    let time: String = to_rfc3339(detected_at).chars().take(16).filter(|c| c.is_ascii_alphanumeric()).collect();
    format!("{time}-{tag}")
}

/// How bad an effect is.
pub(super) fn severity(metric: &Metric, size: f64) -> Severity {
    let critical = match metric.shape() {
        Shape::Count => return Severity::Info,
        Shape::Mean => size.abs() >= 2.5f64.ln(),
        Shape::Share => size.abs() >= 0.2,
    };
    if critical { Severity::Critical } else { Severity::Warning }
}

/// A new record of a window of a series.
pub(super) fn new(
    project: &str,
    metric: &Metric,
    series: &Series,
    part: Option<&Part>,
    sums: &Sums,
    times: (Micros, Micros),
    day_off: bool,
) -> Anomaly {
    let (onset, detected_at) = times;
    let (value, expected, lower, upper) = series.band(sums);
    let step = series.now.map_or(seasonal::Step::All, |now| now.step);
    let mut baseline = seasonal::words(step, detected_at, day_off);
    if let Metric::Choice(choice) = metric {
        baseline = format!("{}, {baseline}", choice.words());
    }
    if let Some(part) = part {
        baseline = format!("{} {}, {baseline}", part.dimension, part.value);
    }
    let kind = match metric.shape() {
        Shape::Share if sums.samples < 96 => AnomalyKind::Proportion,
        _ if sums.samples >= 96 => AnomalyKind::Drift,
        _ if sums.samples <= 2 => AnomalyKind::Spike,
        _ => AnomalyKind::Shift,
    };
    Anomaly {
        id: id(detected_at, &tag(project, metric, "")),
        project: project.to_owned(),
        metric: metric.name().to_owned(),
        kind,
        severity: severity(metric, sums.size(metric.shape())),
        state: AnomalyState::Firing,
        onset,
        detected_at,
        ended_at: None,
        value,
        expected,
        lower,
        upper,
        baseline,
        causes: Vec::new(),
        examples: Vec::new(),
        feedback: None,
    }
}
