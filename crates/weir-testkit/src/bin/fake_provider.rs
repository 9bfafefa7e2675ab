//! `weir-fake-provider`: the fake provider as a program.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use weir_testkit::english::English;
use weir_testkit::fake::{FakeProvider, Options};

/// A provider of language models that answers, or misbehaves, as each request asks.
#[derive(Debug, Parser)]
struct Args {
    /// Address to listen at; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Threads that serve.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Record no requests (for benchmarks).
    #[arg(long)]
    quiet: bool,
    /// File of text that `vary` takes windows of; without it, random words.
    #[arg(long)]
    text: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut builder = match args.threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(args.threads.max(1)).enable_all().build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let english = match &args.text {
        Some(path) => English::from_file(path).with_context(|| path.display().to_string())?,
        None => English::Words,
    };
    let options = Options { listen: args.listen, quiet: args.quiet, english };
    let provider =
        FakeProvider::start_with(options).await.with_context(|| format!("cannot listen at {}", args.listen))?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", provider.url(""))?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
