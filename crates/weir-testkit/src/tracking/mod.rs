//! Load on a tracking server that speaks MLflow's REST API: runs, each created, logged in one batch and ended, by clients
//! that keep their connection. The same requests for every server.

mod client;
mod run;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::loadgen::{Histogram, Target};
use client::Client;

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub target: Target,
    /// Connections at once.
    pub clients: usize,
    /// Runs in all.
    pub runs: u64,
    /// The experiment they go to.
    pub experiment: String,
    /// Number of the first run; params and metrics follow from it.
    pub first: u64,
    /// Metrics of one further batch per run, all of one key; 0 for none. Times are then of that batch alone.
    pub points: usize,
    /// Seconds after which no run begins.
    pub limit: Duration,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Runs that were created, logged and ended.
    pub runs: u64,
    /// Runs a second.
    pub per_s: f64,
    /// Seconds.
    pub seconds: f64,
    /// Times of a run (or of its batch of points) in milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Longest.
    pub max_ms: f64,
}

/// Does it. The first answer that is not 200 ends it.
///
/// # Errors
/// When a request fails.
pub fn load(plan: &Plan) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, clients(plan))
}

async fn clients(plan: &Plan) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let next = std::rc::Rc::new(std::cell::Cell::new(0));
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..plan.clients {
        let (plan, next) = (plan.clone(), next.clone());
        working.spawn_local(async move {
            let mut client = Client::connect(&plan.target).await?;
            let mut times = Histogram::default();
            while next.get() < plan.runs && begun.elapsed() < plan.limit {
                let number = plan.first + next.replace(next.get() + 1);
                let took = one(&mut client, &plan, number).await?;
                times.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Histogram::default();
    while let Some(done) = working.join_next().await {
        times.merge(&done.context("a client met a defect")??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    if times.count() == 0 {
        bail!("no run was made");
    }
    let ms = |share| times.quantile(share) as f64 / 1e3;
    Ok(Report {
        runs: times.count(),
        per_s: times.count() as f64 / seconds,
        seconds,
        p50_ms: ms(0.5),
        p95_ms: ms(0.95),
        p99_ms: ms(0.99),
        max_ms: times.max() as f64 / 1e3,
    })
}

async fn one(client: &mut Client, plan: &Plan, number: u64) -> anyhow::Result<Duration> {
    const RUNS: &str = "/api/2.0/mlflow/runs/";
    let begun = Instant::now();
    let created = client.post(&format!("{RUNS}create"), &run::create(&plan.experiment, number)).await?;
    let id = run::id(&created)?;
    client.post(&format!("{RUNS}log-batch"), &run::batch(&id, number)).await?;
    if plan.points > 0 {
        let body = run::points(&id, plan.points);
        let begun = Instant::now();
        client.post(&format!("{RUNS}log-batch"), &body).await?;
        return Ok(begun.elapsed());
    }
    client.post(&format!("{RUNS}update"), &run::end(&id, number)).await?;
    Ok(begun.elapsed())
}
