//! What was usual for the series of an anomaly, hour by hour: the band of its chart.
//!
//! Read-only: the expectation of a time is that of the engine's baseline, its reach that of the calls behind the value, by the
//! formulas that judge a bucket. The baseline is the one of now; it learns nothing while an anomaly goes on.

use weir_core::anomaly::{Anomaly, AnomalyKind};
use weir_core::call_sums::CallSums;
use weir_core::time::Micros;

use super::choice::Choice;
use super::engine::{Engine, State};
use super::metric::Metric;
use super::series::Series;
use super::window::Shape;
use super::{Branch, Part};

/// How what is said of every baseline begins, after the name of a part or a branch.
const MEAN: &str = "robust mean of ";

/// What an anomaly is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    metric: Metric,
    part: Option<Part>,
}

/// What a stretch of time holds of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// Calls.
    Calls(CallSums),
    /// Decisions: how often the branch was taken or the model was called, and of how many.
    Decisions {
        /// Those that took it.
        taken: u64,
        /// All of its node, or all calls.
        of: u64,
    },
}

/// What would be normal, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The expectation.
    pub expected: f64,
    /// Lower end of its band.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

impl Subject {
    /// That of an anomaly; `None` for one of the documented rules, which have no series.
    #[must_use]
    pub fn of(anomaly: &Anomaly) -> Option<Self> {
        if anomaly.kind == AnomalyKind::Rule {
            return None;
        }
        let about = anomaly.baseline.rsplit_once(MEAN).and_then(|(about, _)| about.strip_suffix(", "));
        let choice = |of: &str| match anomaly.metric.as_str() {
            "branch_share" => branch(of).map(Choice::Branch),
            "model_share" => of.strip_prefix("model ").map(|model| Choice::Model(model.to_owned())),
            _ => None,
        };
        if let Some(choice) = about.and_then(choice) {
            return Some(Self { metric: Metric::Choice(choice), part: None });
        }
        let part = about.and_then(|about| about.split_once(' '));
        let part = part.map(|(dimension, value)| Part { dimension: dimension.to_owned(), value: value.to_owned() });
        let mut known = Metric::OF_CALLS.into_iter().chain([Metric::Requests]);
        Some(Self { metric: known.find(|metric| metric.name() == anomaly.metric)?, part })
    }

    /// The part of the traffic in which it shows; `None` when that is all of it.
    #[must_use]
    pub fn part(&self) -> Option<&Part> {
        self.part.as_ref()
    }

    /// The branch whose share it is.
    #[must_use]
    pub fn branch(&self) -> Option<&Branch> {
        if let Metric::Choice(Choice::Branch(branch)) = &self.metric { Some(branch) } else { None }
    }

    /// The model whose share it is.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        if let Metric::Choice(Choice::Model(model)) = &self.metric { Some(model) } else { None }
    }

    /// Whether it tells rate limits from other failures.
    #[must_use]
    pub fn tells_rate_limits(&self) -> bool {
        self.part.is_none() && matches!(self.metric, Metric::Errors | Metric::RateLimits | Metric::Latency)
    }

    /// Its value over a stretch of time in the metric's unit, and of how many calls or decisions; `None` where nothing says
    /// anything of it.
    #[must_use]
    pub fn value(&self, held: &Held) -> Option<(f64, u64)> {
        match (held, &self.metric) {
            (Held::Decisions { taken, of }, Metric::Choice(_)) if *of > 0 => Some((*taken as f64 / *of as f64, *of)),
            (Held::Calls(_), Metric::Choice(_)) => None,
            (Held::Calls(sums), metric) => {
                let reading = metric.read(sums)?;
                let value = match metric.shape() {
                    Shape::Share => reading.value / reading.of as f64,
                    _ => reading.value * metric.unit(),
                };
                Some((value, reading.of))
            }
            _ => None,
        }
    }
}

/// A branch as the baseline's words name it.
fn branch(text: &str) -> Option<Branch> {
    let (path, target) = text.rsplit_once(" -> ")?;
    let (workflow, node) = path.split_once(": ").unwrap_or(("", path));
    Some(Branch { workflow: workflow.to_owned(), node: node.to_owned(), target: target.to_owned() })
}

/// Says what is usual.
#[derive(Debug)]
pub struct Usually<'a> {
    series: &'a Series,
    width: Micros,
    shift: f64,
}

impl Engine {
    /// What is usual for the subject of an anomaly; `None` while that is not known.
    #[must_use]
    pub fn usually(&self, subject: &Subject, anomaly: &Anomaly) -> Option<Usually<'_>> {
        let State { requests, calls, choices, parts, .. } = &self.state;
        let series = match (&subject.metric, &subject.part) {
            (Metric::Requests, _) => requests,
            (Metric::Choice(choice), _) => choices.get(choice)?,
            (metric, Some(part)) => parts.of(part, metric)?,
            (metric, None) => calls.iter().find(|series| series.metric == *metric)?,
        };
        let width = self.width();
        let usually = |shift| Usually { series, width, shift };
        // A new normal may have been taken since: then the level before it fits what was expected then.
        let away = |usually: &Usually<'_>| {
            let usual = usually.at(anomaly.detected_at - width, width, 100)?;
            Some((anomaly.expected - usual.expected).abs())
        };
        let (now, before) = (usually(0.0), usually(-series.offset));
        let is_before = series.offset != 0.0 && subject.metric.shape() != Shape::Count && away(&before)? < away(&now)?;
        Some(if is_before { before } else { now })
    }
}

impl Usually<'_> {
    /// What is usual from a time on over a stretch of it, of a value of so many calls.
    #[must_use]
    pub fn at(&self, start: Micros, width: Micros, of: u64) -> Option<Usual> {
        let buckets = width as f64 / self.width as f64;
        let (centre, reach) = self.series.usual(start.saturating_add(width / 2), of, buckets, self.shift)?;
        let unit = self.series.metric.unit();
        let (expected, lower, upper) = match self.series.metric.shape() {
            Shape::Mean => (centre.exp() * unit, (centre - reach).exp() * unit, (centre + reach).exp() * unit),
            Shape::Share => (centre, (centre - reach).max(0.0), (centre + reach).min(1.0)),
            Shape::Count => (centre, (centre - reach).max(0.0), centre + reach),
        };
        [expected, lower, upper].iter().all(|value| value.is_finite()).then_some(Usual { expected, lower, upper })
    }
}

#[cfg(test)]
mod tests {
    use weir_core::anomaly::{AnomalyState, Severity};
    use weir_core::call_sums::LogSum;
    use weir_core::time::{DAY, HOUR, MINUTE};

    use super::super::seasonal::{self, Step};
    use super::*;
    use crate::anomalies::{Bucket, History, HistoryError, Settings, Window};

    /// Monday.
    const START: Micros = 1_780_272_000_000_000;

    struct NoPast;

    impl History for NoPast {
        fn dimensions(&self) -> &[&'static str] {
            &[]
        }

        fn by_value(&self, _: &str, _: &[Window]) -> Result<Vec<(String, CallSums)>, HistoryError> {
            Ok(Vec::new())
        }

        fn examples(&self, _: &Anomaly, _: Window) -> Result<Vec<String>, HistoryError> {
            Ok(Vec::new())
        }
    }

    fn anomaly(metric: &str, baseline: &str) -> Anomaly {
        Anomaly {
            id: "a".into(),
            project: "shop".into(),
            metric: metric.into(),
            kind: AnomalyKind::Shift,
            severity: Severity::Warning,
            state: AnomalyState::Firing,
            onset: START,
            detected_at: START,
            ended_at: None,
            value: 1.0,
            expected: 1.0,
            lower: 1.0,
            upper: 1.0,
            baseline: baseline.into(),
            causes: Vec::new(),
            examples: Vec::new(),
            feedback: None,
        }
    }

    #[test]
    fn every_baseline_has_the_words_that_the_subject_is_read_by() {
        for step in [Step::All, Step::HourOfDay, Step::HourOfWeek] {
            assert!(seasonal::words(step, START, false).starts_with(MEAN));
        }
    }

    #[test]
    fn the_subject_is_read_from_the_record() {
        let of = |metric: &str, baseline: &str| Subject::of(&anomaly(metric, baseline));
        let whole = of("cost_per_call", "robust mean of Tue 13-16h UTC").unwrap();
        assert_eq!((whole.metric.clone(), whole.part()), (Metric::Cost, None));
        let part = of("latency_p50", "prompt_version a, b@2, robust mean of working days 13-16h UTC").unwrap();
        assert_eq!(part.part(), Some(&Part { dimension: "prompt_version".into(), value: "a, b@2".into() }));
        let branch = of("branch_share", "support: route -> refund, robust mean of all that was seen").unwrap();
        let named = Branch { workflow: "support".into(), node: "route".into(), target: "refund".into() };
        assert_eq!(branch.branch(), Some(&named));
        let model = of("model_share", "model gpt-4o, robust mean of all that was seen").unwrap();
        assert_eq!((model.model(), model.part()), (Some("gpt-4o"), None));
        assert_eq!(of("requests", "calls expected since the last one, at that hour").unwrap().part(), None);
        assert_eq!(of("unheard_of", ""), None);
        let rule = Anomaly { kind: AnomalyKind::Rule, ..anomaly("cost_per_call", "all calls, mean of the 24 hours") };
        assert_eq!(Subject::of(&rule), None);
    }

    /// A fortnight in which prompts have 400 tokens at night and 800 by day, 20 calls a bucket.
    fn taught() -> Engine {
        let mut engine = Engine::new("shop", Settings::default());
        for n in 0..14 * 288 {
            let start = START + n * 5 * MINUTE;
            let day = (8..20).contains(&(start % DAY / HOUR));
            let tokens = if day { 800 } else { 400 } + (n % 7) as u64;
            let prompt_logs = LogSum { count: 20, micros: 20 * LogSum::of(tokens as f64).micros };
            let total = CallSums { calls: 20, prompt_logs, errors: 1, ..CallSums::default() };
            engine.push(&Bucket { start, total, ..Bucket::default() }, &NoPast).unwrap();
        }
        engine
    }

    #[test]
    fn the_band_follows_the_rhythm_and_narrows_with_the_calls() {
        let engine = taught();
        let found = Anomaly {
            expected: 803.0,
            detected_at: START + 13 * DAY + 12 * HOUR,
            ..anomaly("prompt_tokens_per_call", "")
        };
        let subject = Subject::of(&found).unwrap();
        let usually = engine.usually(&subject, &found).unwrap();
        let at = |hour: i64, of| usually.at(START + 14 * DAY + hour * HOUR, HOUR, of).unwrap();
        let (noon, night) = (at(13, 240), at(3, 240));
        assert!((noon.expected - 803.0).abs() < 60.0, "{noon:?}");
        assert!((night.expected - 403.0).abs() < 30.0, "{night:?}");
        assert!(noon.lower < noon.expected && noon.expected < noon.upper, "{noon:?}");
        assert!(at(13, 1).upper > 1.5 * noon.upper, "one call alone says little");
    }

    #[test]
    fn counts_add_up_over_time_and_shares_do_not() {
        let engine = taught();
        let usual = |metric: &str, width| {
            let found = anomaly(metric, "");
            let subject = Subject::of(&found).unwrap();
            engine.usually(&subject, &found).unwrap().at(START + 14 * DAY, width, 240).unwrap()
        };
        assert!((usual("requests", HOUR).expected - 240.0).abs() < 2.0);
        assert!((usual("requests", 3 * HOUR).expected - 720.0).abs() < 6.0);
        for width in [HOUR, 3 * HOUR] {
            let share = usual("error_ratio", width);
            assert!((share.expected - 0.05).abs() < 0.005 && share.lower >= 0.0, "{share:?}");
        }
    }

    #[test]
    fn values_are_those_that_the_watch_reads() {
        let of = |metric: &str| Subject::of(&anomaly(metric, "")).unwrap();
        let cost_logs = LogSum { count: 8, micros: 8 * LogSum::of(5e8).micros };
        let sums = CallSums { calls: 10, errors: 2, rate_limited: 1, cost_logs, ..CallSums::default() };
        let held = Held::Calls(sums);
        assert_eq!(of("error_ratio").value(&held), Some((0.1, 10)));
        assert_eq!(of("rate_limit_ratio").value(&held), Some((0.1, 10)));
        let (cost, of_calls) = of("cost_per_call").value(&held).unwrap();
        assert!((cost - 0.5).abs() < 1e-6 && of_calls == 8, "the typical call: {cost}");
        assert_eq!(of("cost_per_call").value(&Held::Calls(CallSums::default())), None);
        let branch = Subject::of(&anomaly("branch_share", "a -> b, robust mean of all that was seen")).unwrap();
        assert_eq!(branch.value(&Held::Decisions { taken: 3, of: 12 }), Some((0.25, 12)));
        assert_eq!(branch.value(&held), None);
    }

    #[test]
    fn a_new_normal_taken_since_leaves_the_band_of_before() {
        let mut engine = taught();
        let found = Anomaly {
            expected: 803.0,
            value: 1_606.0,
            detected_at: START + 13 * DAY + 12 * HOUR,
            ..anomaly("prompt_tokens_per_call", "")
        };
        let series = engine.state.calls.iter_mut().find(|s| s.metric == Metric::PromptTokens).unwrap();
        series.offset = 2.0f64.ln();
        let subject = Subject::of(&found).unwrap();
        let usual = engine.usually(&subject, &found).unwrap().at(START + 14 * DAY + 12 * HOUR, HOUR, 240).unwrap();
        assert!((usual.expected - 803.0).abs() < 60.0, "{usual:?}");
    }
}
