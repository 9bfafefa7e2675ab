use proptest::prelude::*;
use weir_core::anomaly::{AnomalyKind, Severity};
use weir_core::time::MINUTE;

use super::*;
use weir_core::call_sums::{CallSums, LogSum};

use crate::anomalies::{Part, Window};

const START: Micros = 1_780_272_000_000_000;

struct Nothing;

impl History for Nothing {
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

/// The logarithms of so many calls that are all alike.
fn logs(calls: u64, each: f64) -> LogSum {
    LogSum { count: calls, micros: LogSum::of(each).micros * calls as i64 }
}

/// A bucket of 20 calls whose tokens wander a little, by a fixed pattern.
fn bucket(number: i64, factor: f64, calls: u64) -> Bucket {
    let wander = 1.0 + 0.1 * ((number * 7_919 % 101) as f64 / 50.0 - 1.0);
    let (prompt, completion) = (1_000.0 * wander * factor, 200.0 * wander);
    let total = CallSums {
        calls,
        prompt_tokens: (prompt * calls as f64) as u64,
        completion_tokens: (completion * calls as f64) as u64,
        prompt_logs: logs(calls, prompt),
        completion_logs: logs(calls, completion),
        latency_sum_us: 800_000 * calls,
        ..CallSums::default()
    };
    Bucket { start: START + number * 5 * MINUTE, total, ..Bucket::default() }
}

fn run(engine: &mut Engine, numbers: std::ops::Range<i64>, factor: f64, calls: u64) -> Vec<Change> {
    numbers.flat_map(|number| engine.push(&bucket(number, factor, calls), &Nothing).unwrap()).collect()
}

fn taught() -> Engine {
    let mut engine = Engine::new("shop", Settings::default());
    assert_eq!(run(&mut engine, 0..8 * 288, 1.0, 20), []);
    engine
}

#[test]
fn a_doubling_of_tokens_begins_once_with_its_onset_and_ends() {
    let mut engine = taught();
    let began = run(&mut engine, 2_304..2_340, 2.0, 20);
    let first = began.first().unwrap().anomaly().clone();
    assert!(matches!(began[0], Change::Began(_)));
    assert_eq!((first.metric.as_str(), first.onset), ("prompt_tokens_per_call", START + 2_304 * 5 * MINUTE));
    assert!(first.onset < first.detected_at && first.detected_at <= first.onset + 25 * MINUTE, "{first:?}");
    assert!((1.8..2.2).contains(&(first.value / first.expected)), "{first:?}");
    assert!(first.lower < first.expected && first.expected < first.upper && first.upper < first.value);
    assert_eq!(began.iter().filter(|change| matches!(change, Change::Began(_))).count(), 1);
    let ended = run(&mut engine, 2_340..2_400, 1.0, 20);
    assert!(ended.iter().any(|change| matches!(change, Change::Ended(a) if a.id == first.id)), "{ended:?}");
}

#[test]
fn what_goes_wrong_in_a_part_alone_is_told_of_the_metric_and_names_the_part() {
    // A tenth of the calls is of `legal`; when its tokens are doubled, those of all calls rise by a tenth.
    let part = |value: &str| Part { dimension: "department".to_owned(), value: value.to_owned() };
    let of = |number: i64, factor: f64| {
        let mut bucket = bucket(number, 1.0, 18);
        bucket.parts.insert(part("sales"), bucket.total.clone());
        let legal = self::bucket(number + 50, factor, 2).total;
        bucket.total.add(&legal);
        bucket.parts.insert(part("legal"), legal);
        bucket
    };
    let mut engine = Engine::new("shop", Settings::default());
    let mut feed = |numbers: std::ops::Range<i64>, factor: f64| -> Vec<Change> {
        numbers.flat_map(|number| engine.push(&of(number, factor), &Nothing).unwrap()).collect()
    };
    assert_eq!(feed(0..8 * 288, 1.0), []);
    let began = feed(2_304..2_340, 2.0);
    let first = began.first().unwrap().anomaly();
    assert_eq!((first.metric.as_str(), first.onset), ("prompt_tokens_per_call", START + 2_304 * 5 * MINUTE));
    assert!(first.baseline.starts_with("department legal, "), "{first:?}");
    assert!((1.8..2.2).contains(&(first.value / first.expected)), "{first:?}");
    assert_eq!(began.iter().filter(|change| matches!(change, Change::Began(_))).count(), 1, "{began:?}");
    let ended = feed(2_340..2_420, 1.0);
    assert!(ended.iter().any(|change| matches!(change, Change::Ended(a) if a.id == first.id)), "{ended:?}");
}

#[test]
fn one_huge_request_is_nothing() {
    let mut engine = taught();
    let mut with = bucket(2_304, 1.0, 20);
    with.total.calls += 1;
    with.total.prompt_tokens += 300_000;
    with.total.prompt_logs.add(LogSum::of(300_000.0));
    assert_eq!(engine.push(&with, &Nothing).unwrap(), []);
    assert_eq!(run(&mut engine, 2_305..2_400, 1.0, 20), []);
}

#[test]
fn doubled_traffic_is_information_at_most() {
    let mut engine = taught();
    for change in run(&mut engine, 2_304..2_500, 1.0, 40) {
        assert_eq!((change.anomaly().severity, change.anomaly().metric.as_str()), (Severity::Info, "requests"));
    }
}

#[test]
fn silence_is_told_and_ends_with_the_next_call() {
    let mut engine = taught();
    let began = run(&mut engine, 2_304..2_310, 1.0, 0);
    assert_eq!(began.len(), 1, "{began:?}");
    let silence = began[0].anomaly();
    assert_eq!((silence.kind, silence.onset), (AnomalyKind::Silence, START + 2_304 * 5 * MINUTE));
    assert!(matches!(&run(&mut engine, 2_310..2_311, 1.0, 20)[..], [Change::Ended(a)] if a.id == silence.id));
}

#[test]
fn a_level_that_stays_is_normal_after_a_day_and_so_is_the_way_back() {
    let mut engine = taught();
    let first = run(&mut engine, 2_304..2_304 + 400, 2.0, 20);
    assert!(first.iter().any(|change| matches!(change, Change::Ended(_))), "{first:?}");
    assert_eq!(run(&mut engine, 2_704..2_900, 2.0, 20), []);
    assert_eq!(run(&mut engine, 2_900..3_000, 1.0, 20), []);
}

#[test]
fn feedback_raises_the_threshold_or_moves_the_baseline() {
    let mut engine = taught();
    let anomaly = run(&mut engine, 2_304..2_320, 2.0, 20)[0].anomaly().clone();
    let mut accepted = engine.clone();
    accepted.feedback(&anomaly, Feedback::NewNormal);
    let after = run(&mut accepted, 2_320..2_500, 2.0, 20);
    assert!(matches!(&after[..], [Change::Ended(a)] if a.feedback == Some(Feedback::NewNormal)), "{after:?}");
    engine.feedback(&anomaly, Feedback::Expected);
    let strict: Vec<_> = engine.state.calls.iter().map(|series| series.strictness).collect();
    assert_eq!(strict.iter().filter(|s| **s == EXPECTED).count(), 1);
}

#[test]
fn the_rules_are_information_when_they_are_wanted() {
    let rules = crate::anomalies::Rules { enabled: true, ..Default::default() };
    let mut engine = Engine::new("shop", Settings { rules, ..Settings::default() });
    run(&mut engine, 0..300, 1.0, 20);
    let told = run(&mut engine, 300..312, 2.5, 20);
    let rule = told.iter().map(Change::anomaly).find(|a| a.kind == AnomalyKind::Rule).unwrap();
    assert_eq!((rule.metric.as_str(), rule.severity), ("tokens_per_call", Severity::Info));
    assert!(rule.value > 1.5 * rule.expected);
}

#[test]
fn what_is_not_of_this_engine_is_not_restored() {
    let engine = taught();
    let bytes = engine.save();
    assert!(Engine::restore("other", Settings::default(), &bytes).is_none());
    assert!(Engine::restore("shop", Settings { bucket: MINUTE, ..Settings::default() }, &bytes).is_none());
    assert!(Engine::restore("shop", Settings::default(), &bytes[..bytes.len() / 2]).is_none());
    assert!(Engine::restore("shop", Settings::default(), b"nonsense").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_restored_engine_goes_on_as_if_unbroken(cut in 100i64..2_400, factors in proptest::collection::vec(0.3f64..4.0, 8)) {
        let factor = |number: i64| if number < 1_800 { 1.0 } else { factors[(number / 40 % 8) as usize] };
        let feed = |engine: &mut Engine, numbers: std::ops::Range<i64>| -> Vec<Change> {
            numbers.flat_map(|n| engine.push(&bucket(n, factor(n), 3 + (n % 9) as u64), &Nothing).unwrap()).collect()
        };
        let mut unbroken = Engine::new("shop", Settings::default());
        feed(&mut unbroken, 0..cut);
        let mut restored = Engine::restore("shop", Settings::default(), &unbroken.save()).unwrap();
        prop_assert_eq!(feed(&mut unbroken, cut..2_500), feed(&mut restored, cut..2_500));
        prop_assert!(unbroken.state == restored.state);
    }
}
