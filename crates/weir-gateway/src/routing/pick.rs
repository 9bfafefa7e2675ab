//! Choosing one of a step's deployments.

use weir_core::time::Micros;

use super::health::Health;
use super::plan::{Step, Target};
use crate::config::Strategy;

/// What there is to choose.
pub(super) enum Choice<'a> {
    /// This one; `probe` when it is the one request that tries a deployment after its cooldown.
    Call { target: &'a Target, index: usize, probe: bool },
    /// None before that time: every deployment asked to be left alone.
    Blocked(Micros),
    /// None: all have been tried.
    Exhausted,
}

/// Picks among the deployments that have not been tried (by index in `tried`): the well ones first; a cooling one only
/// when `last_resort`, as a deployment without an alternative is never taken out of the rotation.
pub(super) fn pick<'a>(step: &'a Step, tried: &[usize], last_resort: bool, now: Micros) -> Choice<'a> {
    let mut well = Vec::with_capacity(step.targets.len());
    let mut cooling = Vec::new();
    let mut probes = Vec::new();
    let mut blocked: Option<Micros> = None;
    for (index, target) in step.targets.iter().enumerate().filter(|(index, _)| !tried.contains(index)) {
        match target.deployment.health(now) {
            Health::Well => well.push(index),
            Health::Probe => {
                probes.push(index);
                well.push(index);
            }
            Health::Cooling => cooling.push(index),
            Health::Blocked(until) => blocked = Some(blocked.map_or(until, |b| b.min(until))),
        }
    }
    let candidates = if well.is_empty() && last_resort { &cooling } else { &well };
    let chosen = match (candidates.as_slice(), step.strategy) {
        ([], _) => return blocked.map_or(Choice::Exhausted, Choice::Blocked),
        ([only], _) => *only,
        (several, Strategy::Weighted) => weighted(step, several),
        (several, Strategy::Latency) => quicker_of_two(step, several),
    };
    for other in probes.iter().filter(|other| **other != chosen) {
        // They were told that they may probe, and will not.
        step.targets[*other].deployment.probe_ended();
    }
    Choice::Call { target: &step.targets[chosen], index: chosen, probe: probes.contains(&chosen) }
}

fn weighted(step: &Step, candidates: &[usize]) -> usize {
    let total: u64 = candidates.iter().map(|i| u64::from(step.targets[*i].weight)).sum();
    let mut at = if total == 0 { 0 } else { fastrand::u64(..total) };
    for index in candidates {
        let weight = u64::from(step.targets[*index].weight);
        if at < weight {
            return *index;
        }
        at -= weight;
    }
    candidates[0]
}

/// The power of two choices: nearly as good as the best of all, and no herd runs to one deployment.
fn quicker_of_two(step: &Step, candidates: &[usize]) -> usize {
    let first = fastrand::usize(..candidates.len());
    let second = (first + fastrand::usize(1..candidates.len())) % candidates.len();
    let (a, b) = (candidates[first], candidates[second]);
    if step.targets[a].deployment.load() <= step.targets[b].deployment.load() { a } else { b }
}
