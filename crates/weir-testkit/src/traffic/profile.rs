//! What a project is like: its departments, models, prices and workflows.

use super::DAY;
use super::chance::Chance;

/// What differs between sets of projects.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// Calls of a project over the five weeks, about.
    pub calls: f64,
    /// Standard deviation of the logarithm of tokens.
    pub tokens: f64,
    /// The same of latencies.
    pub latency: f64,
    /// Part of the values that comes from a tail 2.5 times as wide.
    pub heavy: f64,
    /// Standard deviation of the logarithm of the traffic of an hour about its rhythm.
    pub unrest: f64,
    /// Whether failed calls carry the tokens of their prompt.
    pub failed_have_tokens: bool,
    /// Day of the first incident.
    pub first_day: usize,
    /// Incidents of a project.
    pub incidents: usize,
    /// How far incidents go: 1 as described, below 1 milder.
    pub size: f64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            calls: 50_000.0,
            tokens: 0.8,
            latency: 0.5,
            heavy: 0.02,
            unrest: 0.15,
            failed_have_tokens: true,
            first_day: 14,
            incidents: 5,
            size: 1.0,
        }
    }
}

pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    /// Nano-dollars per prompt token; four times that per completion token.
    pub(super) price: f64,
    /// Median latency of an answer of 200 tokens, seconds.
    pub(super) latency: f64,
}

pub(super) const MODELS: [Model; 5] = [
    Model { name: "gpt-4o-mini", provider: "openai", price: 150.0, latency: 0.7 },
    Model { name: "gpt-4o", provider: "openai", price: 2_500.0, latency: 1.3 },
    Model { name: "claude-haiku", provider: "anthropic", price: 800.0, latency: 0.8 },
    Model { name: "llama-70b", provider: "groq", price: 590.0, latency: 0.4 },
    Model { name: "o-large", provider: "openai", price: 10_000.0, latency: 3.0 },
];

pub(super) const PROMPTS: [&str; 3] = ["summary", "triage", "chat"];

pub(super) struct Department {
    pub(super) name: &'static str,
    pub(super) weight: f64,
    pub(super) prompt: f64,
    pub(super) completion: f64,
    /// How much it uses each of [`MODELS`].
    pub(super) models: [f64; 5],
    pub(super) cache: f64,
    /// How much it uses each of [`PROMPTS`].
    pub(super) prompts: [f64; 3],
    /// Traffic by the hour of the day, mean 1.
    day: [f64; 24],
    /// Traffic of a day at the weekend.
    weekend: f64,
    /// How likely each target is at each node.
    pub(super) branches: Vec<Vec<f64>>,
}

impl Department {
    /// Traffic at an hour of the week, beside its mean.
    pub(super) fn rhythm(&self, hour: f64, weekend: bool) -> f64 {
        let (at, part) = (hour as usize % 24, hour.fract());
        let between = self.day[at] * (1.0 - part) + self.day[(at + 1) % 24] * part;
        between * if weekend { self.weekend } else { 1.0 }
    }
}

pub(super) const NODES: [(&str, &[&str]); 2] =
    [("classify", &["answer", "review", "escalate"]), ("check", &["accept", "retry"])];

pub(super) struct Profile {
    pub(super) departments: Vec<Department>,
    pub(super) error: f64,
    pub(super) rate_limit: f64,
    pub(super) growth: f64,
    /// The prompt that gets a second version, and when.
    pub(super) deployment: (usize, usize),
}

/// A day whose traffic has its top at `centre`, `width` hours wide, over a floor.
fn day(centre: f64, width: f64, floor: f64) -> [f64; 24] {
    let mut day = [0.0; 24];
    for (hour, at) in day.iter_mut().enumerate() {
        let away = (hour as f64 - centre).abs();
        let away = away.min(24.0 - away);
        *at = floor + (-(away / width).powi(2)).exp();
    }
    let mean = day.iter().sum::<f64>() / 24.0;
    day.map(|at| at / mean)
}

impl Profile {
    pub(super) fn new(chance: &mut Chance) -> Self {
        let names = ["support", "sales", "legal", "research", "finance"];
        let main = chance.whole(0..4);
        let departments = names
            .iter()
            .take(chance.whole(3..6))
            .map(|name| {
                let (centre, width, floor, weekend) = match chance.whole(0..4) {
                    0 => (13.0, 4.0, 0.05, 0.15),
                    1 => (chance.between(9.0, 16.0), 4.5, 0.1, 0.3),
                    2 => (20.0, 4.0, 0.15, 1.1),
                    _ => (14.0, 7.0, 0.5, 0.7),
                };
                let mut models = [0.0; 5];
                models[main] = chance.between(0.5, 1.0);
                models[chance.whole(0..4)] += chance.between(0.2, 0.6);
                models[chance.whole(0..4)] += chance.between(0.0, 0.3);
                let branches = NODES
                    .iter()
                    .map(|(_, targets)| targets.iter().map(|_| chance.between(0.3, 1.2)).collect())
                    .collect();
                Department {
                    name,
                    weight: chance.between(0.4, 1.2),
                    prompt: 600.0 * chance.spread(0.4, 0.0),
                    completion: 200.0 * chance.spread(0.35, 0.0),
                    models,
                    cache: chance.between(0.15, 0.5),
                    prompts: [0.0; 3].map(|_| chance.between(0.1, 1.0)),
                    day: day(centre, width, floor),
                    weekend,
                    branches,
                }
            })
            .collect();
        Self {
            departments,
            error: chance.between(0.003, 0.02),
            rate_limit: chance.between(0.001, 0.01),
            growth: chance.between(0.0, 0.4),
            deployment: (chance.whole(0..PROMPTS.len()), chance.whole(12..30) * DAY + chance.whole(100..200)),
        }
    }

    /// The name of a prompt's version at a time.
    pub(super) fn version(&self, prompt: usize, bucket: usize) -> String {
        let deployed = self.deployment.0 == prompt && bucket >= self.deployment.1;
        format!("{}-v{}", PROMPTS[prompt], if deployed { 2 } else { 1 })
    }
}
