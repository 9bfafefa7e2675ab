//! One call: drawn, touched by what goes wrong, and counted.

use super::chance::Chance;
use super::incident::{Incident, Kind};
use super::profile::{Conditions, Department, MODELS, NODES, Profile};
use super::{DIMENSIONS, Figures, Logs, Slice};

/// What one call is.
pub(super) struct Call {
    model: usize,
    version: String,
    prompt: u64,
    completion: u64,
    /// Microseconds.
    latency: u64,
    error: bool,
    rate_limited: bool,
    cached: bool,
    /// The node and the target it went to; one of the nodes per call.
    branch: (usize, usize),
}

impl Call {
    pub(super) fn huge(prompt: u64) -> Self {
        Self {
            model: 0,
            version: "chat-v1".to_owned(),
            prompt,
            completion: 4_000,
            latency: 45_000_000,
            error: false,
            rate_limited: false,
            cached: false,
            branch: (0, 0),
        }
    }

    /// Counts it in its bucket.
    pub(super) fn record(&self, department: &str, slice: &mut Slice) {
        let model = &MODELS[self.model];
        let failed = self.error || self.rate_limited;
        let cost =
            if failed || self.cached { 0.0 } else { model.price * (self.prompt as f64 + 4.0 * self.completion as f64) };
        let figures = Figures {
            calls: 1,
            errors: u64::from(self.error),
            rate_limited: u64::from(self.rate_limited),
            cache_hits: u64::from(self.cached),
            prompt_tokens: self.prompt,
            completion_tokens: self.completion,
            cost: cost as i64,
            latency_us: self.latency,
            prompt_logs: Logs::of(self.prompt as f64),
            completion_logs: Logs::of(self.completion as f64),
            cost_logs: Logs::of(cost.trunc()),
        };
        let (node, targets) = NODES[self.branch.0];
        let target = targets[self.branch.1];
        let status = match (self.error, self.rate_limited) {
            (true, _) => "error",
            (_, true) => "rate_limited",
            _ => "success",
        };
        let values = [model.name, model.provider, &self.version, department, target, status];
        debug_assert_eq!(values.len(), DIMENSIONS.len());
        for ((of, latencies), value) in slice.by.iter_mut().zip(&mut slice.latencies_by).zip(values) {
            match latencies.get_mut(value) {
                Some(of) => of.push(self.latency),
                None => drop(latencies.insert(value.to_owned(), vec![self.latency])),
            }
            match of.get_mut(value) {
                Some(sum) => sum.add(&figures),
                None => drop(of.insert(value.to_owned(), figures)),
            }
        }
        slice.total.add(&figures);
        slice.latencies.push(self.latency);
        *slice.branches.entry((node.to_owned(), target.to_owned())).or_default() += 1;
    }
}

/// A call of a department, as it is at that time.
pub(super) fn draw(
    profile: &Profile,
    department: &Department,
    conditions: &Conditions,
    incidents: &[Incident],
    bucket: usize,
    chance: &mut Chance,
) -> Call {
    let mut model = chance.pick(&department.models);
    let prompt = chance.pick(&department.prompts);
    let version = profile.version(prompt, bucket);
    let node = chance.whole(0..NODES.len());
    let mut branch = (node, chance.pick(&department.branches[node]));
    let own = [0.7, 1.0, 1.6][prompt];
    // A new version is a little longer.
    let own = if version.ends_with('2') { own * 1.05 } else { own };
    let mut tokens = department.prompt * own * chance.spread(conditions.tokens, conditions.heavy);
    let mut answer = department.completion * chance.spread(conditions.tokens, conditions.heavy);
    let mut slower = 1.0;
    let (mut error, mut rate_limit, mut cache) = (profile.error, profile.rate_limit, department.cache);
    for incident in incidents.iter().filter(|incident| incident.at(bucket)) {
        let touched = match &incident.cause {
            None => true,
            Some((dimension, value)) => match *dimension {
                "model" => MODELS[model].name == value || incident.kind == Kind::ModelSwap,
                "provider" => MODELS[model].provider == value,
                "department" => department.name == value,
                "prompt_version" => version == *value,
                _ => true,
            },
        };
        if !touched {
            continue;
        }
        match incident.kind {
            Kind::PromptTokens => tokens *= incident.size,
            Kind::CompletionTokens => answer *= incident.size,
            Kind::ModelSwap if chance.chance(incident.size) => model = incident.target.1,
            Kind::Latency => slower *= incident.size,
            Kind::LatencyDrift => slower *= 1.0 + (incident.size - 1.0) * incident.progress(bucket),
            Kind::Errors => error += incident.size,
            Kind::RateLimits => rate_limit += incident.size,
            Kind::Branches if branch.0 == incident.target.0 && chance.chance(incident.size) => branch = incident.target,
            Kind::Cache => cache *= incident.size,
            Kind::ModelSwap | Kind::Branches | Kind::Silence => {}
        }
    }
    let error = chance.chance(error);
    let rate_limited = !error && chance.chance(rate_limit);
    let cached = !error && !rate_limited && chance.chance(cache);
    let failed = error || rate_limited;
    if failed {
        answer = 0.0;
        tokens *= if conditions.failed_have_tokens { 1.0 } else { 0.0 };
    }
    let seconds = if cached {
        0.004 * chance.spread(0.3, 0.0)
    } else if rate_limited {
        0.08 * chance.spread(0.3, 0.0)
    } else {
        let of_answer = 0.4 + 0.6 * answer / 200.0;
        MODELS[model].latency * of_answer * slower * chance.spread(conditions.latency, conditions.heavy)
    };
    Call {
        model,
        version,
        prompt: (tokens as u64).min(120_000),
        completion: (answer as u64).min(8_000),
        latency: (seconds * 1e6) as u64,
        error,
        rate_limited,
        cached,
        branch,
    }
}
