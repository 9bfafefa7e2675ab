use proptest::prelude::*;

use super::*;

fn sketch(values: &[f64]) -> Sketch {
    values.iter().copied().collect()
}

fn merged(a: &Sketch, b: &Sketch) -> Sketch {
    let mut sum = a.clone();
    sum.merge(b);
    sum
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        (0u32..100).prop_map(f64::from),
        (1u64..10_000_000_000).prop_map(|n| n as f64),
        1e-6..1e12f64,
    ]
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(value(), 0..200)
}

#[test]
fn ln_gamma_is_ln_of_gamma() {
    assert!((GAMMA.ln() - LN_GAMMA).abs() < 1e-16, "{:.20}", GAMMA.ln());
}

#[test]
fn empty_has_no_quantile() {
    assert_eq!(Sketch::new().quantile(0.5), None);
    assert!(Sketch::new().is_empty());
    assert_eq!(Sketch::decode(&Sketch::new().encode()), Some(Sketch::new()));
}

#[test]
fn one_latency_takes_three_bytes() {
    assert_eq!(sketch(&[1_234_567.0]).encode().len(), 3);
    assert_eq!(sketch(&[1_234_567.0, 0.0]).encode().len(), 4);
}

#[test]
fn odd_values() {
    let s = sketch(&[f64::NAN, -1.0, 0.0, f64::INFINITY, f64::MIN_POSITIVE]);
    assert_eq!(s.count(), 4);
    assert_eq!(s.quantile(0.5), Some(0.0));
    assert_eq!(s.quantile(f64::NAN), None);
    assert_eq!(Sketch::decode(&s.encode()), Some(s));
}

#[test]
fn counts_saturate() {
    let mut s = Sketch::new();
    s.add_n(5.0, u64::MAX);
    s.add_n(5.0, 3);
    s.add_n(0.0, 3);
    assert_eq!(s.count(), u64::MAX);
    assert!(s.quantile(0.9).is_some());
    assert_eq!(Sketch::decode(&s.encode()), Some(s));
}

#[test]
fn bins_are_bounded_and_high_quantiles_survive() {
    let all: Vec<f64> = (0..6_000).map(|i| 1e-8 * 1.01f64.powi(i)).collect();
    let s = sketch(&all);
    assert_eq!(s.bins.len(), MAX_BINS);
    assert_eq!(s.count(), 6_000);
    let exact = all[5_399];
    assert!((s.quantile(0.9).unwrap() / exact - 1.0).abs() < 0.011);
    let mut backwards = Sketch::new();
    for chunk in all.rchunks(700) {
        backwards.merge(&sketch(chunk));
    }
    assert_eq!(s, backwards);
}

#[test]
fn rejects_other_versions_and_cut_bytes() {
    let bytes = sketch(&[3.0, 3.0, 70_000.0]).encode();
    for cut in [0, 2, 3] {
        assert!(Sketch::decode(&bytes[..cut]).is_none_or(|s| s.count() < 3), "{cut}");
    }
    assert_eq!(Sketch::decode(&[]), None);
    assert_eq!(Sketch::decode(&[0]), None);
    assert_eq!(Sketch::decode(&[4]), None);
    let mut s = sketch(&[1.0]);
    assert!(!s.merge_encoded(&[2, 0x80]));
    assert_eq!(s, sketch(&[1.0]));
}

proptest! {
    #[test]
    fn quantile_is_within_one_percent(mut all in prop::collection::vec(value(), 1..300), q in 0.0..=1.0f64) {
        let s = sketch(&all);
        all.sort_by(f64::total_cmp);
        let exact = all[(q * (all.len() - 1) as f64) as usize];
        let got = s.quantile(q).unwrap();
        prop_assert!((got - exact).abs() <= exact * (ACCURACY + 1e-9), "{got} for {exact}");
    }

    #[test]
    fn merge_order_never_matters(a in values(), b in values(), c in values()) {
        let (sa, sb, sc) = (sketch(&a), sketch(&b), sketch(&c));
        let left = merged(&merged(&sa, &sb), &sc);
        prop_assert_eq!(&left, &merged(&sa, &merged(&sc, &sb)));
        let mut all = c;
        all.extend(b);
        all.extend(a);
        prop_assert_eq!(left, sketch(&all));
    }

    #[test]
    fn subtract_undoes_merge(a in values(), b in values()) {
        let (sa, sb) = (sketch(&a), sketch(&b));
        let mut sum = merged(&sa, &sb);
        sum.subtract(&sb);
        prop_assert_eq!(sum, sa);
    }

    #[test]
    fn encoding_round_trips(a in values(), b in values(), n in 1u64..u64::MAX) {
        let mut s = sketch(&a);
        s.add_n(17.0, n);
        prop_assert_eq!(Sketch::decode(&s.encode()), Some(s.clone()));
        let mut sum = sketch(&b);
        prop_assert!(sum.merge_encoded(&s.encode()));
        prop_assert_eq!(sum, merged(&sketch(&b), &s));
    }

    #[test]
    fn garbage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Sketch::decode(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = *first % 2 + 2;
        }
        if let Some(s) = Sketch::decode(&bytes) {
            prop_assert!(s.bins.windows(2).all(|w| w[0].index < w[1].index));
            prop_assert!(s.bins.iter().all(|b| b.count > 0));
            let _ = s.quantile(0.99);
        }
    }
}

proptest! {
    #[test]
    fn what_is_well_above_is_counted_and_what_is_well_below_is_not(a in values(), line in 1e-6..1e12f64) {
        let s = sketch(&a);
        let count = |beyond: f64| a.iter().filter(|v| **v > beyond).count() as u64;
        prop_assert!(s.count_above(line) <= count(line / 1.021));
        prop_assert!(s.count_above(line) >= count(line * 1.021));
        prop_assert_eq!(s.count_above(0.0), count(1e-9));
    }
}

#[test]
fn the_mean_logarithm_is_that_of_the_values_above_the_smallest() {
    let all: Sketch = [0.0, 3.0, 100.0, 10_000.0].into_iter().collect();
    let close = |mean: Option<f64>, value: f64| (mean.unwrap() - value.ln()).abs() < 0.011;
    assert!(close(all.mean_log(2), 1_000.0), "{:?}", all.mean_log(2));
    assert!(close(all.mean_log(0), 3e6f64.cbrt()), "what is zero has no logarithm: {:?}", all.mean_log(0));
    assert_eq!((all.mean_log(4), Sketch::new().mean_log(0)), (None, None));
}
