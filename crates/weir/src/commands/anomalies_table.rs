//! Anomalies as a table for people.

use weir_core::anomaly::{Anomaly, AnomalyState, Cause, Effect, Feedback, Severity};
use weir_core::time::to_rfc3339;
use weir_web::api::AnomalyList;

use crate::read::format;
use crate::read::print::Terminal;
use crate::read::table::{Cell, Column, Table, Tone};

/// The list as text.
pub(super) fn render(list: &AnomalyList, terminal: Terminal) -> String {
    if list.anomalies.is_empty() {
        return match list.watch.learning {
            0 => "no anomalies\n".to_owned(),
            n => format!("no anomalies ({n} of {} projects are still learned)\n", list.watch.projects),
        };
    }
    let mut table = Table::new(vec![
        Column::text("severity"),
        Column::text("project").least(8),
        Column::text("what").least(12),
        Column::text("since"),
        Column::text("value"),
        Column::text("normal").spare(3),
        Column::text("why").least(16),
        Column::text("state"),
        Column::text("said").spare(2),
        Column::text("example").spare(4),
        Column::text("id").spare(1),
    ]);
    for anomaly in &list.anomalies {
        table.row(row(anomaly));
    }
    table.render(terminal)
}

fn row(anomaly: &Anomaly) -> Vec<Cell> {
    let severity = match anomaly.severity {
        Severity::Critical => Cell("critical".to_owned(), Tone::Bad),
        Severity::Warning => Cell("warning".to_owned(), Tone::Warn),
        Severity::Info => Cell("info".to_owned(), Tone::Dim),
    };
    let state = match (anomaly.state, anomaly.ended_at) {
        (AnomalyState::Firing, _) => Cell("firing".to_owned(), Tone::Bad),
        (AnomalyState::Resolved, Some(ended)) => {
            Cell(format!("until {}", format::short_time(&to_rfc3339(ended))), Tone::Dim)
        }
        (AnomalyState::Resolved, None) => Cell("resolved".to_owned(), Tone::Dim),
    };
    let said = match anomaly.feedback {
        Some(Feedback::Expected) => "expected",
        Some(Feedback::NewNormal) => "new normal",
        None => "",
    };
    let of = |value: f64| figure(&anomaly.metric, value);
    vec![
        severity,
        anomaly.project.clone().into(),
        anomaly.metric.clone().into(),
        format::short_time(&to_rfc3339(anomaly.onset)).into(),
        of(anomaly.value).into(),
        format!("{} ({} to {})", of(anomaly.expected), of(anomaly.lower), of(anomaly.upper)).into(),
        anomaly.causes.first().map(why).unwrap_or_default().into(),
        state,
        said.into(),
        anomaly.examples.first().cloned().unwrap_or_default().into(),
        anomaly.id.clone().into(),
    ]
}

fn why(cause: &Cause) -> String {
    let effect = match cause.effect {
        Effect::Rate => "",
        Effect::Mix => ", more or less of it",
    };
    format!("{} {} ({}{effect})", cause.dimension, cause.value, format::percent(cause.share))
}

/// A value in its metric's unit: dollars, milliseconds, a share, a number.
fn figure(metric: &str, value: f64) -> String {
    if metric.contains("cost") {
        format::dollars(value)
    } else if metric.contains("latency") {
        format::millis(value)
    } else if metric.contains("ratio") || metric.contains("share") {
        format::percent(value)
    } else if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use weir_core::anomaly::AnomalyKind;

    use super::*;

    fn anomaly() -> Anomaly {
        Anomaly {
            id: "a1".into(),
            project: "shop".into(),
            metric: "error_ratio".into(),
            kind: AnomalyKind::Proportion,
            severity: Severity::Critical,
            state: AnomalyState::Firing,
            onset: 0,
            detected_at: 1,
            ended_at: None,
            value: 0.4,
            expected: 0.01,
            lower: 0.0,
            upper: 0.05,
            baseline: "b".into(),
            causes: vec![Cause {
                dimension: "model".into(),
                value: "gpt-4o".into(),
                share: 0.93,
                effect: Effect::Rate,
            }],
            examples: vec!["t1".into()],
            feedback: Some(Feedback::NewNormal),
        }
    }

    #[test]
    fn a_row_says_what_since_when_how_much_and_why() {
        let list = AnomalyList { anomalies: vec![anomaly()], open: true, next: None, watch: Default::default() };
        let text = render(&list, Terminal { width: None, colour: false });
        for part in ["critical", "shop", "error_ratio", "40", "model gpt-4o (93", "firing", "new normal", "t1", "a1"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let none = AnomalyList { anomalies: Vec::new(), ..list };
        assert_eq!(render(&none, Terminal { width: None, colour: false }), "no anomalies\n");
    }

    #[test]
    fn figures_are_in_the_unit_of_their_metric() {
        assert_eq!(figure("latency_p50", 812.0), "812ms");
        assert_eq!(figure("prompt_tokens_per_call", 1234.6), "1235");
        assert!(figure("cost_per_call", 0.012).starts_with('$'));
    }
}
