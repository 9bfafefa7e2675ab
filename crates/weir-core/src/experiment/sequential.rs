//! Is the mean of B different from the mean of A? An answer that holds at every look, not only at the last one.
//!
//! The test is the normal mixture boundary (Robbins, "Statistical methods related to the law of the iterated
//! logarithm", Ann. Math. Statist. 41(5), 1970) with estimated variances: the asymptotic confidence sequence of
//! Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
//! sequences", Annals of Statistics 52(6), 2024, theorem 2.2; in testing terms the mixture sequential probability ratio
//! test of Johari, Pekelis, Walsh, "Always Valid Inference", Operations Research 70(3), 2022.
//!
//! With `d` the difference of the means, `V = sA²/nA + sB²/nB` its estimated variance and `τ²` the variance of the
//! mixture, the likelihood ratio against "no difference" and the half width at level `α` are
//!
//! ```text
//! Λ = √(V / (V + τ²)) · exp(τ²·d² / (2·V·(V + τ²)))          p = 1/Λ
//! h = √( V·(V + τ²)/τ² · (2·ln(1/α) + ln((V + τ²)/V)) )      interval d ± h
//! ```
//!
//! Why two samples of any sizes: for normal values `d/V` is a Brownian motion in the information `1/V`, in whatever order
//! the two samples grow, so the boundary for one mean holds for it unchanged. By Ville's inequality the chance that `Λ`
//! *ever* reaches `1/α` without a difference is at most `α`.
//!
//! `τ² = r·(sA² + sB²)/N` with `N` = [`PLANNED`] fixed in advance and `r = 2·ln(1/α) + ln(1 + r)` at α = 5 %, which makes
//! the interval narrowest when each version has `N` values. It is in units of the spread and never looks at `d`. Another
//! `N` would stay valid, only less sharp: at 100 times the calls the interval is 17 % wider than it could be.
//!
//! What is assumed: values are independent with a finite variance, and which version a call gets does not depend on what
//! will come of it. The guarantee is asymptotic, as every test of means with estimated variances: it needs [`LEAST`]
//! values per version, and two guards that only ever widen the interval and vanish as the samples grow:
//! - Each variance is at least what it would be with [`POOLED`] more values of the spread of both samples together. A
//!   small sample of skewed values (latencies) otherwise shows a low mean just when it shows a low variance.
//! - Values that are all 0 or 1 (errors, passed or not) get [`ADDED`] more of each before their variance is taken, so
//!   that no error in few calls is no certainty.

use super::Moments;

/// Confidence of the intervals, over all comparisons together.
pub const CONFIDENCE: f64 = 0.95;
/// Values that each version needs before there is a verdict.
pub const LEAST: u64 = 30;
/// Values per version at which the interval is narrowest.
pub const PLANNED: u64 = 1_000;

/// `1 - CONFIDENCE`, written out because the difference is not exact.
const ALPHA: f64 = 0.05;
/// The solution of `r = 2·ln(1/ALPHA) + ln(1 + r)`.
const MIXTURE: f64 = 8.211_968_062_068_253;
/// Weight of the common spread in each version's variance, in values.
const POOLED: f64 = 100.0;
/// Zeros, and as many ones, that are added to a sample of zeros and ones.
const ADDED: f64 = 1.0;

/// Which way is an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Less is better: latency, tokens, cost, errors.
    Lower,
    /// More is better: scores.
    Higher,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// B is better than A.
    Better,
    /// B is worse than A.
    Worse,
    /// The interval holds 0; more calls may tell.
    NoDifference,
    /// A version has fewer than [`LEAST`] values.
    TooFew,
}

impl Verdict {
    /// As the API and people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoDifference => "no difference found yet",
            Self::TooFew => "too few calls",
        }
    }
}

/// B against A in one metric. What cannot be said is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Mean of B minus mean of A.
    pub difference: Option<f64>,
    /// The difference as a share of the mean of A; `None` where that is 0.
    pub relative: Option<f64>,
    /// Confidence interval of the difference: all the intervals of the comparisons that it is one of hold at once, at
    /// every look, with probability [`CONFIDENCE`].
    pub interval: Option<(f64, f64)>,
    /// Always-valid p-value, corrected for the number of comparisons.
    pub p_value: Option<f64>,
    /// Better or worse exactly when the interval leaves 0 out.
    pub verdict: Verdict,
}

/// Compares the mean of `b` with that of `a`, as one of so many comparisons (Bonferroni: each is made at
/// `(1 - CONFIDENCE) / comparisons`, which holds whatever depends on what).
#[must_use]
pub fn compare(a: &Moments, b: &Moments, direction: Direction, comparisons: usize) -> Comparison {
    let difference = b.mean().zip(a.mean()).map(|(b, a)| b - a);
    let relative = difference.zip(a.mean().filter(|mean| *mean != 0.0)).map(|(d, mean)| d / mean.abs());
    let said = |interval, p_value, verdict| Comparison { difference, relative, interval, p_value, verdict };
    let Some(d) = difference.filter(|_| a.count() >= LEAST && b.count() >= LEAST) else {
        return said(None, None, Verdict::TooFew);
    };
    let Some((var_a, var_b)) = variances(a, b) else { return said(None, None, Verdict::NoDifference) };
    let alpha = ALPHA / comparisons.max(1) as f64;
    let v = var_a / a.count() as f64 + var_b / b.count() as f64;
    let tau = MIXTURE * (var_a + var_b) / PLANNED as f64;
    // V/(V+τ²) and τ²/(V+τ²) are quotients of like sizes, so that neither overflows.
    let (kept, shrunk) = (v / (v + tau), tau / (v + tau));
    let log_ratio = 0.5 * kept.ln() + 0.5 * shrunk * d * d / v;
    let half = (v / shrunk * (2.0 * (1.0 / alpha).ln() - kept.ln())).sqrt();
    if !log_ratio.is_finite() || !half.is_finite() {
        return said(None, None, Verdict::NoDifference);
    }
    let found = log_ratio >= (1.0 / alpha).ln();
    let verdict = match (found, (d < 0.0) == (direction == Direction::Lower)) {
        (false, _) => Verdict::NoDifference,
        (true, true) => Verdict::Better,
        (true, false) => Verdict::Worse,
    };
    let p_value = (-log_ratio + (ALPHA / alpha).ln()).exp().min(1.0);
    said(Some((d - half, d + half)), Some(p_value), verdict)
}

/// The guarded variances; `None` where all values of both are one and the same, which says nothing about their spread.
fn variances(a: &Moments, b: &Moments) -> Option<(f64, f64)> {
    let mut both = *a;
    both.merge(b);
    let share = both.is_share();
    let of = |m: &Moments| if share { share_variance(m) } else { m.variance() };
    let pooled = of(&both).filter(|v| *v > 0.0 && v.is_finite())?;
    let guarded = |m: &Moments| {
        let own = of(m)?;
        let weight = m.count() as f64 - 1.0;
        Some(own.max((own * weight + pooled * POOLED) / (weight + POOLED)))
    };
    guarded(a).zip(guarded(b))
}

/// The variance of zeros and ones with [`ADDED`] of each beside them; never 0.
fn share_variance(moments: &Moments) -> Option<f64> {
    let n = moments.count() as f64;
    let p = (moments.mean()? * n + ADDED) / (n + 2.0 * ADDED);
    Some(p * (1.0 - p))
}

#[cfg(test)]
#[path = "sequential_tests.rs"]
mod tests;
