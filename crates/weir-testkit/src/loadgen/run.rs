//! A whole run: threads, connections, and when it ends.

use std::cell::Cell;
use std::fs::File;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex as SyncMutex;
use tokio::sync::{Mutex, mpsc};
use tokio::task::LocalSet;

use super::connection::{Bodies, Connection, Pace};
use super::prompt::Prompt;
use super::report::Report;
use super::schedule::{Schedule, Spacing};
use super::target::Target;
use crate::english::English;

/// Closed or open loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Each connection sends when it is free.
    Closed,
    /// So many requests a second, whatever the answers do.
    Open {
        /// Requests a second.
        rate: f64,
        /// The gaps between them.
        spacing: Spacing,
    },
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// Value of the `host` header.
    pub host: HeaderValue,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body to send; none means prompts made for `model` and `body_size`.
    pub body: Option<Bytes>,
    /// Model of made prompts.
    pub model: String,
    /// Bytes of a made prompt.
    pub body_size: usize,
    /// Each made prompt differs from the others.
    pub vary: bool,
    /// What made prompts are made of.
    pub english: English,
    /// Look for the fake provider's stamps in the chunks of streams.
    pub stamps: bool,
    /// Ask for streams, and count those without an end mark as incomplete.
    pub stream: bool,
    /// Connections in all.
    pub connections: usize,
    /// Closed or open loop.
    pub mode: Mode,
    /// No request begins after this much time.
    pub duration: Duration,
    /// Time at the beginning whose requests are not counted.
    pub warmup: Duration,
    /// No more requests than this.
    pub requests: u64,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Failures in a row after which a connection gives up.
    pub tries: u32,
    /// Threads to spread the connections over.
    pub threads: usize,
    /// Where ids of finished answers go.
    pub ids: Option<Arc<SyncMutex<File>>>,
    /// Seed of prompts and gaps.
    pub seed: u64,
}

/// Carries out a plan. Ends by itself: after `duration` and at most `timeout` more.
///
/// # Errors
/// When a thread or its runtime cannot be started.
pub fn run(plan: &Plan) -> anyhow::Result<Report> {
    let threads = plan.threads.clamp(1, plan.connections.max(1));
    let start = Instant::now();
    let mut handles = Vec::with_capacity(threads);
    for thread in 0..threads {
        let share = |whole: u64| {
            let (whole, thread, threads) = (u128::from(whole), thread as u128, threads as u128);
            (whole * (thread + 1) / threads - whole * thread / threads) as u64
        };
        let connections = share(plan.connections as u64) as usize;
        let requests = share(plan.requests);
        let rate_share = 1.0 / threads as f64;
        let plan = plan.clone();
        let seed = plan.seed.wrapping_add(1 + thread as u64 * 1_000_003);
        handles.push(
            std::thread::Builder::new()
                .name(format!("load-{thread}"))
                .spawn(move || work(plan, connections, requests, rate_share, seed, start))?,
        );
    }
    let mut report = Report::default();
    for handle in handles {
        match handle.join() {
            Ok(part) => report.merge(&part?),
            Err(_) => anyhow::bail!("a thread of the load generator broke down"),
        }
    }
    report.seconds = start.elapsed().saturating_sub(plan.warmup).as_secs_f64();
    Ok(report)
}

fn work(
    plan: Plan,
    connections: usize,
    requests: u64,
    rate_share: f64,
    seed: u64,
    start: Instant,
) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = start + plan.duration;
    let pace = match plan.mode {
        Mode::Closed => Pace::Closed(Rc::new(Cell::new(requests))),
        Mode::Open { rate, spacing } => {
            let (due, receiver) = mpsc::unbounded_channel();
            let schedule = Schedule::new(start, rate * rate_share, spacing, seed);
            std::thread::Builder::new()
                .name("schedule".to_owned())
                .spawn(move || schedule.keep(end, requests, &due))?;
            Pace::Open(Rc::new(Mutex::new(receiver)))
        }
    };
    let plan = Rc::new(plan);
    let mut report = Report::default();
    LocalSet::new().block_on(&runtime, async {
        let mut tasks = Vec::with_capacity(connections);
        for index in 0..connections {
            let mut prompt = Prompt::new(
                &plan.model,
                plan.body_size,
                plan.stream,
                plan.english.clone(),
                seed.wrapping_mul(31).wrapping_add(index as u64),
            );
            let bodies = match &plan.body {
                Some(body) => Bodies::One(body.clone()),
                None if plan.vary => Bodies::Varied(prompt),
                None => Bodies::One(prompt.body()),
            };
            let connection =
                Connection { plan: Rc::clone(&plan), pace: pace.clone(), bodies, end, count_from: start + plan.warmup };
            tasks.push(tokio::task::spawn_local(connection.work()));
        }
        for task in tasks {
            if let Ok(part) = task.await {
                report.merge(&part);
            }
        }
    });
    Ok(report)
}
