//! The last buckets of a series, and the window among them that is most unlike what was expected.
//!
//! Over windows that end now and reach back 2 to 288 buckets (those with calls), the statistic that is normal with variance 1
//! when nothing is wrong: the generalised likelihood ratio form of CUSUM (Lorden 1971), which finds a large shift after a few
//! buckets and a small one after many without being told its size. Its own variance is learned for each length, so that traffic
//! that wanders is not mistaken for shifts.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Buckets that are remembered: a day of five minutes, of a part of the traffic eight hours, and what is forgotten at once.
const LONGEST: usize = 288 + FOLD;
const LONGEST_OF_PART: usize = 96 + FOLD;
/// So many of the newest are kept one by one; older ones are folded by so many, so that a long memory is neither large nor slow.
const SINGLE: usize = 36;
const FOLD: usize = 12;
/// Lengths that are judged, in buckets with calls; beyond [`SINGLE`] what is judged is up to [`FOLD`] longer.
const LENGTHS: [u16; 16] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 18, 24, 36, 48, 96, 192, 288];

/// Half of Yates' half: with it the root is within 0.15 of the exact normal score of the binomial tail, 3 of 6 where 1 % fail as well
/// as 1 of 30 where 35 % are cached; with the half it is up to 0.3 lower.
const CORRECTION: f64 = 0.25;

/// What a bucket says, or some buckets that are folded into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// Number of the bucket since the epoch; of folded ones the first.
    pub(super) bucket: i64,
    /// Buckets that are folded into it besides the first.
    pub(super) folded: u8,
    /// Calls, or decisions.
    pub(super) calls: f32,
    /// Score or count, and what it counts as; see [`Shape`].
    pub(super) seen: f32,
    /// Expected count, for counts.
    pub(super) expected: f32,
    /// Information: what the squared statistic is divided by.
    pub(super) information: f32,
    /// Deviation times information, for the size of the effect.
    pub(super) effect: f32,
    /// The same of all calls, where the effect is what their parts say together: what is told, and what becomes a new normal.
    pub(super) measured: f32,
}

impl Sample {
    /// Folds a later one into it.
    fn fold(&mut self, later: &Self) {
        self.folded += 1 + later.folded;
        self.calls += later.calls;
        self.seen += later.seen;
        self.expected += later.expected;
        self.information += later.information;
        self.effect += later.effect;
        self.measured += later.measured;
    }
}

/// How samples become a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    /// `Σ seen / √Σ information`.
    Mean,
    /// `seen` of `calls` against `expected`: the signed root of the likelihood ratio of binomials (Wilks).
    Share,
    /// `seen` against `expected`: the same of Poisson counts.
    Count,
}

/// Sums over a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) samples: usize,
    pub(super) calls: f64,
    pub(super) seen: f64,
    pub(super) expected: f64,
    pub(super) information: f64,
    pub(super) effect: f64,
    pub(super) measured: f64,
    /// The first bucket inside.
    pub(super) since: i64,
}

impl Sums {
    fn add(&mut self, sample: &Sample) {
        self.samples += 1 + usize::from(sample.folded);
        self.calls += f64::from(sample.calls);
        self.seen += f64::from(sample.seen);
        self.expected += f64::from(sample.expected);
        self.information += f64::from(sample.information);
        self.effect += f64::from(sample.effect);
        self.measured += f64::from(sample.measured);
        self.since = sample.bucket;
    }

    /// The effect: of means a difference of logarithms, of shares a difference, of counts the logarithm of a ratio.
    pub(super) fn size(&self, shape: Shape) -> f64 {
        match shape {
            Shape::Mean if self.information > 0.0 => self.effect / self.information,
            Shape::Share if self.calls > 0.0 => (self.seen - self.expected) / self.calls,
            Shape::Count if self.expected > 0.0 => (self.seen.max(0.5) / self.expected).ln(),
            _ => 0.0,
        }
    }

    /// The same of all calls as it was measured: what is told, and what becomes a new normal.
    pub(super) fn measured(&self, shape: Shape) -> f64 {
        match shape {
            Shape::Mean if self.information > 0.0 => self.measured / self.information,
            _ => self.size(shape),
        }
    }

    /// The statistic, 0 in the middle, 1 its scale.
    pub(super) fn statistic(&self, shape: Shape) -> f64 {
        match shape {
            Shape::Mean if self.information > 0.0 => self.seen / self.information.sqrt(),
            Shape::Mean => 0.0,
            Shape::Share => signed_root(self.seen, self.expected, Some(self.calls)),
            Shape::Count => signed_root(self.seen, self.expected, None),
        }
    }
}

/// `±√(2 Σ O ln(O/E))`, corrected towards the expectation because counts are whole numbers.
fn signed_root(seen: f64, expected: f64, of: Option<f64>) -> f64 {
    let away = seen - expected;
    if away.abs() <= CORRECTION || expected <= 0.0 {
        return 0.0;
    }
    let seen = seen - CORRECTION * away.signum();
    let part = |o: f64, e: f64| if o > 0.0 && e > 0.0 { o * (o / e).ln() } else { 0.0 };
    let rest = of.map_or(expected - seen, |of| part(of - seen, (of - expected).max(1e-9)));
    away.signum() * (2.0 * (part(seen, expected) + rest)).max(0.0).sqrt()
}

/// The window that stands out most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Outstanding {
    /// Statistic by its learned scale; its sign is the direction.
    pub(super) score: f64,
    pub(super) sums: Sums,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Windows {
    /// Most buckets that are remembered, and how many are.
    most: usize,
    held: usize,
    /// How many of the newest are not folded.
    single: usize,
    samples: VecDeque<Sample>,
    /// Learned variance of the statistic by length, and how often it was learned from.
    variance: [f32; LENGTHS.len()],
    learned: [f32; LENGTHS.len()],
    /// The statistic of each length at the last judgement.
    statistics: [Option<f32>; LENGTHS.len()],
}

impl Windows {
    pub(super) fn new() -> Self {
        Self {
            most: LONGEST,
            held: 0,
            single: 0,
            samples: VecDeque::new(),
            variance: [1.0; LENGTHS.len()],
            learned: [0.0; LENGTHS.len()],
            statistics: [None; LENGTHS.len()],
        }
    }

    /// Of a part of the traffic.
    pub(super) fn of_part() -> Self {
        Self { most: LONGEST_OF_PART, ..Self::new() }
    }

    pub(super) fn push(&mut self, sample: Sample) {
        self.samples.push_back(sample);
        self.held += 1;
        self.single += 1;
        if self.single == SINGLE + FOLD {
            self.fold();
        }
        while self.held > self.most
            && let Some(oldest) = self.samples.pop_front()
        {
            self.held -= 1 + usize::from(oldest.folded);
        }
    }

    /// Makes the oldest single ones one.
    fn fold(&mut self) {
        let from = self.samples.len().saturating_sub(self.single);
        let mut folded: Option<Sample> = None;
        for sample in self.samples.drain(from..(from + FOLD).min(self.samples.len())) {
            match &mut folded {
                Some(folded) => folded.fold(&sample),
                None => folded = Some(sample),
            }
        }
        if let Some(folded) = folded {
            self.samples.insert(from, folded);
        }
        self.single -= FOLD.min(self.single);
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
        (self.held, self.single) = (0, 0);
    }

    pub(super) fn last_sample(&self) -> Option<&Sample> {
        self.samples.back()
    }

    /// The last bucket that was taken.
    pub(super) fn newest(&self) -> Option<i64> {
        Some(self.samples.back()?.bucket)
    }

    /// The sums over all samples since a bucket; of folded ones those that began since.
    pub(super) fn since(&self, bucket: i64) -> Sums {
        let mut sums = Sums::default();
        for sample in self.samples.iter().rev().take_while(|sample| sample.bucket >= bucket) {
            sums.add(sample);
        }
        sums
    }

    /// The sums over the last samples: at least so many, and at least so many calls.
    pub(super) fn last(&self, samples: usize, calls: f64) -> Option<Sums> {
        let mut sums = Sums::default();
        for sample in self.samples.iter().rev() {
            sums.add(sample);
            if sums.samples >= samples && sums.calls >= calls {
                return Some(sums);
            }
        }
        None
    }

    /// Judges all lengths that have at least so many samples and calls. `known` is the information behind the expectation of one
    /// hour: what is expected is itself uncertain, and the statistic shrinks by that.
    pub(super) fn judge(&mut self, shape: Shape, samples: usize, calls: f64, known: f64) -> Option<Outstanding> {
        let mut best: Option<Outstanding> = None;
        let mut statistics = [None; LENGTHS.len()];
        // Exact tails are not made lighter; the parts of all calls together are steadier than one series.
        let floor = if shape == Shape::Mean { 0.5 } else { 1.0 };
        let visit = |place: usize, sums: &Sums| {
            let statistic = sums.statistic(shape);
            if let Some(of) = statistics.get_mut(place) {
                *of = Some(statistic as f32);
            }
            if sums.samples < samples || sums.calls < calls {
                return;
            }
            let scale = self.variance.get(place).copied().unwrap_or(1.0).max(floor);
            let hours = (sums.samples as f64 / 12.0).max(1.0);
            let unsure = 1.0 + sums.information / (known * hours).max(1e-9);
            let score = statistic / (f64::from(scale) * unsure).sqrt();
            if best.is_none_or(|best| score.abs() > best.score.abs()) {
                best = Some(Outstanding { score, sums: *sums });
            }
        };
        self.visit(visit);
        self.statistics = statistics;
        best
    }

    /// Learns how much the statistic of each length varies while nothing is wrong.
    pub(super) fn learn(&mut self) {
        for (place, statistic) in self.statistics.into_iter().enumerate() {
            let (Some(statistic), Some(variance), Some(learned)) =
                (statistic.map(f64::from), self.variance.get_mut(place), self.learned.get_mut(place))
            else {
                continue;
            };
            // Windows overlap: a length says something new only once it is over.
            let length = f32::from(LENGTHS.get(place).copied().unwrap_or(1));
            *learned = (*learned + 1.0 / length).min(2_000.0);
            let rate = f64::from(1.0 / (length * (*learned + 20.0)));
            let bound = 9.0 * f64::from(variance.max(1.0));
            *variance += (rate * ((statistic * statistic).min(bound) - f64::from(*variance))) as f32;
        }
    }

    fn visit(&self, mut visit: impl FnMut(usize, &Sums)) {
        let mut sums = Sums::default();
        let mut lengths = LENGTHS.iter().enumerate().peekable();
        for sample in self.samples.iter().rev() {
            sums.add(sample);
            if let Some((place, _)) = lengths.next_if(|(_, length)| usize::from(**length) <= sums.samples) {
                visit(place, &sums);
            }
        }
    }

    /// The bucket at which the deviation in that direction most likely began, within the last samples.
    pub(super) fn onset(&self, shape: Shape, up: bool) -> Option<i64> {
        let mut sums = Sums::default();
        let mut best: Option<(f64, i64)> = None;
        for sample in self.samples.iter().rev() {
            sums.add(sample);
            let statistic = sums.statistic(shape) * if up { 1.0 } else { -1.0 };
            if best.is_none_or(|(most, _)| statistic > most) {
                best = Some((statistic, sample.bucket));
            }
        }
        best.map(|(_, bucket)| bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(bucket: i64, score: f64) -> Sample {
        let effect = (score * 0.3) as f32;
        let seen = score as f32;
        Sample { bucket, calls: 5.0, seen, information: 1.0, effect, measured: effect, ..Sample::default() }
    }

    #[test]
    fn a_shift_is_found_with_its_onset_and_its_size() {
        let mut windows = Windows::new();
        for bucket in 0..100 {
            windows.push(mean(bucket, if bucket >= 90 { 2.0 } else { 0.1 * f64::from((bucket % 3) as i32 - 1) }));
        }
        let found = windows.judge(Shape::Mean, 2, 10.0, 1e9).unwrap();
        assert!(found.score > 6.0 && found.sums.samples == 10, "{found:?}");
        assert!((found.sums.size(Shape::Mean) - 0.6).abs() < 1e-6);
        assert_eq!(windows.onset(Shape::Mean, true), Some(90));
    }

    #[test]
    fn what_is_folded_still_counts_and_memory_is_bounded() {
        let mut windows = Windows::new();
        for bucket in 0..5_000 {
            windows.push(mean(bucket, 0.25));
            let all = windows.since(i64::MIN);
            assert_eq!(all.samples, windows.held);
            assert!(bucket < 300 || (LONGEST - FOLD..=LONGEST).contains(&all.samples), "{all:?}");
        }
        assert!(windows.samples.len() <= SINGLE + FOLD + LONGEST / FOLD, "{}", windows.samples.len());
        let all = windows.since(i64::MIN);
        assert!((all.seen - 0.25 * all.samples as f64).abs() < 1e-3 && all.since == 5_000 - all.samples as i64);
        let found = windows.judge(Shape::Mean, 2, 10.0, 1e9).unwrap();
        assert!(found.sums.samples >= 288, "{found:?}");
    }

    #[test]
    fn one_bucket_alone_is_never_enough() {
        let mut windows = Windows::new();
        windows.push(mean(1, 4.0));
        assert_eq!(windows.judge(Shape::Mean, 2, 0.0, 1e9), None);
    }

    #[test]
    fn shares_and_counts_have_exact_tails() {
        // 12 of 20 where 2 are expected; 20 where 5 are expected: Wilks by hand, a quarter towards what is expected.
        let share = signed_root(12.0, 2.0, Some(20.0));
        let count = signed_root(20.0, 5.0, None);
        assert!(
            (share - (2.0f64 * (11.75 * 5.875f64.ln() + 8.25 * (8.25f64 / 18.0).ln())).sqrt()).abs() < 1e-9,
            "{share}"
        );
        assert!((count - (2.0f64 * (19.75 * 3.95f64.ln() - 14.75)).sqrt()).abs() < 1e-9, "{count}");
        // The normal score of the exact probability of 3 and more of 6 where 1 % are expected is 4.11, of 20 of 29 where 30 % are 4.14.
        let near = |seen, expected, of, score: f64| (signed_root(seen, expected, Some(of)) - score).abs() < 0.15;
        assert!(near(3.0, 0.06, 6.0, 4.11) && near(20.0, 8.7, 29.0, 4.14));
        assert!(signed_root(0.0, 9.0, None) < -3.0 && signed_root(5.2, 5.0, None).abs() < 1e-9);
    }

    #[test]
    fn traffic_that_wanders_raises_the_scale() {
        let (mut calm, mut restless) = (Windows::new(), Windows::new());
        for bucket in 0..5_000_i64 {
            calm.push(mean(bucket, if bucket % 2 == 0 { 1.0 } else { -1.0 }));
            restless.push(mean(bucket, if bucket / 12 % 2 == 0 { 1.0 } else { -1.0 }));
            for windows in [&mut calm, &mut restless] {
                windows.judge(Shape::Mean, 2, 10.0, 1e9);
                windows.learn();
            }
        }
        let of = |windows: &Windows| windows.variance[8];
        assert!(of(&calm) < 0.5 && of(&restless) > 3.0, "{} {}", of(&calm), of(&restless));
    }
}
