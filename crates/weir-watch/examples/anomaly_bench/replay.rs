//! Synthetic traffic as the engine is fed with it, and the engine's anomalies beside the truth.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weir_core::anomaly::{Anomaly, AnomalyKind, Severity};
use weir_core::call_sums::{CallSums, LogSum};
use weir_core::time::{Micros, SECOND};
use weir_testkit::traffic::{DAY, DIMENSIONS, Figures, Incident, Kind, Logs, START_S, Slice, Traffic, WIDTH_S};
use weir_watch::anomalies::{Branch, Bucket, Change, Engine, History, HistoryError, Part, Settings, Window};

const WIDTH: Micros = WIDTH_S * SECOND;
const START: Micros = START_S * SECOND;

fn logs(of: Logs) -> LogSum {
    LogSum { count: of.count, micros: of.micros }
}

fn sums(figures: &Figures) -> CallSums {
    CallSums {
        calls: figures.calls,
        errors: figures.errors + figures.rate_limited,
        rate_limited: figures.rate_limited,
        cache_hits: figures.cache_hits,
        prompt_tokens: figures.prompt_tokens,
        completion_tokens: figures.completion_tokens,
        cost: figures.cost,
        latency_sum_us: figures.latency_us,
        prompt_logs: logs(figures.prompt_logs),
        completion_logs: logs(figures.completion_logs),
        cost_logs: logs(figures.cost_logs),
        ..CallSums::default()
    }
}

fn bucket(number: usize, slice: &Slice) -> Bucket {
    let mut total = sums(&slice.total);
    total.latency = slice.latencies.iter().map(|latency| *latency as f64).collect();
    let branch = |(node, target): &(String, String)| Branch {
        workflow: "flow".to_owned(),
        node: node.clone(),
        target: target.clone(),
    };
    let branches = slice.branches.iter().map(|(of, count)| (branch(of), *count)).collect();
    let mut parts = BTreeMap::new();
    for (place, dimension) in DIMENSIONS.iter().enumerate().filter(|(_, dimension)| PARTS.contains(dimension)) {
        for (value, figures) in &slice.by[place] {
            let part = Part { dimension: (*dimension).to_owned(), value: value.clone() };
            // As a store gives them: the failures of a part are not told apart.
            let latency = slice.latencies_by[place].get(value).into_iter().flatten().map(|us| *us as f64).collect();
            parts.insert(part, CallSums { rate_limited: 0, latency, ..sums(figures) });
        }
    }
    Bucket { start: START + number as i64 * WIDTH, total, parts, branches }
}

/// The dimensions whose values are watched by themselves.
const PARTS: [&str; 4] = ["model", "provider", "department", "prompt_version"];

struct Past<'a>(&'a [Slice]);

impl History for Past<'_> {
    fn dimensions(&self) -> &[&'static str] {
        &DIMENSIONS
    }

    fn by_value(&self, dimension: &str, windows: &[Window]) -> Result<Vec<(String, CallSums)>, HistoryError> {
        let place = DIMENSIONS.iter().position(|name| *name == dimension);
        let Some(place) = place else { return Err(HistoryError(format!("no dimension {dimension}"))) };
        let mut by_value = BTreeMap::<&String, Figures>::new();
        for window in windows {
            let of = |at: Micros| ((at - START).max(0) / WIDTH) as usize;
            let range = of(window.from).min(self.0.len())..of(window.to).min(self.0.len());
            for (value, figures) in self.0[range].iter().flat_map(|slice| &slice.by[place]) {
                by_value.entry(value).or_default().add(figures);
            }
        }
        Ok(by_value.into_iter().map(|(value, figures)| (value.clone(), sums(&figures))).collect())
    }

    fn examples(&self, _: &Anomaly, _: Window) -> Result<Vec<String>, HistoryError> {
        Ok(vec!["4bf92f3577b34da6a3ce929d0e0e4736".to_owned()])
    }
}

/// What was found in a project, as it stood at the end; and what it took.
pub(crate) struct Found {
    pub anomalies: Vec<Anomaly>,
    /// Series of the project itself, which anomalies are told of.
    pub series: usize,
    /// Those of its parts too.
    pub watched: usize,
    /// Of the processor.
    pub time: Duration,
    pub bytes: usize,
}

pub(crate) fn replay(traffic: &Traffic, settings: &Settings) -> Found {
    let mut engine = Engine::new("project", settings.clone());
    let mut anomalies: Vec<Anomaly> = Vec::new();
    let mut time = Duration::ZERO;
    for day in 0..traffic.slices.len().div_ceil(DAY) {
        let numbers = day * DAY..((day + 1) * DAY).min(traffic.slices.len());
        let buckets: Vec<Bucket> = numbers.map(|number| bucket(number, &traffic.slices[number])).collect();
        let begun = processor_time();
        let mut changes = Vec::new();
        for (number, bucket) in buckets.iter().enumerate() {
            let past = Past(&traffic.slices[..=day * DAY + number]);
            changes.append(&mut engine.push(bucket, &past).unwrap_or_default());
        }
        time += processor_time().saturating_sub(begun);
        for change in changes {
            let anomaly = change.anomaly();
            match anomalies.iter_mut().find(|known| known.id == anomaly.id) {
                Some(known) => *known = anomaly.clone(),
                None => anomalies.push(anomaly.clone()),
            }
            if let Change::Ended(_) = change {
                assert!(anomaly.ended_at.is_some());
            }
        }
    }
    let branches: std::collections::BTreeSet<_> =
        traffic.slices.iter().flat_map(|slice| slice.branches.keys()).collect();
    Found { anomalies, series: 8 + branches.len(), watched: engine.series(), time, bytes: engine.save().len() }
}

/// What this thread has had of the processor; where the system does not tell, the clock.
fn processor_time() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

/// The score of projects.
#[derive(Default)]
pub(crate) struct Score {
    pub incidents: usize,
    pub found: usize,
    pub alarms: usize,
    pub hits: usize,
    pub false_alarms: usize,
    /// Alarms at the huge request and in the doubled time.
    pub harmless: usize,
    pub information: usize,
    pub delays: Vec<i64>,
    pub by_kind: BTreeMap<Kind, Vec<i64>>,
    pub with_cause: usize,
    pub right_cause: usize,
    pub series_weeks: f64,
    pub time: Duration,
    /// Buckets of all series that are watched, and of projects.
    pub points: f64,
    pub buckets: f64,
    pub bytes: usize,
    pub told: Vec<String>,
    pub missed: Vec<String>,
    pub wrong: Vec<String>,
}

/// The metrics that an incident shows in.
fn shows_in(kind: Kind, rules: bool) -> &'static [&'static str] {
    match kind {
        Kind::PromptTokens | Kind::CompletionTokens if rules => &["tokens_per_call", "cost_per_call", "latency"],
        Kind::PromptTokens => &["prompt_tokens_per_call", "cost_per_call"],
        Kind::CompletionTokens => &["completion_tokens_per_call", "cost_per_call", "latency_p50"],
        Kind::ModelSwap => &["cost_per_call", "model_share"],
        Kind::Latency | Kind::LatencyDrift => &["latency_p50", "latency_p95", "latency"],
        Kind::Errors => &["error_ratio"],
        Kind::RateLimits => &["rate_limit_ratio"],
        Kind::Branches => &["branch_share"],
        Kind::Cache => &["cache_hit_ratio"],
        Kind::Silence => &["requests"],
    }
}

/// The bucket after which it was told.
fn hit_bucket(anomaly: &Anomaly) -> usize {
    ((anomaly.detected_at - START) / WIDTH) as usize
}

/// The calls of a bucket that an incident is confined to.
fn calls_of(incident: &Incident, slice: &Slice) -> u64 {
    let place = incident.cause.as_ref().and_then(|(dimension, _)| DIMENSIONS.iter().position(|name| name == dimension));
    match (&incident.cause, place) {
        (Some((_, value)), Some(place)) => slice.by[place].get(value).map_or(0, |figures| figures.calls),
        _ => slice.total.calls,
    }
}

impl Score {
    pub(crate) fn add(&mut self, traffic: &Traffic, found: &Found, rules: bool) {
        let of = |at: Micros| (at - START) / WIDTH;
        let alarm = |anomaly: &&Anomaly| {
            (anomaly.kind == AnomalyKind::Rule) == rules && (rules || anomaly.severity > Severity::Info)
        };
        let alarms: Vec<&Anomaly> = found.anomalies.iter().filter(alarm).collect();
        self.information += found.anomalies.len() - alarms.len();
        self.alarms += alarms.len();
        // What is said within an hour after the end still counts as said of it.
        let during = |anomaly: &Anomaly, incident: &Incident| {
            let at = of(anomaly.detected_at);
            at > incident.onset as i64 && at <= incident.end as i64 + 12
        };
        for incident in &traffic.incidents {
            self.incidents += 1;
            let metrics = shows_in(incident.kind, rules);
            let hit = alarms
                .iter()
                .filter(|a| during(a, incident) && metrics.contains(&&*a.metric))
                .min_by_key(|a| a.detected_at);
            let Some(hit) = hit else {
                let calls: u64 =
                    traffic.slices[incident.onset..incident.end].iter().map(|slice| slice.total.calls).sum();
                self.missed.push(format!("{incident:?} ({calls} calls)"));
                continue;
            };
            self.found += 1;
            let delay = of(hit.detected_at) - incident.onset as i64;
            self.delays.push(delay);
            let affected = traffic.slices[incident.onset..hit_bucket(hit).min(incident.end)]
                .iter()
                .map(|slice| calls_of(incident, slice));
            self.told.push(format!(
                "TOLD after {delay:>3} buckets and {:>4} calls: {:?} {:.2} of {:?} in {}, {:.3} for {:.3}, {}",
                affected.sum::<u64>(),
                incident.kind,
                incident.size,
                incident.cause,
                hit.metric,
                hit.value,
                hit.expected,
                hit.baseline
            ));
            self.by_kind.entry(incident.kind).or_default().push(delay);
            if let Some((dimension, value)) = &incident.cause {
                self.with_cause += 1;
                let first = hit.causes.first();
                if first.is_some_and(|cause| cause.dimension == *dimension && cause.value == *value) {
                    self.right_cause += 1;
                } else {
                    let said: Vec<_> = hit
                        .causes
                        .iter()
                        .map(|c| format!("{}={} {:.2} {:?}", c.dimension, c.value, c.share, c.effect))
                        .collect();
                    self.wrong.push(format!("{:?} {:.2} {dimension}={value}: {said:?}", incident.kind, incident.size));
                }
            }
        }
        for anomaly in &alarms {
            let right = traffic
                .incidents
                .iter()
                .find(|i| during(anomaly, i) && shows_in(i.kind, rules).contains(&&*anomaly.metric));
            self.hits += usize::from(right.is_some());
            if right.is_some() {
                continue;
            }
            self.false_alarms += 1;
            let at = of(anomaly.detected_at);
            let in_incident = traffic.incidents.iter().find(|i| during(anomaly, i)).map(|i| i.kind);
            let near =
                traffic.harmless.iter().find(|(_, r)| at >= r.start as i64 && at <= r.end as i64 + 24).map(|(n, _)| *n);
            self.harmless += usize::from(matches!(near, Some("huge request" | "doubled")) && in_incident.is_none());
            self.wrong.push(format!(
                "FALSE day {} {} {:?} {:.3} for {:.3} [{:?} {near:?}] onset {} {}",
                at / 288,
                anomaly.metric,
                anomaly.kind,
                anomaly.value,
                anomaly.expected,
                in_incident,
                at - of(anomaly.onset),
                anomaly.baseline
            ));
        }
        self.series_weeks += found.series as f64 * 5.0;
        self.time += found.time;
        self.points += (found.watched * traffic.slices.len()) as f64;
        self.buckets += traffic.slices.len() as f64;
        self.bytes = self.bytes.max(found.bytes / found.watched);
    }

    pub(crate) fn recall(&self) -> f64 {
        self.found as f64 / self.incidents.max(1) as f64
    }

    pub(crate) fn precision(&self) -> f64 {
        self.hits as f64 / self.alarms.max(1) as f64
    }

    pub(crate) fn false_rate(&self) -> f64 {
        self.false_alarms as f64 / self.series_weeks.max(1.0)
    }

    pub(crate) fn delay(&self) -> i64 {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        delays.get(delays.len() / 2).copied().unwrap_or_default()
    }

    pub(crate) fn causes(&self) -> f64 {
        self.right_cause as f64 / self.with_cause.max(1) as f64
    }
}
