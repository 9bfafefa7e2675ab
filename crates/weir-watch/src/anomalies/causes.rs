//! Why a metric changed: which value of which dimension.
//!
//! The change of a mean splits exactly into rate and mix, `Σ w₁(m₁ − m₀) + Σ (w₁ − w₀)(m₀ − M₀)`, over the values of any
//! dimension (Kitagawa 1955). A large share alone explains nothing: the largest model has a large share of whatever happens.
//! So each value is judged by how much better "only this value changed" fits than "all values changed alike": the difference of
//! the two χ² over the values of its dimension. The value for which that is the largest, over all dimensions, comes first. Where
//! shares moved and rates did not, "only the mix changed" is judged in the same way.

use std::cmp::Ordering;

use weir_core::anomaly::{Cause, Effect};
use weir_core::call_sums::CallSums;

use super::metric::Metric;
use super::window::Shape;
use super::{History, HistoryError, Window};

/// Most causes of an anomaly.
const MOST: usize = 5;
/// Most values of a dimension that are weighed; the rest has too few calls to matter.
const VALUES: usize = 200;
/// Dimensions of who calls: that others call than usual is no fault.
const CALLERS: [&str; 1] = ["department"];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Why {
    pub(super) causes: Vec<Cause>,
    /// Whether other callers than usual explain the change: they behave as ever, there are more or less of them.
    pub(super) other_callers: bool,
}

struct Part {
    value: String,
    /// Numerator and denominator before, and now.
    before: (f64, f64),
    now: (f64, f64),
}

struct Candidate {
    cause: Cause,
    gain: f64,
}

/// Looks for causes between the windows before and now.
pub(super) fn look(
    metric: &Metric,
    history: &dyn History,
    before: &[Window],
    now: Window,
) -> Result<Why, HistoryError> {
    let mut why = Why::default();
    let mut candidates = Vec::new();
    for dimension in history.dimensions() {
        let of_itself = matches!(metric, Metric::Errors | Metric::RateLimits | Metric::CacheHits);
        if (*dimension == "status" && of_itself) || matches!(metric, Metric::Choice(_)) {
            continue;
        }
        let parts = parts(metric, history, dimension, before, now)?;
        why.other_callers |= weigh(metric, dimension, &parts, &mut candidates);
    }
    // A provider with one model is that model.
    for place in 0..candidates.len() {
        let alike = |a: &Candidate, b: &Candidate| {
            a.cause.effect == b.cause.effect && (a.cause.share - b.cause.share).abs() < 0.01 * b.cause.share.abs()
        };
        let model = candidates.get(place).filter(|c| c.cause.dimension == "provider").and_then(|provider| {
            candidates.iter().filter(|c| c.cause.dimension == "model" && alike(c, provider)).map(|c| c.gain).next()
        });
        if let (Some(model), Some(provider)) = (model, candidates.get_mut(place)) {
            provider.gain = provider.gain.min(model - 0.1);
        }
    }
    candidates.sort_by(|a, b| b.gain.partial_cmp(&a.gain).unwrap_or(Ordering::Equal));
    why.causes = candidates.into_iter().map(|candidate| candidate.cause).take(MOST).collect();
    Ok(why)
}

fn parts(
    metric: &Metric,
    history: &dyn History,
    dimension: &str,
    before: &[Window],
    now: Window,
) -> Result<Vec<Part>, HistoryError> {
    let measure = |cell: &CallSums| {
        let (sum, of) = metric.parts(cell);
        (sum, of as f64)
    };
    let mut parts: Vec<Part> = history
        .by_value(dimension, &[now])?
        .iter()
        .map(|(value, cell)| Part { value: value.clone(), before: (0.0, 0.0), now: measure(cell) })
        .collect();
    for (value, cell) in history.by_value(dimension, before)? {
        match parts.iter_mut().find(|part| part.value == value) {
            Some(part) => part.before = measure(&cell),
            None => parts.push(Part { value, before: measure(&cell), now: (0.0, 0.0) }),
        }
    }
    parts.sort_by(|a, b| (b.before.1 + b.now.1).total_cmp(&(a.before.1 + a.now.1)).then(a.value.cmp(&b.value)));
    parts.truncate(VALUES);
    Ok(parts)
}

/// Judges the values of one dimension; says whether it is one of callers whose mix explains the change.
fn weigh(metric: &Metric, dimension: &str, parts: &[Part], candidates: &mut Vec<Candidate>) -> bool {
    let total = |of: fn(&Part) -> (f64, f64)| {
        parts.iter().map(of).fold((0.0, 0.0), |sum: (f64, f64), part| (sum.0 + part.0, sum.1 + part.1))
    };
    let ((sum0, n0), (sum1, n1)) = (total(|part| part.before), total(|part| part.now));
    if n0 <= 0.0 || n1 <= 0.0 {
        return false;
    }
    let (mean0, mean1) = (sum0 / n0, sum1 / n1);
    let change = mean1 - mean0;
    let ratio = metric.shape() == Shape::Mean && !metric.is_logarithmic();
    if change == 0.0 || ratio && mean0 <= 0.0 {
        return false;
    }
    let moved: Vec<_> = parts.iter().map(|part| Moved::of(metric, part, (mean0, n0), (mean1, n1))).collect();
    let (precision, weighted) =
        moved.iter().fold((0.0, 0.0), |sum, moved| (sum.0 + moved.precision, sum.1 + moved.precision * moved.rate));
    let common = if precision > 0.0 { weighted / precision } else { 0.0 };
    let alike: f64 = moved.iter().map(|moved| moved.precision * (moved.rate - common).powi(2)).sum();
    let unmoved: f64 = moved.iter().map(|moved| moved.precision * moved.rate.powi(2)).sum();
    let mix: f64 = moved.iter().map(|moved| moved.mix).sum();
    let callers = CALLERS.contains(&dimension);
    for (part, moved) in parts.iter().zip(&moved) {
        let upward = moved.rate * change > 0.0;
        let by_rate = moved.rate_part / change;
        let by_mix = moved.mix / change;
        // What a value that hardly occurs would explain is chance.
        let (gain, share, effect) = if mix / change > 0.5 && by_mix > 0.3 && moved.grew && !callers {
            (alike - unmoved + moved.grown, by_mix, Effect::Mix)
        } else if upward && by_rate > 0.1 {
            (alike - (unmoved - moved.precision * moved.rate.powi(2)), by_rate, Effect::Rate)
        } else {
            continue;
        };
        let preference = match dimension {
            "model" => 0.3,
            "prompt_version" | "department" => 0.2,
            "branch" => -1.0,
            "status" => -3.0,
            _ => 0.0,
        };
        let cause = Cause { dimension: dimension.to_owned(), value: part.value.clone(), share, effect };
        candidates.push(Candidate { cause, gain: gain + preference });
    }
    let rates: f64 = moved.iter().map(|moved| moved.rate_part).sum();
    let left = if ratio { ((mean0 + rates).max(1e-9) / mean0).ln() } else { rates };
    callers && mix / change > 0.5 && !metric.matters(left, mean0)
}

/// How a value moved.
struct Moved {
    /// Of means the logarithm of the ratio, of shares and of means of logarithms the difference; 0 where it cannot be said.
    rate: f64,
    /// One by its variance.
    precision: f64,
    /// Its parts of the change of the whole.
    rate_part: f64,
    mix: f64,
    grew: bool,
    /// χ² of its growth.
    grown: f64,
}

impl Moved {
    fn of(metric: &Metric, part: &Part, (mean0, n0): (f64, f64), (mean1, n1): (f64, f64)) -> Self {
        let ((sum0, own0), (sum1, own1)) = (part.before, part.now);
        let (w0, w1) = (own0 / n0, own1 / n1);
        let m1 = if own1 > 0.0 { sum1 / own1 } else { mean1 };
        let known = own0 >= 3.0;
        let m0 = match () {
            () if known => sum0 / own0,
            // What is new has no rate before; all of what it does is mix.
            () if own1 > 0.0 => m1,
            () => mean0,
        };
        let both = known && own1 >= 1.0;
        let each = 1.0 / own0.max(1.0) + 1.0 / own1.max(1.0);
        let (rate, variance) = match metric.shape() {
            Shape::Mean if both && metric.is_logarithmic() => (m1 - m0, 0.9 * each + 0.003),
            Shape::Mean if both && m0 > 0.0 && m1 > 0.0 => ((m1 / m0).ln(), 1.2 * each + 0.003),
            Shape::Share if both => {
                let pooled = ((sum0 + sum1 + 0.5) / (own0 + own1 + 1.0)).clamp(0.005, 0.995);
                (m1 - m0, pooled * (1.0 - pooled) * each + 1e-4)
            }
            _ => (0.0, f64::INFINITY),
        };
        let pooled = ((own0 + own1) / (n0 + n1)).clamp(1e-6, 1.0 - 1e-6);
        let growth = (w1 - w0).powi(2) / (pooled * (1.0 - pooled) * (1.0 / n0 + 1.0 / n1));
        Self {
            rate,
            precision: 1.0 / variance,
            rate_part: if both { w1 * (m1 - m0) } else { 0.0 },
            mix: (w1 - w0) * (m0 - mean0),
            grew: w1 > w0,
            grown: growth,
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_core::anomaly::Anomaly;
    use weir_core::call_sums::LogSum;

    use super::*;

    const NOW: Window = Window { from: 10, to: 20 };
    const BEFORE: Window = Window { from: 0, to: 10 };

    /// Two departments, by now and before: prompts of `legal` are three times as long, and `sales` made one huge one.
    struct Departments;

    impl History for Departments {
        fn dimensions(&self) -> &[&'static str] {
            &["department"]
        }

        fn by_value(&self, _: &str, windows: &[Window]) -> Result<Vec<(String, CallSums)>, HistoryError> {
            let now = windows.contains(&NOW);
            let (legal, huge) = if now { (1_500.0, 300_000.0) } else { (500.0, 500.0) };
            let of = |prompts: &[f64]| {
                let mut sums = CallSums { calls: prompts.len() as u64, ..CallSums::default() };
                for prompt in prompts {
                    sums.prompt_tokens += *prompt as u64;
                    sums.prompt_logs.add(LogSum::of(*prompt));
                }
                sums
            };
            let sales = of(&[500.0, 500.0, 500.0, 500.0, 500.0, 500.0, 500.0, 500.0, 500.0, 500.0, 500.0, huge]);
            Ok(vec![("sales".to_owned(), sales), ("legal".to_owned(), of(&[legal; 12]))])
        }

        fn examples(&self, _: &Anomaly, _: Window) -> Result<Vec<String>, HistoryError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn one_huge_call_is_not_why_prompts_are_longer() {
        let why = look(&Metric::PromptTokens, &Departments, &[BEFORE], NOW).unwrap();
        let first = why.causes.first().unwrap();
        assert_eq!((first.value.as_str(), first.effect), ("legal", Effect::Rate), "{why:?}");
        assert!((0.6..0.8).contains(&first.share) && !why.other_callers, "{why:?}");
    }
}
