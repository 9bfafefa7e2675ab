//! What goes wrong, when, and for whom.

use super::chance::Chance;
use super::profile::{Conditions, MODELS, NODES, PROMPTS, Profile};
use super::{BUCKETS, DAY};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Kind {
    PromptTokens,
    CompletionTokens,
    ModelSwap,
    Latency,
    LatencyDrift,
    Errors,
    RateLimits,
    Branches,
    Cache,
    Silence,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::PromptTokens,
        Self::CompletionTokens,
        Self::ModelSwap,
        Self::Latency,
        Self::LatencyDrift,
        Self::Errors,
        Self::RateLimits,
        Self::Branches,
        Self::Cache,
        Self::Silence,
    ];
}

/// An incident and its truth.
#[derive(Clone, Debug)]
pub struct Incident {
    /// What goes wrong.
    pub kind: Kind,
    /// Its first bucket.
    pub onset: usize,
    /// The first bucket after it.
    pub end: usize,
    /// Factor, or share of the calls, by the kind.
    pub size: f64,
    /// The dimension and value it is confined to, or that it is.
    pub cause: Option<(&'static str, String)>,
    /// Node and target of [`Kind::Branches`], model of [`Kind::ModelSwap`]: places in their tables.
    pub(super) target: (usize, usize),
}

impl Incident {
    /// Whether it goes on in a bucket.
    pub(super) fn at(&self, bucket: usize) -> bool {
        (self.onset..self.end).contains(&bucket)
    }

    /// How far a drift has come, 0 to 1.
    pub(super) fn progress(&self, bucket: usize) -> f64 {
        (bucket - self.onset) as f64 / (self.end - self.onset) as f64
    }

    pub(super) fn new(
        kind: Kind,
        onset: usize,
        profile: &Profile,
        conditions: &Conditions,
        chance: &mut Chance,
    ) -> Self {
        let hours = match kind {
            Kind::LatencyDrift => chance.between(24.0, 60.0),
            Kind::Silence => chance.between(1.5, 5.0),
            _ => chance.between(3.0, 12.0),
        };
        let end = (onset + (hours * 12.0) as usize).min(BUCKETS);
        let mut target = (0, 0);
        let mut cause = match kind {
            Kind::Silence | Kind::LatencyDrift => None,
            _ if chance.chance(0.25) => None,
            _ => Some(someone(profile, onset, chance)),
        };
        let confined = if cause.is_some() { 1.5 } else { 1.0 };
        let grow = |factor: f64| 1.0 + (factor - 1.0) * confined * conditions.size;
        let size = match kind {
            Kind::PromptTokens | Kind::CompletionTokens => grow(chance.between(1.8, 4.0)),
            Kind::Latency => grow(chance.between(1.7, 4.0)),
            Kind::LatencyDrift => grow(chance.between(2.0, 3.5)),
            Kind::Errors | Kind::RateLimits => (chance.between(0.1, 0.5) * confined * conditions.size).min(0.9),
            Kind::Cache => chance.between(0.0, 0.2),
            Kind::ModelSwap => {
                // The model that costs most and is least used: a swap to one that is used anyway is no swap.
                target.1 = 4;
                cause = Some(("model", MODELS[4].name.to_owned()));
                (chance.between(0.3, 1.0) * conditions.size).min(1.0)
            }
            Kind::Branches => {
                target = (chance.whole(0..NODES.len()), 0);
                let targets = NODES[target.0].1;
                target.1 = chance.whole(0..targets.len());
                cause = Some(("branch", targets[target.1].to_owned()));
                (chance.between(0.3, 0.7) * conditions.size).min(0.9)
            }
            Kind::Silence => 0.0,
        };
        Self { kind, onset, end, size, cause, target }
    }
}

/// A value that much of the traffic has, of a dimension that incidents are confined to.
fn someone(profile: &Profile, onset: usize, chance: &mut Chance) -> (&'static str, String) {
    let all: f64 = profile.departments.iter().map(|d| d.weight).sum();
    loop {
        let department = &profile.departments[chance.whole(0..profile.departments.len())];
        if department.weight < 0.18 * all {
            continue;
        }
        let model = &MODELS[chance.pick(&department.models)];
        let share = |wanted: &dyn Fn(usize) -> bool| {
            let of = |d: &super::profile::Department| {
                let sum: f64 = d.models.iter().sum();
                d.weight / all
                    * d.models.iter().enumerate().filter(|(m, _)| wanted(*m)).map(|(_, w)| w / sum).sum::<f64>()
            };
            profile.departments.iter().map(of).sum::<f64>()
        };
        return match chance.whole(0..4) {
            0 if (0.2..0.8).contains(&share(&|m| MODELS[m].name == model.name)) => ("model", model.name.to_owned()),
            // A provider with one model cannot be told from it.
            1 if (0.2..0.8).contains(&share(&|m| MODELS[m].provider == model.provider))
                && share(&|m| MODELS[m].provider == model.provider)
                    > 0.1 + share(&|m| MODELS[m].name == model.name) =>
            {
                ("provider", model.provider.to_owned())
            }
            2 => ("department", department.name.to_owned()),
            3 => {
                let prompt = chance.whole(0..PROMPTS.len());
                let of =
                    |d: &super::profile::Department| d.weight / all * d.prompts[prompt] / d.prompts.iter().sum::<f64>();
                if profile.departments.iter().map(of).sum::<f64>() < 0.2 {
                    continue;
                }
                ("prompt_version", profile.version(prompt, onset))
            }
            _ => continue,
        };
    }
}

/// Where incidents begin: mostly on working days, never twice within a day.
pub(super) fn onsets(conditions: &Conditions, blocked: &[std::ops::Range<usize>], chance: &mut Chance) -> Vec<usize> {
    let mut onsets: Vec<usize> = Vec::new();
    let mut tries = 0;
    while onsets.len() < conditions.incidents && tries < 10_000 {
        tries += 1;
        let day = chance.whole(conditions.first_day..33);
        let weekend = day % 7 >= 5;
        let hour = if chance.chance(0.8) { chance.between(7.0, 17.0) } else { chance.between(0.0, 24.0) };
        if weekend && chance.chance(0.6) {
            continue;
        }
        let onset = day * DAY + (hour * 12.0) as usize;
        let near = |range: &std::ops::Range<usize>| onset + DAY > range.start && onset < range.end + DAY / 2;
        if blocked.iter().any(near) || onsets.iter().any(|other| other.abs_diff(onset) < 3 * DAY) {
            continue;
        }
        onsets.push(onset);
    }
    onsets.sort_unstable();
    onsets
}
