//! Is a share (of decisions that went one way, of calls that failed) different from what it was? A test for one look at
//! two windows of time.
//!
//! The test is the two-proportion z test with pooled variance and continuity correction (Fleiss, Levin, Paik,
//! "Statistical Methods for Rates and Proportions", 3rd ed. 2003, section 3.2; R's `prop.test` computes the same). With
//! `x` of `n` in each window, `p = x/n` and `P = (xA + xB)/(nA + nB)`:
//!
//! ```text
//! z = (|pB - pA| - c) / √( P·(1 - P)·(1/nA + 1/nB) )     c = min(½·(1/nA + 1/nB), |pB - pA|)
//! p-value = erfc(z/√2)                                   two-sided
//! ```
//!
//! What is assumed: decisions are independent, and somebody looks once: unlike [`super::compare`], it is not valid at
//! every look. It needs [`super::LEAST`] values per window, from where on the normal approximation serves; the correction
//! keeps it from calling rare things different too often.

use super::LEAST;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that are counted; at most `of`.
    pub hits: u64,
    /// All.
    pub of: u64,
}

impl Share {
    /// Hits per value, 0 to 1; `None` of nothing.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }
}

/// Two-sided p-value of "the two shares are of one and the same thing"; `None` where one has fewer than
/// [`super::LEAST`] values.
#[must_use]
pub fn share_p_value(a: Share, b: Share) -> Option<f64> {
    if a.of < LEAST || b.of < LEAST {
        return None;
    }
    let apart = (b.rate()? - a.rate()?).abs();
    let (na, nb) = (a.of as f64, b.of as f64);
    let pooled = (a.hits as f64 + b.hits as f64) / (na + nb);
    let inverse = 1.0 / na + 1.0 / nb;
    let spread = (pooled * (1.0 - pooled) * inverse).sqrt();
    // No spread: all or none in both windows.
    if spread.is_nan() || spread <= 0.0 {
        return Some(1.0);
    }
    let z = (apart - (0.5 * inverse).min(apart)) / spread;
    Some(erfc(z / std::f64::consts::SQRT_2))
}

/// The complementary error function for `x` from 0 up, to about 11 digits: its power series where that converges fast,
/// its continued fraction beyond (Abramowitz, Stegun, "Handbook of Mathematical Functions", 7.1.6 and 7.1.14).
fn erfc(x: f64) -> f64 {
    const SPLIT: f64 = 3.0;
    /// More than either needs on its side of the split.
    const TERMS: u32 = 80;
    let root = std::f64::consts::PI.sqrt();
    let fall = (-x * x).exp();
    if x < SPLIT {
        let (mut term, mut sum) = (x, x);
        for n in 1..TERMS {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return (1.0 - 2.0 / root * fall * sum).max(0.0);
    }
    let below = (1..TERMS).rev().fold(x, |rest, n| x + 0.5 * f64::from(n) / rest);
    fall / (root * below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-9 * wanted, "{found} is not {wanted}");
    }

    fn p(a: (u64, u64), b: (u64, u64)) -> f64 {
        let share = |(hits, of)| Share { hits, of };
        share_p_value(share(a), share(b)).unwrap()
    }

    #[test]
    fn erfc_is_that_of_the_c_library() {
        for (x, wanted) in ERFC {
            near(erfc(x), wanted);
        }
    }

    /// Python's `math.erfc`.
    const ERFC: [(f64, f64); 8] = [
        (0.0, 1.0),
        (0.1, 0.8875370839817152),
        (0.5, 0.4795001221869535),
        (1.0, 0.15729920705028513),
        (2.5, 0.0004069520174449589),
        (2.999, 2.2230168599834058e-05),
        (3.0, 2.2090496998585438e-05),
        (6.0, 2.1519736712498916e-17),
    ];

    #[test]
    fn golden_numbers() {
        // By the formula of the module's head, with Python's `math.erfc`.
        near(p((40, 100), (60, 110)), 0.048894573785878664);
        near(p((1, 30), (1, 1000)), 0.06297955852007547);
        near(p((0, 30), (10, 30)), 0.001822735166391402);
        near(p((620, 1000), (700, 1000)), 0.0001921869025094961);
        near(p((0, 30), (30, 30)), 7.005482072490394e-14);
        near(p((300, 1000), (310, 1000)), 0.6620356281371651);
    }

    #[test]
    fn it_does_not_matter_which_came_first_or_which_way_is_counted() {
        let forth = p((40, 100), (60, 110));
        near(p((60, 110), (40, 100)), forth);
        near(p((60, 100), (50, 110)), forth);
    }

    #[test]
    fn few_values_say_nothing_and_equal_shares_no_difference() {
        let share = |hits, of| Share { hits, of };
        assert_eq!(share_p_value(share(1, 29), share(500, 1_000)), None);
        assert_eq!(share_p_value(share(0, 30), share(0, 30)), Some(1.0));
        assert_eq!(share_p_value(share(30, 30), share(1_000, 1_000)), Some(1.0));
        assert_eq!(p((15, 30), (500, 1_000)), 1.0);
        assert_eq!((share(0, 0).rate(), share(1, 4).rate()), (None, Some(0.25)));
        // Counts that no store holds break nothing.
        assert!(p((0, u64::MAX), (u64::MAX, u64::MAX)) <= 1.0);
    }
}
