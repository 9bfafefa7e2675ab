//! Whether the recent course of the values has been seen before.
//!
//! The distance to the nearest neighbour among the windows of the past (a discord: Keogh, Lin and Fu 2005; conformal by its own
//! history: Burnaev and Ishimtsev 2016), in a form that costs two operations for each window of the past: with a fading memory
//! `D_lag(t) = λ D_lag(t−1) + (x_t − x_{t−lag})²`, so that the windows overlap for free and no window is compared twice.

/// How far back windows are compared.
const DEPTH: usize = 1500;
/// Nearer ones are the window itself.
const NEAREST: usize = 24;
/// A memory of about 25 values.
const FADE: f32 = 0.96;
/// A lag takes part when so many values have been compared at it.
const OVERLAP: usize = 12;
/// Keeps what fades out of the range of subnormal numbers, which are slow.
const TINY: f32 = 1e-30;
/// What is farther from the first value, in units, is cut: squares have to stay finite.
const FARTHEST: f64 = 1e15;

/// The distance of the recent course to the most similar one before it.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    first: f64,
    unit: f64,
    /// The newest value first, each twice, [`DEPTH`] apart.
    ring: Vec<f32>,
    at: usize,
    seen: usize,
    /// At `i` that of lag `i + 1`.
    distances: Vec<f32>,
}

impl Shape {
    pub(super) fn new() -> Self {
        Self { first: f64::NAN, unit: 0.0, ring: vec![0.0; 2 * DEPTH], at: 0, seen: 0, distances: vec![0.0; DEPTH] }
    }

    /// Takes a value; not a number while there is too little to compare.
    pub(super) fn push(&mut self, value: f64) -> f64 {
        if self.first.is_nan() {
            self.first = value;
        }
        let off = value - self.first;
        if self.unit == 0.0 && off != 0.0 {
            self.unit = off.abs().min(f64::MAX);
        }
        let x = if self.unit > 0.0 { (off / self.unit).clamp(-FARTHEST, FARTHEST) as f32 } else { 0.0 };
        let known = self.seen.min(DEPTH);
        let past = self.ring.get(self.at..self.at + known).unwrap_or_default();
        for (distance, before) in self.distances.iter_mut().zip(past) {
            let e = x - before;
            *distance = FADE * *distance + (e * e + TINY);
        }
        let comparable = (self.seen + 1).saturating_sub(OVERLAP).min(DEPTH);
        let nearest = least(self.distances.get(NEAREST - 1..comparable).unwrap_or_default());
        self.at = (self.at + DEPTH - 1) % DEPTH;
        for place in [self.at, self.at + DEPTH] {
            if let Some(slot) = self.ring.get_mut(place) {
                *slot = x;
            }
        }
        self.seen = self.seen.saturating_add(1);
        nearest.map_or(f64::NAN, |d| f64::from(d).sqrt() * self.unit)
    }
}

/// The least of them, in lanes that the compiler keeps in one register.
fn least(values: &[f32]) -> Option<f32> {
    let mut lanes = [f32::INFINITY; 16];
    let chunks = values.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = if *v < *lane { *v } else { *lane };
        }
    }
    let least = lanes.iter().chain(rest).copied().fold(f32::INFINITY, f32::min);
    least.is_finite().then_some(least)
}
