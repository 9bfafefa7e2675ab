//! `weir-loadgen`: load on a loopback address, measured.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use http::{HeaderName, HeaderValue};
use weir_testkit::english::English;
use weir_testkit::loadgen::{Mode, Plan, Spacing, Target, run};

/// Time limit when only a number of requests is given, seconds.
const DEFAULT_LIMIT: f64 = 300.0;
/// Longest run, seconds.
const LONGEST: f64 = 3600.0;
/// Most requests of a run.
const MOST: u64 = 100_000_000;

/// Sends chat completions to a loopback address and prints one line of JSON about the answers.
#[derive(Debug, Parser)]
struct Args {
    /// Where to, http:// and loopback only.
    #[arg(long)]
    url: String,
    /// Further header, NAME:VALUE; may be repeated.
    #[arg(long = "header", value_name = "NAME:VALUE")]
    headers: Vec<String>,
    /// File with the body to send.
    #[arg(long, conflicts_with_all = ["body_size", "vary", "text", "model"])]
    body: Option<PathBuf>,
    /// Bytes of the made prompt.
    #[arg(long, default_value_t = 400)]
    body_size: usize,
    /// Model of the made prompt.
    #[arg(long, default_value = "gpt-4o")]
    model: String,
    /// Make each prompt different.
    #[arg(long)]
    vary: bool,
    /// File of text that made prompts are windows of; without it, random words.
    #[arg(long)]
    text: Option<PathBuf>,
    /// Measure how long content chunks were under way, from the times that the fake provider's `stamp` puts in them.
    #[arg(long)]
    stamps: bool,
    /// Ask for streams (made prompts) and look for their end marks.
    #[arg(long)]
    stream: bool,
    /// Connections in all.
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Seconds after which no request begins.
    #[arg(long)]
    duration: Option<f64>,
    /// Number of requests after which none begins.
    #[arg(long)]
    requests: Option<u64>,
    /// Seconds at the beginning that are not counted.
    #[arg(long, default_value_t = 0.0)]
    warmup: f64,
    /// Open loop: requests a second. Without it each connection sends when it is free.
    #[arg(long)]
    rate: Option<f64>,
    /// The gaps of the open loop.
    #[arg(long, value_enum, default_value = "poisson")]
    spacing: SpacingArg,
    /// Seconds to wait for one answer.
    #[arg(long, default_value_t = 60.0)]
    timeout: f64,
    /// Failures in a row after which a connection gives up.
    #[arg(long, default_value_t = 100)]
    tries: u32,
    /// Threads to spread the connections over.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// File for the ids of answers that were read to their end, one `ID complete` a line.
    #[arg(long)]
    ids: Option<PathBuf>,
    /// Seed of prompts and gaps.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SpacingArg {
    Uniform,
    Poisson,
}

fn main() -> anyhow::Result<()> {
    let report = run(&plan(Args::parse())?)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", report.json())?;
    stdout.flush()?;
    Ok(())
}

fn plan(args: Args) -> anyhow::Result<Plan> {
    let target = Target::parse(&args.url)?;
    let Some(seconds) = args.duration.or(args.requests.map(|_| DEFAULT_LIMIT)) else {
        bail!("say --duration SECONDS or --requests NUMBER");
    };
    if !(0.0..=LONGEST).contains(&seconds) || !(0.0..=LONGEST).contains(&args.warmup) {
        bail!("a run lasts 0 to {LONGEST} seconds");
    }
    if !(0.001..=LONGEST).contains(&args.timeout) {
        bail!("--timeout is 0.001 to {LONGEST} seconds");
    }
    if !(1..=20_000).contains(&args.connections) {
        bail!("--connections is 1 to 20000");
    }
    if args.body_size > 256 << 20 {
        bail!("--body-size is at most 256 MiB");
    }
    let mode = match args.rate {
        None => Mode::Closed,
        Some(rate) if (0.01..=1e6).contains(&rate) => {
            let spacing = match args.spacing {
                SpacingArg::Uniform => Spacing::Uniform,
                SpacingArg::Poisson => Spacing::Poisson,
            };
            Mode::Open { rate, spacing }
        }
        Some(rate) => bail!("--rate {rate} is out of bounds"),
    };
    let body = match &args.body {
        Some(path) => Some(std::fs::read(path).with_context(|| path.display().to_string())?.into()),
        None => None,
    };
    let english = match &args.text {
        Some(path) => English::from_file(path).with_context(|| path.display().to_string())?,
        None => English::Words,
    };
    let ids = match &args.ids {
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            Some(Arc::new(parking_lot::Mutex::new(file)))
        }
        None => None,
    };
    Ok(Plan {
        host: HeaderValue::try_from(target.host.as_str())?,
        target,
        headers: args.headers.iter().map(|header| parse_header(header)).collect::<anyhow::Result<_>>()?,
        body,
        model: args.model,
        body_size: args.body_size,
        vary: args.vary,
        english,
        stamps: args.stamps,
        stream: args.stream,
        connections: args.connections,
        mode,
        duration: Duration::from_secs_f64(seconds),
        warmup: Duration::from_secs_f64(args.warmup),
        requests: args.requests.unwrap_or(MOST).min(MOST),
        timeout: Duration::from_secs_f64(args.timeout),
        tries: args.tries.max(1),
        threads: args.threads.clamp(1, 256),
        ids,
        seed: args.seed,
    })
}

fn parse_header(header: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = header.split_once(':').with_context(|| format!("`{header}` is not NAME:VALUE"))?;
    Ok((HeaderName::try_from(name.trim())?, HeaderValue::try_from(value.trim())?))
}
