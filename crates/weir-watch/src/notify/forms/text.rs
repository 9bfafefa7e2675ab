//! An alert in words, for the kinds that people read.

use weir_core::anomaly::{Effect, Severity};
use weir_core::time::Micros;

use crate::notify::notification::{AlertJson, Event, Notification};

/// Causes that are told.
const MAX_CAUSES: usize = 3;
/// Characters of one text.
const MAX_TEXT: usize = 2_000;

/// One line: what happened, and to what.
pub(super) fn headline(notification: &Notification) -> String {
    let alert = &notification.alert;
    let word = match notification.event {
        Event::Fired => severity(alert.severity).to_uppercase(),
        Event::Escalated => format!("NOW {}", severity(alert.severity).to_uppercase()),
        Event::Renotified => format!("STILL {}", severity(alert.severity).to_uppercase()),
        Event::Resolved => "RESOLVED".to_owned(),
        Event::NoData => "NO DATA".to_owned(),
        Event::Acknowledged => "ACKNOWLEDGED".to_owned(),
        Event::Test => "TEST".to_owned(),
    };
    let line = format!("{word}: {}", alert.summary);
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What is known, as names and texts in the order of interest.
pub(super) fn facts(alert: &AlertJson) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, text: String| facts.push((name.to_owned(), cut(&text, MAX_TEXT)));
    fact("Rule", alert.rule.clone());
    fact("Project", alert.project.clone());
    fact("Severity", severity(alert.severity).to_owned());
    if let Some(at) = alert.value {
        let threshold = alert.threshold.map(|line| format!(" (threshold {})", value(line, &alert.unit)));
        fact("Value", format!("{}{}", value(at, &alert.unit), threshold.unwrap_or_default()));
    }
    fact("Since", time(alert.starts_at));
    if let Some(end) = alert.ends_at {
        fact("Until", time(end));
    }
    for (name, text) in &alert.labels {
        fact(name, text.clone());
    }
    if let Some(anomaly) = &alert.anomaly {
        fact("Expected", format!("{} ({})", number(anomaly.expected), anomaly.baseline));
        let causes: Vec<String> = anomaly.causes.iter().take(MAX_CAUSES).map(cause).collect();
        if !causes.is_empty() {
            fact("Why", causes.join("; "));
        }
        if !anomaly.examples.is_empty() {
            fact("Example traces", anomaly.examples.join(", "));
        }
    }
    facts
}

fn cause(cause: &weir_core::anomaly::Cause) -> String {
    let how = match cause.effect {
        Effect::Rate => "behaves otherwise",
        Effect::Mix => "there is more or less of it",
    };
    format!("{} {}: {} % of the change ({how})", cause.dimension, cause.value, (cause.share * 100.0).round())
}

/// Its name.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// A value in its unit.
pub(super) fn value(at: f64, unit: &str) -> String {
    match unit {
        "ratio" | "share" => format!("{} %", number(at * 100.0)),
        "usd" => format!("${}", number(at)),
        "seconds" => format!("{} s", number(at)),
        "" => number(at),
        unit => format!("{} {unit}", number(at)),
    }
}

/// At most four digits that say something.
fn number(at: f64) -> String {
    if !at.is_finite() {
        return "?".to_owned();
    }
    let digits = match at.abs() {
        a if a >= 1_000.0 => 0,
        a if a >= 100.0 => 1,
        a if a >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{at:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A time, to the second.
pub(super) fn time(at: Micros) -> String {
    let text = weir_core::time::to_rfc3339(at);
    match text.split_once('T') {
        Some((day, clock)) => format!("{day} {} UTC", clock.get(..8).unwrap_or(clock)),
        None => text,
    }
}

/// At most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_their_units() {
        for (at, unit, text) in [
            (0.0123, "ratio", "1.23 %"),
            (12.5, "usd", "$12.5"),
            (2.345, "seconds", "2.35 s"),
            (1_234_567.0, "tokens", "1234567 tokens"),
            (0.00012, "", "0.0001"),
            (f64::NAN, "", "?"),
        ] {
            assert_eq!(value(at, unit), text);
        }
        assert_eq!(time(1_763_683_200_000_000), "2025-11-21 00:00:00 UTC");
        assert_eq!(cut("abcd", 3), "ab…");
    }
}
