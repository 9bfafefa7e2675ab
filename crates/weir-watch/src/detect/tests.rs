//! What the detector promises, on series made here.

use proptest::prelude::*;
use weir_core::time::{DAY, HOUR, MINUTE, Micros, SECOND};

use super::*;

const STEP: Micros = 5 * MINUTE;

/// A reproducible noise of mean 0 and about deviation 1.
fn noise(i: usize) -> f64 {
    let mut x = i as u64 + 1;
    (0..4)
        .map(|_| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 33) as f64 / f64::from(1u32 << 31) - 0.5
        })
        .sum::<f64>()
        * 1.73
}

fn run(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
    let mut detector = Detector::new();
    values.into_iter().enumerate().map(|(i, v)| detector.push(i as Micros * STEP, v)).collect()
}

fn alarms(points: &[Point]) -> Vec<usize> {
    points.iter().enumerate().filter(|(_, p)| p.anomaly_score >= THRESHOLD).map(|(i, _)| i).collect()
}

/// Two weeks of a working day from 9 to 18 o'clock, with noise.
fn office(i: usize) -> f64 {
    let hour = i % 288 / 12;
    if (9..18).contains(&hour) { 80.0 + 3.0 * noise(i) } else { 20.0 + 3.0 * noise(i) }
}

#[test]
fn a_spike_is_told_at_once() {
    let found = alarms(&run((0..2000).map(|i| if i == 1500 { 30.0 } else { 10.0 + noise(i) })));
    assert_eq!(found.iter().filter(|i| (1490..1600).contains(*i)).copied().collect::<Vec<_>>(), [1500]);
    assert!(found.len() <= 8, "{found:?}");
}

#[test]
fn a_new_level_is_told_once_and_then_normal() {
    let points = run((0..3000).map(|i| if i < 1500 { 10.0 } else { 14.0 } + 0.5 * noise(i)));
    let near: Vec<usize> = alarms(&points).into_iter().filter(|i| (1490..1800).contains(i)).collect();
    assert_eq!(near.first(), Some(&1500));
    assert!(near.len() <= 5, "{near:?}");
    let last = points.last().unwrap();
    assert!((last.expected.unwrap() - 14.0).abs() < 1.0, "{last:?}");
}

#[test]
fn a_day_without_its_peak_is_told_though_every_value_has_been_seen() {
    let missing = 10 * 288;
    let points = run((0..14 * 288).map(|i| if i / 288 == 10 { 20.0 + 3.0 * noise(i) } else { office(i) }));
    let found = alarms(&points);
    assert!(found.iter().any(|i| (missing + 108..missing + 216).contains(i)), "{found:?}");
    // The regular rise and fall of the other days is expected.
    assert!(found.iter().filter(|i| (5 * 288..missing).contains(*i)).count() <= 6, "{found:?}");
}

#[test]
fn the_season_is_what_is_expected() {
    let points = run((0..10 * 288).map(office));
    for (hour, level) in [(3, 20.0), (13, 80.0)] {
        let point = points[9 * 288 + hour * 12];
        assert!((point.expected.unwrap() - level).abs() < 5.0, "{hour}: {point:?}");
        assert!(point.lower.unwrap() < level && level < point.upper.unwrap(), "{hour}: {point:?}");
    }
}

#[test]
fn a_flat_line_is_found_in_what_never_was_flat() {
    let points =
        run((0..2500).map(|i| if i < 2000 { 50.0 + 20.0 * ((i as f64) / 9.0).sin() + noise(i) } else { 50.0 }));
    assert!(alarms(&points).iter().any(|i| (2000..2100).contains(i)), "{:?}", alarms(&points));
}

#[test]
fn a_constant_is_never_an_anomaly_and_the_first_other_value_is() {
    for constant in [0.0f64, 0.1, -7.0, 1e300] {
        let points =
            run((0..3000).map(|i| if i == 2500 { constant + constant.abs().max(1.0) * 0.01 } else { constant }));
        assert_eq!(alarms(&points).first(), Some(&2500), "{constant}");
    }
}

#[test]
fn the_unit_does_not_matter() {
    let series = |unit: f64| run((0..1500).map(|i| unit * (office(i) + if i == 1400 { 200.0 } else { 0.0 })));
    let plain = alarms(&series(1.0));
    assert!(plain.contains(&1400));
    for unit in [1e-9, 1e9, -4.0] {
        let other = alarms(&series(unit));
        assert!(other.contains(&1400), "{unit}: {other:?}");
        assert!(other.len().abs_diff(plain.len()) <= 3, "{unit}: {other:?} {plain:?}");
    }
}

#[test]
fn missing_values_teach_nothing() {
    let whole: Vec<f64> = (0..1500).map(office).collect();
    let (mut with, mut without) = (Detector::new(), Detector::new());
    for (i, v) in whole.iter().enumerate() {
        let time = i as Micros * STEP;
        let hole = with.push(time, f64::NAN);
        assert_eq!(hole.anomaly_score, 0.0);
        assert_eq!(with.push(time, *v), without.push(time, *v));
    }
}

#[test]
fn the_first_values_are_learned_from() {
    let points = run((0..60).map(|i| if i == 40 { 1e6 } else { noise(i) }));
    assert!(points.iter().all(|p| p.anomaly_score == 0.0));
    assert_eq!((points[0].expected, points[0].lower), (None, None));
    assert!(points[1].expected.is_some());
}

#[test]
fn rows_closer_than_five_minutes_and_days_apart_are_series_too() {
    for step in [SECOND, MINUTE, HOUR, DAY, 30 * DAY] {
        let mut detector = Detector::new();
        let found = (0..4000)
            .map(|i| detector.push(i as Micros * step, if i == 3000 { 50.0 } else { noise(i) }))
            .map(|p| p.anomaly_score >= THRESHOLD)
            .collect::<Vec<_>>();
        assert!(found[3000], "{step}");
    }
}

fn hostile() -> impl Strategy<Value = Vec<(Micros, f64)>> {
    let time = prop_oneof![4 => (0..2000i64).prop_map(|i| i * STEP), 1 => any::<i64>(), 1 => Just(0)];
    let value =
        prop_oneof![6 => -50.0..50.0f64, 2 => Just(1.0), 1 => any::<f64>(), 1 => Just(f64::MAX), 1 => Just(f64::MIN)];
    prop::collection::vec((time, value), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn anything_goes_in_and_scores_come_out(rows in hostile()) {
        let mut detector = Detector::new();
        for (time, value) in rows {
            let point = detector.push(time, value);
            prop_assert!((0.0..=1.0).contains(&point.anomaly_score), "{point:?}");
            for end in [point.expected, point.lower, point.upper].into_iter().flatten() {
                prop_assert!(end.is_finite());
            }
            if let (Some(lower), Some(expected), Some(upper)) = (point.lower, point.expected, point.upper) {
                prop_assert!(lower <= expected && expected <= upper);
            }
        }
    }

    #[test]
    fn the_future_changes_nothing(rows in hostile(), other in hostile(), cut in 0usize..400) {
        let cut = cut.min(rows.len());
        let scores = |rows: &[(Micros, f64)]| {
            let mut detector = Detector::new();
            rows.iter().map(|(t, v)| format!("{:?}", detector.push(*t, *v))).take(cut).collect::<Vec<_>>()
        };
        let changed: Vec<_> = rows[..cut].iter().copied().chain(other).collect();
        prop_assert_eq!(scores(&rows), scores(&changed));
        prop_assert_eq!(scores(&rows[..cut]), scores(&rows));
    }
}
