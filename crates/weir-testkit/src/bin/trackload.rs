//! `weir-trackload`: runs for a tracking server on a loopback address, measured.

use std::io::Write as _;
use std::time::Duration;

use clap::Parser;
use weir_testkit::loadgen::Target;
use weir_testkit::tracking::{Plan, load};

/// Creates runs, logs a batch into each and ends them; prints one line of JSON.
#[derive(Debug, Parser)]
struct Args {
    /// The server, http:// and loopback only.
    #[arg(long)]
    url: String,
    /// Connections at once.
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// Runs in all.
    #[arg(long)]
    runs: u64,
    /// The experiment that they go to.
    #[arg(long, default_value = "0")]
    experiment: String,
    /// Number of the first run.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Log a further batch of so many points into each run and measure that alone.
    #[arg(long, default_value_t = 0)]
    points: usize,
    /// Seconds after which no run begins.
    #[arg(long, default_value_t = 600)]
    limit: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let report = load(&Plan {
        target: Target::parse(&args.url)?,
        clients: args.clients.clamp(1, 256),
        runs: args.runs.min(10_000_000),
        experiment: args.experiment,
        first: args.first,
        points: args.points.min(1_000),
        limit: Duration::from_secs(args.limit.min(3_600)),
    })?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", serde_json::to_string(&report)?)?;
    stdout.flush()?;
    Ok(())
}
