//! Golden numbers were worked out with numpy from the formulas of the module's head, two passes and float64.

use super::*;

/// A reproducible sample that looks like no distribution: `(i * step mod modulus) / 10 + shift`.
fn ramp(n: u64, step: u64, modulus: u64, shift: f64) -> Moments {
    (0..n).map(|i| (i * step % modulus) as f64 / 10.0 + shift).collect()
}

/// One in `every` values is 1, the others 0.
fn ones(n: u64, every: u64) -> Moments {
    (0..n).map(|i| f64::from(u8::from(i % every == 0))).collect()
}

fn same(value: f64, n: u64) -> Moments {
    (0..n).map(|_| value).collect()
}

fn near(found: Option<f64>, wanted: f64) {
    let found = found.unwrap();
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1e-3), "{found} is not {wanted}");
}

#[track_caller]
fn golden(found: &Comparison, difference: f64, relative: f64, low: f64, high: f64, p: f64) {
    near(found.difference, difference);
    near(found.relative, relative);
    near(found.interval.map(|i| i.0), low);
    near(found.interval.map(|i| i.1), high);
    near(found.p_value, p);
}

#[test]
fn the_mixture_is_the_narrowest_at_the_planned_size() {
    assert!((MIXTURE - 2.0 * (1.0 / ALPHA).ln() - (1.0 + MIXTURE).ln()).abs() < 1e-12);
    assert!((1.0 - CONFIDENCE - ALPHA).abs() < 1e-12);
}

#[test]
fn golden_numbers_of_means() {
    let (a, b) = (ramp(400, 37, 101, 0.0), ramp(90, 53, 97, 2.0));
    let alone = compare(&a, &b, Direction::Lower, 1);
    golden(
        &alone,
        1.783_444_444_444_444_2,
        0.357_332_086_644_849_5,
        0.585_561_187_210_935_4,
        2.981_327_701_677_953,
        0.000_805_997_537_841_527_3,
    );
    assert_eq!(alone.verdict, Verdict::Worse);
    let one_of_six = compare(&a, &b, Direction::Higher, 6);
    golden(
        &one_of_six,
        1.783_444_444_444_444_2,
        0.357_332_086_644_849_5,
        0.302_659_868_759_340_7,
        3.264_229_020_129_547_6,
        0.004_835_985_227_049_164,
    );
    assert_eq!(one_of_six.verdict, Verdict::Better);
}

#[test]
fn golden_numbers_of_shares() {
    let found = compare(&ones(2_000, 50), &ones(300, 6), Direction::Lower, 1);
    golden(
        &found,
        0.146_666_666_666_666_67,
        7.333_333_333_333_333,
        0.077_640_631_500_604_81,
        0.215_692_701_832_728_54,
        1.298_728_403_738_863e-7,
    );
    assert_eq!(found.verdict, Verdict::Worse);
}

#[test]
fn no_errors_on_both_sides_is_no_certainty() {
    let found = compare(&same(0.0, 200), &same(0.0, 50), Direction::Lower, 1);
    assert_eq!((found.difference, found.relative, found.p_value), (Some(0.0), None, Some(1.0)));
    near(found.interval.map(|i| i.1), 0.088_585_560_276_448);
    assert_eq!(found.verdict, Verdict::NoDifference);
    // Nor are few calls without an error beside many with some.
    let found = compare(&ones(10_000, 100), &same(0.0, 30), Direction::Lower, 1);
    near(found.interval.map(|i| i.0), -0.170_306_888_213_405_67);
    assert_eq!((found.p_value, found.verdict), (Some(1.0), Verdict::NoDifference));
}

#[test]
fn values_without_spread_divide_by_nothing() {
    // Two constants apart are a difference; the common spread stands in for the spread that was not seen.
    let found = compare(&same(100.0, 40), &same(50.0, 40), Direction::Lower, 1);
    golden(&found, -50.0, -0.5, -74.037_919_225_883_41, -25.962_080_774_116_586, 1.464_854_297_501_256_4e-6);
    assert_eq!(found.verdict, Verdict::Better);
    // One constant on both sides says nothing about a spread.
    let found = compare(&same(7.0, 40), &same(7.0, 40), Direction::Lower, 1);
    assert_eq!((found.interval, found.p_value, found.verdict), (None, None, Verdict::NoDifference));
    let huge = compare(&ramp(50, 1, 50, 1e300), &ramp(50, 1, 50, -1e300), Direction::Lower, 1);
    assert!(huge.interval.is_none_or(|(low, high)| low.is_finite() && high.is_finite()));
}

#[test]
fn few_values_give_no_verdict() {
    for (a, b) in [(LEAST - 1, 1_000), (1_000, LEAST - 1), (0, 1_000), (1_000, 0)] {
        let found = compare(&ramp(a, 7, 11, 0.0), &ramp(b, 7, 11, 100.0), Direction::Lower, 1);
        assert_eq!((found.verdict, found.interval, found.p_value), (Verdict::TooFew, None, None));
    }
    assert_ne!(compare(&ramp(30, 7, 11, 0.0), &ramp(30, 7, 11, 9.0), Direction::Lower, 1).verdict, Verdict::TooFew);
}

/// Runs of so many calls, each to A or B by chance, looked at after every call. The share of runs in which a difference
/// was ever found.
fn ever_found(runs: u32, calls: u32, share_of_b: f64, draw: impl Fn(&mut fastrand::Rng, bool) -> f64) -> f64 {
    let mut found = 0;
    for run in 0..runs {
        let mut rng = fastrand::Rng::with_seed(u64::from(run));
        let (mut a, mut b) = (Moments::new(), Moments::new());
        let ever = (0..calls).any(|_| {
            let to_b = rng.f64() < share_of_b;
            let value = draw(&mut rng, to_b);
            let side = if to_b { &mut b } else { &mut a };
            side.add(value);
            let verdict = compare(&a, &b, Direction::Lower, 1).verdict;
            matches!(verdict, Verdict::Better | Verdict::Worse)
        });
        found += u32::from(ever);
    }
    f64::from(found) / f64::from(runs)
}

/// Skewed as latencies are: exponential.
fn latency(rng: &mut fastrand::Rng) -> f64 {
    -(1.0 - rng.f64()).ln()
}

#[test]
fn looking_after_every_call_finds_nothing_where_nothing_is() {
    for share_of_b in [0.5, 0.1] {
        let rate = ever_found(2_000, 1_500, share_of_b, |rng, _| latency(rng));
        assert!(rate <= ALPHA, "{rate} of A/A runs found a difference in latency, {share_of_b} of the calls to B");
        let rate = ever_found(2_000, 1_500, share_of_b, |rng, _| f64::from(u8::from(rng.f64() < 0.05)));
        assert!(rate <= ALPHA, "{rate} of A/A runs found a difference in errors, {share_of_b} of the calls to B");
    }
}

#[test]
fn a_difference_is_found() {
    let slower = |rng: &mut fastrand::Rng, to_b: bool| latency(rng) * if to_b { 1.5 } else { 1.0 };
    assert!(ever_found(100, 2_000, 0.5, slower) > 0.95);
    let failing = |rng: &mut fastrand::Rng, to_b: bool| f64::from(u8::from(rng.f64() < if to_b { 0.15 } else { 0.02 }));
    assert!(ever_found(100, 1_500, 0.5, failing) > 0.95);
}
