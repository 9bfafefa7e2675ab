//! The normal distribution: tails far out, where the probability itself is nothing but its logarithm still says how far.

use std::f64::consts::{PI, SQRT_2};

/// `P(Z ≥ z)`.
#[must_use]
pub fn upper_tail(z: f64) -> f64 {
    ln_upper_tail(z).exp()
}

/// `ln P(Z ≥ z)`, to about 1e-12 of it. A series near the middle, Laplace's continued fraction outside (Abramowitz and Stegun
/// 26.2.11, 26.2.14); not a number for what is none.
#[must_use]
pub fn ln_upper_tail(z: f64) -> f64 {
    let density = -0.5 * z * z - 0.5 * (2.0 * PI).ln();
    if z > 2.5 {
        // Q(z) = φ(z) / (z + 1/(z + 2/(z + 3/(z + …)))), from the inside out.
        let fraction = (1..=60).rev().fold(z, |inner, k| z + f64::from(k) / inner);
        return density - fraction.ln();
    }
    if z < -2.5 {
        return (-upper_tail(-z)).ln_1p();
    }
    // Q(z) = 1/2 − φ(z) (z + z³/3 + z⁵/(3·5) + …)
    let mut term = z;
    let mut sum = z;
    let mut k = 1.0;
    while term.abs() > 1e-17 {
        k += 2.0;
        term *= z * z / k;
        sum += term;
    }
    (0.5 - density.exp() * sum).ln()
}

/// The `z` with `P(Z ≤ z) = p`: Newton's method on the logarithm of the tail. Infinite for 0 and 1, not a number outside.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let (tail, sign) = if p < 0.5 { (p, -1.0) } else { (1.0 - p, 1.0) };
    if tail == 0.0 {
        return sign * f64::INFINITY;
    }
    let aim = tail.ln();
    let mut z = if tail > 0.1 { (0.5 - tail) * (2.0 * PI).sqrt() } else { SQRT_2 * (-aim - 1.0).max(0.5).sqrt() };
    for _ in 0..50 {
        let ln_tail = ln_upper_tail(z);
        // d ln Q / dz = −φ / Q
        let slope = -(-0.5 * z * z - 0.5 * (2.0 * PI).ln() - ln_tail).exp();
        let step = (ln_tail - aim) / slope;
        z -= step;
        if step.abs() < 1e-13 * z.abs().max(1.0) {
            break;
        }
    }
    sign * z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (z, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457),
            (1.959_963_984_540_054, 0.025),
            (3.0, 1.349_898_031_630_094_5e-3),
            (6.0, 9.865_876_450_376_98e-10),
            (-1.0, 0.841_344_746_068_543),
            (-3.0, 0.998_650_101_968_369_9),
        ] {
            assert!((upper_tail(z) / tail - 1.0).abs() < 1e-11, "{z}: {}", upper_tail(z));
        }
    }

    #[test]
    fn far_tails_keep_their_logarithm() {
        // Q(z) ~ φ(z)/z: at 40 the probability is 1e-350, smaller than any double.
        assert!((ln_upper_tail(40.0) - -804.608_442).abs() < 1e-4, "{}", ln_upper_tail(40.0));
        assert!(ln_upper_tail(f64::INFINITY) == f64::NEG_INFINITY);
        assert!(ln_upper_tail(f64::NAN).is_nan());
    }

    #[test]
    fn the_quantile_is_the_inverse() {
        for p in [1e-300, 1e-12, 1e-3, 0.2, 0.5, 0.7, 0.975, 0.999_999] {
            let back = upper_tail(-quantile(p));
            assert!((back / p - 1.0).abs() < 1e-9, "{p}: {back}");
        }
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert!(quantile(2.0).is_nan());
    }
}
