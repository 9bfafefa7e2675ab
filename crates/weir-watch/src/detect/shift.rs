//! Whether the recent values are elsewhere than those before them.

/// Values whose mean is compared ...
const RECENT: usize = 24;
/// ... with the mean of so many before them; half of them are enough at the beginning.
const BEFORE: usize = 288;

/// The difference of two neighbouring means. The sums are taken anew for every value: a running sum keeps the rounding of a huge
/// value that has long left.
#[derive(Clone, Debug)]
pub(super) struct Shift {
    /// Every value twice, [`Self::LENGTH`] apart, so that the last ones always lie side by side.
    ring: Vec<f64>,
    at: usize,
    seen: usize,
}

impl Shift {
    const LENGTH: usize = RECENT + BEFORE;

    pub(super) fn new() -> Self {
        Self { ring: vec![0.0; 2 * Self::LENGTH], at: 0, seen: 0 }
    }

    /// Takes a value; not a number while there are too few.
    pub(super) fn push(&mut self, value: f64) -> f64 {
        for place in [self.at, self.at + Self::LENGTH] {
            if let Some(slot) = self.ring.get_mut(place) {
                *slot = value;
            }
        }
        self.at = (self.at + 1) % Self::LENGTH;
        self.seen = (self.seen + 1).min(Self::LENGTH);
        if self.seen < RECENT + BEFORE / 2 {
            return f64::NAN;
        }
        let end = self.at + Self::LENGTH;
        let recent = self.ring.get(end - RECENT..end).unwrap_or_default();
        let before = self.ring.get(end - self.seen..end - RECENT).unwrap_or_default();
        (mean(recent) - mean(before)).abs()
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    // Lanes, so that the sum is not one long chain of additions.
    let mut lanes = [0.0; 4];
    let chunks = values.chunks_exact(4);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    (lanes.iter().sum::<f64>() + rest) / values.len().max(1) as f64
}
