//! Order statistics of a few values at hand: median, quantiles, and the median absolute deviation as a scale.

/// What makes the median absolute deviation of a normal distribution its standard deviation: `1 / Φ⁻¹(3/4)`.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// The median, the mean of the two middle values for an even count. The slice is put into another order. `None` when it is
/// empty.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    let (below, mid, _) = select(values, n / 2)?;
    if n % 2 == 1 {
        return Some(mid);
    }
    let other = below.iter().copied().max_by(f64::total_cmp)?;
    // Halved first: the sum of two huge values is not finite.
    Some(0.5f64.mul_add(other, 0.5 * mid))
}

/// The `q`-quantile (0 to 1) with linear interpolation between order statistics (type 7 of Hyndman and Fan 1996). The slice is
/// put into another order. `None` when it is empty.
pub fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    let n = values.len();
    let place = q.clamp(0.0, 1.0) * n.checked_sub(1)? as f64;
    let index = place as usize;
    let part = place - index as f64;
    let (_, low, above) = select(values, index)?;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low.mul_add(1.0 - part, high * part))
}

fn select(values: &mut [f64], index: usize) -> Option<(&[f64], f64, &[f64])> {
    if index >= values.len() {
        return None;
    }
    let (below, mid, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    Some((below, *mid, above))
}

/// Centre and scale that half of the values cannot spoil.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Robust {
    /// The median.
    pub centre: f64,
    /// 1.4826 × the median absolute deviation: the standard deviation where the values are normal. Zero when more than half of
    /// them are equal: the caller puts a floor under it.
    pub scale: f64,
}

impl Robust {
    /// Of the values, whose order is lost. `None` when there are none.
    pub fn of(values: &mut [f64]) -> Option<Self> {
        let centre = median(values)?;
        for v in values.iter_mut() {
            *v = (*v - centre).abs();
        }
        Some(Self { centre, scale: MAD_TO_SIGMA * median(values)? })
    }

    /// How many scales the value is from the centre, with a floor under the scale.
    #[must_use]
    pub fn z(&self, value: f64, floor: f64) -> f64 {
        let scale = self.scale.max(floor);
        if scale > 0.0 { (value - self.centre) / scale } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&mut [9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [f64::MAX, f64::MAX]), Some(f64::MAX));
    }

    #[test]
    fn quantiles_interpolate() {
        let values = [10.0, 20.0, 30.0, 40.0, 50.0];
        for (q, expected) in [(0.0, 10.0), (0.25, 20.0), (0.5, 30.0), (0.9, 46.0), (1.0, 50.0), (7.0, 50.0)] {
            assert_eq!(quantile(&mut values.clone(), q), Some(expected), "{q}");
        }
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn a_spoiled_value_moves_neither_centre_nor_scale() {
        let clean = Robust::of(&mut [1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let spoiled = Robust::of(&mut [1.0, 2.0, 3.0, 4.0, 5e9]).unwrap();
        assert_eq!(clean, spoiled);
        assert!((clean.scale - MAD_TO_SIGMA).abs() < 1e-12);
        assert!((clean.z(6.0, 0.0) - 3.0 / MAD_TO_SIGMA).abs() < 1e-12);
    }

    #[test]
    fn equal_values_have_no_scale_until_a_floor_is_put() {
        let flat = Robust::of(&mut [7.0; 9]).unwrap();
        assert_eq!(flat.z(9.0, 0.0), 0.0);
        assert_eq!(flat.z(9.0, 0.5), 4.0);
    }
}
