//! The metrics that a program adds.
//!
//! Invariants: memory is bounded (metrics and series of each); what is written is always a well-formed page.

use std::collections::BTreeMap;
use std::fmt::Write;

use parking_lot::Mutex;
use weir_core::span::Span;

use super::{Metric, MetricKind};

/// Most series of one metric; samples of further ones are left out.
const MAX_SERIES: usize = 2_000;
/// Most metrics.
const MAX_METRICS: usize = 256;
/// Longer label values are cut here.
const MAX_VALUE: usize = 128;
/// Most labels of a sample.
const MAX_LABELS: usize = 16;

/// All of them, by name.
#[derive(Debug, Default)]
pub(crate) struct Custom(Mutex<BTreeMap<String, Family>>);

#[derive(Debug)]
struct Family {
    help: String,
    kind: MetricKind,
    /// By the text of their labels.
    series: BTreeMap<String, f64>,
}

impl Custom {
    /// Asks a metric about a span, and counts what it says.
    pub(crate) fn feed(&self, metric: &dyn Metric, span: &Span) {
        let Some(sample) = metric.on_call(span) else { return };
        let kind = metric.kind();
        let counts = kind == MetricKind::Gauge || (sample.value.is_finite() && sample.value >= 0.0);
        let Some(labels) = labels_text(&sample.labels).filter(|_| counts) else { return };
        let mut families = self.0.lock();
        let room = families.len() < MAX_METRICS;
        let family = match families.get_mut(metric.name()) {
            Some(family) => family,
            None if room => families.entry(metric.name().to_owned()).or_insert_with(|| Family {
                help: metric.help().to_owned(),
                kind,
                series: BTreeMap::new(),
            }),
            None => return,
        };
        let room = family.series.len() < MAX_SERIES;
        match (family.series.get_mut(&labels), family.kind) {
            (Some(value), MetricKind::Counter) => *value += sample.value,
            (Some(value), MetricKind::Gauge) => *value = sample.value,
            (None, _) if room => _ = family.series.insert(labels, sample.value),
            (None, _) => {}
        }
    }

    /// Appends them to a page.
    pub(crate) fn write(&self, page: &mut String, open_metrics: bool) {
        for (name, family) in &*self.0.lock() {
            let kind = match family.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
            };
            let described = match family.kind {
                MetricKind::Counter if open_metrics => name.strip_suffix("_total").unwrap_or(name),
                MetricKind::Counter | MetricKind::Gauge => name,
            };
            let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
            // Writing to a String cannot fail.
            _ = writeln!(page, "# HELP {described} {help}\n# TYPE {described} {kind}");
            for (labels, value) in &family.series {
                _ = writeln!(page, "{name}{labels} {}", number(*value));
            }
        }
    }
}

/// A number as Prometheus reads it.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

/// `{a="b",c="d"}`, sorted by name; `None` when a name cannot be one, or comes twice.
fn labels_text(labels: &[(String, String)]) -> Option<String> {
    if labels.is_empty() {
        return Some(String::new());
    }
    let sorted: BTreeMap<&str, &str> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
    if sorted.len() < labels.len() || labels.len() > MAX_LABELS || !sorted.keys().all(|name| is_name(name, false)) {
        return None;
    }
    let mut text = String::from("{");
    for (name, value) in sorted {
        if text.len() > 1 {
            text.push(',');
        }
        let value = &value[..value.floor_char_boundary(MAX_VALUE)];
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        _ = write!(text, "{name}=\"{value}\"");
    }
    text.push('}');
    Some(text)
}

/// Whether Prometheus takes it as the name of a metric or a label.
pub(super) fn is_name(name: &str, colons: bool) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || (colons && c == ':');
    name.len() <= 200
        && !name.starts_with("__")
        && name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::*;

    struct Said(MetricKind, f64, Vec<(String, String)>);
    impl Metric for Said {
        fn name(&self) -> &str {
            "said_total"
        }
        fn help(&self) -> &str {
            "What\nwas said"
        }
        fn kind(&self) -> MetricKind {
            self.0
        }
        fn on_call(&self, _: &Span) -> Option<Sample> {
            Some(Sample { value: self.1, labels: self.2.clone() })
        }
    }

    fn page(custom: &Custom, open_metrics: bool) -> String {
        let mut page = String::new();
        custom.write(&mut page, open_metrics);
        page
    }

    #[test]
    fn counters_add_up_and_whatever_the_labels_say_the_page_is_well_formed() {
        let custom = Custom::default();
        let label = |value: &str| vec![("b".to_owned(), value.to_owned()), ("a".to_owned(), "1".to_owned())];
        for (value, labels) in [
            (1.5, label("x\"y\n")),
            (2.0, label("x\"y\n")),
            (-1.0, label("x\"y\n")),
            (f64::NAN, vec![]),
            (1.0, vec![("9".to_owned(), String::new())]),
            (1.0, vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]),
        ] {
            custom.feed(&Said(MetricKind::Counter, value, labels), &Span::default());
        }
        let expected =
            "# HELP said_total What\\nwas said\n# TYPE said_total counter\nsaid_total{a=\"1\",b=\"x\\\"y\\n\"} 3.5\n";
        assert_eq!(page(&custom, false), expected);
        assert!(page(&custom, true).starts_with("# HELP said What"), "OpenMetrics describes the family");
    }

    #[test]
    fn series_are_bounded() {
        let custom = Custom::default();
        for n in 0..MAX_SERIES + 10 {
            let labels = vec![("n".to_owned(), n.to_string())];
            custom.feed(&Said(MetricKind::Gauge, 1.0, labels), &Span::default());
        }
        assert_eq!(page(&custom, false).lines().count(), MAX_SERIES + 2);
    }
}
